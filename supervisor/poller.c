/* SPDX-License-Identifier: MIT */
/*
 * One epoll instance, itself watched by the loop. epoll knows a descriptor only once, so a point
 * per descriptor number carries the union of what its waits want. Points are kept for good: there
 * are no more of them than descriptors, and an event that is still in the batch never meets freed
 * memory.
 *
 * EPOLLET: what a wait is not interested in, or cannot use (an error queue that stays full, data
 * that another reader took), is reported once. EPOLL_CTL_MOD looks at the state anew, and so does
 * each change in the set of waits of a point.
 */
#include "poller.h"

#include <assert.h>
#include <sys/epoll.h>

#include "loop.h"
#include "util.h"

enum { BATCH = 64 };

struct poller_point {
	int fd;
	struct list waits;
};

struct poller {
	int epoll_fd;
	struct loop_watch *watch;
	void (*after)(void *arg);
	void *arg;
	unsigned waits;
	struct poller_point **points;	/* by descriptor */
	size_t room;
};

static void point_ready(struct poller_point *point, uint32_t revents)
{
	list_for_each(pos, next, &point->waits) {
		struct poller_wait *w = list_entry(pos, struct poller_wait, node);

		if (revents & (w->events | EPOLLERR | EPOLLHUP))
			w->ready(w, revents);
	}
}

void poller_look(struct poller *p)
{
	struct epoll_event got[BATCH];
	int n = p->waits ? epoll_wait(p->epoll_fd, got, BATCH, 0) : 0;

	for (int i = 0; i < n; i++)
		point_ready(got[i].data.ptr, got[i].events);
}

static void poller_readable(void *arg, unsigned events)
{
	struct poller *p = arg;

	poller_look(p);
	p->after(p->arg);
}

struct poller *poller_create(struct loop *loop, void (*after)(void *arg), void *arg)
{
	struct poller *p = calloc(1, sizeof(*p));
	int rc = 0;

	if (!p)
		return NULL;
	p->after = after;
	p->arg = arg;
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0)
		rc = neg_errno();
	else if (!(p->watch = loop_watch(loop, p->epoll_fd, LOOP_READ, poller_readable, p)))
		rc = -ENOMEM;
	if (!rc)
		return p;
	poller_destroy(p);
	errno = -rc;
	return NULL;
}

void poller_destroy(struct poller *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->room; i++) {
		assert(!p->points[i] || list_empty(&p->points[i]->waits));
		free(p->points[i]);
	}
	free(p->points);
	loop_unwatch(p->watch);
	close_fd(&p->epoll_fd);
	free(p);
}

static int grow(struct poller *p, size_t fd)
{
	size_t room = max_u64(2 * fd, 64);
	struct poller_point **points = realloc(p->points, room * sizeof(*points));

	if (!points)
		return -ENOMEM;
	for (size_t i = p->room; i < room; i++)
		points[i] = NULL;
	p->points = points;
	p->room = room;
	return 0;
}

int poller_reserve(struct poller *p, int fd)
{
	struct poller_point *point;

	assert(fd >= 0);
	if ((size_t)fd >= p->room && grow(p, (size_t)fd))
		return -ENOMEM;
	if (p->points[fd])
		return 0;
	point = malloc(sizeof(*point));
	if (!point)
		return -ENOMEM;
	point->fd = fd;
	list_init(&point->waits);
	p->points[fd] = point;
	return 0;
}

static int control(struct poller *p, struct poller_point *point, int op)
{
	struct epoll_event ev = { .events = EPOLLET, .data.ptr = point };

	list_for_each(pos, next, &point->waits)
		ev.events |= list_entry(pos, struct poller_wait, node)->events;
	return epoll_ctl(p->epoll_fd, op, point->fd, &ev) ? neg_errno() : 0;
}

int poller_add(struct poller *p, struct poller_wait *w, int fd, uint32_t events,
	       enum poller_place place)
{
	struct poller_point *point;
	int op, rc = poller_reserve(p, fd);

	if (rc)
		return rc;
	assert(list_empty(&w->node));
	point = p->points[fd];
	op = list_empty(&point->waits) ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	w->point = point;
	w->events = events;
	if (place == POLLER_FIRST)
		list_add(&point->waits, &w->node);
	else
		list_add_tail(&point->waits, &w->node);
	rc = control(p, point, op);
	if (rc)
		list_del(&w->node);
	p->waits += !rc;
	return rc;
}

void poller_again(struct poller *p, struct poller_wait *w)
{
	control(p, w->point, EPOLL_CTL_MOD);
}

void poller_remove(struct poller *p, struct poller_wait *w)
{
	if (list_empty(&w->node))
		return;
	list_del(&w->node);
	p->waits--;
	control(p, w->point, list_empty(&w->point->waits) ? EPOLL_CTL_DEL : EPOLL_CTL_MOD);
}
