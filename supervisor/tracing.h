/* SPDX-License-Identifier: MIT */
/*
 * A trace from end to end: outputs are opened by main() before anything else runs (so that a file
 * that cannot be opened ends it there), sinks and writer are made in the supervisor.
 */
#ifndef TRACING_H
#define TRACING_H

#include "opts.h"

struct tracing;
struct writer;

/* *out NULL: no trace is wanted. 0, or -errno after a message. */
int tracing_open(const struct config *cfg, struct tracing **out);

bool tracing_wants_keys(const struct tracing *t);	/* accepts NULL */

/* In the guardian, once the supervisor is there, and when that is gone (frees). Accept NULL. */
void tracing_part(struct tracing *t);
void tracing_wait(struct tracing *t);

/* In the supervisor. NULL with errno. */
struct writer *tracing_start(struct tracing *t, const char *engine);
void tracing_close(struct tracing *t);	/* the writer has finished; accepts NULL */

#endif
