/* SPDX-License-Identifier: MIT */
/*
 * More about the engine for files that wait for a peer, and for all polls. What waits is cancelled
 * as engine.h says, with two results that are not -ECANCELED: a write that was partly done gives
 * its count, a poll gives 0 (as io_cancel does).
 */
#ifndef ENGINE_PEER_H
#define ENGINE_PEER_H

#include "engine.h"

/* Hosts can lack these; without them the results are less exact. Flags, to try both ways. */
enum peer_without {
	PEER_NO_HOST_AIO = 1,	/* polls: masked by what was asked, no S:EINVAL for ttys */
	PEER_NO_KCMP = 2,	/* order: see engine_peer_line.c */
};

struct engine *engine_peer_open_without(struct loop *loop, struct workers *workers,
					struct engine *next, engine_done_fn *done, void *arg,
					unsigned without);

/* Makes the host's context now instead of at the first poll: afterwards fs.aio-nr does not move. */
void engine_peer_open_host(struct engine *e);
/*
 * How many polls the host's own AIO takes at a time; 0: no context was needed yet, or none is
 * allowed.
 */
unsigned engine_peer_host_polls(const struct engine *e);

#endif
