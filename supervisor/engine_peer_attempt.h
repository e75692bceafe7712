/* SPDX-License-Identifier: MIT */
/*
 * One transfer from or to a peer: tried without waiting as far as the file lets us, or made with
 * waiting on a worker. Progress is in io->done_bytes, so that a write goes on where it stopped.
 */
#ifndef ENGINE_PEER_ATTEMPT_H
#define ENGINE_PEER_ATTEMPT_H

#include <stdint.h>

#include "io.h"
#include "workers.h"

/* How a file can be used. */
enum peer_way {
	WAY_NOWAIT,	/* by RWF_NOWAIT */
	WAY_OWN,	/* a FIFO without RWF_NOWAIT: by an O_NONBLOCK description of our own */
	WAY_READY,	/* wait until it is ready, then let a worker make the call */
	WAY_WORKER,	/* readiness tells nothing: the worker has to wait in the call */
};

enum attempt_answer {
	ATTEMPT_DONE,	/* io->result is valid */
	ATTEMPT_WAIT,	/* when the file is ready, try again; WAY_READY: block then */
	ATTEMPT_BLOCK,	/* attempt_block() on a worker */
};

struct attempt {
	enum peer_way way;
	int own_fd;	/* WAY_OWN, else -1 */
};

#define ATTEMPT_NEW ((struct attempt){ .way = WAY_NOWAIT, .own_fd = -1 })

/* Never blocks. Not to be asked again once the way is WAY_READY or WAY_WORKER. */
enum attempt_answer attempt_try(struct attempt *a, struct io *io);
void attempt_end(struct attempt *a);

/* On a worker thread; returns the result: -ECANCELED when w was cancelled before any byte. */
int64_t attempt_block(struct io *io, struct work *w);

#endif
