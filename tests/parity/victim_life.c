/* SPDX-License-Identifier: MIT */
/* Section 15: contexts and accepted requests across fork, vfork, exec, exit and death. */
#include "victim.h"

#include <pthread.h>
#include <sched.h>

#define BLOCKS 16
#define BLOCK 4096ul

static aio_context_t ctx;
static int p[2], data_fd;
static char *blocks;

/* Accepts writes of all blocks, in flight where the file system does O_DIRECT asynchronously. */
static long write_blocks(aio_context_t in, char fill)
{
	static struct iocb cb[BLOCKS], *list[BLOCKS];

	memset(blocks, fill, BLOCKS * BLOCK);
	for (unsigned i = 0; i < BLOCKS; i++)
		list[i] = prep(&cb[i], IOCB_CMD_PWRITE, data_fd, blocks + i * BLOCK, BLOCK,
			       i * BLOCK);
	return aio_submit(in, BLOCKS, list);
}

static int file_holds(int fd, char fill)
{
	char *back = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int good = pread(fd, back, BLOCKS * BLOCK, 0) == BLOCKS * BLOCK;

	for (unsigned i = 0; good && i < BLOCKS * BLOCK; i++)
		good = back[i] == fill;
	munmap(back, BLOCKS * BLOCK);
	return good;
}

static void forked(void)
{
	struct iocb cb;
	struct io_event ev;
	aio_context_t own = 0;
	pid_t pid;
	int probe[2];

	need(!pipe(probe));
	prep_poll(&cb, p[0], POLLIN);
	need(aio_submit1(ctx, &cb) == 1);
	pid = victim_fork();
	if (!pid) {
		obs_num("15.fork/submit", aio_submit1(ctx, &cb));
		obs_num("15.fork/getevents", aio_getevents(ctx, 0, 1, &ev, NULL));
		obs_num("15.fork/cancel", aio_cancel(ctx, &cb, &ev));
		obs_num("15.fork/destroy", aio_destroy(ctx));
		obs_yes("15.fork-ring/mapped", write(probe[1], (void *)ctx, 32) == 32);
		obs_num("15.fork/own-setup", aio_setup(1, &own));
		obs_num("15.fork/own-id", ring_of(own)->id);
		_exit(3);
	}
	obs_num("15.fork/child", wait_child(pid));
	obs_num("15.fork/parent-still-waits", reap_now(ctx, 1, &ev));
	obs_num("15.fork/parent-cancel", aio_cancel(ctx, &cb, &ev));
	obs_num("15.fork/parent-event", reap(ctx, 1, &ev));
}

/* The parent's requests go on, a child born in the meantime or not. */
static void parent_goes_on(void)
{
	struct io_event ev[BLOCKS];
	pid_t pid;

	obs_num("15.fork/parent-writes", write_blocks(ctx, 'p'));
	pid = victim_fork();
	if (!pid)
		_exit(0);
	wait_child(pid);
	obs_num("15.fork/parent-reaps", reap(ctx, BLOCKS, ev));
	obs_yes("15.fork/parent-written", file_holds(data_fd, 'p'));
}

/* --- sharers of the address space ------------------------------------------------------------- */

static aio_context_t made_by_child;
static struct iocb child_cb;

static int sharer(void *arg)
{
	need(!aio_setup(1, &made_by_child));
	prep_poll(&child_cb, p[0], POLLIN);
	return aio_submit1(ctx, &child_cb) == 1 ? 7 : 8;
}

static int sharer_execs(void *arg)
{
	sharer(arg);
	execl("/bin/true", "true", (char *)NULL);
	return 9;
}

static void shared(const char *name, int (*body)(void *), int flags)
{
	char *stack = pages(16), tag[64];
	struct io_event ev;
	pid_t pid = clone(body, stack + 16 * PAGE, CLONE_VM | SIGCHLD | flags, NULL);

	need(pid > 0);
	snprintf(tag, sizeof(tag), "15.%s/child", name);
	obs_num(tag, wait_child(pid));
	snprintf(tag, sizeof(tag), "15.%s/its-context-lives", name);
	obs_num(tag, aio_submit(made_by_child, 0, NULL));
	snprintf(tag, sizeof(tag), "15.%s/its-request-lives", name);
	obs_num(tag, reap_now(ctx, 1, &ev));
	need(write(p[1], "x", 1) == 1);
	snprintf(tag, sizeof(tag), "15.%s/its-event", name);
	obs_num(tag, reap(ctx, 1, &ev));
	need(read(p[0], stack, 1) == 1);
	snprintf(tag, sizeof(tag), "15.%s/destroy", name);
	obs_num(tag, aio_destroy(made_by_child));
	made_by_child = 0;
}

