/* SPDX-License-Identifier: MIT */
/*
 * victim_steps STEP...: does them in this order and prints a line for each, "setup: 0" or "setup: EAGAIN".
 *
 *	setup		io_setup, the context of all later steps
 *	file=PATH	writes and reads PATH by O_DIRECT and buffered, compares: bytes moved
 *	pipe		reads 8 bytes that are in a pipe
 *	poll		POLL of a readable pipe
 *	thread		pipe, by a thread that is not the leader
 *	vfork		pipe, by a vfork child, who then execs true
 *	exec		setup and file of a new image: not seen here, the later steps are its
 *	filter		installs a filter of its own, which refuses getppid(2)
 *	listener	wants a listener of its own
 *	drop		becomes nobody
 *	nodump		makes itself not dumpable
 *	destroy		io_destroy
 */
#include "parity/victim_env.h"

#include <grp.h>
#include <libaio.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>

#define BYTES 65536
#define NOBODY 65534

static io_context_t ctx;

static void print(const char *step, long value)
{
	if (value < 0)
		printf("%s: %s\n", step, strerrorname_np((int)-value));
	else
		printf("%s: %ld\n", step, value);
	fflush(stdout);
}

static long one(struct iocb *cb)
{
	struct io_event ev;
	int ret = io_submit(ctx, 1, &cb);

	if (ret != 1)
		return ret;
	ret = io_getevents(ctx, 1, 1, &ev, NULL);
	return ret == 1 ? (long)ev.res : ret;
}

static long file_by(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	char *out = mmap(NULL, 2 * BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *in = out + BYTES;
	struct iocb cb;
	long n;

	if (fd < 0)
		return -errno;
	memset(out, flags ? 'd' : 'b', BYTES);
	io_prep_pwrite(&cb, fd, out, BYTES, 0);
	n = one(&cb);
	if (n == BYTES) {
		io_prep_pread(&cb, fd, in, BYTES, 0);
		n = one(&cb);
	}
	if (n == BYTES && memcmp(in, out, BYTES))
		n = -EILSEQ;
	close(fd);
	munmap(out, 2 * BYTES);
	return n;
}

static long by_pipe(int opcode)
{
	char data[8] = "";
	struct iocb cb;
	int fds[2];
	long n;

	need(!pipe2(fds, O_CLOEXEC) && write(fds[1], "12345678", 8) == 8);
	io_prep_pread(&cb, fds[0], data, 8, 0);
	if (opcode == IO_CMD_POLL)
		io_prep_poll(&cb, fds[0], POLLIN);
	n = one(&cb);
	if (n == 8 && memcmp(data, "12345678", 8))
		n = -EILSEQ;
	close(fds[0]);
	close(fds[1]);
	return n;
}

static void *thread(void *arg)
{
	return (void *)by_pipe(IO_CMD_PREAD);
}

static long by_thread(void)
{
	pthread_t t;
	void *ret = NULL;

	need(!pthread_create(&t, NULL, thread, NULL) && !pthread_join(t, &ret));
	return (long)ret;
}

static int vfork_child(void *arg)
{
	*(long *)arg = by_pipe(IO_CMD_PREAD);
	execl("/bin/true", "true", (char *)NULL);
	return 99;
}

static long by_vfork(void)
{
	char *stack = pages(32);
	long n = -1;

	need(wait_child(clone(vfork_child, stack + 32 * PAGE, CLONE_VM | CLONE_VFORK | SIGCHLD, &n)) == 0);
	return n;
}

static long install(uint32_t action)
{
	scmp_filter_ctx policy = seccomp_init(SCMP_ACT_ALLOW);
	int ret;

	need(policy && !seccomp_rule_add(policy, action, SCMP_SYS(getppid), 0));
	ret = seccomp_load(policy);
	if (ret == 0 && action == SCMP_ACT_ERRNO(ENOTTY) && syscall(SYS_getppid) != -1)
		ret = -EILSEQ;
	return ret == -ECANCELED ? -errno : ret;
}

static long drop(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return 0;
}

static void file_step(const char *path)
{
	print("direct", file_by(path, O_DIRECT));
	print("buffered", file_by(path, 0));
}

static long step(const char *name, char **rest)
{
	if (!strcmp(name, "setup"))
		return io_setup(8, &ctx);
	if (!strcmp(name, "pipe"))
		return by_pipe(IO_CMD_PREAD);
	if (!strcmp(name, "poll"))
		return by_pipe(IO_CMD_POLL);
	if (!strcmp(name, "thread"))
		return by_thread();
	if (!strcmp(name, "vfork"))
		return by_vfork();
	if (!strcmp(name, "exec")) {
		execv("/proc/self/exe", rest);
		return -errno;
	}
	if (!strcmp(name, "filter"))
		return install(SCMP_ACT_ERRNO(ENOTTY));
	if (!strcmp(name, "listener"))
		return install(SCMP_ACT_NOTIFY);
	if (!strcmp(name, "drop"))
		return drop();
	if (!strcmp(name, "nodump"))
		return prctl(PR_SET_DUMPABLE, 0) ? -errno : 0;
	if (!strcmp(name, "destroy"))
		return io_destroy(ctx);
	return -ENOSYS;
}

int main(int argc, char **argv)
{
	alarm(VICTIM_SECONDS);
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "file=", 5))
			file_step(argv[i] + 5);
		else
			print(argv[i], step(argv[i], argv + i));
	}
	return 0;
}
