/* SPDX-License-Identifier: MIT */
/* Shared by the parts of the peer engine: engine_peer.c (its frame) and engine_peer_poll.c. */
#ifndef ENGINE_PEER_IMPL_H
#define ENGINE_PEER_IMPL_H

#include "engine.h"
#include "engine_peer_attempt.h"
#include "engine_peer_line.h"
#include "hostaio.h"
#include "loop.h"
#include "poller.h"
#include "workers.h"

struct peer {
	struct engine engine;
	struct loop *loop;
	struct workers *workers;
	struct lane *lanes[IO_WRITE + 1];	/* a read that never ends must not hold up writes */
	struct poller *poller;
	struct loop_kick *kick;
	bool try_host;			/* no context made yet, and not refused */
	struct hostaio *host;		/* NULL: none yet, or none is allowed */
	bool tried_counters;
	struct hostaio *counters;	/* in its place since an eventfd was polled; or NULL */
	struct lines lines;
	struct list starting;		/* peer_io, first in their lines since the last settling */
	struct list finished;		/* io, to be told */
	unsigned held;
};

enum peer_state {
	PEER_BEHIND,	/* in line; cancel just takes it out */
	PEER_WAITING,	/* the poller will tell */
	PEER_WORKING,	/* queued or running in the pool */
	PEER_HOST,	/* in the host's context */
};

/* What an io needs while the engine holds it. */
struct peer_io {
	struct peer *peer;
	struct io *io;
	enum peer_state state;
	struct attempt attempt;
	struct line_place place;
	struct list start;		/* peer's starting */
	struct poller_wait wait;
	struct hostaio *host;
	struct hostaio_slot *host_poll;
	struct work work;
	int64_t worked;			/* the result that the worker brings */
};

struct peer_io *peer_hold(struct peer *peer, struct io *io);	/* NULL: ENOMEM */
void peer_release(struct peer_io *p);	/* undoes peer_hold() inside submit() */
void peer_finish(struct peer_io *p, int64_t result);	/* frees p; told by the next settling */
void peer_work(struct peer_io *p, struct lane *lane, void (*run)(struct work *w));
void peer_settle(
	void *arg); /* starts who became first, tells what is finished: not from submit() */

enum engine_answer peer_poll_submit(struct peer *peer, struct io *io);
int64_t peer_poll_masked(const struct io *io, uint32_t revents);

/* engine_peer_poll.c: the host's AIO, opened if that was not tried before; NULL: none. */
struct hostaio *peer_host(struct peer *peer);

#endif