/* --- threads ---------------------------------------------------------------------------------- */

static void *submits_and_exits(void *arg)
{
	prep_poll(&child_cb, p[0], POLLIN);
	return (void *)aio_submit1(ctx, &child_cb);
}

static void *waits_for_leader(void *leader)
{
	struct io_event ev;

	pthread_join(*(pthread_t *)leader, NULL);
	obs_num("15.leader/reads-after-leader-exit", write_blocks(ctx, 'l'));
	obs_num("15.leader/one-event", aio_getevents(ctx, 1, 1, &ev, NULL));
	_exit(ev.res == BLOCK ? 5 : 6);
}

static void threads(void)
{
	struct io_event ev;
	pthread_t thread, leader = pthread_self();
	void *ret;
	pid_t pid;

	need(!pthread_create(&thread, NULL, submits_and_exits, NULL));
	pthread_join(thread, &ret);
	obs_num("15.thread/submit", (long)ret);
	obs_num("15.thread/request-lives", reap_now(ctx, 1, &ev));
	need(write(p[1], "x", 1) == 1);
	obs_num("15.thread/event", reap(ctx, 1, &ev));

	pid = victim_fork();
	if (!pid) {
		ctx = aio_context(32);
		need(!pthread_create(&thread, NULL, waits_for_leader, &leader));
		pthread_exit(NULL);
	}
	obs_num("15.leader/exit", wait_child(pid));
	obs_yes("15.leader/written", file_holds(data_fd, 'l'));
}

/* --- a sharer that has made no call yet survives who made the contexts ----------------------- */

enum { POKE_FD = 100, ANSWER_FD };	/* over an exec */

static int poke[2], answer[2];

/* Its answer is what a look at the old context says, once it is told to look. */
static int late_sharer(void *arg)
{
	char what;

	alarm(VICTIM_SECONDS);
	if (read(poke[0], &what, 1) != 1)
		return 1;
	what = (char)-aio_submit(ctx, 0, NULL);
	return write(answer[1], &what, 1) == 1 ? 7 : 2;
}

static void ask_late_sharer(const char *tag)
{
	char what = 0;

	need(write(poke[1], "", 1) == 1 && read(answer[0], &what, 1) == 1);
	obs_num(tag, -what);
}

/* --- the end of an address space ------------------------------------------------------------- */

static const char *self;

static void exec_self(const char *what, aio_context_t old)
{
	char fd[16], handle[32];

	snprintf(fd, sizeof(fd), "%d", data_fd);
	snprintf(handle, sizeof(handle), "%lu", (unsigned long)old);
	fcntl(data_fd, F_SETFD, 0);
	execl(self, self, what, fd, handle, (char *)NULL);
	victim_tell("exec", -errno);
	_exit(99);
}

/* The contexts of the old image live on in its sharer, and do not show here. */
static int after_exec_beside_sharer(aio_context_t old)
{
	aio_context_t own = 0;

	obs_num("15.clone-vm/exec-old-context", aio_submit(old, 0, NULL));
	obs_num("15.clone-vm/exec-own-setup", aio_setup(1, &own));
	obs_num("15.clone-vm/exec-own-id", ring_of(own)->id);
	poke[1] = POKE_FD;
	answer[0] = ANSWER_FD;
	ask_late_sharer("15.clone-vm/sharer-looks");
	return 11;
}

/* What a new image finds: the data of its predecessor, and nothing else. */
static int after_exec(char **argv)
{
	int fd = atoi(argv[2]);
	aio_context_t old = strtoul(argv[3], NULL, 0), own = 0;
	char tag[64];

	victim_start();
	if (!strcmp(argv[1], "sharer"))
		return after_exec_beside_sharer(old);
	snprintf(tag, sizeof(tag), "15.%s/written", argv[1]);
	obs_yes(tag, file_holds(fd, *argv[1]));
	snprintf(tag, sizeof(tag), "15.%s/old-context", argv[1]);
	obs_num(tag, aio_submit(old, 0, NULL));
	snprintf(tag, sizeof(tag), "15.%s/own-setup", argv[1]);
	obs_num(tag, aio_setup(1, &own));
	snprintf(tag, sizeof(tag), "15.%s/own-id", argv[1]);
	obs_num(tag, ring_of(own)->id);
	return 11;
}

