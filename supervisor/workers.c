/* SPDX-License-Identifier: MIT */
/*
 * One mutex for all lanes: it is held for a few list operations per work item, and an item costs a
 * thread switch anyway. The loop thread alone creates threads.
 *
 * The first thread of a lane does not count against THREADS_MAX, and where even that one cannot be
 * created the work stays queued and a timer tries again: accepted work is never lost, and never run
 * on the loop thread.
 *
 * An interrupt that comes just before the thread enters its blocking call is lost, hence the same
 * timer repeats it until run() returns.
 */
#include "workers.h"

#include <assert.h>
#include <string.h>

#include "worker.h"

enum {
	THREADS_MAX = 1024,
	TICK_NS = 3000000,
};

static void interrupted(int sig)
{
}

/* Gives the lane one more thread if it needs and may have one; false: nobody serves its queue. */
static bool serve(struct lane *lane)
{
	struct workers *p = lane->pool;
	bool may = !lane->threads ||
		   (lane->threads < p->lane_threads && p->threads_count < THREADS_MAX);

	if (lane->queued > lane->idle && may)
		worker_start(lane);
	return lane->threads || !lane->queued;
}

/* Interrupts again all cancelled work that still runs; tells whether there is any. */
static bool interrupt_cancelled(struct workers *p)
{
	bool any = false;

	list_for_each(pos, next, &p->threads) {
		struct worker *t = list_entry(pos, struct worker, node);

		if (t->work && t->work->cancelled) {
			pthread_kill(t->id, WORKERS_INTERRUPT_SIGNAL);
			any = true;
		}
	}
	return any;
}

static void tick_soon(struct workers *p, bool soon)
{
	loop_timer_start(p->loop, &p->tick, soon ? now_ns() + TICK_NS : UINT64_MAX);
}

static void on_tick(void *arg)
{
	struct workers *p = arg;
	bool again;

	pthread_mutex_lock(&p->mutex);
	again = interrupt_cancelled(p);
	list_for_each(pos, next, &p->lanes)
		if (!serve(list_entry(pos, struct lane, node)))
			again = true;
	pthread_mutex_unlock(&p->mutex);
	tick_soon(p, again);
}

static void join(struct list *gone)
{
	struct list *node;

	while ((node = list_pop(gone))) {
		struct worker *t = list_entry(node, struct worker, node);

		pthread_join(t->id, NULL);
		free(t);
	}
}

static void hand_over(void *arg)
{
	struct workers *p = arg;
	struct list finished, gone, *node;

	list_init(&finished);
	list_init(&gone);
	pthread_mutex_lock(&p->mutex);
	list_splice_tail(&finished, &p->finished);
	list_splice_tail(&gone, &p->gone);
	pthread_mutex_unlock(&p->mutex);
	join(&gone);
	while ((node = list_pop(&finished))) {
		struct work *w = list_entry(node, struct work, node);

		w->lane->load--;
		p->outstanding--;
		w->done(w);
	}
}

void workers_queue(struct workers *p, struct lane *lane, struct work *w)
{
	bool served;

	w->lane = lane;
	w->thread = NULL;
	w->cancelled = false;
	lane->load++;
	p->outstanding++;
	pthread_mutex_lock(&p->mutex);
	list_add_tail(&lane->queue, &w->node);
	lane->queued++;
	if (lane->idle)
		pthread_cond_signal(&lane->wake);
	served = serve(lane);
	pthread_mutex_unlock(&p->mutex);
	if (!served)
		tick_soon(p, true);
}

bool workers_cancelled(struct work *w)
{
	struct workers *p = w->lane->pool;
	bool cancelled;

	pthread_mutex_lock(&p->mutex);
	cancelled = w->cancelled;
	pthread_mutex_unlock(&p->mutex);
	return cancelled;
}

