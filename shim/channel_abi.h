/* SPDX-License-Identifier: MIT */
/*
 * What the shim and the supervisor agree upon: the only header that both include.
 *
 * The shim speaks through the trap, by registers behind the last argument of io_setup and
 * io_destroy, which nobody reads natively. The first is an io_setup into the kernel's half of memory
 * (EFAULT, before anything else is looked at); of another number a program's own filter might know
 * nothing.
 *
 *	io_setup(CHANNEL_VERSION, CHANNEL_HELLO_AT, CHANNEL_MAGIC, CHANNEL_STEP_HELLO)
 *		the descriptor of the channel, close-on-exec; -EBUSY: this address space has one
 *		already; any other error: there is nobody, or the shim is not wanted
 *	io_setup(nr, ctxp, CHANNEL_MAGIC, CHANNEL_STEP_RING)
 *		the descriptor of a ring for these arguments; on any error the call is made plainly
 *	io_setup(nr, ctxp, CHANNEL_MAGIC, CHANNEL_STEP_ENTER, address, second)
 *		the ring stands there (0: it could not be mapped), and a second time for the shim
 *		itself (0: it does not): io_setup's result
 *	io_setup(nr, list, CHANNEL_MAGIC, CHANNEL_STEP_PASS)
 *		the descriptor of a socket, from which the numbers of the descriptors can be read that
 *		io_submit(ctx, nr, list) needs; a message for each is to be sent there, its number and
 *		itself (SCM_RIGHTS), before that is called by the same thread
 *	io_destroy(ctx, CHANNEL_MAGIC, &bytes)
 *		io_destroy's result; if it stored something in bytes, the shim unmaps as much
 *	io_submit(ctx, nr, list, CHANNEL_MAGIC)
 *		goes on with what a slot has begun (SLOT_TRAP), else it is a plain io_submit
 *
 * The channel is some pages, shared. The first names the contexts whose rings the shim has mapped,
 * as many as there is room for; those of others are reached by the trap only. Of its words the shim
 * writes two, and the supervisor reads nothing back that it relies on.
 *
 * The second is for calls without the trap: a slot each. Whoever has claimed one (FREE -> CLAIMED)
 * fills it, stores POSTED, sets its bit in `posted`, and only then looks at `awake`: 0 means that
 * nobody may look, and the call is taken back (POSTED -> CLAIMED) and made by the trap. The
 * supervisor stores awake = 0 and only then looks at `posted` for the last time, so one of the two
 * sees the other. Who wins the exchange of POSTED executes: POSTED -> TAKEN is the supervisor's. A
 * taken call ends as DONE or TRAP, both the shim's to free; nobody takes it back.
 *
 * Behind them is what slots carry, one each: of a call whose `carried` is not 0 the ring's header and
 * so many entries, list and iocbs, all as the program's memory had them, and each aio_key of 0 could
 * be written. It is the shim's to fill while the slot is CLAIMED.
 *
 * The last page is there if CHANNEL_TELL asks for it: what a trace is to know of events that were taken
 * without anybody being asked. A note is claimed (FREE -> CLAIMED), filled, TRYING before the head of
 * the ring is moved and TOLD behind that; so whoever sees a moved head sees who may have done it.
 * A told one is the supervisor's to free. Without a free one there is the trap.
 */
#ifndef CHANNEL_ABI_H
#define CHANNEL_ABI_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_VERSION 5
#define CHANNEL_HELLO_AT 0xffffa10a5a9d0000ull
#define CHANNEL_MAGIC 0xa10a5a9d53484d31ull
#define CHANNEL_BYTES 90112
#define CHANNEL_BASE_BYTES 86016		/* without the last page */

enum channel_step {
	CHANNEL_STEP_RING = 1,
	CHANNEL_STEP_ENTER = 2,
	CHANNEL_STEP_HELLO = 3,
	CHANNEL_STEP_PASS = 4,
};

/* One context. What the shim knows of it by `number` is void when that has changed. */
struct channel_ring {
	uint64_t handle;		/* 0: none; stored last when it begins, first when it ends */
	uint64_t number;		/* never the same twice */
	uint64_t published;		/* events, counted before the ring's tail is stored */
	uint32_t id;
	uint32_t nr;
	uint32_t peers; /* requests whose events may be due without having been looked for */
	uint32_t unused[7];
};

