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
#include <stdlib.h>

#include "trace_fill.h"
#include "writer.h"

struct trace {
	struct writer *writer;
	struct feed *feed;
	struct pulse *pulse;
	unsigned wants;			/* bits: enum record_kind */
	size_t sample_bytes;		/* of a request's data; 0: nobody wants any */
	bool ids_only;			/* of what is not a request's last record */
	bool any_path;			/* file_any_path() will do */
	bool names_callers;		/* the comm of calls is wanted */
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
	t->sample_bytes = writer_sample_bytes(writer);
	t->ids_only = writer_ids_only(writer);
	t->any_path = writer_any_path(writer);
	t->names_callers = writer_names_callers(writer);
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
static struct record *next_slot(struct trace *t, enum record_kind kind, size_t bytes)
{
	struct record *slot;

	if (feed_full(t->feed))
		pulse_step(t->pulse, "writing the trace (slow reader)", -1);
	slot = feed_slot(t->feed, bytes);
	slot->kind = (uint8_t)kind;
	slot->id_only = false;
	return slot;
}

static void push_copy(struct trace *t, enum record_kind kind, const struct record_request *rec)
{
	struct record *slot;

	if (!wants(t, kind))
		return;
	if (t->ids_only && kind != RECORD_PUBLISHED) {
		slot = next_slot(t, kind, RECORD_BYTES(id));
		slot->id_only = true;
		slot->id = (struct record_id){ rec->id, rec->call };
	} else {
		slot = next_slot(t, kind, RECORD_BYTES(request));
		record_request_copy(&slot->request, rec);
	}
	feed_push(t->feed, slot);
}

/* The last that is said of it: references move along. */
static void push_last(struct trace *t, struct record_request *rec)
{
	struct record *slot;

	if (wants(t, RECORD_REQUEST)) {
		slot = next_slot(t, RECORD_REQUEST, RECORD_BYTES(request));
		slot->request = *rec;
		feed_push(t->feed, slot);
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

static void push_call(struct trace *t, struct call *call, bool answered)
{
	struct record *slot = next_slot(t, RECORD_CALL, RECORD_BYTES(call));

	trace_fill_call(&slot->call, call, answered, t->names_callers);
	feed_push(t->feed, slot);
}

/* Some other call may have destroyed it. */
static struct context *context_of(const struct call *call)
{
	if (!call->mm || !call->ctx_number)
		return NULL;
	list_for_each(node, tmp, &call->mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		if (ctx->number == call->ctx_number)
			return ctx;
	}
	return NULL;
}

void trace_left(struct trace *t, struct call *call, bool answered)
{
	struct context *ctx;

	if (!t || !call_counts(call->kind) || call->kind == CALL_FOREIGN)
		return;
	/* what it has taken stays taken: the records come before that of the call */
	ctx = t->may_be_undone ? context_of(call) : NULL;
	if (ctx)
		trace_look(t, ctx);
	if (wants(t, RECORD_CALL))
		push_call(t, call, answered);
}

/* --- requests --- */

void trace_accepted(struct trace *t, struct call *call, struct request *r, const struct iocb *cb)
{
	struct record_request *rec;

	if (!t)
		return;
	rec = r->trace = malloc(sizeof(*rec));
	if (!rec) {
		t->unknown++;
		return;
	}
	trace_fill_accepted(rec, call, r, cb);
	rec->path = label_get(t->any_path ? file_any_path(r->file) : file_path(r->file));
	rec->in_flight = ++t->in_flight;
	if (t->sample_bytes && r->io.op == IO_WRITE)
		trace_fill_sample(rec, r, t->sample_bytes);
	push_copy(t, RECORD_ACCEPTED, rec);
}

void trace_queued(struct request *r)
{
	if (r->trace && !r->io.direct && (r->io.op == IO_READ || r->io.op == IO_WRITE))
		r->trace->would_block = true;
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
	struct record_request rec;

	if (!wants(t, RECORD_REFUSED))
		return;
	trace_fill_refused(&rec, call, obj, cb, err);
	rec.ctx = ctx->number;
	push_copy(t, RECORD_REFUSED, &rec);
}

void trace_addressed(struct trace *t, struct call *call, const struct request *r)
{
	struct record_request rec;

	if (!wants(t, RECORD_ADDRESSED) || !r->trace)
		return;
	rec = *r->trace;
	rec.call = call->id;
	push_copy(t, RECORD_ADDRESSED, &rec);
}

static void sample_read(struct trace *t, struct record_request *rec, struct request *r)
{
	if (t->sample_bytes && r->io.op == IO_READ)
		trace_fill_sample(rec, r, t->sample_bytes);
}

void trace_piece_done(struct trace *t, struct request *r)
{
	if (!t || !r->trace)
		return;
	if (!r->trace->started_ns)
		r->trace->started_ns = r->io.started_ns;
	sample_read(t, r->trace, r);
	r->io.started_ns = r->io.done_ns = 0;	/* of the next piece nothing is known */
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

/* --- the ring --- */

/* From the oldest to `end`, which the program has read (reaped) or never will. */
static void push_until(struct trace *t, struct context *ctx, unsigned end, bool reaped)
{
	struct record_request **place;
	uint64_t now = 0;

	while (ctx->trace_next != end) {
		place = &ctx->traced[ctx->trace_next];
		ctx->trace_next = (ctx->trace_next + 1) % ctx->ring.nr;
		if (!*place)
			continue;
		if (reaped && (*place)->reaped_by == REAPED_NOT) {
			(*place)->reaped_by = REAPED_BY_SELF;
			now = now ? now : now_ns();
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

/* A head that was nonsense all the time, and the ring is full of them: the oldest has to go. */
static void make_place(struct trace *t, struct context *ctx)
{
	const unsigned oldest = ctx->trace_next;

	if ((ctx->ring.tail + 1) % ctx->ring.nr == oldest)
		push_until(t, ctx, (oldest + 1) % ctx->ring.nr, false);
}

void trace_published(struct trace *t, struct request *r, bool dropped)
{
	struct record_request *rec = r->trace;
	struct record_request **place;

	if (!t || !rec)
		return;
	r->trace = NULL;
	rec->in_flight_left = --t->in_flight;
	trace_fill_done(rec, r, dropped);
	sample_read(t, rec, r);
	if (!dropped)
		push_copy(t, RECORD_PUBLISHED, rec);
	place = dropped ? NULL : place_at_tail(r->ctx);
	if (!place) {
		push_last(t, rec);
		return;
	}
	trace_look(t, r->ctx);
	make_place(t, r->ctx);
	*place = rec;
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
