/* SPDX-License-Identifier: MIT */
/*
 * Sections 19, 3, 4, 8 and 10: what the kernel does that has a place in no single call, and what
 * the supervisor builds upon. Some of it is true without any AIO, and true in the sandbox too.
 */
#include "victim.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define ROUNDS 10000u

static aio_context_t ctx;
static struct ring *ring;
static const char *self;

/* --- access to another's memory and descriptors ----------------------------------------------- */

static void protection(void)
{
	char *page = pages(1), byte = 'x';
	struct iovec from = { &byte, 1 }, to = { page, 1 };
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	need(mem >= 0 && !mprotect(page, PAGE, PROT_READ));
	obs_num("19.protection/process-vm-writev",
		process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0 ? -errno : 0);
	obs_num("19.protection/proc-mem", pwrite(mem, &byte, 1, (off_t)(uintptr_t)page));
	obs("19.protection/written", "%c", *page);
	close(mem);
}

static const char *image(void *at, int mem, pid_t pid)
{
	static char text[2][64];
	static unsigned next;
	char *t = text[next++ % 2];
	long word;
	struct iovec local = { &word, 1 }, remote = { at, 1 };
	ssize_t by_mem = pread(mem, &word, 1, (off_t)(uintptr_t)at);

	by_mem = by_mem < 0 ? -errno : by_mem;
	snprintf(t, sizeof(text[0]), "%s %s", num(by_mem),
		 num(process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 ? -errno : 1));
	return t;
}

/* A descriptor of /proc/PID/mem is of the memory that was there when it was opened. */
static void memory_across_exec(void)
{
	int there[2], go[2], mem;
	char path[64], c;
	pid_t pid;

	need(!pipe(there) && !pipe(go));
	pid = victim_fork();
	if (!pid) {
		need(dup2(there[1], STDOUT_FILENO) >= 0 && dup2(go[0], STDIN_FILENO) >= 0);
		need(read(go[0], &c, 1) == 1);
		execl(self, self, "waits", (char *)NULL);
		_exit(99);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	need(mem >= 0);
	obs("19.mem-exec/before", "%s", image(&ctx, mem, pid));
	need(write(go[1], "x", 1) == 1 && read(there[0], &c, 1) == 1);
	obs("19.mem-exec/after", "%s", num(pread(mem, &c, 1, (off_t)(uintptr_t)&ctx)));
	need(write(go[1], "x", 1) == 1);
	obs_num("19.mem-exec/child", wait_child(pid));
	close(mem);
}

static int waits(void)
{
	char c;

	return write(STDOUT_FILENO, "x", 1) == 1 && read(STDIN_FILENO, &c, 1) == 1 ? 0 : 1;
}

struct table {
	_Atomic pid_t tid;
	_Atomic int fd;
	int leave[2];
};

static void *has_own_table(void *arg)
{
	struct table *t = arg;
	char c;

	need(!unshare(CLONE_FILES));
	t->fd = fcntl(open("/dev/zero", O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 200);
	t->tid = gettid();
	need(read(t->leave[0], &c, 1) == 1);
	return NULL;
}

/* pidfd_getfd looks at the table of the task that the pidfd names. */
static void descriptors(void)
{
	struct table t = { 0 };
	pthread_t thread;
	int process = syscall(SYS_pidfd_open, getpid(), 0), task;
	long by_process, by_task;

	need(!pipe(t.leave) && process >= 0);
	need(!pthread_create(&thread, NULL, has_own_table, &t));
	while (!t.tid)
		sched_yield();
	task = syscall(SYS_pidfd_open, t.tid, PIDFD_THREAD);
	by_process = syscall(SYS_pidfd_getfd, process, t.fd, 0);
	by_process = by_process < 0 ? -errno : 0;
	by_task = task < 0 ? -1 : syscall(SYS_pidfd_getfd, task, t.fd, 0);
	by_task = by_task < 0 ? -errno : 0;
	obs("19.pidfd-getfd/of-the-process", "%s", num(by_process));
	obs("19.pidfd-getfd/of-the-thread", "%s", num(by_task));
	need(write(t.leave[1], "x", 1) == 1);
	pthread_join(thread, NULL);
}

/* --- entries before the tail ------------------------------------------------------------------ */

static _Atomic unsigned published, good;

static void *looks_at_once(void *arg)
{
	uint32_t at = ring->head;

	for (unsigned looks = 0; published < ROUNDS; looks++) {
		if (at == ring->tail) {
			if (looks % 1000 == 0)
				sched_yield();
			continue;
		}
		if (ring->event[at].res != 1)
			victim_tell("event", ring->event[at].res);
		good += ring->event[at].data == published && ring->event[at].res == 1 &&
			ring->event[at].obj;
		memset(&ring->event[at], 0, sizeof(ring->event[at]));
		at = (at + 1) % ring->nr;
		ring->head = at;
		published++;
	}
	return NULL;
}

static void order(void)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pthread_t thread;
	char byte;

	ctx = aio_context(64);
	ring = ring_of(ctx);
	need(!pthread_create(&thread, NULL, looks_at_once, NULL));
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct iocb cb;

		prep(&cb, IOCB_CMD_PREAD, zero, &byte, 1, 0)->aio_data = i;
		while (aio_submit1(ctx, &cb) != 1)
			sched_yield();
	}
	pthread_join(thread, NULL);
	obs_num("3.order/entry-before-tail", good);
	aio_destroy(ctx);
	close(zero);
}

