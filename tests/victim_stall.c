/* SPDX-License-Identifier: MIT */
/*
 * victim_stall FUSE-FILE CONTROL LOG DISK-FILE: while children of ours hang on everything that can hang, are the
 * requests of another process quick? Tells the file system (victim_fuse) to hold by CONTROL, and reads in LOG
 * that it does. Prints "quick" or the slowest requests, then "exec waits" or not; whoever hangs is killed then.
 *
 * victim_stall fault FIFO: hands io_submit a buffer whose page is missing (userfaultfd) until FIFO tells, so that
 * the supervisor's copy waits. Prints what io_submit gave.
 */
#include "parity/victim_env.h"

#include <libaio.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#define BLOCK 4096u
#define EACH 24			/* requests of a kind; more than a lane has threads */
#define LIMIT_NS 20000000
#define WINDOW_MS 100
#define WINDOWS 200
#define QUICK_WANTED 20		/* windows without a slow request */

static const char *fuse_file, *log_file, *disk_file;
static int control_fd, ready[2], held[2];

static char *blocks(unsigned n)
{
	char *p = mmap(NULL, n * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	memset(p, 's', n * BLOCK);
	return p;
}

static io_context_t setup(int depth)
{
	io_context_t ctx = NULL;

	need(io_setup(depth, &ctx) == 0);
	return ctx;
}

static void tell_ready(void)
{
	need(write(ready[1], "x", 1) == 1);
}

/* --- what hangs: each in a process of its own -------------------------------------------------- */

static int fuse_open(int flags)
{
	int fd = open(fuse_file, flags | O_CLOEXEC);

	need(fd >= 0);
	return fd;
}

static struct iocb *request(void)
{
	struct iocb *cb = calloc(1, sizeof(*cb));

	need(cb);
	return cb;
}

static void submit_many(io_context_t ctx, int fd, short opcode)
{
	for (unsigned i = 0; i < EACH; i++) {
		struct iocb *cb = request();

		io_prep_pread(cb, fd, blocks(1), BLOCK, (long long)i * BLOCK);
		cb->aio_lio_opcode = opcode;
		if (opcode == IO_CMD_FSYNC || opcode == IO_CMD_FDSYNC)
			io_prep_fsync(cb, fd);
		need(io_submit(ctx, 1, &cb) == 1);
	}
}

static void for_ever(io_context_t ctx)
{
	struct io_event ev;

	tell_ready();
	for (;;)
		io_getevents(ctx, 1, 1, &ev, NULL);
}

static void hang_direct(int fd)
{
	io_context_t ctx = setup(4 * EACH);

	submit_many(ctx, fd, IO_CMD_PREAD);
	submit_many(ctx, fd, IO_CMD_PWRITE);
	submit_many(ctx, fd, IO_CMD_FSYNC);
	for_ever(ctx);
}

/* Its caller waits, as in the kernel. */
static void hang_buffered(int fd)
{
	io_context_t ctx = setup(4);

	tell_ready();
	submit_many(ctx, fd, IO_CMD_PWRITE);
}

/* The limit on sizes wants to know where the end is. */
static void hang_append(int fd)
{
	io_context_t ctx = setup(EACH);

	need(!setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 30, 1 << 30 }));
	tell_ready();
	submit_many(ctx, fd, IO_CMD_PWRITE);
}

/* Every close of this file sends a flush: here of our own descriptor after its requests were refused. */
static void hang_close(int fd)
{
	io_context_t ctx = setup(EACH);

	for (unsigned i = 0; i < EACH; i++) {
		struct iocb *cb = request();

		io_prep_pread(cb, fd, blocks(1), BLOCK, -1);
		need(io_submit(ctx, 1, &cb) == -EINVAL);
		io_prep_pread(cb, fd, blocks(1), BLOCK, 0);
		io_set_eventfd(cb, fd);
		need(io_submit(ctx, 1, &cb) == -EINVAL);
	}
	tell_ready();
	close(fd);
}

static void hang_destroy(int fd)
{
	io_context_t ctx = setup(EACH);

	submit_many(ctx, fd, IO_CMD_PREAD);
	tell_ready();
	io_destroy(ctx);
}

static void hang_exit(int fd)
{
	submit_many(setup(EACH), fd, IO_CMD_PWRITE);
	tell_ready();
	_exit(0);
}

static void hang_exec(int fd)
{
	submit_many(setup(EACH), fd, IO_CMD_PWRITE);
	tell_ready();
	execl("/bin/true", "true", (char *)NULL);
}

static void hang_statfs(int fd)
{
	struct statfs fs;
	struct stat st;

	tell_ready();
	fstatfs(fd, &fs);
	fstat(fd, &st);
}