static int run_child(char fill, const char *exec_what, int sig)
{
	pid_t pid = victim_fork();

	if (!pid) {
		struct iocb cb;

		ctx = aio_context(32);
		prep_poll(&cb, p[0], POLLIN);
		need(aio_submit1(ctx, &cb) == 1 && write_blocks(ctx, fill) == BLOCKS);
		if (exec_what)
			exec_self(exec_what, ctx);
		if (sig)
			kill(getpid(), sig);
		_exit(10);
	}
	return wait_child(pid);
}

static void ends(void)
{
	pid_t pid;

	obs_num("15.exit/status", run_child('x', NULL, 0));
	obs_yes("15.exit/written", file_holds(data_fd, 'x'));
	obs_num("15.exec/status", run_child('e', "exec", 0));
	obs_num("15.kill/status", run_child('k', NULL, SIGKILL));
	/* D6: only a later exec waits for what a killed process had got accepted */
	pid = victim_fork();
	if (!pid)
		exec_self("kill", 0);
	obs_num("15.kill/reader", wait_child(pid));
}

static void start_late_sharer(void)
{
	char *stack = pages(16);

	ctx = aio_context(32);
	need(write_blocks(ctx, 's') == BLOCKS);
	need(clone(late_sharer, stack + 16 * PAGE, CLONE_VM | SIGCHLD, NULL) > 0);
}

static void outlived(void)
{
	pid_t pid = victim_fork();

	if (!pid) {
		start_late_sharer();
		dup2(poke[1], POKE_FD);
		dup2(answer[0], ANSWER_FD);
		exec_self("sharer", ctx);
	}
	obs_num("15.clone-vm/after-exec", wait_child(pid));
	pid = victim_fork();
	if (!pid) {
		start_late_sharer();
		kill(getpid(), SIGKILL);
	}
	obs_num("15.clone-vm/maker-killed", wait_child(pid));
	ask_late_sharer("15.clone-vm/after-kill");
	pid = victim_fork();
	if (!pid) {
		start_late_sharer();
		_exit(12);
	}
	obs_num("15.clone-vm/maker-exits", wait_child(pid));
	ask_late_sharer("15.clone-vm/after-exit");
}

static int only_execs(void *arg)
{
	execl("/bin/true", "true", (char *)NULL);
	victim_tell("call", -errno);
	return 9;
}

/* Whoever leaves takes nothing along, though the thread has not called since its execve failed. */
static void child_that_leaves(void)
{
	char *stack = pages(16);
	pid_t pid;

	need(execl("/nonexistent", "x", (char *)NULL) < 0);
	pid = clone(only_execs, stack + 16 * PAGE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	need(pid > 0);
	obs_num("15.failed-exec/child-that-leaves", wait_child(pid));
	obs_num("15.failed-exec/goes-on", aio_submit(ctx, 0, NULL));
}

static void failed_exec(void)
{
	struct io_event ev[BLOCKS];
	char left;

	obs_num("15.failed-exec/submit", write_blocks(ctx, 'n'));
	execl("/nonexistent", "x", (char *)NULL);
	victim_tell("call", -errno);
	obs_num("15.failed-exec/exec", -errno);
	obs_num("15.failed-exec/events", reap(ctx, BLOCKS, ev));
	obs_yes("15.failed-exec/written", file_holds(data_fd, 'n'));
	need(read(p[0], &left, 1) == 1);
	need(execl("/nonexistent", "x", (char *)NULL) < 0);
	shared("failed-exec", sharer, CLONE_VFORK);	/* before the thread itself calls again */
	child_that_leaves();
}

int main(int argc, char **argv)
{
	blocks = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (argc > 1)
		return after_exec(argv);
	victim_start();
	self = "/proc/self/exe";
	need(!pipe(p));
	data_fd = tmp_open(O_RDWR);
	fcntl(data_fd, F_SETFL, O_DIRECT);
	ctx = aio_context(32);
	need(write_blocks(ctx, '0') == BLOCKS);
	need(reap(ctx, BLOCKS, (struct io_event[BLOCKS]){ 0 }) == BLOCKS);
	forked();
	parent_goes_on();
	shared("clone-vm", sharer, 0);
	shared("vfork", sharer, CLONE_VFORK);
	shared("vfork-exec", sharer_execs, CLONE_VFORK);
	threads();
	failed_exec();
	ends();
	need(!pipe(poke) && !pipe(answer));
	outlived();
	return victim_end();
}
