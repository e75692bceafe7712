/* SPDX-License-Identifier: MIT */
/*
 * Theory. Most calls have a batch, and few at a time: what is done with is used again, with its
 * room.
 */
#include "batch.h"

#include <stdlib.h>

#define SPARE_ROOM 256u		/* larger ones are not kept */

static struct batch **place_of(struct batches *all, uint64_t call)
{
	struct batch **place = &all->of[call % BATCH_BUCKETS];

	while (*place && (*place)->call != call)
		place = &(*place)->next;
	return place;
}

static struct batch *create(struct batches *all, uint64_t call)
{
	struct batch *b = all->spare;

	if (b)
		all->spare = b->next;
	else
		b = calloc(1, sizeof(*b));
	if (b) {
		b->next = NULL;
		b->call = call;
	}
	return b;
}

static bool make_room(struct batches *all, struct batch *b)
{
	const unsigned room = b->room ? 2 * b->room : 4;
	void *more;

	if (b->count < b->room)
		return true;
	if (all->ids_only) {
		more = realloc(b->ids, room * sizeof(*b->ids));
		b->ids = more ? more : b->ids;
	} else {
		more = realloc(b->entries, room * sizeof(*b->entries));
		b->entries = more ? more : b->entries;
	}
	if (more)
		b->room = room;
	return more;
}

/* With room for one more, or NULL. */
static struct batch *batch_for(struct batches *all, uint64_t call)
{
	struct batch **place = place_of(all, call);

	if (!*place)
		*place = create(all, call);
	if (*place && make_room(all, *place))
		return *place;
	all->no_memory++;
	return NULL;
}

void batch_note_id(struct batches *all, uint64_t call, uint64_t id, bool refused)
{
	struct batch *b = batch_for(all, call);

	if (!b)
		return;
	b->ids[b->count++] = id;
	b->last_refused |= refused;
}

void batch_note(struct batches *all, uint64_t call, const struct record_request *r, bool refused)
{
	struct batch *b;

	if (all->ids_only) {
		batch_note_id(all, call, r->id, refused);
		return;
	}
	b = batch_for(all, call);
	if (!b)
		return;
	record_request_copy(&b->entries[b->count++], r);
	b->last_refused |= refused;
}

void batch_take_back(struct batches *all, uint64_t call, uint64_t id)
{
	struct batch *b = *place_of(all, call);
	const unsigned last = b ? b->count - 1 : 0;

	/* it is the last one: nothing is accepted in between */
	if (!b || !b->count || (b->ids ? b->ids[last] : b->entries[last].id) != id)
		return;
	if (b->entries)
		record_request_put(&b->entries[last]);
	b->count = last;
}

const struct batch *batch_of(struct batches *all, uint64_t call)
{
	return *place_of(all, call);
}

static void empty(struct batch *b)
{
	for (unsigned i = 0; b->entries && i < b->count; i++)
		record_request_put(&b->entries[i]);
	b->count = 0;
	b->last_refused = false;
}

static void destroy(struct batch *b)
{
	empty(b);
	free(b->entries);
	free(b->ids);
	free(b);
}

void batch_done(struct batches *all, uint64_t call)
{
	struct batch **place = place_of(all, call);
	struct batch *b = *place;

	if (!b)
		return;
	*place = b->next;
	if (b->room > SPARE_ROOM) {
		destroy(b);
		return;
	}
	empty(b);
	b->next = all->spare;
	all->spare = b;
}

static void destroy_all(struct batch **first)
{
	struct batch *b;

	while ((b = *first)) {
		*first = b->next;
		destroy(b);
	}
}

void batches_free(struct batches *all)
{
	for (unsigned i = 0; i < BATCH_BUCKETS; i++)
		destroy_all(&all->of[i]);
	destroy_all(&all->spare);
}
