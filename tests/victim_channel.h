/* SPDX-License-Identifier: MIT */
/*
 * A shim by hand: what victim_channel.c does to slots is made of these. System calls are
 * instructions of its own, so that the shim itself is never used.
 */
#ifndef VICTIM_CHANNEL_H
#define VICTIM_CHANNEL_H

#include "parity/victim_env.h"

#include <linux/aio_abi.h>
#include <sched.h>
#include <stdbool.h>

#include "../shim/channel_abi.h"
#include "../shim/raw.h"

#define RING_BYTES 4096

static struct channel_page *channel;
static long ctx;
static int file;
static off_t expected;			/* bytes in the file */
static unsigned turn;

static inline long setup(long a, long b, long c, long d, long e, long f)
{
	return raw6(SYS_io_setup, a, b, c, d, e, f);
}

static inline void *map_fd(long fd, size_t bytes)
{
	void *at;

	need(fd >= 0);
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	need(at != MAP_FAILED && !close((int)fd));
	return at;
}

static inline void begin(void)
{
	long fd = setup(CHANNEL_VERSION, (long)CHANNEL_HELLO_AT, (long)CHANNEL_MAGIC,
			CHANNEL_STEP_HELLO, 0, 0);
	void *ring;

	channel = map_fd(fd, CHANNEL_BYTES);
	need(channel->flags & CHANNEL_SUBMIT);
	fd = setup(16, (long)&ctx, (long)CHANNEL_MAGIC, CHANNEL_STEP_RING, 0, 0);
	ring = map_fd(fd, RING_BYTES);
	need(!setup(16, (long)&ctx, (long)CHANNEL_MAGIC, CHANNEL_STEP_ENTER, (long)ring, 0));
	file = open("appended", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	need(file >= 0 && ctx == (long)ring);
}

static inline struct iocb append(void)
{
	return (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)file,
			      .aio_buf = (uintptr_t)"x", .aio_nbytes = 1 };
}

static inline off_t size(void)
{
	struct stat st;

	need(!fstat(file, &st));
	return st.st_size;
}

/* Every call that is answered makes the supervisor look for some time. */
static inline void reap(void)
{
	struct timespec none = { 0 };
	struct io_event ev[16];

	need(raw6(SYS_io_getevents, ctx, 0, 16, (long)ev, (long)&none, 0) >= 0);
}

static inline void post(struct channel_slot *slot, long tid, long nr, void *list)
{
	slot->tid = (uint32_t)tid;
	slot->args[0] = (uint64_t)ctx;
	slot->args[1] = (uint64_t)nr;
	slot->args[2] = (uintptr_t)list;
	__atomic_store_n(&slot->state, SLOT_POSTED, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&channel->posted, 1ull << (slot - channel->slots), __ATOMIC_SEQ_CST);
}

static inline bool change(struct channel_slot *slot, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&slot->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static inline uint32_t state_of(struct channel_slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_SEQ_CST);
}

/* Ends when it is answered, or has been taken back for nobody looks: then the state is CLAIMED. */
static inline uint32_t settle(struct channel_slot *slot)
{
	for (;;) {
		const uint32_t state = state_of(slot);

		if (state == SLOT_DONE || state == SLOT_TRAP)
			return state;
		if (state == SLOT_POSTED && !__atomic_load_n(&channel->awake, __ATOMIC_SEQ_CST) &&
		    change(slot, SLOT_POSTED, SLOT_CLAIMED))
			return SLOT_CLAIMED;
		sched_yield();
	}
}

static inline long by_trap(void *list, uint64_t magic)
{
	return raw6(SYS_io_submit, ctx, 1, (long)list, (long)magic, 0, 0);
}

/* As the shim would: by the slot, by the trap where that is told or nobody looks. */
static inline long finish(struct channel_slot *slot, uint32_t state, void *list)
{
	long result = slot->result;

	if (state != SLOT_DONE)
		result = by_trap(list, state == SLOT_TRAP ? CHANNEL_MAGIC : 0);
	slot->state = SLOT_FREE;
	return result;
}

static inline struct channel_slot *next_slot(void)
{
	return &channel->slots[turn++ % CHANNEL_SLOTS];
}

static inline long answered(long tid, long nr, void *list)
{
	struct channel_slot *slot = next_slot();
	uint32_t state;
	long result;

	do {
		reap();
		post(slot, tid, nr, list);
		state = settle(slot);
	} while (state == SLOT_CLAIMED);
	result = slot->result;
	if (state != SLOT_DONE)		/* refused, or it has to wait */
		result = tid == gettid() ? by_trap(list, CHANNEL_MAGIC) : -1000;
	slot->state = SLOT_FREE;
	return result;
}

static inline void say(const char *what)
{
	if (size() == expected)
		printf("%s: each once\n", what);
	else
		printf("%s: %lld in the file, %lld made\n", what, (long long)size(),
		       (long long)expected);
	fflush(stdout);
	expected = size();
}

#endif
