/* SPDX-License-Identifier: MIT */
/*
 * What belongs to calls that have not been answered yet: the entries of an io_submit, the requests
 * that an io_getevents has reaped. On the trace's thread.
 */
#ifndef BATCH_H
#define BATCH_H

#include "record.h"

#define BATCH_BUCKETS 64

struct batch {
	struct batch *next;
	uint64_t call;
	struct record_request *entries;	/* with references; NULL: only ids are kept */
	uint64_t *ids;			/* NULL: entries are kept */
	unsigned count;
	unsigned room;
	bool last_refused;
};

struct batches {
	bool ids_only;
	struct batch *of[BATCH_BUCKETS];	/* by call id */
	struct batch *spare;		/* to be used again */
	uint64_t no_memory;		/* entries that were not kept */
};

void batches_free(struct batches *all);		/* what is in it */

/* This entry, or request, belongs to the call. Only its id is looked at where only ids are kept. */
void batch_note(struct batches *all, uint64_t call, const struct record_request *r, bool refused);
void batch_note_id(struct batches *all, uint64_t call, uint64_t id, bool refused);
/* The last one does not, if it is this one. */
void batch_take_back(struct batches *all, uint64_t call, uint64_t id);

/* NULL: nothing belongs to it. Lives until batch_done(). */
const struct batch *batch_of(struct batches *all, uint64_t call);
void batch_done(struct batches *all, uint64_t call);	/* it has been answered */

#endif
