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

/* Producer. The slot to be filled; waits for room. */
struct record *feed_slot(struct feed *f);
bool feed_full(const struct feed *f);	/* feed_slot() would wait */
void feed_push(struct feed *f);
void feed_stop(struct feed *f);		/* nothing will be pushed any more */

/* Consumer. The oldest record, or NULL: none just now. */
struct record *feed_peek(struct feed *f);
void feed_pop(struct feed *f);
/* After NULL: waits until there are some, then a little for more. false: stopped and empty. */
bool feed_wait(struct feed *f);

#endif
