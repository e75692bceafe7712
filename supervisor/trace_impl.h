/* SPDX-License-Identifier: MIT */
/* What trace.c and trace_ring.c share. */
#ifndef TRACE_IMPL_H
#define TRACE_IMPL_H

#include "feed.h"
#include "record.h"
#include "trace.h"

struct trace {
	struct writer *writer;
	struct feed *feed;
	struct pulse *pulse;
	uint64_t *last_call_id;		/* the dispatch's */
	unsigned wants;			/* bits: enum record_kind */
	size_t sample_bytes;		/* of a request's data; 0: nobody wants any */
	bool ids_only;			/* of what is not a request's last record */
	bool any_path;			/* file_any_path() will do */
	bool names_callers;		/* the comm of calls is wanted */
	bool may_be_undone;		/* dispatch->breakable: what was reaped may be put back */
	unsigned in_flight;
	uint64_t unknown;		/* requests without a record: no memory */
};

bool trace_wants(const struct trace *t, enum record_kind kind);
/* A place in the feed, to be filled and pushed. */
struct record *trace_slot(struct trace *t, enum record_kind kind, size_t bytes);
/* The last that is said of it: references move along. */
void trace_push_last(struct trace *t, struct record_request *rec);

/* trace_ring.c: its event is about to be stored at the ring's tail. False: no memory to keep it. */
bool trace_keep(struct trace *t, struct context *ctx, struct record_request *rec);

#endif
