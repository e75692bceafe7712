/* SPDX-License-Identifier: MIT */
/*
 * The loop: descriptors, timers and hand-overs from worker threads, on libev (pinned to epoll:
 * libev's linuxaio backend would eat what we emulate). Timers are ours: one timerfd, nanoseconds,
 * because epoll's milliseconds would turn a 10 us timeout of io_getevents into a wait 100 times as
 * long. Everything but loop_kick_now() belongs to the loop thread.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "timers.h"

struct loop;
struct loop_watch;
struct loop_kick;

enum loop_event {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
};

typedef void loop_fd_fn(void *arg, unsigned events);
typedef void loop_fn(void *arg);

struct loop *loop_create(void);		/* NULL with errno */
void loop_destroy(struct loop *loop);	/* accepts NULL */
void loop_run(struct loop *loop);	/* until loop_stop() */
void loop_stop(struct loop *loop);

/* Called for fd until unwatched; NULL with errno. The fd stays the caller's and must stay open. */
struct loop_watch *loop_watch(struct loop *loop, int fd, unsigned events, loop_fd_fn *fn,
			      void *arg);
void loop_unwatch(struct loop_watch *w);	/* accepts NULL */

/*
 * fn runs once per turn, after the turn's descriptors, timers and kicks, and before the loop
 * sleeps; the order of registration is the order of the calls.
 */
int loop_each_turn(struct loop *loop, loop_fn *fn, void *arg);	/* 0 or -ENOMEM */
void loop_each_turn_end(struct loop *loop, loop_fn *fn, void *arg); /* undoes it; not from a hook */

/* A hook called right before the loop goes to sleep and right after it wakes up. */
void loop_on_sleep(struct loop *loop, loop_fn *asleep, loop_fn *awake, void *arg);

/* Asked before each turn: true: this turn is not to sleep. At most one. */
typedef bool loop_idle_fn(void *arg);
void loop_on_idle(struct loop *loop, loop_idle_fn *fn, void *arg);

/* Makes fn run in the loop soon; loop_kick_now() may be called from any thread. */
struct loop_kick *loop_kick_create(struct loop *loop, loop_fn *fn, void *arg);
void loop_kick_now(struct loop_kick *k);
void loop_kick_destroy(struct loop_kick *k);	/* accepts NULL */

/*
 * struct loop_timer: timers.h. Set fn and arg before the first start; fn runs with the timer
 * stopped.
 */
int loop_timer_start(struct loop *loop, struct loop_timer *t, uint64_t due_ns);	/* 0 or -ENOMEM */
void loop_timer_stop(struct loop *loop, struct loop_timer *t);	/* harmless when not armed */

static inline bool loop_timer_armed(const struct loop_timer *t)
{
	return t->heap_slot != 0;
}

#endif
