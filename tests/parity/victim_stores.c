/* SPDX-License-Identifier: MIT */
/* Section 3: what the program stores into head and tail, and what the kernel makes of it. */
#include "victim.h"

#include <pthread.h>

static int zero_fd;
static aio_context_t ctx;
static struct ring *ring;
static struct io_event ev[1024];

static void open_ring(void)
{
	ctx = aio_context(8);
	ring = ring_of(ctx);
}

static void produce(unsigned n)
{
	static struct iocb cbs[64], *list[64];
	static char byte;
	static unsigned data;

	for (unsigned i = 0; i < n; i++) {
		list[i] = prep(&cbs[i], IOCB_CMD_PREAD, zero_fd, &byte, 1, 0);
		cbs[i].aio_data = ++data;
	}
	need(aio_submit(ctx, n, list) == n);
}

static void state(const char *tag)
{
	obs(tag, "head %u tail %u", ring->head, ring->tail);
}

/* How many events up to that many at once give: all that is there, and how much is right. */
static void drain(const char *tag, unsigned at_once)
{
	unsigned sum = 0, calls = 0;
	long n;

	while ((n = reap_now(ctx, at_once, ev)) > 0 && calls++ < 1000)
		sum += n;
	obs(tag, "%s, %s", n < 0 ? num(n) : "to the end",
	    sum == ring->nr - 3 ? "nr - 3" : num(sum));
}

static void tail(void)
{
	open_ring();
	produce(1);
	need(reap(ctx, 1, ev) == 1);
	ring->tail = 5;
	obs_num("3.tail-stored/garbage", reap_now(ctx, 64, ev));
	obs("3.tail-stored/garbage-zero", "%llx %llx", ev[0].obj, ev[3].obj);
	state("3.tail-stored/garbage-after");
	produce(1);
	state("3.tail-stored/put-back");
	drain("3.tail-stored/wraps-around", 64);
	state("3.tail-stored/wraps-around-after");
	produce(2);
	ring->tail = ring->head;
	obs_num("3.tail-stored/hidden", reap_now(ctx, 4, ev));
	obs_num("3.tail-stored/hidden-min", aio_getevents(ctx, 0, 4, ev, NULL));
	produce(1);
	obs_num("3.tail-stored/shown-again", reap_now(ctx, 4, ev));
	ring->tail = ring->head + ring->nr;
	obs_num("3.tail-stored/beyond-nr", reap_now(ctx, 4, ev));
	ring->tail = 0xffffffff;
	obs_yes("3.tail-stored/huge", reap_now(ctx, 1, ev) == 1);
	aio_destroy(ctx);
}

static void head(void)
{
	uint32_t at;

	open_ring();
	produce(4);
	at = 0xfffffff0 % ring->nr;
	ring->head = 0xfffffff0;
	obs_yes("3.head-stored/huge-count",
		reap_now(ctx, 1024, ev) == (4 + ring->nr - at) % ring->nr);
	state("3.head-stored/huge-after");
	ring->head = ring->tail + ring->nr;
	obs_num("3.head-kept/equal-modulo", reap_now(ctx, 4, ev));
	state("3.head-kept/equal-modulo-after");
	ring->head = ring->nr + 1;
	obs_num("3.head-kept/nr-0", aio_getevents(ctx, 0, 0, ev, NULL));
	state("3.head-kept/nr-0-after");
	ring->head = ring->tail;
	obs_num("3.head-kept/empty", reap_now(ctx, 4, ev));
	ring->head = ring->nr + 2;
	obs_num("3.head-kept/fault", reap_now(ctx, 2, (void *)KERNEL_ADDRESS));
	obs_yes("3.head-kept/fault-after", ring->head == ring->nr + 2);
	ring->head = ring->tail;
	produce(1);
	obs_num("3.head-kept/works-on", reap(ctx, 1, ev));
	aio_destroy(ctx);
}

/* --- a waiter, and what a completion tells it --------------------------------------------------- */

struct waiter {
	long min, nr, ret;
	pid_t tid;
};

static void *wait_events(void *arg)
{
	struct waiter *w = arg;
	struct timespec limit = { .tv_sec = 10 };
	static struct io_event out[64];

	w->tid = syscall(SYS_gettid);
	w->ret = aio_getevents(ctx, w->min, w->nr, out, &limit);
	return NULL;
}

/*
 * The waiter has missing events; head is moved 27 slots back under it, or these and some times around
 * the ring, and one completion comes: then there are 28.
 */
static void waiter(const char *tag, uint32_t around)
{
	struct waiter w = { .min = 20, .nr = 64 };
	pthread_t thread;

	open_ring();
	need(!pthread_create(&thread, NULL, wait_events, &w));
	while (!__atomic_load_n(&w.tid, __ATOMIC_ACQUIRE))
		sched_yield();
	wait_blocked(getpid(), w.tid, SYS_io_getevents);
	need(!aio_submit(ctx, 0, NULL));	/* in the sandbox it may sleep before it was heard */
	ring->head = around * ring->nr + ring->nr - 27;
	produce(1);
	pthread_join(thread, NULL);
	obs_num(tag, w.ret);
	aio_destroy(ctx);
}

static void id(void)
{
	uint32_t old;

	open_ring();
	old = ring->id;
	produce(2);
	ring->id = old + 1;
	obs_num("5.id-edited/getevents", reap_now(ctx, 4, ev));
	ring->id = old + 100000;
	obs_num("5.id-edited/far", aio_submit(ctx, 0, NULL));
	ring->id = 0xffffffff;
	obs_num("5.id-edited/minus-one", aio_destroy(ctx));
	ring->id = old;
	obs_num("5.id-edited/restored", reap_now(ctx, 4, ev));
	aio_destroy(ctx);
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	tail();
	head();
	waiter("3.head-stored/waiter-stale", 0);
	waiter("3.head-stored/waiter-beyond", 1000);
	id();
	return victim_end();
}
