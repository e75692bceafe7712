/* SPDX-License-Identifier: MIT */
/*
 * The only way from io to ring. The order is fixed: data copied out, entry, tail, eventfd, waiters,
 * files.
 */
#ifndef COMPLETE_H
#define COMPLETE_H

#include "dispatch.h"

/* Gives the request's next piece to the engines; done inside submit: it is put on d->finished. */
void request_start(struct dispatch *d, struct request *r);
/* Their data are copied out: entry, tail, eventfd, and what waits for them. */
void complete_publish(struct dispatch *d, struct list *ios);
void complete_count(const struct file *eventfd);
/* Engines' callback; arg: the dispatch. */
void complete(void *arg, struct list *ios);
/* What was done inside submit since the last time; called before a reply, and in long batches. */
void complete_finished(struct dispatch *d);
void complete_stalled(struct dispatch *d); /* what the engines had no room for is tried again */
/* Also what the engines have finished as soon as it was started. */
void complete_started(struct dispatch *d);
bool complete_raises_sigpipe(const struct request *r);	/* what is done */
/* What callers may have made ready themselves. */
void complete_polls(struct dispatch *d);
/* r is the last that was done: polls that it has made ready come before it. */
void complete_polls_before(struct dispatch *d, struct request *r);

#endif
