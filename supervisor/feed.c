/* SPDX-License-Identifier: MIT */
/*
 * Theory. One producer, one consumer, a power of two of units, each a cache line; a record takes as
 * many as it needs, the last of them may lie behind the end. Head and tail count units and only
 * grow. The queue is small: what is in it goes from one CPU's cache to the other's. To be woken for
 * each record would cost more than the record, so a consumer that has been woken by the first
 * one lingers: it sleeps LINGER_NS more, or until half of the units are used, and takes all that
 * has come. Its state says how it sleeps: that is the futex, and the producer wakes it only when
 * the state asks for it. Both sides store first and look at the other's word then (seq_cst), so
 * that one of them sees the other.
 */
#include "feed.h"

#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define UNIT_BYTES 64u
#define FEED_UNITS 8192u
#define UNITS_MAX ((uint32_t)((sizeof(struct record) + UNIT_BYTES - 1) / UNIT_BYTES))
#define GIVE_BACK_UNITS (FEED_UNITS / 8)
#define LINGER_NS (20 * NSEC_PER_MSEC)

enum state {
	AWAKE,
	IDLE,			/* sleeps until the first record */
	LINGERS,		/* sleeps until there are many, or for LINGER_NS */
};

struct feed {
	char *units;
	/* the producer's */
	_Atomic uint32_t tail __attribute__((aligned(64)));
	uint32_t head_seen;
	/* the consumer's */
	_Atomic uint32_t head __attribute__((aligned(64)));
	uint32_t next;			/* it has taken what lies before, and says so in head now and then */
	uint32_t tail_seen;
	/* seldom written */
	_Atomic uint32_t state __attribute__((aligned(64)));
	_Atomic uint32_t producer_waits;
	_Atomic bool stopped;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t while_it_is, uint64_t timeout_ns)
{
	const struct timespec ts = { .tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
				     .tv_nsec = (long)(timeout_ns % NSEC_PER_SEC) };

	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_it_is, timeout_ns ? &ts : NULL,
		      NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static size_t feed_bytes(void)
{
	return (size_t)(FEED_UNITS + UNITS_MAX) * UNIT_BYTES;
}

struct feed *feed_create(void)
{
	struct feed *f = aligned_alloc(64, sizeof(*f));

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	/* touched only as far as it is used */
	f->units = mmap(NULL, feed_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (f->units != MAP_FAILED)
		return f;
	free(f);
	return NULL;
}

void feed_destroy(struct feed *f)
{
	if (!f)
		return;
	munmap(f->units, feed_bytes());
	free(f);
}

static struct record *at(const struct feed *f, uint32_t unit)
{
	return (struct record *)&f->units[(size_t)(unit % FEED_UNITS) * UNIT_BYTES];
}

/* --- the producer --- */

/* The largest record may have no room. */
static bool is_full(uint32_t head, uint32_t tail)
{
	return tail - head > FEED_UNITS - UNITS_MAX;
}

static uint32_t own_tail(const struct feed *f)
{
	return atomic_load_explicit(&f->tail, memory_order_relaxed);
}

bool feed_full(struct feed *f)
{
	if (is_full(f->head_seen, own_tail(f)))
		f->head_seen = atomic_load(&f->head);
	return is_full(f->head_seen, own_tail(f));
}

struct record *feed_slot(struct feed *f, size_t bytes)
{
	struct record *r = at(f, own_tail(f));

	while (feed_full(f)) {
		atomic_store(&f->producer_waits, 1);
		if (feed_full(f))
			futex_wait(&f->head, f->head_seen, 0);
	}
	r->units = (uint16_t)((bytes + UNIT_BYTES - 1) / UNIT_BYTES);
	return r;
}

static void wake_consumer(struct feed *f)
{
	atomic_store(&f->state, AWAKE);
	futex_wake(&f->state);
}

void feed_push(struct feed *f, const struct record *r)
{
	const uint32_t tail = own_tail(f) + r->units;
	uint32_t state;

	/* what comes next will be written there, where the other CPU has read before */
	for (uint32_t n = 0; n < UNITS_MAX; n++)
		__builtin_prefetch(at(f, tail + n), 1);
	atomic_store(&f->tail, tail);
	state = atomic_load(&f->state);
	if (state == IDLE || (state == LINGERS && tail - atomic_load(&f->head) >= FEED_UNITS / 2))
		wake_consumer(f);
}

void feed_stop(struct feed *f)
{
	atomic_store(&f->stopped, true);
	wake_consumer(f);
}

/* --- the consumer --- */

static uint32_t waiting(struct feed *f)
{
	if (f->tail_seen == f->next)
		f->tail_seen = atomic_load(&f->tail);
	return f->tail_seen - f->next;
}

struct record *feed_peek(struct feed *f)
{
	return waiting(f) ? at(f, f->next) : NULL;
}

/* In large steps: a full queue empties for a while before its producer goes on. */
static void give_back(struct feed *f)
{
	atomic_store(&f->head, f->next);
	if (atomic_load(&f->producer_waits) &&
	    atomic_load(&f->tail) - f->next <= FEED_UNITS / 2 &&
	    atomic_exchange(&f->producer_waits, 0))
		futex_wake(&f->head);
}

void feed_pop(struct feed *f)
{
	f->next += at(f, f->next)->units;
	if (f->next - atomic_load_explicit(&f->head, memory_order_relaxed) >= GIVE_BACK_UNITS)
		give_back(f);
}

static bool few(struct feed *f)
{
	return atomic_load(&f->tail) - f->next < FEED_UNITS / 2 && !atomic_load(&f->stopped);
}

bool feed_wait(struct feed *f)
{
	give_back(f);
	while (!waiting(f)) {
		if (atomic_load(&f->stopped))
			return waiting(f) > 0;
		atomic_store(&f->state, IDLE);
		if (!waiting(f) && !atomic_load(&f->stopped))
			futex_wait(&f->state, IDLE, 0);
	}
	atomic_store(&f->state, LINGERS);
	if (few(f))
		futex_wait(&f->state, LINGERS, LINGER_NS);
	atomic_store(&f->state, AWAKE);
	return true;
}
