/* SPDX-License-Identifier: MIT */
/*
 * Theory. ctx->traced has a place for each slot of the ring; ctx->trace_next is the oldest that is
 * not known to be reaped. Whenever something happens in a context the stored head tells how far the
 * program has read by itself; what io_getevents takes is noted at once but handed over only when
 * the call is answered, for it may be put back (kept.h). A head that a program has set to nonsense
 * makes some of these times wrong and nothing else: each record is handed over once, at the latest
 * when its slot is used again.
 */
#include "trace.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <string.h>

#include "writer.h"

struct trace {
	struct writer *writer;
	struct feed *feed;
	struct pulse *pulse;
	unsigned wants;			/* bits: enum record_kind */
	bool may_be_undone;		/* dispatch->breakable: what was reaped may be put back */
	unsigned in_flight;
	uint64_t unknown;		/* requests without a record: no memory */
};

struct trace *trace_create(struct writer *writer, struct pulse *pulse, bool may_be_undone)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->writer = writer;
	t->feed = writer_feed(writer);
	t->pulse = pulse;
	t->wants = writer_wants(writer);
	t->may_be_undone = may_be_undone;
	return t;
}

void trace_destroy(struct trace *t)
{
	if (!t)
		return;
	writer_finish(t->writer, t->unknown);
	free(t);
}

static bool wants(const struct trace *t, enum record_kind kind)
{
	return t && t->wants & 1u << kind;
}

/* --- handing over --- */

/* Waits when the trace's reader is slower than PROGRAM: the guardian says so after a second. */
static struct record *next_slot(struct trace *t, enum record_kind kind)
{
	struct record *slot;

	if (feed_full(t->feed))
		pulse_step(t->pulse, "writing the trace (slow reader?)", -1);
	slot = feed_slot(t->feed);
	slot->kind = kind;
	return slot;
}

static void push_copy(struct trace *t, enum record_kind kind, const struct record_request *rec)
{
	struct record *slot;

	if (!wants(t, kind))
		return;
	slot = next_slot(t, kind);
	record_request_copy(&slot->request, rec);
	feed_push(t->feed);
}

/* The last that is said of it: references move along. */
static void push_last(struct trace *t, struct record_request *rec)
{
	struct record *slot;

	if (wants(t, RECORD_REQUEST)) {
		slot = next_slot(t, RECORD_REQUEST);
		slot->request = *rec;
		feed_push(t->feed);
	} else {
		record_request_put(rec);
	}
	free(rec);
}

/* --- calls --- */

void trace_arrived(struct trace *t, struct call *call)
{
	if (t)
		call->arrived_ns = now_ns();
}

static struct label *comm_of(struct thread *th)
{
	char name[TRACEE_COMM_BYTES];

	if (!th->comm && tracee_comm(th->source.tid, name, sizeof(name)) == 0)
		th->comm = label_create(name, strlen(name));
	return label_get(th->comm);
}

static void push_call(struct trace *t, struct call *call, bool answered)
{
	struct record *slot = next_slot(t, RECORD_CALL);
	const struct notice *n = &call->notice;
	struct thread *th = call->thread;

	slot->call = (struct record_call){
		.id = call->id,
		.entered_ns = call->arrived_ns,
		.left_ns = answered ? now_ns() : 0,
		.result = call->answer,
		.timeout_ns = call->wait.timeout_ns,
		.comm = th ? comm_of(th) : NULL,
		.pid = th ? th->source.tgid : (pid_t)n->tid,
		.tid = (pid_t)n->tid,
		.ctx = call->ctx_number,
		.nr = (unsigned)n->nr,
	};
	memcpy(slot->call.args, n->args, sizeof(slot->call.args));
	feed_push(t->feed);
}

void trace_left(struct trace *t, struct call *call, bool answered)
{
	if (!t || !call_is_aio(call->kind) || call->kind == CALL_FOREIGN)
		return;
	if (wants(t, RECORD_CALL))
		push_call(t, call, answered);
}

/* --- requests --- */

static uint64_t asked_bytes(const struct request *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->user_count; i++)
		sum += r->user[i].length_bytes;
	return sum;
}

void trace_accepted(struct trace *t, struct call *call, struct request *r)
{
	struct record_request *rec;

	if (!t)
		return;
	rec = r->trace = malloc(sizeof(*rec));
	if (!rec) {
		t->unknown++;
		return;
	}
	*rec = (struct record_request){
		.id = r->id,
		.call = call->id,
		.path = label_get(file_path(r->file)),
		.comm = comm_of(call->thread),
		.data = r->data,
		.obj = r->obj,
		.offset = r->io.offset,
		.length_bytes = asked_bytes(r),
		.submitted_ns = now_ns(),
		.pid = r->tgid,
		.tid = r->tid,
		.fd = r->file->tracee_fd,
		.ctx = r->ctx->number,
		.in_flight = t->in_flight + 1,
		.rw_flags = r->io.rw_flags,
		.poll_events = r->io.op == IO_POLL ? r->io.poll_events : 0,
		.opcode = r->opcode,
		.direct = r->io.direct,
	};
	t->in_flight++;
	push_copy(t, RECORD_ACCEPTED, rec);
}

