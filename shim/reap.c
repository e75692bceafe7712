/* SPDX-License-Identifier: MIT */
/*
 * io_getevents in user space, when at least as many events as it must wait for are there. All else
 * goes through the trap, before anything has changed: errors, waiting, signal masks, events that
 * may be due but have not been looked for, a header that the program has edited.
 *
 * No lock, for the one who holds it may be killed: several threads, the supervisor (for those who
 * came through the trap) and the program's own readers take events by moving `head`. Events are
 * copied first, then head is moved by an exchange that compares head and tail at once. That both
 * are as they were does not prove that nothing happened meanwhile: the ring may have gone round.
 * Then at least as many events were published as it has slots, which the channel counts, and what
 * was taken is given back; if somebody has taken more behind it already, it is copied again.
 *
 * The copy is made by a transaction where there are some, else by the kernel, by process_vm_readv(2)
 * on ourselves: whether the program's buffer
 * can be written, its timeout read, and whether the context's id still stands where the handle says,
 * cannot be asked otherwise without a fault. What ends early goes through the trap, which says
 * EFAULT or EINVAL with all that belongs to it. Signals are blocked, for a handler may reap too, or
 * fork. The process is asked for its number each time: a vfork child that shares the page has
 * another, and its parent's may have been given away.
 *
 * Where a trace asks for it (CHANNEL_TELL), each such call is noted for it, with the time when head
 * had been moved.
 */
#include <stddef.h>
#include <sys/uio.h>
#include <time.h>

#include "calls.h"
#include "own.h"
#include "raw.h"
#include "transaction.h"

#define TRIES 8
#define UNASKED_MAX 64		/* events, for a transaction must fit into a cache */

struct event {
	uint64_t data, obj;
	int64_t res, res2;
};

struct ring {
	uint32_t id, nr;
	uint64_t ends;			/* head; tail above it */
	uint32_t magic, compat, incompat, header_length;
	struct event events[];
};

_Static_assert(offsetof(struct ring, ends) == 8 && offsetof(struct ring, events) == 32,
	       "the kernel's layout");

struct reaping {
	const long *args;		/* of io_getevents */
	struct channel_ring *shared;
	struct channel_note *note;	/* NULL: nobody wants to know */
	struct ring *ring;
	uint32_t head, tail, count;
	uint32_t transactions;		/* the CPU has them */
};

/* --- notes --- */