static void full_pipe(int fd)
{
	static char data[BLOCK];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, data, sizeof(data)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

/* Pipes, empty and full; one by a descriptor for both, which cannot be asked without waiting. */
static void hang_pipes(int fd)
{
	io_context_t ctx = setup(6 * EACH);
	char path[64];
	int empty[2], full[2], both;

	need(!pipe2(empty, O_CLOEXEC) && !pipe2(full, O_CLOEXEC));
	full_pipe(full[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", empty[0]);
	both = open(path, O_RDWR | O_CLOEXEC);
	need(both >= 0);
	submit_many(ctx, empty[0], IO_CMD_PREAD);
	submit_many(ctx, full[1], IO_CMD_PWRITE);
	submit_many(ctx, both, IO_CMD_PREAD);
	for_ever(ctx);
}

/* More completions than a full eventfd can count. */
static void hang_eventfd(int fd)
{
	const uint64_t most = UINT64_MAX - 1;
	int full = eventfd(0, EFD_CLOEXEC), disk = open(disk_file, O_RDWR | O_DIRECT | O_CLOEXEC);
	io_context_t ctx = setup(EACH);
	struct io_event ev[EACH];

	need(full >= 0 && disk >= 0 && write(full, &most, sizeof(most)) == sizeof(most));
	for (unsigned i = 0; i < EACH; i++) {
		struct iocb *cb = request();

		io_prep_pread(cb, disk, blocks(1), BLOCK, 0);
		io_set_eventfd(cb, full);
		need(io_submit(ctx, 1, &cb) == 1);
	}
	need(io_getevents(ctx, EACH, EACH, ev, NULL) == EACH);
	for_ever(ctx);
}

static const struct {
	void (*hang)(int fd);
	int flags;		/* of the FUSE file */
	int itself;		/* by a call of its own, where FUSE lets nobody be killed */
} hangs[] = {
	{ hang_direct, O_RDWR | O_DIRECT, 0 },
	{ hang_buffered, O_RDWR, 0 },
	{ hang_append, O_RDWR | O_APPEND, 0 },
	{ hang_close, O_RDWR | O_NONBLOCK, 1 },
	{ hang_destroy, O_RDWR, 0 },
	{ hang_exit, O_RDWR | O_DIRECT, 0 },
	{ hang_exec, O_RDWR | O_DIRECT, 0 },
	{ hang_statfs, O_RDWR, 1 },
	{ hang_pipes, O_RDWR, 0 },
	{ hang_eventfd, O_RDWR, 0 },
};

static pid_t children[ARRAY_SIZE(hangs)];

/* --- who tells the file system ----------------------------------------------------------------- */

static int logged(const char *line)
{
	static char text[1 << 20];
	int fd = open(log_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	need(n >= 0);
	close(fd);
	text[n] = 0;
	return strstr(text, line) != NULL;
}

static void hold(void)
{
	need(write(control_fd, "hold\n", 5) == 5);
	while (!logged("held\n"))
		poll(NULL, 0, 1);
}

static void hang_child(unsigned i)
{
	int fd = fuse_open(hangs[i].flags);
	char c;

	tell_ready();
	need(read(held[0], &c, 1) == 1);
	hangs[i].hang(fd);
	for (;;)
		pause();
}

/* Each opens the file for itself: who has inherited it could not even die. */
static void start_hanging(void)
{
	char told[ARRAY_SIZE(hangs)];

	need(!pipe2(ready, O_CLOEXEC) && !pipe2(held, O_CLOEXEC));
	for (unsigned i = 0; i < ARRAY_SIZE(hangs); i++) {
		children[i] = victim_fork();
		if (!children[i])
			hang_child(i);
		need(read(ready[0], told, 1) == 1);
	}
	hold();
	need(write(held[1], told, sizeof(told)) == sizeof(told));
	for (unsigned i = 0; i < ARRAY_SIZE(hangs); i++)
		need(read(ready[0], told, 1) == 1);
}

static void wait_hanging(int itself)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hangs); i++) {
		if (hangs[i].itself == itself)
			wait_child(children[i]);
	}
}

static void end_hanging(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hangs); i++)
		kill(children[i], SIGKILL);
	wait_hanging(0);
}

/* --- who must be quick ------------------------------------------------------------------------- */

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static long long one_request(io_context_t ctx, int fd, int write, char *block)
{
	struct iocb cb, *list = &cb;
	struct io_event ev;
	long long begin_ns;

	if (write)
		io_prep_pwrite(&cb, fd, block, BLOCK, 0);
	else
		io_prep_pread(&cb, fd, block, BLOCK, 0);
	begin_ns = now_ns();
	need(io_submit(ctx, 1, &list) == 1 && io_getevents(ctx, 1, 1, &ev, NULL) == 1);
	need(ev.res == BLOCK);
	return now_ns() - begin_ns;
}

/*
 * Others have the machine too: how late is a process that is woken by another and reads the disk, without us? A
 * child plays the supervisor.
 */
static int to_echo[2], from_echo[2], echo_file;

static void echo(void)
{
	char *block = blocks(1), c;

	while (read(to_echo[0], &c, 1) == 1) {
		if (c == 'd')
			need(pread(echo_file, block, BLOCK, 0) == BLOCK);
		need(write(from_echo[1], &c, 1) == 1);
	}
	syscall(SYS_kill, getpid(), SIGKILL);	/* an exit would be the supervisor's to answer */
}

