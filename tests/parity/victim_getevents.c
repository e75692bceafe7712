/* SPDX-License-Identifier: MIT */
/* Section 11: io_getevents' arguments, timeouts, copy faults, signals and other ends of a wait. */
#include "victim.h"

#include <pthread.h>

static aio_context_t ctx;
static struct ring *ring;
static int zero_fd;
static char byte;
static volatile sig_atomic_t handled;

static void handler(int sig)
{
	handled++;
}

/* Puts n events into the ring, complete when this returns. */
static void produce(unsigned n)
{
	static struct iocb cbs[16], *list[16];

	for (unsigned i = 0; i < n; i++) {
		list[i] = prep(&cbs[i], IOCB_CMD_PREAD, zero_fd, &byte, 1, 0);
		cbs[i].aio_data = i;
	}
	need(aio_submit(ctx, n, list) == n);
}

static unsigned in_ring(void)
{
	return (ring->tail + ring->nr - ring->head) % ring->nr;
}

static void arguments(void)
{
	struct timespec now = { 0 }, *bad = (void *)KERNEL_ADDRESS;
	struct io_event ev[4];

	obs_num("11.1/bad-timeout", aio_getevents(ctx, 0, 1, ev, bad));
	obs_num("11.1/bad-timeout-bad-ctx", aio_getevents(0, 0, 1, ev, bad));
	obs_num("11.1/bad-timeout-bad-min", aio_getevents(ctx, -1, 1, ev, bad));
	obs_num("11.2/bad-ctx-bad-min", aio_getevents(0, -1, 1, ev, &now));
	obs_num("11.3/min-minus-1", aio_getevents(ctx, -1, 1, ev, &now));
	obs_num("11.3/min-above-nr", aio_getevents(ctx, 2, 1, ev, &now));
	obs_num("11.3/nr-minus-1", aio_getevents(ctx, 0, -1, ev, &now));
	obs_num("11.3/both-minus-1", aio_getevents(ctx, -1, -1, ev, &now));
	obs_num("11.3/long-max", aio_getevents(ctx, LONG_MAX, LONG_MAX, ev, &now));
	obs_num("11.nr-0/empty", aio_getevents(ctx, 0, 0, ev, NULL));
	obs_num("11.5/min-0-no-timeout", aio_getevents(ctx, 0, 4, ev, NULL));
	obs_num("11.untouched/events-null", aio_getevents(ctx, 0, 4, NULL, NULL));
	obs_num("11.untouched/events-kernel", aio_getevents(ctx, 0, 4, (void *)bad, &now));
	produce(1);
	obs_num("11.nr-0/with-event", aio_getevents(ctx, 0, 0, NULL, NULL));
	obs_num("11.3/nr-long-max", aio_getevents(ctx, 0, LONG_MAX, ev, NULL));
	obs_num("11.5/min-1-nothing-now", aio_getevents(ctx, 1, 4, ev, &now));
}

static void taking(void)
{
	struct io_event ev[8];
	struct timespec now = { 0 };

	produce(5);
	obs_num("11.4/two-of-five", aio_getevents(ctx, 1, 2, ev, NULL));
	obs_num("11.4/head-moved", in_ring());
	obs("11.ring-order/data", "%d %d", (int)ev[0].data, (int)ev[1].data);
	obs_num("11.4/fewer-than-min-zero-timeout", aio_getevents(ctx, 8, 8, ev, &now));
	obs_num("11.4/left", in_ring());
	produce(3);
	obs_num("11.5/min-0-takes-all", aio_getevents(ctx, 0, 8, ev, NULL));
}

/* How long an empty wait lasts: "in time" from the time asked until much later. */
static void timeout(const char *tag, struct timespec ts, unsigned least_ms)
{
	struct timespec copy = ts;
	struct io_event ev;
	uint64_t start = now_ms(), took;
	long ret = aio_getevents(ctx, 1, 1, &ev, &ts);

	took = now_ms() - start;
	obs(tag, "%s %s%s", num(ret), took < least_ms ? "early" : took > least_ms + 3000 ? "late" :
	    "in time", memcmp(&copy, &ts, sizeof(ts)) ? " written back" : "");
}