static uint64_t clock_ns(void)
{
	struct timespec now = { .tv_sec = 0 };

	(void)raw3(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void note_state(struct channel_note *note, uint32_t state)
{
	if (note)
		__atomic_store_n(&note->state, state, __ATOMIC_SEQ_CST);
}

/* NULL: none is free, or the trace has not come round to reading them. */
static struct channel_note *note_claim(struct channel_page *channel)
{
	const uint32_t tid = (uint32_t)raw3(SYS_gettid, 0, 0, 0);

	for (uint32_t i = 0; i < CHANNEL_NOTES; i++) {
		struct channel_note *note = &channel->notes[(tid + i) % CHANNEL_NOTES];
		uint32_t free = NOTE_FREE;

		if (__atomic_compare_exchange_n(&note->state, &free, NOTE_CLAIMED, 0,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			note->tid = tid;
			note->entered_ns = clock_ns();
			return note;
		}
	}
	return NULL;
}

static void note_try(const struct reaping *r, uint64_t published)
{
	struct channel_note *note = r->note;

	if (!note)
		return;
	note->number = __atomic_load_n(&r->shared->number, __ATOMIC_RELAXED);
	note->published = published;
	note->head = r->head;
	note->count = r->count;
	note_state(note, NOTE_TRYING);
}

static void note_timeout(const struct reaping *r, const int64_t timeout[2])
{
	if (!r->note)
		return;
	r->note->timeout[0] = timeout[0];
	r->note->timeout[1] = timeout[1];
}

static void note_end(struct channel_page *channel, struct channel_note *note, long n)
{
	if (!note)
		return;
	if (n <= 0) {
		note_state(note, NOTE_FREE);
		return;
	}
	note->reaped_ns = clock_ns();
	note_state(note, NOTE_TOLD);
	__atomic_add_fetch(&channel->told, 1, __ATOMIC_SEQ_CST);
}

/* --- events --- */

/* The same without the kernel; false: it must be asked. */
static int copy_unasked(const struct reaping *r, uint32_t first)
{
	const volatile int64_t *timeout = (const volatile int64_t *)r->args[4];
	const uint64_t bytes = first * sizeof(struct event);
	int64_t asked[2] = { 0, 0 };
	uint32_t id;

	if (!r->transactions || r->count > UNASKED_MAX || !transaction_begin())
		return 0;
	if (timeout) {
		asked[0] = timeout[0];
		asked[1] = timeout[1];
	}
	id = *(const volatile uint32_t *)r->args[0];
	copy_bytes((void *)r->args[3], &r->ring->events[r->head], bytes);
	copy_bytes((char *)r->args[3] + bytes, r->ring->events,
		   r->count * sizeof(struct event) - bytes);
	transaction_end();
	note_timeout(r, asked);
	return id == r->shared->id;
}

/* Copies; true: all that had to be readable and writable was, and the handle is good. */
static int copy_events(const struct reaping *r)
{
	const uint32_t to_end = r->shared->nr - r->head;
	const uint32_t first = to_end < r->count ? to_end : r->count;
	struct {
		int64_t timeout[2];
		uint32_t id;
	} own = { .id = 0, .timeout = { 0, 0 } };
	const size_t timeout_bytes = r->args[4] ? sizeof(own.timeout) : 0;
	const size_t bytes = r->count * sizeof(struct event);
	const struct iovec to[] = {
		{ own.timeout, timeout_bytes },
		{ &own.id, sizeof(own.id) },
		{ (void *)r->args[3], bytes },
	};
	const struct iovec from[] = {
		{ (void *)r->args[4], timeout_bytes },
		{ (void *)r->args[0], sizeof(own.id) },
		{ &r->ring->events[r->head], first * sizeof(struct event) },
		{ r->ring->events, bytes - first * sizeof(struct event) },
	};
	long n;

	if (copy_unasked(r, first))
		return 1;
	n = raw6(SYS_process_vm_readv, raw3(SYS_getpid, 0, 0, 0), (long)to, 3,
		 (long)from, 4, 0);
	note_timeout(r, own.timeout);
	return n == (long)(timeout_bytes + sizeof(own.id) + bytes) && own.id == r->shared->id;
}

static int move_head(const struct reaping *r, uint32_t from, uint32_t to)
{
	uint64_t ends = from | (uint64_t)r->tail << 32;

	return __atomic_compare_exchange_n(&r->ring->ends, &ends, to | (uint64_t)r->tail << 32, 0,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* True: nothing was there, or head stands where nobody can tell what is. */
static int look(struct reaping *r)
{
	const uint64_t ends = __atomic_load_n(&r->ring->ends, __ATOMIC_ACQUIRE);
	const uint32_t nr = r->shared->nr;
	uint32_t there;

	r->head = (uint32_t)ends;
	r->tail = (uint32_t)(ends >> 32);
	if (r->head >= nr || r->tail >= nr)
		return 1;
	there = r->tail >= r->head ? r->tail - r->head : nr - r->head + r->tail;
	r->count = there < (uint64_t)r->args[2] ? there : (uint32_t)r->args[2];
	return !r->count || r->count < (uint64_t)r->args[1];
}

/* How many, or 0: through the trap; -1: others were faster. */
static long reap_once(struct reaping *r)
{
	const uint64_t published = __atomic_load_n(&r->shared->published, __ATOMIC_ACQUIRE);
	uint32_t behind;

	if (look(r) || !copy_events(r))
		return 0;
	behind = (r->head + r->count) % r->shared->nr;
	note_try(r, published);
	if (!move_head(r, r->head, behind))
		return -1;
	/* one less, for the last one that was counted then may not have been in the tail */
	if (__atomic_load_n(&r->shared->published, __ATOMIC_ACQUIRE) - published <
	    r->shared->nr - 1)
		return r->count;
	if (move_head(r, behind, r->head))
		return -1;
	return copy_events(r) ? (long)r->count : -1;
}

static long reap(struct reaping *r)
{
	long n = -1;

	if (__atomic_load_n(&r->shared->peers, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&r->ring->id, __ATOMIC_RELAXED) != r->shared->id)
		return 0;
	for (int i = 0; i < TRIES && n < 0; i++) {
		n = reap_once(r);
		if (n < 0)
			note_state(r->note, NOTE_CLAIMED);
	}
	return n < 0 ? 0 : n;
}

/* False: it is wanted, and cannot be had. */
static int note_begin(struct reaping *r, struct channel_page *channel, long nr)
{
	if (!(__atomic_load_n(&channel->flags, __ATOMIC_RELAXED) & CHANNEL_TELL))
		return 1;
	r->note = note_claim(channel);
	if (!r->note)
		return 0;
	r->note->nr = (uint32_t)nr;
	for (int i = 0; i < 5; i++)
		r->note->args[i] = (uint64_t)r->args[i];
	return 1;
}

/* Counted in, so that nobody unmaps it; number is compared behind that. */
static long reap_from(struct own_page *page, int place, long nr, const long args[6])
{
	struct channel_ring *shared = &page->channel->rings[place];
	struct own_ring *own = &page->rings[place];
	struct reaping r = { .args = args, .shared = shared };
	const uint32_t flags = __atomic_load_n(&page->channel->flags, __ATOMIC_RELAXED);
	long n = 0;

	__atomic_add_fetch(&own->users, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&own->number, __ATOMIC_SEQ_CST) ==
		    __atomic_load_n(&shared->number, __ATOMIC_ACQUIRE) &&
	    __atomic_load_n(&shared->handle, __ATOMIC_ACQUIRE) == (uint64_t)args[0] &&
	    note_begin(&r, page->channel, nr)) {
		r.ring = own->at;
		r.transactions = flags & CHANNEL_TRANSACTIONS;
		n = reap(&r);
		note_end(page->channel, r.note, n);
	}
	__atomic_sub_fetch(&own->users, 1, __ATOMIC_SEQ_CST);
	if (n > 0)
		__atomic_add_fetch(&page->channel->reaped, 1, __ATOMIC_RELAXED);
	return n;
}

static long reap_here(long nr, const long args[6])
{
	struct own_page *page = own_page_find();
	int place;

	if (!page || !(__atomic_load_n(&page->channel->flags, __ATOMIC_ACQUIRE) & CHANNEL_REAP))
		return 0;
	place = args[0] ? channel_place(page->channel, (uint64_t)args[0]) : -1;
	return place < 0 ? 0 : reap_from(page, place, nr, args);
}

long aio_getevents(long nr, const long args[6])
{
	const int masks = nr == SYS_io_pgetevents && args[5];
	uint64_t mask;
	long n = 0;

	if (own_page_find() && !masks && args[1] >= 0 && args[2] > 0 && args[1] <= args[2]) {
		signals_block(&mask);
		n = reap_here(nr, args);
		signals_restore(&mask);
	}
	return n > 0 ? n : raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}
