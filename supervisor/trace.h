/* SPDX-License-Identifier: MIT */
/*
 * The observer: told by the loop thread what happens to calls and requests, makes records of it and
 * hands them to the writer's thread. It changes nothing; where the dispatch has none each function
 * is one test of a pointer.
 *
 * A request's record is filled while it is in flight, belongs to its slot of the ring once it is
 * published, and is handed over when it has been reaped, or when it cannot be any more.
 */
#ifndef TRACE_H
#define TRACE_H

#include "dispatch.h"

struct iocb;
struct writer;

/*
 * Hands over to `writer`, whose thread runs; it outlives the trace. last_call_id: of which those of
 * calls that nobody but a shim has seen are taken too. may_be_undone: io_getevents may
 * put back what it has taken. NULL with errno.
 */
struct trace *trace_create(struct writer *writer, struct pulse *pulse, uint64_t *last_call_id,
			   bool may_be_undone);
/* No context lives. Tells the writer that this was all; accepts NULL. */
void trace_destroy(struct trace *t);

/* --- calls --- */

void trace_arrived(struct trace *t, struct call *call);
/*
 * It is answered and nothing is left to do; or, not answered, its thread is gone or was broken off
 * (kept.h), and what it had taken has been put back.
 */
void trace_left(struct trace *t, struct call *call, bool answered);

/* --- requests --- */

/* Known from now on; the file, the ids and all that is asked for are in r. */
void trace_accepted(struct trace *t, struct call *call, struct request *r, const struct iocb *cb);
/* It could not be done at once: where the kernel's io_submit blocks, it would have done so. */
void trace_queued(struct request *r);
/* The engine's own try has shown that io_submit refuses it, or that it must be tried again. */
void trace_taken_back(struct trace *t, struct request *r);
/* This entry ends io_submit, before it became a request; cb NULL: it cannot be read. */
void trace_refused(struct trace *t, struct call *call, struct context *ctx, uaddr obj,
		   const struct iocb *cb, int err);
/* io_cancel names it. */
void trace_addressed(struct trace *t, struct call *call, const struct request *r);
/* A piece of it is done, and another follows. */
void trace_piece_done(struct trace *t, struct request *r);
/* Its event is about to be stored at the ring's tail, or (dropped) is never to be seen. */
void trace_published(struct trace *t, struct request *r, bool dropped);

/* --- the ring --- */

/* Where the head is by now: what lies before it has been reaped by the program itself. */
void trace_look(struct trace *t, struct context *ctx);
/* ... in all contexts of this address space, if its shim has noted anything. */
void trace_look_told(struct trace *t, struct mm *mm);
/* io_getevents has taken these: told to the writer when the call is answered. */
void trace_reaped(struct trace *t, struct call *call, struct context *ctx, unsigned head,
		  unsigned count);
/* ... and has put them back. */
void trace_unreaped(struct trace *t, struct context *ctx, unsigned head, unsigned count);
/* It is about to be freed: nobody will reap what is left in it. */
void trace_context_over(struct trace *t, struct context *ctx);

#endif
