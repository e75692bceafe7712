/* SPDX-License-Identifier: MIT */
/*
 * What io_submit will look at, copied for the supervisor, all of it or nothing. The kernel stores 0
 * into aio_key: that this can be done is told by storing it where 0 is already, which nobody sees.
 */
#ifndef CARRY_H
#define CARRY_H

#include "channel_abi.h"
#include "transaction.h"

/* Our own pages must be there too. */
static inline void touch(struct channel_carried *to)
{
	*(volatile uint64_t *)&to->ring[0] = 0;
	*(volatile uint64_t *)&to->iocbs[CHANNEL_CARRIED - 1][7] = 0;
}

/* The first entries of an io_submit; how many, 0: none, and nothing is told by that. */
static inline uint32_t carry(struct channel_carried *to, const long args[3])
{
	const uint32_t count = args[1] < CHANNEL_CARRIED ? (uint32_t)args[1] : CHANNEL_CARRIED;
	uint64_t *const *list = (uint64_t *const *)args[2];

	if (args[1] <= 0)
		return 0;
	if (!transaction_begin()) {
		touch(to);
		return 0;
	}
	copy_bytes(to->ring, (const void *)args[0], sizeof(to->ring));
	for (uint32_t n = 0; n < count; n++) {
		volatile uint32_t *key = (volatile uint32_t *)&list[n][1];

		to->at[n] = (uint64_t)list[n];
		copy_bytes(to->iocbs[n], list[n], sizeof(to->iocbs[n]));
		if (!*key)
			*key = 0;
	}
	transaction_end();
	return count;
}

#endif
