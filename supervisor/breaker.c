/* SPDX-License-Identifier: MIT */
/*
 * Theory. A timer for each call would cost more than the call. So the loop only counts its way in
 * and out, and a thread of its own looks now and then: the same odd number twice is a call that
 * waits. It sleeps where nothing was counted for a while, which the loop sees before each call.
 *
 * The interrupt is that of the workers: its handler does nothing and has no SA_RESTART.
 */
#include "breaker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "workers.h"

#define LOOK_NS (BREAKER_NS / 2)
#define QUIET_LOOKS 100
#define STACK_BYTES (64 * 1024)

struct breaker {
	bool runs;
	pthread_t loop;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	_Atomic uint64_t count;		/* odd: the loop is in such a call */
	_Atomic bool sleeps;
};

static void interrupted(int sig)
{
}

/* Either the loop sees `sleeps`, or we its new count: both are sequentially consistent. */
static void sleep_until_called(struct breaker *b, uint64_t count)
{
	atomic_store(&b->sleeps, true);
	while (atomic_load(&b->sleeps) && atomic_load(&b->count) == count)
		pthread_cond_wait(&b->wake, &b->mutex);
	atomic_store(&b->sleeps, false);
}

static void *look(void *arg)
{
	struct breaker *b = arg;
	uint64_t before = 0;
	unsigned quiet = 0;

	pthread_mutex_lock(&b->mutex);
	for (;;) {
		const struct timespec next = time_after(LOOK_NS);
		uint64_t count;

		pthread_cond_timedwait(&b->wake, &b->mutex, &next);
		count = atomic_load(&b->count);
		quiet = count == before ? quiet + 1 : 0;
		if (count == before && count % 2)
			pthread_kill(b->loop, WORKERS_INTERRUPT_SIGNAL);
		else if (quiet > QUIET_LOOKS)
			sleep_until_called(b, count);
		before = count;
	}
	return NULL;
}

static int create_thread(struct breaker *b)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, &attr, look, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

static int start(struct breaker *b)
{
	const struct sigaction action = { .sa_handler = interrupted };
	pthread_condattr_t attr;
	sigset_t ours;
	int err;

	b->loop = pthread_self();
	pthread_mutex_init(&b->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = create_thread(b);
	if (err)
		return err;
	b->runs = true;
	sigaction(WORKERS_INTERRUPT_SIGNAL, &action, NULL);
	sigemptyset(&ours);
	sigaddset(&ours, WORKERS_INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
	return 0;
}

static struct breaker the_loop;		/* there is one */

static void wake(struct breaker *b)
{
	pthread_mutex_lock(&b->mutex);
	atomic_store(&b->sleeps, false);
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->mutex);
}

int breaker_enter(void)
{
	struct breaker *b = &the_loop;
	const int err = b->runs ? 0 : start(b);

	if (err)
		return err;
	atomic_store(&b->count, atomic_load_explicit(&b->count, memory_order_relaxed) + 1);
	if (atomic_load(&b->sleeps))
		wake(b);
	return 0;
}

void breaker_leave(void)
{
	struct breaker *b = &the_loop;

	/* nobody else writes it */
	atomic_store_explicit(&b->count, atomic_load_explicit(&b->count, memory_order_relaxed) + 1,
			      memory_order_release);
}
