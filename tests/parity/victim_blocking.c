/* SPDX-License-Identifier: MIT */
/*
 * Section 8.2: what waits for a peer blocks io_submit itself, and what ends that. One scene is one
 * kind of file and one thing that happens while a thread submits {a transfer that waits, a read of
 * /dev/zero}; each runs in a process of its own, several at a time. With --submit=auto the sandbox
 * does not block (D1); everything that is the same either way is told in the same words.
 */
#include "victim.h"
#include "blocking.h"

#include <pthread.h>
#include <sys/ptrace.h>

#define AT_ONCE_MS 500			/* io_submit returns within that or it blocks */
#define AT_A_TIME 12

/* --- one scene ----------------------------------------------------------------------------------- */

static aio_context_t ctx;
static int zero_fd, done_fd[2];
static char first[65536], zero[8];
static struct iocb cbs[2], *list[2];
static long submitted, destroyed;
static _Atomic pid_t submitter_tid;

static void handler(int sig)
{
}

static void *submitter(void *arg)
{
	submitter_tid = gettid();
	submitted = aio_submit(ctx, 2, list);
	need(write(done_fd[1], "d", 1) == 1);
	return NULL;
}

static int returned(int ms)
{
	struct pollfd done = { .fd = done_fd[0], .events = POLLIN };

	return poll(&done, 1, ms) == 1;
}

/*
 * A trapped call sleeps from its first moment on; a busy machine's supervisor may come to it much
 * later, and what ends it before that ends another call ({19.no-restart}). Calls are received in
 * their order: when this one is answered, the earlier one is more than that.
 */
static int heard_and_blocks(void)
{
	need(aio_destroy(0) == -EINVAL);
	return !returned(AT_ONCE_MS / 2);
}

/* Starts them; tells whether io_submit blocks. */
static int start_requests(pthread_t *thread, struct iocb *a, struct iocb *b)
{
	need(!pipe2(done_fd, O_CLOEXEC));
	ctx = aio_context(8);
	list[0] = a;
	list[1] = b;
	need(!pthread_create(thread, NULL, submitter, NULL));
	while (!returned(AT_ONCE_MS)) {
		if (submitter_tid && sleeps_in(getpid(), submitter_tid) == SYS_io_submit)
			return heard_and_blocks();
	}
	return 0;
}

static int start(pthread_t *thread, int op, int fd, size_t length)
{
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	need(zero_fd >= 0);
	return start_requests(thread, prep(&cbs[0], op, fd, first, length, 0),
			      prep(&cbs[1], IOCB_CMD_PREAD, zero_fd, zero, 5, 0));
}

/* Whether it blocks, what was accepted, the results of both; those that are not there yet wait. */
static void tell(const char *rule, const char *name, int blocks, const char *meanwhile, long wait)
{
	const char *res[2] = { "waits", "waits" };
	struct io_event ev[2];
	char tag[64];
	long n = wait ? reap(ctx, wait, ev) : reap_now(ctx, 2, ev);

	for (long i = 0; i < n; i++)
		res[ev[i].obj == (uintptr_t)&cbs[1]] = num(ev[i].res);
	snprintf(tag, sizeof(tag), "%s/%s", rule, name);
	obs(tag, "%s%s, %ld accepted: %s %s", blocks ? "blocks" : "returns", meanwhile, submitted,
	    res[0], res[1]);
}

static const char *joined(const char *a, const char *b)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s-%s", a, b);
	return text;
}

/* --- what can happen ----------------------------------------------------------------------------- */

static void data_comes(const struct kind *k, int end[2])
{
	struct ring *ring;
	pthread_t thread;
	char tag[64];
	int blocks = start(&thread, IOCB_CMD_PREAD, end[0], LENGTH);

	ring = ring_of(ctx);
	snprintf(tag, sizeof(tag), "8.2.list-waits/%s", k->name);
	obs_num(tag, ring->tail);
	k->feed(end[1]);
	pthread_join(thread, NULL);
	tell("8.2.blocks", k->name, blocks, "", 2);
}

static void signalled(const struct kind *k, int end[2], int flags, const char *how)
{
	pthread_t thread;
	int blocks;

	on_signal(SIGUSR1, handler, flags);
	blocks = start(&thread, IOCB_CMD_PREAD, end[0], LENGTH);
	syscall(SYS_tgkill, getpid(), submitter_tid, SIGUSR1);
	need(returned(10000));
	pthread_join(thread, NULL);
	tell("8.2.signal", joined(k->name, how), blocks, "", 0);
}

