/* SPDX-License-Identifier: MIT */
/*
 * Sections 14, 15 and 4: what a context still is while io_destroy waits for it, to a forked child,
 * and after its ring is unmapped. io_destroy waits because a thread sits in io_submit, reading an
 * empty pipe; where neither of them waits (D1), all the rest is the same.
 */
#include "victim.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/resource.h>

static aio_context_t ctx;
static int p[2];
static volatile sig_atomic_t handled;

static void handler(int sig)
{
	handled++;
}

struct caller {
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic int done;
	long nr, ret;
	sem_t leave;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	struct iocb cb, *list[] = { &cb };
	struct io_event ev[2];
	char buf[8];

	c->tid = gettid();
	prep(&cb, IOCB_CMD_PREAD, p[0], buf, 4, 0);
	c->ret = c->nr == SYS_io_submit ? aio_submit(ctx, 1, list) :
		 c->nr == SYS_io_destroy ? aio_destroy(ctx) : aio_getevents(ctx, 1, 2, ev, NULL);
	c->done = 1;
	while (sem_wait(&c->leave))
		need(errno == EINTR);
	return NULL;
}

/* Returns when the call has ended, or sleeps: then it is given half a second to end. */
static void start(struct caller *c, long nr)
{
	c->nr = nr;
	need(!sem_init(&c->leave, 0, 0));
	need(!pthread_create(&c->thread, NULL, call, c));
	while (!c->tid)
		sched_yield();
	for (int i = 0; i < 500 && !c->done; i++)
		poll(NULL, 0, 1);	/* it returns or blocks, and blocking gives no event */
	if (!c->done)
		wait_blocked(getpid(), c->tid, nr);
}

static long finish(struct caller *c)
{
	need(!sem_post(&c->leave));
	pthread_join(c->thread, NULL);
	return c->ret;
}

static void while_destroyed(void)
{
	struct caller submitter = { 0 }, destroyer = { 0 };
	struct timespec now = { 0 };
	aio_context_t all[64], more = 0;
	struct io_event ev;
	struct iocb cb;
	unsigned n;
	int q[2];

	need(!pipe(q));
	ctx = aio_context(64);
	n = fill_up(all, ARRAY_SIZE(all));
	obs_num("2.aio-nr-early/full", aio_setup(1, &more));
	start(&submitter, SYS_io_submit);
	start(&destroyer, SYS_io_destroy);
	obs("8.2.destroy/submitter-in-a-read", "%s", destroyer.done ? "returns" : "waits");
	obs_num("2.aio-nr-early/while-it-waits", aio_setup(1, &more));
	prep(&cb, IOCB_CMD_PREAD, q[0], &ev, 0, 0);
	obs_num("14.dead/submit", aio_submit1(ctx, &cb));
	obs_num("14.dead/submit-0", aio_submit(ctx, 0, NULL));
	obs_num("14.dead/getevents", aio_getevents(ctx, 0, 1, &ev, &now));
	obs_num("14.dead/cancel", aio_cancel(ctx, &cb, &ev));
	obs_num("14.race/second-does-not-wait", aio_destroy(ctx));
	obs_num("14.unmapped/while-it-waits", write(q[1], (void *)ctx, 32) < 0 ? -errno : 0);
	syscall(SYS_tgkill, getpid(), destroyer.tid, SIGUSR1);
	obs("14.uninterruptible/by-a-signal", "%s", destroyer.done ? "returns" : "waits");
	need(write(p[1], "data", 4) == 4);
	obs_num("14.uninterruptible/destroy", finish(&destroyer));
	obs_num("14.uninterruptible/handled", handled);
	obs_num("8.2.destroy/submitted", finish(&submitter));
	while (n--)
		aio_destroy(all[n]);
	aio_destroy(more);
	close(q[0]);
	close(q[1]);
}

