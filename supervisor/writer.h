/* SPDX-License-Identifier: MIT */
/*
 * The other end of the feed: a thread that puts calls together with their entries, asks the
 * filters, and gives the rest to the sinks.
 */
#ifndef WRITER_H
#define WRITER_H

#include "feed.h"
#include "sink.h"

struct writer;

/* The sinks are its own from then on, run and their outputs the caller's. NULL with errno. */
struct writer *writer_create(const struct sink_run *run, struct sink **sinks, unsigned count);
struct feed *writer_feed(const struct writer *w);
unsigned writer_wants(const struct writer *w);		/* bits: enum record_kind */
bool writer_ids_only(const struct writer *w);	/* of requests that calls are put together with */
bool writer_any_path(const struct writer *w);	/* file_any_path() will do */
bool writer_names_callers(const struct writer *w);	/* the comm of calls is wanted */
size_t writer_sample_bytes(const struct writer *w);	/* of each request's data; 0: none */
/* Nothing will be pushed any more: waits until all is written and ends. */
void writer_finish(struct writer *w, uint64_t unknown);

#endif