static void timeouts(void)
{
	struct io_event ev[4];
	struct timespec soon = { .tv_nsec = 30000000 };

	timeout("11.timeout/zero", (struct timespec){ 0, 0 }, 0);
	timeout("11.timeout/30-ms", (struct timespec){ 0, 30000000 }, 30);
	timeout("11.timeout/1-ns", (struct timespec){ 0, 1 }, 0);
	timeout("11.timeout/nsec-above-second", (struct timespec){ 0, 1100000000 }, 1100);
	timeout("11.negative/long-min", (struct timespec){ LONG_MIN, 0 }, 0);
	produce(2);
	obs_num("11.partial/timeout", aio_getevents(ctx, 3, 4, ev, &soon));
	obs_num("11.partial/timeout-left", in_ring());
}

static void copy_faults(void)
{
	struct io_event *end = (void *)(pages(1) + PAGE), *last2 = end - 2, ev[8];
	struct timespec now = { 0 };

	produce(4);
	obs_num("11.copy/room-for-2-of-4", aio_getevents(ctx, 1, 4, last2, &now));
	obs_num("11.copy/none-taken", in_ring());
	obs("11.copy/good-part-written", "%d %d", (int)last2[0].data, (int)last2[1].data);
	obs_num("11.copy/null", aio_getevents(ctx, 1, 4, NULL, NULL));
	obs_num("11.copy/exact-room", aio_getevents(ctx, 1, 2, last2, &now));
	obs("11.copy/exact-room-data", "%d %d", (int)last2[0].data, (int)last2[1].data);
	need(!mprotect((char *)end - PAGE, PAGE, PROT_READ));
	obs_num("11.copy/read-only", aio_getevents(ctx, 1, 2, last2, &now));
	obs_num("11.copy/still-there", aio_getevents(ctx, 1, 8, ev, &now));
	obs("11.copy/still-there-data", "%d %d", (int)ev[0].data, (int)ev[1].data);
}

/* --- a wait ended from outside: the main thread waits, the other one acts once it sleeps ----- */

struct actor {
	pid_t waiter;
	void (*act)(pid_t waiter);
};

static void *actor(void *arg)
{
	const struct actor *a = arg;

	wait_blocked(getpid(), a->waiter, SYS_io_getevents);
	a->act(a->waiter);
	return NULL;
}

static long wait_with(void (*act)(pid_t), long min, struct io_event *ev, struct timespec *ts)
{
	struct actor a = { gettid(), act };
	pthread_t thread;
	sigset_t all, old;
	long ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	need(!pthread_create(&thread, NULL, actor, &a));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	ret = aio_getevents(ctx, min, 8, ev, ts);
	pthread_join(thread, NULL);
	return ret;
}

static void act_signal(pid_t waiter)
{
	syscall(SYS_tgkill, getpid(), waiter, SIGUSR1);
}

static void act_ignored(pid_t waiter)
{
	syscall(SYS_tgkill, getpid(), waiter, SIGWINCH);
	syscall(SYS_tgkill, getpid(), waiter, SIGCHLD);
	syscall(SYS_tgkill, getpid(), waiter, SIGUSR2);		/* blocked */
	poll(NULL, 0, 30);	/* nothing is to happen: time enough for it to happen wrongly */
	produce(1);
}

static void act_one(pid_t waiter)
{
	produce(1);
}

static void act_three_times(pid_t waiter)
{
	for (int i = 0; i < 3; i++) {
		produce(1);
		poll(NULL, 0, 5);	/* it may be woken by each, which nothing tells */
	}
}