/* --- the mapping ------------------------------------------------------------------------------ */

/* The mapping that begins there: its end, and what is resident of it; 0 if none does. */
static unsigned long resident(unsigned long at, long *kib)
{
	unsigned long start, end, found = 0;
	char line[256];
	FILE *f = fopen("/proc/self/smaps", "re");

	need(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			found = start == at ? end : 0;
		else if (found && sscanf(line, "Rss: %ld kB", kib) == 1)
			break;
	}
	fclose(f);
	return found;
}

static void mapping(void)
{
	aio_context_t first = aio_context(8), second = aio_context(8);
	long kib = -1, touched = -1;
	unsigned long end = resident(first, &kib);

	obs_yes("4.placement/one-mapping-each", end == first + PAGE &&
		resident(second, &touched) == second + PAGE);
	obs_yes("4.placement/downwards", second < first);
	obs_num("4.rss/fresh", kib);
	need(ring_of(first)->magic);
	resident(first, &kib);
	obs_num("4.rss/touched", kib * 1024 / (long)PAGE);
	aio_destroy(first);
	aio_destroy(second);
}

/* --- /proc/self/io, keys of other wakes ------------------------------------------------------- */

struct counts {
	long rchar, wchar, syscr, syscw, read_bytes, write_bytes;
};

static struct counts counts(void)
{
	struct counts c;
	char text[512] = "";
	int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);

	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	need(sscanf(text, "rchar: %ld wchar: %ld syscr: %ld syscw: %ld read_bytes: %ld "
		    "write_bytes: %ld", &c.rchar, &c.wchar, &c.syscr, &c.syscw, &c.read_bytes,
		    &c.write_bytes) == 6);
	return c;
}

/* The look at the counters is a read itself, and counted when it is over. */
static void accounting(void)
{
	static char buf[65536];
	int fd = tmp_open(O_RDWR);
	struct counts first, before, after;
	struct iocb cb[2], *list[] = {
		prep(&cb[0], IOCB_CMD_PWRITE, fd, buf, sizeof(buf), 0),
		prep(&cb[1], IOCB_CMD_PREAD, fd, buf, sizeof(buf), 0),
	};
	struct io_event ev[2];

	ctx = aio_context(8);
	first = counts();
	before = counts();
	need(aio_submit(ctx, 2, list) == 2 && reap(ctx, 2, ev) == 2);
	after = counts();
	obs_yes("8.proc-io/rchar", after.rchar - before.rchar < 4096);
	obs_num("8.proc-io/wchar", after.wchar - before.wchar);
	obs_num("8.proc-io/syscr",
		after.syscr - before.syscr - (before.syscr - first.syscr));
	obs_num("8.proc-io/syscw", after.syscw - before.syscw);
	obs_num("8.proc-io/write-bytes", after.write_bytes - before.write_bytes);
	aio_destroy(ctx);
	close(fd);
}

/* What comes to a full socket is no news for the one who waits to write. */
static void other_keys(void)
{
	static char buf[4096];
	struct iocb cb;
	struct io_event ev;
	int s[2];

	ctx = aio_context(8);
	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	while (write(s[0], buf, sizeof(buf)) > 0)
		;
	need(aio_submit1(ctx, prep_poll(&cb, s[0], POLLOUT)) == 1);
	need(write(s[1], "data", 4) == 4);
	poll(NULL, 0, 20);	/* nothing is to happen: time enough for it to happen wrongly */
	obs_num("10.other-key/data-for-who-wants-to-write", reap_now(ctx, 1, &ev));
	while (read(s[1], buf, sizeof(buf)) > 0)
		;
	obs_num("10.other-key/room", reap(ctx, 1, &ev));
	aio_destroy(ctx);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return waits();
	self = argv[0];
	victim_start();
	mapping();
	protection();
	memory_across_exec();
	descriptors();
	order();
	accounting();
	other_keys();
	return victim_end();
}