static pid_t start_echo(void)
{
	pid_t pid;

	need(!pipe2(to_echo, O_CLOEXEC) && !pipe2(from_echo, O_CLOEXEC));
	echo_file = open(disk_file, O_RDONLY | O_DIRECT | O_CLOEXEC);
	pid = victim_fork();
	if (!pid) {
		close(to_echo[1]);
		echo();
	}
	return pid;
}

static void end_echo(pid_t pid)
{
	close(to_echo[1]);
	wait_child(pid);
	close(to_echo[0]);
	close(from_echo[0]);
	close(from_echo[1]);
	close(echo_file);
}

static long long one_echo(char c)
{
	long long begin_ns = now_ns();

	need(write(to_echo[1], &c, 1) == 1 && read(from_echo[0], &c, 1) == 1);
	return now_ns() - begin_ns;
}

struct window {
	long long request_ns, echo_ns;		/* slowest */
};

static struct window window_measure(io_context_t ctx, int direct, int buffered, char *block)
{
	long long end_ns = now_ns() + WINDOW_MS * 1000000ll, ns;
	struct window w = { 0, 0 };

	for (unsigned n = 0; now_ns() < end_ns; n++) {
		ns = one_request(ctx, n & 1 ? direct : buffered, n & 2, block);
		w.request_ns = ns > w.request_ns ? ns : w.request_ns;
		ns = one_echo(n & 1 ? 'd' : 'm');
		w.echo_ns = ns > w.echo_ns ? ns : w.echo_ns;
	}
	return w;
}

/* A slow window counts only where the machine itself was quick. */
static void measure(const char *what)
{
	int direct = open(disk_file, O_RDWR | O_DIRECT | O_CLOEXEC);
	int buffered = open(disk_file, O_RDWR | O_CLOEXEC);
	unsigned quick = 0, slow = 0, noisy = 0;
	io_context_t ctx = setup(4);
	char *block = blocks(1);
	pid_t pid = start_echo();

	need(direct >= 0 && buffered >= 0);
	for (unsigned n = 0; n < WINDOWS && quick < QUICK_WANTED; n++) {
		struct window w = window_measure(ctx, direct, buffered, block);

		if (w.request_ns < LIMIT_NS)
			quick++;
		else if (w.echo_ns < LIMIT_NS / 4)
			slow++;
		else
			noisy++;
	}
	end_echo(pid);
	if (slow <= quick / 4 && (quick == QUICK_WANTED || noisy > quick))
		printf("%s: quick\n", what);
	else
		printf("%s: %u windows quick, %u slow, %u too noisy to tell\n", what, quick, slow, noisy);
	fflush(stdout);
	io_destroy(ctx);
}

/* Writes of the dead are on their way (D6). */
static pid_t start_exec(void)
{
	pid_t pid = victim_fork();
	struct pollfd p = { .events = POLLIN };

	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	}
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	need(p.fd >= 0);
	printf("%s\n", poll(&p, 1, 500) ? "exec does not wait" : "exec waits");
	close(p.fd);
	fflush(stdout);
	return pid;
}

static int stall(void)
{
	pid_t pid;

	start_hanging();
	measure("others hang");
	end_hanging();
	pid = start_exec();
	measure("others are dead");
	printf("measured\n");
	fflush(stdout);
	need(wait_child(pid) == 0);	/* when somebody has told the file system */
	wait_hanging(1);
	return 0;
}

/* --- a page that does not come ----------------------------------------------------------------- */

static int fault(const char *fifo)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), c;
	struct iocb cb, *list = &cb;
	io_context_t ctx;
	pid_t pid;
	int ret;

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
		printf("no userfaultfd\n");
		return 0;
	}
	reg.range = (struct uffdio_range){ (uintptr_t)page, PAGE };
	need(fd >= 0 && page != MAP_FAILED && !ioctl(uffd, UFFDIO_REGISTER, &reg));
	ctx = setup(1);
	pid = victim_fork();
	if (!pid) {		/* has the descriptor, which is all that it needs */
		struct uffdio_zeropage zero = { .range = reg.range };
		int told = open(fifo, O_RDONLY | O_CLOEXEC);

		need(told >= 0 && read(told, &c, 1) == 1);
		need(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
		syscall(SYS_kill, getpid(), SIGKILL);	/* an exit would wait for the loop */
	}
	io_prep_pwrite(&cb, fd, page, PAGE, 0);
	ret = io_submit(ctx, 1, &list);
	printf("io_submit: %d\n", ret);
	return 0;
}

int main(int argc, char **argv)
{
	need(argc > 2);
	alarm(2 * VICTIM_SECONDS);
	if (strcmp(argv[1], "fault") == 0)
		return fault(argv[2]);
	need(argc == 5);
	fuse_file = argv[1];
	control_fd = open(argv[2], O_RDWR | O_CLOEXEC);
	log_file = argv[3];
	disk_file = argv[4];
	need(control_fd >= 0);
	return stall();
}
