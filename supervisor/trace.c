/* SPDX-License-Identifier: MIT */
/* What is said of calls, and of requests until they are published. */
#include "trace_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "trace_fill.h"
#include "writer.h"

struct trace *trace_create(struct writer *writer, struct pulse *pulse, uint64_t *last_call_id,
			   bool may_be_undone)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->writer = writer;
	t->feed = writer_feed(writer);
	t->pulse = pulse;
	t->last_call_id = last_call_id;
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

bool trace_wants(const struct trace *t, enum record_kind kind)
{
	return t && t->wants & 1u << kind;
}

/* --- handing over --- */

/* Waits when the trace's reader is slower than PROGRAM: the guardian says so after a second. */
struct record *trace_slot(struct trace *t, enum record_kind kind, size_t bytes)
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

	if (!trace_wants(t, kind))
		return;
	if (t->ids_only && kind != RECORD_PUBLISHED) {
		slot = trace_slot(t, kind, RECORD_BYTES(id));
		slot->id_only = true;
		slot->id = (struct record_id){ rec->id, rec->call };
	} else {
		slot = trace_slot(t, kind, RECORD_BYTES(request));
		record_request_copy(&slot->request, rec);
	}
	feed_push(t->feed, slot);
}

/* The last that is said of it: references move along. */
void trace_push_last(struct trace *t, struct record_request *rec)
{
	struct record *slot;

	if (trace_wants(t, RECORD_REQUEST)) {
		slot = trace_slot(t, RECORD_REQUEST, RECORD_BYTES(request));
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
	struct record *slot = trace_slot(t, RECORD_CALL, RECORD_BYTES(call));

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
	if (trace_wants(t, RECORD_CALL))
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

	if (!trace_wants(t, RECORD_REFUSED))
		return;
	trace_fill_refused(&rec, call, obj, cb, err);
	rec.ctx = ctx->number;
	push_copy(t, RECORD_REFUSED, &rec);
}

void trace_addressed(struct trace *t, struct call *call, const struct request *r)
{
	struct record_request rec;

	if (!trace_wants(t, RECORD_ADDRESSED) || !r->trace)
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

void trace_published(struct trace *t, struct request *r, bool dropped)
{
	struct record_request *rec = r->trace;

	if (!t || !rec)
		return;
	r->trace = NULL;
	rec->in_flight_left = --t->in_flight;
	trace_fill_done(rec, r, dropped);
	sample_read(t, rec, r);
	if (!dropped)
		push_copy(t, RECORD_PUBLISHED, rec);
	if (dropped || !trace_keep(t, r->ctx, rec))
		trace_push_last(t, rec);
}