enum channel_flag {
	CHANNEL_REAP = 1,		/* io_getevents may take events by itself */
	CHANNEL_SUBMIT = 2,		/* io_submit may come by a slot */
	CHANNEL_TELL = 4,		/* what is reaped is noted */
	CHANNEL_TRANSACTIONS = 8,	/* the CPU has them: slots may carry entries */
	CHANNEL_PASS = 16,		/* io_submit needs descriptors to be passed */
};

enum slot_state {
	SLOT_FREE = 0,
	SLOT_CLAIMED = 1,
	SLOT_POSTED = 2,
	SLOT_TAKEN = 3,			/* it is being executed */
	SLOT_SLEEPS = 4,		/* so it is, and the caller waits for a futex wake of `state` */
	SLOT_DONE = 5,			/* result is there */
	SLOT_TRAP = 6,			/* make the call by the trap; it may have begun */
};

/* One io_submit. */
struct channel_slot {
	uint32_t state;
	uint32_t tid;			/* who calls */
	uint64_t args[3];
	int64_t result;
	uint32_t raise;			/* bit n: the caller is to raise signal n in itself */
	uint32_t carried;		/* so many entries are in its struct channel_carried */
	uint64_t mask; /* the caller's signal mask; while it is here it blocks all */
	uint64_t unused2;
};

enum note_state {
	NOTE_FREE = 0,
	NOTE_CLAIMED = 1,
	NOTE_TRYING = 2,		/* head may have been moved, or not */
	NOTE_TOLD = 3,
};

/* One io_getevents that took events. */
struct channel_note {
	uint32_t state;
	uint32_t tid;
	uint64_t number;		/* channel_ring's */
	uint64_t published;		/* channel_ring's, before it looked */
	uint32_t head;			/* the first of them */
	uint32_t count;
	uint64_t args[5];
	int64_t timeout[2];		/* seconds and nanoseconds, if args[4] */
	uint64_t entered_ns;		/* CLOCK_MONOTONIC */
	uint64_t reaped_ns;
	uint32_t nr;			/* the system call */
	uint32_t unused[5];
};

#define CHANNEL_PASSED 64		/* descriptors at once */
#define CHANNEL_NOTES 32
#define CHANNEL_RINGS 62
#define CHANNEL_SLOTS 64
#define CHANNEL_CARRIED 16

struct channel_carried {
	uint64_t ring[4];		/* the header */
	uint64_t unused[4];
	uint64_t at[CHANNEL_CARRIED];
	uint64_t iocbs[CHANNEL_CARRIED][8];
};

struct channel_page {
	uint32_t version;
	uint32_t flags;
	uint64_t reaped;		/* the shim's: calls of io_getevents that nobody else has seen */
	uint32_t awake;			/* somebody looks at posted */
	uint32_t cpu;			/* on this CPU, when it was stored last */
	uint32_t told;			/* counts notes that have been TOLD */
	uint32_t unused[9];
	struct channel_ring rings[CHANNEL_RINGS];
	uint64_t posted;		/* bit n: slots[n] was posted; cleared when it is looked at */
	uint64_t unused2[7];		/* what is looked at all the time has a line of its own */
	struct channel_slot slots[CHANNEL_SLOTS];
	struct channel_carried carried[CHANNEL_SLOTS];
	struct channel_note notes[CHANNEL_NOTES];
};

_Static_assert(sizeof(struct channel_ring) == 64, "a cache line");
_Static_assert(offsetof(struct channel_ring, published) == 16, "the shim may be of another build");
_Static_assert(offsetof(struct channel_ring, peers) == 32, "the shim may be of another build");
_Static_assert(sizeof(struct channel_slot) == 64, "a cache line");
_Static_assert(offsetof(struct channel_page, rings) == 64, "the shim may be of another build");
_Static_assert(offsetof(struct channel_page, posted) == 4032, "the shim may be of another build");
_Static_assert(offsetof(struct channel_page, slots) == 4096, "the shim may be of another build");
_Static_assert(offsetof(struct channel_page, carried) == 8192, "the shim may be of another build");
_Static_assert(sizeof(struct channel_note) == 128, "the shim may be of another build");
_Static_assert(offsetof(struct channel_page, notes) == CHANNEL_BASE_BYTES, "21 pages before it");
_Static_assert(sizeof(struct channel_page) == CHANNEL_BYTES, "22 pages");

#endif