static void signals(void)
{
	/*
	 * Each at an address of its own: a call that looks like the one before it may be given its
	 * EINTR again on kernels before 5.19 (man page).
	 */
	struct timespec limit = { .tv_sec = 20 }, waits[] = {
		{ 0, -1 }, { 9223372036, 0 }, { 0, LONG_MAX }, { -1, 0 },
	};
	struct io_event ev[8];
	sigset_t usr2;

	on_signal(SIGUSR1, handler, SA_RESTART);
	obs_num("11.eintr/handler-with-restart", wait_with(act_signal, 1, ev, NULL));
	on_signal(SIGUSR1, handler, 0);
	obs_num("11.7/handler", wait_with(act_signal, 1, ev, &limit));
	obs_num("11.negative/waits", wait_with(act_signal, 1, ev, &waits[0]));
	obs_num("11.for-ever/huge", wait_with(act_signal, 1, ev, &waits[1]));
	obs_num("11.for-ever/nsec-long-max", wait_with(act_signal, 1, ev, &waits[2]));
	obs_num("11.negative/seconds", wait_with(act_signal, 1, ev, &waits[3]));
	obs_num("11.7/handler-ran", handled);
	produce(2);
	obs_num("11.partial/signal", wait_with(act_signal, 4, ev, NULL));
	obs_num("11.partial/signal-handled", handled);
	obs_num("11.partial/signal-left", in_ring());
	ring->head = ring->tail;
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &usr2, NULL);
	obs_num("11.ignored/and-blocked", wait_with(act_ignored, 1, ev, NULL));
}

/* A wait for five that finds two takes them, and waits for three. */
static void act_three_when_two_are_taken(pid_t waiter)
{
	obs_num("11.4/in-the-ring-while-waiting", in_ring());
	produce(3);
}

/* The program takes the first itself: it does not count for the waiter any more. */
static void act_taken_by_the_program(pid_t waiter)
{
	produce(1);
	ring->head = ring->tail;
	produce(1);
	poll(NULL, 0, 20);	/* it is not to take what is there: time to do it wrongly */
	obs_num("11.6/in-the-ring-meanwhile", in_ring());
	produce(2);
}

static void wakes(void)
{
	struct io_event ev[8];

	obs_num("11.6/woken-by-event", wait_with(act_one, 1, ev, NULL));
	obs_num("11.6/min-3-one-by-one", wait_with(act_three_times, 3, ev, NULL));
	produce(1);
	obs_num("11.6/one-there-three-come", wait_with(act_three_times, 4, ev, NULL));
	obs_num("11.6/one-taken-by-the-program", wait_with(act_taken_by_the_program, 3, ev, NULL));
	produce(2);
	obs_num("11.4/five-of-two-and-three", wait_with(act_three_when_two_are_taken, 5, ev, NULL));
	obs_num("11.6/nothing-left", in_ring());
}

/* The first pass has taken two; there is no room for what comes later. */
static void fault_in_later_pass(void)
{
	struct io_event *end = (void *)(pages(1) + PAGE), *last2 = end - 2, ev[8];

	produce(2);
	obs_num("11.copy/later-pass", wait_with(act_three_times, 4, last2, NULL));
	obs("11.copy/later-pass-data", "%d %d", (int)last2[0].data, (int)last2[1].data);
	obs_num("11.copy/later-pass-left", in_ring());
	obs_num("11.copy/later-pass-rest", reap_now(ctx, 8, ev));
}

/* A stop and its continuation end a wait as a handler would. */
static void stopped(void)
{
	pid_t pid = victim_fork();
	struct io_event ev;
	int status;

	if (!pid) {
		ctx = aio_context(1);
		obs_num("11.stop/and-continue", aio_getevents(ctx, 1, 1, &ev, NULL));
		_exit(0);
	}
	wait_blocked(pid, pid, SYS_io_getevents);
	kill(pid, SIGSTOP);
	/* a wait that only SIGKILL ends (5.19's WAIT_KILLABLE_RECV) may report the stop late */
	need(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	obs_num("11.stop/child", wait_child(pid));
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ctx = aio_context(8);
	ring = ring_of(ctx);
	arguments();
	taking();
	timeouts();
	copy_faults();
	wakes();
	fault_in_later_pass();
	signals();
	stopped();
	return victim_end();
}
