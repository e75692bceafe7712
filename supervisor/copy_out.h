/* SPDX-License-Identifier: MIT */
/* Copying what was read to the processes that asked for it; part of completion (complete.h). */
#ifndef COPY_OUT_H
#define COPY_OUT_H

#include "request.h"

static inline struct request *request_of(struct list *node)
{
	return container_of(list_entry(node, struct io, node), struct request, io);
}

/*
 * Both spare the look when r->was_mapped already says so.
 *
 * A read has been queued, and its caller still stands in io_submit: is all of its memory there?
 * Then what is missing at the end has been unmapped meanwhile (D12).
 */
bool copy_out_expect(struct request *r);
/*
 * The same before it is started, where what cannot be copied out must not be read either: a pipe
 * would lose it, O_DIRECT and some of procfs fail as a whole. Memory that is there but read-only
 * is not seen.
 */
void copy_out_prepare(struct request *r);

/* All of ios, in order; results of requests whose memory could not be written are changed. */
void copy_out(struct list *ios);

#endif
