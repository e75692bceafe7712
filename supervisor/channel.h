/* SPDX-License-Identifier: MIT */
/*
 * Our end of a channel: a page that an address space's shim shares with us (shim/channel_abi.h). It
 * belongs to the address space. We only write to it.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "channel_abi.h"

struct channel;

struct channel *channel_create(void);		/* NULL with errno */
void channel_destroy(struct channel *ch);	/* accepts NULL */
int channel_fd(const struct channel *ch);	/* of its memfd, to be given to the program; -1: closed */
void channel_given(struct channel *ch);		/* closes it: both have mapped it, or will never */

#endif