int workers_withdraw(struct workers *p, struct work *w)
{
	bool queued;

	pthread_mutex_lock(&p->mutex);
	queued = !w->thread;
	if (queued) {
		list_del(&w->node);
		w->lane->queued--;
	}
	pthread_mutex_unlock(&p->mutex);
	if (!queued)
		return -EINPROGRESS;
	w->lane->load--;
	p->outstanding--;
	return 0;
}

int workers_cancel(struct workers *p, struct work *w)
{
	if (workers_withdraw(p, w) == 0)
		return 0;
	pthread_mutex_lock(&p->mutex);
	w->cancelled = true;
	interrupt_cancelled(p);
	pthread_mutex_unlock(&p->mutex);
	tick_soon(p, true);
	return -EINPROGRESS;
}

unsigned workers_lane_load(const struct lane *lane)
{
	return lane->load;
}

static void init_cond(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static struct lane *find_lane(struct workers *p, const char *name)
{
	list_for_each(pos, next, &p->lanes) {
		struct lane *lane = list_entry(pos, struct lane, node);

		if (!strcmp(lane->name, name))
			return lane;
	}
	return NULL;
}

struct lane *workers_lane(struct workers *p, const char *name)
{
	struct lane *lane = find_lane(p, name);
	auto_free char *copy = NULL;

	if (lane)
		return lane;
	copy = strdup(name);
	lane = calloc(1, sizeof(*lane));
	if (!copy || !lane) {
		free(lane);
		return NULL;
	}
	lane->pool = p;
	lane->name = copy;
	copy = NULL;
	list_init(&lane->queue);
	init_cond(&lane->wake);
	/* only the loop thread walks this list */
	list_add_tail(&p->lanes, &lane->node);
	return lane;
}

struct workers *workers_create(struct loop *loop, unsigned lane_threads)
{
	struct workers *p = calloc(1, sizeof(*p));
	struct sigaction action = { .sa_handler = interrupted };

	assert(lane_threads);
	if (!p)
		return NULL;
	p->loop = loop;
	p->lane_threads = lane_threads;
	p->tick.fn = on_tick;
	p->tick.arg = p;
	list_init(&p->lanes);
	list_init(&p->threads);
	list_init(&p->gone);
	list_init(&p->finished);
	p->kick = loop_kick_create(loop, hand_over, p);
	if (!p->kick || loop_timer_start(loop, &p->tick, UINT64_MAX) < 0) {
		loop_kick_destroy(p->kick);
		free(p);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&p->mutex, NULL);
	init_cond(&p->left);
	sigaction(WORKERS_INTERRUPT_SIGNAL, &action, &p->old_action);
	return p;
}

/* Ends all threads once their queues are empty. The loop does not turn meanwhile: tick by hand. */
static void drain(struct workers *p)
{
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	list_for_each(pos, next, &p->lanes)
		pthread_cond_broadcast(&list_entry(pos, struct lane, node)->wake);
	for (;;) {
		struct timespec until = time_after(TICK_NS);
		bool served = true;

		list_for_each(pos, next, &p->lanes)
			served &= serve(list_entry(pos, struct lane, node));
		if (served && list_empty(&p->threads))
			break;
		interrupt_cancelled(p);
		pthread_cond_timedwait(&p->left, &p->mutex, &until);
	}
	pthread_mutex_unlock(&p->mutex);
}

void workers_destroy(struct workers *p)
{
	struct list *node;

	if (!p)
		return;
	do {
		drain(p);
		hand_over(p);
	} while (p->outstanding);
	while ((node = list_pop(&p->lanes))) {
		struct lane *lane = list_entry(node, struct lane, node);

		pthread_cond_destroy(&lane->wake);
		free(lane->name);
		free(lane);
	}
	sigaction(WORKERS_INTERRUPT_SIGNAL, &p->old_action, NULL);
	loop_timer_stop(p->loop, &p->tick);
	loop_kick_destroy(p->kick);
	pthread_cond_destroy(&p->left);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
