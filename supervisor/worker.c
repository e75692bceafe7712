/* SPDX-License-Identifier: MIT */
/*
 * One thread: it takes the items of its lane in order, hands each back through the pool's list of
 * finished ones, and leaves after IDLE_SEC without work through the list `gone`, from which the
 * loop thread joins it. It never touches the pool after it has given up the mutex for the last
 * time.
 *
 * An interrupt that comes late must not hit the next item of its thread: it is sent with the mutex
 * held and only while the item runs, so it is pending before the thread can take the next one, and
 * any system call in between delivers it.
 */
#include "worker.h"

#include <signal.h>
#include <sys/syscall.h>

#include "util.h"

enum {
	IDLE_SEC = 10,
	STACK_BYTES = 256 * 1024,
};

static struct work *take(struct lane *lane)
{
	struct work *w = list_entry(list_pop(&lane->queue), struct work, node);

	lane->queued--;
	return w;
}

/* NULL: the thread has nothing to do any more. */
static struct work *wait_for_work(struct lane *lane)
{
	struct timespec until = time_after(IDLE_SEC * NSEC_PER_SEC);
	int rc = 0;

	while (list_empty(&lane->queue)) {
		if (lane->pool->stop || rc == ETIMEDOUT)
			return NULL;
		lane->idle++;
		rc = pthread_cond_timedwait(&lane->wake, &lane->pool->mutex, &until);
		lane->idle--;
	}
	return take(lane);
}

/* Called and returns with the mutex held. */
static void run_work(struct worker *me, struct work *w)
{
	struct workers *p = me->lane->pool;
	bool first;

	me->work = w;
	w->thread = me;
	pthread_mutex_unlock(&p->mutex);
	w->run(w);
	pthread_mutex_lock(&p->mutex);
	if (w->cancelled)
		syscall(SYS_gettid);	/* takes delivery of a late interrupt */
	me->work = NULL;
	w->thread = w;
	first = list_empty(&p->finished);
	list_add_tail(&p->finished, &w->node);
	if (first)
		loop_kick_now(p->kick);
}

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	struct workers *p = me->lane->pool;
	struct work *w;

	pthread_mutex_lock(&p->mutex);
	while ((w = wait_for_work(me->lane)))
		run_work(me, w);
	me->lane->threads--;
	p->threads_count--;
	list_del(&me->node);
	list_add_tail(&p->gone, &me->node);
	pthread_cond_signal(&p->left);
	loop_kick_now(p->kick);
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static int create_thread(struct worker *t)
{
	sigset_t blocked, old;
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&blocked);
	sigdelset(&blocked, WORKERS_INTERRUPT_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	rc = pthread_create(&t->id, &attr, worker_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

int worker_start(struct lane *lane)
{
	struct workers *p = lane->pool;
	struct worker *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->lane = lane;
	rc = create_thread(t);
	if (rc < 0) {
		free(t);
		return rc;
	}
	list_add_tail(&p->threads, &t->node);
	lane->threads++;
	p->threads_count++;
	return 0;
}