void trace_taken_back(struct trace *t, struct request *r)
{
	if (!t || !r->trace)
		return;
	t->in_flight--;
	push_copy(t, RECORD_TAKEN_BACK, r->trace);
	record_request_put(r->trace);
	free(r->trace);
	r->trace = NULL;
}

void trace_refused(struct trace *t, struct call *call, struct context *ctx, uaddr obj,
		   const struct iocb *cb, int err)
{
	const struct record_request rec = {
		.call = call->id,
		.data = cb ? cb->aio_data : 0,
		.obj = obj,
		.offset = cb ? cb->aio_offset : 0,
		.length_bytes = cb ? cb->aio_nbytes : 0,
		.result = err,
		.pid = call->thread->source.tgid,
		.tid = call->thread->source.tid,
		.fd = cb ? (int)cb->aio_fildes : -1,
		.ctx = ctx->number,
		.rw_flags = cb ? (uint32_t)cb->aio_rw_flags : 0,
		.opcode = cb ? cb->aio_lio_opcode : RECORD_NO_OPCODE,
	};

	push_copy(t, RECORD_REFUSED, &rec);
}

void trace_piece_done(struct request *r)
{
	if (r->trace && !r->trace->started_ns)
		r->trace->started_ns = r->io.started_ns;
}

/* The place of the ring's next slot; NULL: no memory for the table. */
static struct record_request **place_at_tail(struct context *ctx)
{
	if (!ctx->traced) {
		ctx->traced = calloc(ctx->ring.nr, sizeof(struct record_request *));
		ctx->trace_next = ctx->ring.tail;
	}
	return ctx->traced ? &ctx->traced[ctx->ring.tail] : NULL;
}

static void fill_in(struct record_request *rec, struct request *r, bool dropped)
{
	const uint64_t now = now_ns();

	rec->result = r->io.result;
	if (!rec->started_ns)
		rec->started_ns = r->io.started_ns ? r->io.started_ns : rec->submitted_ns;
	rec->done_ns = r->io.done_ns ? r->io.done_ns : now;
	rec->published_ns = dropped ? 0 : now;
	rec->key = r->key;
	r->key = NULL;
}

void trace_published(struct trace *t, struct request *r, bool dropped)
{
	struct record_request *rec = r->trace;
	struct record_request **place;

	if (!t || !rec)
		return;
	r->trace = NULL;
	t->in_flight--;
	fill_in(rec, r, dropped);
	if (!dropped)
		push_copy(t, RECORD_PUBLISHED, rec);
	place = dropped ? NULL : place_at_tail(r->ctx);
	if (!place) {
		push_last(t, rec);
		return;
	}
	trace_look(t, r->ctx);
	if (*place)
		push_last(t, *place);
	*place = rec;
}

/* --- the ring --- */

/* From the oldest to `end`, which the program has read (reaped) or never will. */
static void push_until(struct trace *t, struct context *ctx, unsigned end, bool reaped)
{
	const uint64_t now = reaped && ctx->trace_next != end ? now_ns() : 0;
	struct record_request **place;

	while (ctx->trace_next != end) {
		place = &ctx->traced[ctx->trace_next];
		ctx->trace_next = (ctx->trace_next + 1) % ctx->ring.nr;
		if (!*place)
			continue;
		if (reaped && (*place)->reaped_by == REAPED_NOT) {
			(*place)->reaped_by = REAPED_BY_SELF;
			(*place)->reaped_ns = now;
		}
		push_last(t, *place);
		*place = NULL;
	}
}

static unsigned distance(const struct context *ctx, unsigned from, unsigned to)
{
	return (to + ctx->ring.nr - from) % ctx->ring.nr;
}

void trace_look(struct trace *t, struct context *ctx)
{
	unsigned head;

	if (!t || !ctx->traced)
		return;
	head = ring_head(&ctx->ring);
	/* one that lies behind what is published is nonsense */
	if (distance(ctx, ctx->trace_next, head) <=
	    distance(ctx, ctx->trace_next, ctx->ring.tail))
		push_until(t, ctx, head, true);
}

void trace_reaped(struct trace *t, struct call *call, struct context *ctx, unsigned head,
		  unsigned count)
{
	const uint64_t now = t ? now_ns() : 0;

	if (!t || !ctx->traced)
		return;
	for (unsigned i = 0; i < count; i++) {
		struct record_request *rec = ctx->traced[(head + i) % ctx->ring.nr];

		if (!rec)
			continue;
		rec->reaped_by = REAPED_BY_CALL;
		rec->reaped_ns = now;
		rec->reap_call = call->id;
	}
	if (!t->may_be_undone)
		trace_look(t, ctx);
}

void trace_unreaped(struct trace *t, struct context *ctx, unsigned head, unsigned count)
{
	for (unsigned i = 0; t && ctx->traced && i < count; i++) {
		struct record_request *rec = ctx->traced[(head + i) % ctx->ring.nr];

		if (!rec)
			continue;
		rec->reaped_by = REAPED_NOT;
		rec->reaped_ns = 0;
		rec->reap_call = 0;
	}
}

void trace_context_over(struct trace *t, struct context *ctx)
{
	if (!t || !ctx->traced)
		return;
	trace_look(t, ctx);
	push_until(t, ctx, ctx->ring.tail, false);
	free(ctx->traced);
	ctx->traced = NULL;
}
