/* SPDX-License-Identifier: MIT */
/*
 * The chain of engines of a run, built once before PROGRAM starts and closed after its last
 * request: docs/design.md, 5. The loop thread only.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "engine.h"

struct config;

struct chain {
	struct engine *top;		/* requests are given to this one */
	struct engine *peer;
	struct engine *storage;
	struct engine *threads;
};

/* What engines are given. */
struct chain_parts {
	struct loop *loop;
	struct workers *workers;
	engine_done_fn *done;
	void *arg;
};

/*
 * 0; -ECANCELED: the engine that was asked for cannot be had, and that has been said; else what to
 * say. In each case chain_close() may follow.
 */
int chain_open(struct chain *c, const struct config *cfg, const struct chain_parts *p);
void chain_close(struct chain *c);

/* From now on ios come back with started_ns and done_ns; before the first one. */
void chain_stamp(struct chain *c);

/* What does the I/O: "uring", "threads", ... */
const char *chain_name(const struct chain *c, const struct config *cfg);
void chain_tell(const struct chain *c, const struct config *cfg);	/* -v: which engine it is */

#endif
