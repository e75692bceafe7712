/* SPDX-License-Identifier: MIT */
/*
 * Theory. One producer, one consumer, a power of two of slots; head and tail only grow. To be woken
 * for each record would cost more than the record, so a consumer that has been woken by the first
 * one lingers: it sleeps LINGER_NS more, or until half of the slots are used, and takes all that
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

#define FEED_SLOTS 8192u
#define LINGER_NS (20 * NSEC_PER_MSEC)

enum state {
	AWAKE,
	IDLE,			/* sleeps until the first record */
	LINGERS,		/* sleeps until there are many, or for LINGER_NS */
};

struct feed {
	struct record *slots;
	_Atomic uint32_t tail __attribute__((aligned(64)));	/* the producer's */
	_Atomic uint32_t producer_waits;
	_Atomic bool stopped;
	_Atomic uint32_t head __attribute__((aligned(64)));	/* the consumer's */
	_Atomic uint32_t state;
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

static size_t slots_bytes(void)
{
	return FEED_SLOTS * sizeof(struct record);
}

struct feed *feed_create(void)
{
	struct feed *f = aligned_alloc(64, sizeof(*f));

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	/* touched only as far as it is used */
	f->slots = mmap(NULL, slots_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (f->slots != MAP_FAILED)
		return f;
	free(f);
	return NULL;
}

void feed_destroy(struct feed *f)
{
	if (!f)
		return;
	munmap(f->slots, slots_bytes());
	free(f);
}

static uint32_t used(const struct feed *f)
{
	return atomic_load(&f->tail) - atomic_load(&f->head);
}

bool feed_full(const struct feed *f)
{
	return used(f) == FEED_SLOTS;
}

struct record *feed_slot(struct feed *f)
{
	uint32_t head;

	while (feed_full(f)) {
		atomic_store(&f->producer_waits, 1);
		head = atomic_load(&f->head);
		if (atomic_load(&f->tail) - head == FEED_SLOTS)
			futex_wait(&f->head, head, 0);
	}
	return &f->slots[atomic_load_explicit(&f->tail, memory_order_relaxed) % FEED_SLOTS];
}

static void wake_consumer(struct feed *f)
{
	atomic_store(&f->state, AWAKE);
	futex_wake(&f->state);
}

void feed_push(struct feed *f)
{
	uint32_t state;

	atomic_fetch_add(&f->tail, 1);
	state = atomic_load(&f->state);
	if (state == IDLE || (state == LINGERS && used(f) >= FEED_SLOTS / 2))
		wake_consumer(f);
}

void feed_stop(struct feed *f)
{
	atomic_store(&f->stopped, true);
	wake_consumer(f);
}

struct record *feed_peek(struct feed *f)
{
	return used(f) ? &f->slots[atomic_load(&f->head) % FEED_SLOTS] : NULL;
}

void feed_pop(struct feed *f)
{
	atomic_fetch_add(&f->head, 1);
	/* in large steps: a full queue empties for a while before its producer goes on */
	if (atomic_load(&f->producer_waits) && used(f) <= FEED_SLOTS / 2 &&
	    atomic_exchange(&f->producer_waits, 0))
		futex_wake(&f->head);
}

static bool few(const struct feed *f)
{
	return used(f) < FEED_SLOTS / 2 && !atomic_load(&f->stopped);
}

bool feed_wait(struct feed *f)
{
	while (!used(f)) {
		if (atomic_load(&f->stopped))
			return used(f) > 0;
		atomic_store(&f->state, IDLE);
		if (!used(f) && !atomic_load(&f->stopped))
			futex_wait(&f->state, IDLE, 0);
	}
	atomic_store(&f->state, LINGERS);
	if (few(f))
		futex_wait(&f->state, LINGERS, LINGER_NS);
	atomic_store(&f->state, AWAKE);
	return true;
}