static void signal_comes(const struct kind *k, int end[2])
{
	signalled(k, end, 0, "once");
}

static void restarting_signal_comes(const struct kind *k, int end[2])
{
	signalled(k, end, SA_RESTART, "restart");
}

static char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && !close(fd));
	return strrchr(text, ')')[2];
}

/* From outside: stops us, and lets us go on. */
static pid_t stopper(void (*stop)(pid_t pid))
{
	const pid_t us = getpid(), pid = victim_fork();

	if (!pid) {
		stop(us);
		_exit(0);
	}
	return pid;
}

static void stop_and_continue(pid_t pid)
{
	need(!kill(pid, SIGSTOP));
	while (state_of(pid) != 'T')
		poll(NULL, 0, 1);	/* only its parent gets an event */
	need(!kill(pid, SIGCONT));
}

static void trace_and_let_go(pid_t pid)
{
	const pid_t tid = submitter_tid;
	int status;

	need(!ptrace(PTRACE_SEIZE, tid, 0, 0) && !ptrace(PTRACE_INTERRUPT, tid, 0, 0));
	need(waitpid(tid, &status, __WALL) == tid);
	need(!ptrace(PTRACE_DETACH, tid, 0, 0));
}

static void stopped(const struct kind *k, int end[2], void (*stop)(pid_t pid), const char *rule)
{
	pthread_t thread;
	int blocks = start(&thread, IOCB_CMD_PREAD, end[0], LENGTH);

	if (blocks || stop == stop_and_continue)
		need(wait_child(stopper(stop)) == 0);
	need(returned(10000));
	pthread_join(thread, NULL);
	tell(rule, k->name, blocks, "", 0);
}

static void stop_comes(const struct kind *k, int end[2])
{
	stopped(k, end, stop_and_continue, "8.2.stop");
}

static void tracer_comes(const struct kind *k, int end[2])
{
	stopped(k, end, trace_and_let_go, "8.2.ptrace");
}

