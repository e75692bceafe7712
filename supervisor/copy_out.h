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
 * How much of a read's memory is there, from its beginning on, while its caller still stands in
 * io_submit; r->was_mapped, which spares the look where it is set already, says whether that is all:
 * then what is missing at the end has been unmapped meanwhile (D12). Memory that is there but
 * read-only is not seen by this one.
 */
uint64_t copy_out_reach(struct request *r);
/*
 * How much of that can be written, too, or -ENOMEM: for reads whose data are gone once they are
 * taken.
 */
int64_t copy_out_writable(struct request *r, uint64_t reach);
/*
 * It is less than the first piece, and what cannot be copied out must not be read either: a pipe
 * would lose it, O_DIRECT and some of procfs fail as a whole. Before the read is started.
 */
void copy_out_prepare(struct request *r, uint64_t reach);
/* Its memory is there, but an O_DIRECT read of this length may fail and have moved something. */
void copy_out_keep_torn(struct request *r);

/* All of ios, in order; results of requests whose memory could not be written are changed. */
void copy_out(struct list *ios);

#endif
