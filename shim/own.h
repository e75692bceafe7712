/* SPDX-License-Identifier: MIT */
/*
 * What the shim knows in an address space: a page of its own, all zero in a forked child, whose
 * pointer is loaded anew at each call. Signals are blocked whenever it is used beyond that, since a
 * handler could fork.
 */
#ifndef OWN_H
#define OWN_H

#include "channel_abi.h"

/*
 * A second mapping of a ring, which the program does not know and cannot take away: the one that it
 * has may be unmapped or protected at any time. Used by whoever finds `number` to be that of the
 * context, and only between counting himself in and out; so it is unmapped when `number` is 0 and
 * nobody uses it.
 */
#define OWN_BUSY UINT64_MAX		/* somebody changes it */

struct own_ring {
	uint64_t number; /* channel_ring's; 0, OWN_BUSY: nobody may begin to use it */
	void *at;			/* NULL: none */
	uint64_t bytes;
	uint64_t users;
};

struct own_page {
	struct channel_page *channel;	/* NULL: not said hello */
	uint64_t restricted;
	uint64_t hinted_bytes;		/* of address space that has been asked for */
	struct own_ring rings[CHANNEL_RINGS];
};

#define OWN_BYTES 4096

_Static_assert(sizeof(struct own_page) <= OWN_BYTES, "one page");

struct own_page *own_page_find(void);	/* NULL: no channel, or restricted */
void own_restrict(void);		/* from now on nothing of all this is done */

/* The place of this context in the channel, or -1. */
static inline int channel_place(const struct channel_page *channel, uint64_t handle)
{
	for (int i = 0; i < CHANNEL_RINGS; i++) {
		if (__atomic_load_n(&channel->rings[i].handle, __ATOMIC_ACQUIRE) == handle)
			return i;
	}
	return -1;
}

#endif
