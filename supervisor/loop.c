/* SPDX-License-Identifier: MIT */
/*
 * One turn, in libev's terms:
 *
 *	(before it)	the idle hook: may it sleep?
 *	ev_prepare	each-turn hooks, then the timerfd is armed
 *	release		the asleep hook		(right before epoll_wait)
 *	acquire		the awake hook		(right after it)
 *	ev_io, ev_async	descriptors, due timers (the timerfd is one of the descriptors), kicks
 *
 * Hooks run as late as possible before the sleep. What they leave to be done cannot be slept over:
 * a kick makes libev poll with timeout 0, a timer is armed after the hooks, a descriptor is
 * level-triggered. A kick costs a write(2) only while the loop thread is in epoll_wait or about to
 * be.
 *
 * The timerfd is set only when something is due earlier than it would go off; stopping a timer
 * costs nothing, at the price of a rare wake-up for nobody. It is never read: setting it clears it.
 *
 * A file that a tracee keeps open stays in the epoll set when our descriptor of it is unwatched and
 * closed. libev notices at that file's next event and rebuilds the set: 2 us, and 0.2 us for each
 * descriptor in it (measured).
 *
 * EVFLAG_NOENV, because LIBEV_FLAGS of the environment is meant for the program under us; not the
 * default loop, because that one installs a SIGCHLD handler.
 */
#include "loop.h"

#include <assert.h>
#include <ev.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "util.h"

enum { MEMORY_AGAIN_MSEC = 1 };

struct loop_watch {
	ev_io io;
	struct loop *loop;
	loop_fd_fn *fn;
	void *arg;
};

struct loop_kick {
	ev_async async;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

struct turn_hook {
	struct list node;
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct ev_loop *ev;
	ev_prepare prepare;
	ev_io timer_io;
	int timer_fd;
	uint64_t armed_ns;	/* when the timerfd goes off; 0: never */
	bool fired;		/* it has gone off, and stays readable until it is set again */
	bool stopped;
	unsigned users;		/* watches and kicks that exist */
	struct timers timers;
	struct list hooks;	/* struct turn_hook */
	loop_fn *asleep;
	loop_fn *awake;
	void *sleep_arg;
	loop_idle_fn *idle;
	void *idle_arg;
};

static void set_timerfd(struct loop *loop, uint64_t due_ns)
{
	struct itimerspec at = {
		.it_value.tv_sec = (time_t)(due_ns / NSEC_PER_SEC),
		.it_value.tv_nsec = (long)(due_ns % NSEC_PER_SEC),
	};
	int rc = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);

	assert(rc == 0);
	loop->armed_ns = due_ns;
	loop->fired = false;
}

static void arm_timerfd(struct loop *loop)
{
	const struct loop_timer *first = timers_first(&loop->timers);
	uint64_t due_ns = first ? max_u64(first->due_ns, 1) : 0;	/* 0 would disarm */

	if (loop->fired || (first && (!loop->armed_ns || due_ns < loop->armed_ns)))
		set_timerfd(loop, due_ns);
}

/*
 * At most as many as were armed, so that a timer that restarts itself in the past cannot hold us.
 */
static void run_timers(struct ev_loop *ev, ev_io *io, int revents)
{
	struct loop *loop = io->data;
	uint64_t now = now_ns();

	loop->fired = true;
	for (unsigned left = loop->timers.count; left; left--) {
		struct loop_timer *t = timers_first(&loop->timers);

		if (!t || t->due_ns > now)
			break;
		timers_stop(&loop->timers, t);
		t->fn(t->arg);
	}
}

static void run_hooks(struct ev_loop *ev, ev_prepare *p, int revents)
{
	struct loop *loop = p->data;

	list_for_each(pos, next, &loop->hooks) {
		struct turn_hook *h = list_entry(pos, struct turn_hook, node);

		h->fn(h->arg);
	}
	arm_timerfd(loop);
}

static void before_sleep(struct ev_loop *ev) EV_NOEXCEPT
{
	struct loop *loop = ev_userdata(ev);

	if (loop->asleep)
		loop->asleep(loop->sleep_arg);
}

static void after_sleep(struct ev_loop *ev) EV_NOEXCEPT
{
	struct loop *loop = ev_userdata(ev);

	if (loop->awake)
		loop->awake(loop->sleep_arg);
}

/* libev would abort without memory: it waits instead, for what workers and the host give back. */
static void *memory(void *p, long size_bytes) EV_NOEXCEPT
{
	void *got;

	if (!size_bytes) {
		free(p);
		return NULL;
	}
	while (!(got = realloc(p, (size_t)size_bytes)))
		poll(NULL, 0, MEMORY_AGAIN_MSEC);
	return got;
}

