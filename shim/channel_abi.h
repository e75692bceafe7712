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
 *	io_destroy(ctx, CHANNEL_MAGIC, &bytes)
 *		io_destroy's result; if it stored something in bytes, the shim unmaps as much
 *
 * The channel is one page, shared. Of all its words the shim writes one, and the supervisor reads
 * nothing back that it relies on. It names the contexts whose rings the shim has mapped, as many as
 * there is room for; those of others are reached by the trap only.
 */
#ifndef CHANNEL_ABI_H
#define CHANNEL_ABI_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_VERSION 1
#define CHANNEL_HELLO_AT 0xffffa10a5a9d0000ull
#define CHANNEL_MAGIC 0xa10a5a9d53484d31ull
#define CHANNEL_BYTES 4096

enum channel_step {
	CHANNEL_STEP_RING = 1,
	CHANNEL_STEP_ENTER = 2,
	CHANNEL_STEP_HELLO = 3,
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
};

#define CHANNEL_RINGS 63

struct channel_page {
	uint32_t version;
	uint32_t flags;
	uint64_t reaped;		/* the shim's: calls of io_getevents that nobody else has seen */
	uint64_t unused[6];
	struct channel_ring rings[CHANNEL_RINGS];
};

_Static_assert(sizeof(struct channel_ring) == 64, "a cache line");
_Static_assert(offsetof(struct channel_ring, published) == 16, "the shim may be of another build");
_Static_assert(offsetof(struct channel_ring, peers) == 32, "the shim may be of another build");
_Static_assert(offsetof(struct channel_page, rings) == 64, "the shim may be of another build");
_Static_assert(sizeof(struct channel_page) == CHANNEL_BYTES, "one page");

#endif
