/* SPDX-License-Identifier: MIT */
/*
 * The queue of records from the loop thread (one producer) to the trace's thread (one consumer).
 * Nothing is ever dropped: a producer that finds it full waits.
 */
#ifndef FEED_H
#define FEED_H

#include "record.h"

struct feed;

struct feed *feed_create(void);		/* NULL with errno */
void feed_destroy(struct feed *f);	/* both threads are done with it; accepts NULL */

/* Producer. Room for a record of so many bytes (RECORD_BYTES), to be filled; waits for it. */
struct record *feed_slot(struct feed *f, size_t bytes);
bool feed_full(struct feed *f);	/* feed_slot() may have to wait */
void feed_push(struct feed *f, const struct record *r);
void feed_stop(struct feed *f);		/* nothing will be pushed any more */

/* Consumer. The oldest record, or NULL: none just now. */
struct record *feed_peek(struct feed *f);
void feed_pop(struct feed *f);
/* After NULL: waits until there are some, then a little for more. false: stopped and empty. */
bool feed_wait(struct feed *f);

#endif