static int loop_start(struct loop *loop)
{
	ev_set_allocator(memory);
	errno = 0;
	loop->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!loop->ev)
		return errno ? -errno : -ENOMEM;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0)
		return -errno;
	ev_set_userdata(loop->ev, loop);
	ev_set_loop_release_cb(loop->ev, before_sleep, after_sleep);
	ev_io_init(&loop->timer_io, run_timers, loop->timer_fd, EV_READ);
	loop->timer_io.data = loop;
	ev_io_start(loop->ev, &loop->timer_io);
	ev_prepare_init(&loop->prepare, run_hooks);
	loop->prepare.data = loop;
	ev_prepare_start(loop->ev, &loop->prepare);
	return 0;
}

struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int rc;

	if (!loop)
		return NULL;
	loop->timer_fd = -1;
	list_init(&loop->hooks);
	rc = loop_start(loop);
	if (rc < 0) {
		loop_destroy(loop);
		errno = -rc;
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop)
{
	struct list *node;

	if (!loop)
		return;
	assert(loop->users == 0);
	if (loop->ev)
		ev_loop_destroy(loop->ev);
	close_fd(&loop->timer_fd);
	timers_free(&loop->timers);
	while ((node = list_pop(&loop->hooks)))
		free(list_entry(node, struct turn_hook, node));
	free(loop);
}

/* Without somebody to ask all turns are libev's. */
static int turn_flags(struct loop *loop)
{
	if (!loop->idle)
		return 0;
	return loop->idle(loop->idle_arg) ? EVRUN_NOWAIT : EVRUN_ONCE;
}

void loop_run(struct loop *loop)
{
	bool more = true;

	while (more && !loop->stopped)
		more = ev_run(loop->ev, turn_flags(loop));
	loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	ev_break(loop->ev, EVBREAK_ALL);
}

static void watch_fired(struct ev_loop *ev, ev_io *io, int revents)
{
	struct loop_watch *w = container_of(io, struct loop_watch, io);
	unsigned events =
		(revents & EV_READ ? LOOP_READ : 0) | (revents & EV_WRITE ? LOOP_WRITE : 0);

	w->fn(w->arg, events);
}

struct loop_watch *loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_fn *fn, void *arg)
{
	struct loop_watch *w = malloc(sizeof(*w));
	int wanted = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);

	assert(fd >= 0 && wanted && fn);
	if (!w)
		return NULL;
	w->loop = loop;
	w->fn = fn;
	w->arg = arg;
	ev_io_init(&w->io, watch_fired, fd, wanted);
	ev_io_start(loop->ev, &w->io);
	loop->users++;
	return w;
}

void loop_unwatch(struct loop_watch *w)
{
	if (!w)
		return;
	ev_io_stop(w->loop->ev, &w->io);
	w->loop->users--;
	free(w);
}

int loop_each_turn(struct loop *loop, loop_fn *fn, void *arg)
{
	struct turn_hook *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->fn = fn;
	h->arg = arg;
	list_add_tail(&loop->hooks, &h->node);
	return 0;
}

void loop_each_turn_end(struct loop *loop, loop_fn *fn, void *arg)
{
	list_for_each(pos, next, &loop->hooks) {
		struct turn_hook *h = list_entry(pos, struct turn_hook, node);

		if (h->fn == fn && h->arg == arg) {
			list_del(pos);
			free(h);
		}
	}
}

void loop_on_sleep(struct loop *loop, loop_fn *asleep, loop_fn *awake, void *arg)
{
	loop->asleep = asleep;
	loop->awake = awake;
	loop->sleep_arg = arg;
}

void loop_on_idle(struct loop *loop, loop_idle_fn *fn, void *arg)
{
	loop->idle = fn;
	loop->idle_arg = arg;
}

static void kick_fired(struct ev_loop *ev, ev_async *async, int revents)
{
	struct loop_kick *k = container_of(async, struct loop_kick, async);

	k->fn(k->arg);
}

struct loop_kick *loop_kick_create(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_kick *k = malloc(sizeof(*k));

	if (!k)
		return NULL;
	k->loop = loop;
	k->fn = fn;
	k->arg = arg;
	ev_async_init(&k->async, kick_fired);
	ev_async_start(loop->ev, &k->async);
	loop->users++;
	return k;
}

void loop_kick_now(struct loop_kick *k)
{
	ev_async_send(k->loop->ev, &k->async);
}

void loop_kick_destroy(struct loop_kick *k)
{
	if (!k)
		return;
	ev_async_stop(k->loop->ev, &k->async);
	k->loop->users--;
	free(k);
}

int loop_timer_start(struct loop *loop, struct loop_timer *t, uint64_t due_ns)
{
	return timers_start(&loop->timers, t, due_ns);
}

void loop_timer_stop(struct loop *loop, struct loop_timer *t)
{
	timers_stop(&loop->timers, t);
}
