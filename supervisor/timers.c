/* SPDX-License-Identifier: MIT */
#include "timers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64 };

void timers_free(struct timers *h)
{
	for (unsigned i = 1; i <= h->count; i++)
		h->heap[i]->heap_slot = 0;
	free(h->heap);
	*h = (struct timers){ 0 };
}

static int grow(struct timers *h)
{
	unsigned room = h->room ? 2 * h->room : FIRST_ROOM;
	struct loop_timer **heap = realloc(h->heap, room * sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	h->heap = heap;
	h->room = room;
	return 0;
}

static void put(struct timers *h, unsigned slot, struct loop_timer *t)
{
	h->heap[slot] = t;
	t->heap_slot = slot;
}

static void sift_up(struct timers *h, unsigned slot, struct loop_timer *t)
{
	for (; slot > 1 && t->due_ns < h->heap[slot / 2]->due_ns; slot /= 2)
		put(h, slot, h->heap[slot / 2]);
	put(h, slot, t);
}

static void sift_down(struct timers *h, unsigned slot, struct loop_timer *t)
{
	for (;;) {
		unsigned child = 2 * slot;

		if (child < h->count && h->heap[child + 1]->due_ns < h->heap[child]->due_ns)
			child++;
		if (child > h->count || t->due_ns <= h->heap[child]->due_ns)
			break;
		put(h, slot, h->heap[child]);
		slot = child;
	}
	put(h, slot, t);
}

/* Puts t where it belongs, beginning at a slot that is free. */
static void settle(struct timers *h, unsigned slot, struct loop_timer *t)
{
	sift_up(h, slot, t);
	sift_down(h, t->heap_slot, t);
}

int timers_start(struct timers *h, struct loop_timer *t, uint64_t due_ns)
{
	unsigned slot = t->heap_slot;

	if (!slot && h->count + 1 >= h->room && grow(h) < 0)
		return -ENOMEM;
	if (!slot)
		slot = ++h->count;
	assert(slot <= h->count);
	t->due_ns = due_ns;
	settle(h, slot, t);
	return 0;
}

void timers_stop(struct timers *h, struct loop_timer *t)
{
	unsigned slot = t->heap_slot;

	if (!slot)
		return;
	assert(slot <= h->count && h->heap[slot] == t);

	struct loop_timer *last = h->heap[h->count--];

	t->heap_slot = 0;
	if (last != t)
		settle(h, slot, last);
}
