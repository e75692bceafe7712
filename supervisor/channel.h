/* SPDX-License-Identifier: MIT */
/*
 * Our end of a channel: a page that an address space's shim shares with us (shim/channel_abi.h). It
 * belongs to the address space. We only write to it; what we must know is kept on our side.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>

#include "channel_abi.h"
#include "context.h"

struct channel;

/* may_reap: io_getevents need not be seen by anybody. NULL with errno. */
struct channel *channel_create(bool may_reap);
void channel_destroy(struct channel *ch);	/* accepts NULL */
int channel_fd(const struct channel *ch);	/* of its memfd, to be given to the program; -1: closed */
void channel_given(struct channel *ch);		/* closes it: both have mapped it, or will never */

/* The shim has mapped this context's ring. If there is no room it is reached by the trap only. */
void channel_enter(struct channel *ch, struct context *ctx);
void channel_leave(struct channel *ch, struct context *ctx);	/* it had entered, and is dead */
void channel_moved(struct context *ctx);	/* it has another handle */

/* How many calls the shim says it has answered since this was asked last: any number. */
uint64_t channel_reaped(struct channel *ch);

#endif
