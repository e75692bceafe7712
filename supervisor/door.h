/* SPDX-License-Identifier: MIT */
/*
 * The doors by which calls come to dispatch: the trap, which serves everybody, and slots in memory
 * that is shared with a shim, for whom the loop looks while it is awake.
 */
#ifndef DOOR_H
#define DOOR_H

#include "dispatch.h"

int door_trap_open(struct dispatch *d);		/* 0 or -ENOMEM */
void door_trap_handle(struct dispatch *d);	/* what dispatch_pump() has received too */

void door_channel_open(struct dispatch *d);
/* This call is about to be answered: its thread may be back soon, and by a slot. */
void door_channel_expect(struct dispatch *d, struct call *call);
/* This call is parked: if it came by a slot it has to come again, by the trap. */
void door_channel_parked(struct call *call);
bool door_channel_wanted(const struct dispatch *d);	/* slots may be offered at all */

#endif