/* One that is ignored, one whose default is that, one that is blocked: then the data. */
static void nothing_comes(const struct kind *k, int end[2])
{
	const int signals[] = { SIGUSR1, SIGWINCH, SIGUSR2 };
	pthread_t thread;
	sigset_t blocked;
	int blocks, still;

	signal(SIGUSR1, SIG_IGN);
	on_signal(SIGUSR2, handler, 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	need(!pthread_sigmask(SIG_BLOCK, &blocked, NULL));
	blocks = start(&thread, IOCB_CMD_PREAD, end[0], LENGTH);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		syscall(SYS_tgkill, getpid(), submitter_tid, signals[i]);
	still = !returned(200);
	k->feed(end[1]);
	need(returned(10000));
	pthread_join(thread, NULL);
	tell("8.2.ignored", k->name, blocks, still ? " still" : "", 2);
}

static void *destroyer(void *arg)
{
	destroyed = aio_destroy(ctx);
	need(write(done_fd[1], "D", 1) == 1);
	return NULL;
}

/* The other thread's io_destroy waits for the io_submit: its answer does not come before. */
static void destroy_comes(const struct kind *k, int end[2])
{
	pthread_t thread, other;
	char order[3] = "";
	char tag[64];
	int blocks = start(&thread, IOCB_CMD_PREAD, end[0], LENGTH), waits;

	if (!blocks)
		need(read(done_fd[0], order, 1) == 1);
	need(!pthread_create(&other, NULL, destroyer, NULL));
	waits = !returned(1500);	/* natively an idle one takes 30 ms, here a ptrace episode */
	k->feed(end[1]);
	pthread_join(thread, NULL);
	pthread_join(other, NULL);
	need(read(done_fd[0], order + !blocks, 2) == (blocks ? 2 : 1));
	snprintf(tag, sizeof(tag), "8.2.destroy/%s", k->name);
	obs(tag, "%s, io_destroy %s, %ld accepted, %s", blocks ? "blocks" : "returns",
	    waits ? "waits" : "does not wait", submitted, num(destroyed));
}

static void kill_comes(const struct kind *k, int end[2])
{
	pid_t pid = victim_fork();
	char tag[64];

	if (!pid) {
		/* counted as a call that did not come back or never arrived, and its requests so too */
		victim_count->calls++;
		victim_count->broken++;
		victim_count->requests += 2;
		victim_count->killed += 2;
		ctx = aio_context(8);
		zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		list[0] = prep(&cbs[0], IOCB_CMD_PREAD, end[0], first, LENGTH, 0);
		list[1] = prep(&cbs[1], IOCB_CMD_PREAD, zero_fd, zero, 5, 0);
		syscall(SYS_io_submit, ctx, 2, list);
		pause();
	}
	wait_blocked_in(pid, pid, SYS_io_submit, SYS_pause);
	need(!kill(pid, SIGKILL));
	snprintf(tag, sizeof(tag), "8.2.killed/%s", k->name);
	obs_num(tag, wait_child(pid));
}

/* Two reads of one file take what comes in the order of the list. */
static void data_for_two_comes(const struct kind *k, int end[2])
{
	static char second[8];
	struct io_event ev[2];
	pthread_t thread;

	start_requests(&thread, prep(&cbs[0], IOCB_CMD_PREAD, end[0], first, 4, 0),
		       prep(&cbs[1], IOCB_CMD_PREAD, end[0], second, 4, 0));
	obs_num("13.only-poll/read-that-waits", aio_cancel(ctx, &cbs[0], NULL));
	need(write(end[1], "datamore", 8) == 8);
	pthread_join(thread, NULL);
	need(reap(ctx, 2, ev) == 2);
	obs("8.2.list-waits/in-order", "%ld accepted: %.4s %.4s %s", submitted, first, second,
	    ev[0].obj == (uintptr_t)&cbs[0] ? "yes" : "no");
}

/* --- writes -------------------------------------------------------------------------------------- */

static void room_comes(const struct kind *k, int end[2])
{
	pthread_t thread;
	int blocks;

	fill(end[0]);
	blocks = start(&thread, IOCB_CMD_PWRITE, end[0], LENGTH);
	drain(end[1]);
	need(returned(10000));
	pthread_join(thread, NULL);
	tell("8.2.blocks", joined(k->name, "write"), blocks, "", 2);
}

static void signal_comes_to_write(const struct kind *k, int end[2])
{
	pthread_t thread;
	int blocks;

	fill(end[0]);
	on_signal(SIGUSR1, handler, SA_RESTART);
	blocks = start(&thread, IOCB_CMD_PWRITE, end[0], LENGTH);
	syscall(SYS_tgkill, getpid(), submitter_tid, SIGUSR1);
	need(returned(10000));
	pthread_join(thread, NULL);
	tell("8.2.signal", joined(k->name, "write"), blocks, "", 0);
}

/* 10000 bytes where there is room for one page. */
static void signal_comes_to_long_write(const struct kind *k, int end[2])
{
	pthread_t thread;
	int blocks, pipes[2];

	need(!pipe2(pipes, O_CLOEXEC) && fcntl(pipes[1], F_SETPIPE_SZ, PAGE) == PAGE);
	on_signal(SIGUSR1, handler, 0);
	blocks = start(&thread, IOCB_CMD_PWRITE, pipes[1], 10000);
	syscall(SYS_tgkill, getpid(), submitter_tid, SIGUSR1);
	need(returned(10000));
	pthread_join(thread, NULL);
	tell("8.2.short", "pipe", blocks, "", 0);
}

/* --- all of them --------------------------------------------------------------------------------- */

typedef void trial_fn(const struct kind *k, int end[2]);

static unsigned running;

static void reap_child(void)
{
	int status;

	need(wait(&status) > 0 && status == 0);
	running--;
}

static void play(trial_fn *trial, const struct kind *k)
{
	int end[2];

	if (running == AT_A_TIME)
		reap_child();
	running++;
	if (victim_fork())
		return;
	running = 0;
	k->open(end);
	trial(k, end);
	_exit(0);
}

int main(void)
{
	trial_fn *const reads[] = { data_comes, signal_comes, restarting_signal_comes, stop_comes,
				    tracer_comes, nothing_comes, destroy_comes, kill_comes };

	victim_start();
	aio_destroy(aio_context(1));	/* the one whose aio-nr is looked at */
	for (unsigned i = 0; i < KINDS; i++) {
		for (unsigned j = 0; j < ARRAY_SIZE(reads); j++)
			play(reads[j], &kinds[i]);
		if (kinds[i].fills) {
			play(room_comes, &kinds[i]);
			play(signal_comes_to_write, &kinds[i]);
		}
	}
	play(signal_comes_to_long_write, &kinds[0]);
	play(data_for_two_comes, &kinds[0]);
	while (running)
		reap_child();
	return victim_end();
}