static void submit_interrupted(void)
{
	struct caller submitter = { 0 };
	struct io_event ev;
	long n;
	int old[2] = { p[0], p[1] };

	need(!pipe(p));
	ctx = aio_context(8);
	start(&submitter, SYS_io_submit);
	syscall(SYS_tgkill, getpid(), submitter.tid, SIGUSR1);
	obs_num("7.no-eintr/reading-an-empty-pipe", finish(&submitter));
	n = reap_now(ctx, 1, &ev);
	obs("8.interrupted/nothing-read", "%s", n ? num(ev.res) : "waits");
	need(write(p[1], "data", 4) == 4);
	aio_destroy(ctx);
	close(old[0]);
	close(old[1]);
}

static void unmapped(void)
{
	struct caller waiter = { 0 };
	aio_context_t all[64], more = 0;
	struct iocb cb[2];
	struct io_event ev;
	int q[2], n;

	need(!pipe(q));
	ctx = aio_context(8);
	need(aio_submit1(ctx, prep_poll(&cb[0], q[0], POLLIN)) == 1);
	start(&waiter, SYS_io_getevents);
	need(!munmap((void *)ctx, PAGE));
	obs_num("4.munmap/while-one-waits", aio_submit1(ctx, prep_poll(&cb[1], q[0], POLLIN)));
	need(write(q[1], "x", 1) == 1);
	obs_num("11.munmap/waiter", finish(&waiter));
	obs_num("11.munmap/getevents", reap_now(ctx, 1, &ev));
	n = fill_up(all, ARRAY_SIZE(all));
	need(n > 0 && !munmap((void *)all[n - 1], PAGE));
	obs_num("4.munmap/still-counted", aio_setup(1, &more));
	while (--n > 0)
		aio_destroy(all[n - 1]);
}

/* --- a forked child --------------------------------------------------------------------------- */

static void read_zero(aio_context_t in, unsigned n)
{
	static struct iocb cb;
	static char byte;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (n--)
		need(aio_submit1(in, prep(&cb, IOCB_CMD_PREAD, fd, &byte, 1, 0)) == 1);
	close(fd);
}

static int mapped(const void *at)
{
	int q[2], yes;

	need(!pipe(q));
	yes = write(q[1], at, 32) == 32;
	close(q[0]);
	close(q[1]);
	return yes;
}

static void forked(void)
{
	aio_context_t own = aio_context(8);
	struct ring *ring = ring_of(own);
	struct io_event ev[4];
	pid_t pid;

	read_zero(own, 2);
	pid = victim_fork();
	if (!pid) {
		int there = mapped(ring);
		void *to = pages(1);	/* where the ring was, if it is not there */

		obs_yes("15.fork-ring/sees-the-tail", there && ring->tail == 2);
		if (there)
			ring->head = 1;
		obs("15.fork-ring/mremap", "%s", !there ? "nothing to move" :
		    mremap(ring, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED ?
		    num(-errno) : "moves");
		_exit(0);
	}
	obs_num("15.fork-ring/child", wait_child(pid));
	obs_num("15.fork-ring/left-to-the-parent", reap_now(own, 4, ev));
	aio_destroy(own);
}

/* The file under the mapping is cut to nothing, soon after io_destroy has returned. */
static void touches_a_destroyed_ring(void)
{
	aio_context_t own = aio_context(8);
	int go[2];
	pid_t pid;
	char c;

	need(!pipe(go));
	pid = victim_fork();
	if (!pid) {
		need(!setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }));
		need(read(go[0], &c, 1) == 1);
		while (((volatile struct ring *)own)->magic)
			poll(NULL, 0, 1);	/* nothing tells when the kernel truncates */
		_exit(1);
	}
	need(!aio_destroy(own) && write(go[1], "x", 1) == 1);
	obs("14.forked/touches-the-ring", "%s", strsignal(wait_child(pid) - 128));
}

int main(void)
{
	victim_start();
	need(!pipe(p));
	on_signal(SIGUSR1, handler, 0);
	while_destroyed();
	submit_interrupted();
	unmapped();
	forked();
	touches_a_destroyed_ring();
	return victim_end();
}
