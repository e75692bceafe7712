/* SPDX-License-Identifier: MIT */
/*
 * Theory. ctx->traced has a place for each slot of the ring; ctx->trace_next is the oldest that is
 * not known to be reaped. Whenever something happens in a context the stored head tells how far the
 * program has read by itself; what io_getevents takes is noted at once but handed over only when
 * the call is answered, for it may be put back (kept.h). A head that a program has set to nonsense
 * makes some of these times wrong and nothing else: each record is handed over once, at the latest
 * when its slot is used again.
 *
 * What a shim has taken without a trap it has noted in its channel (shim/channel_abi.h), before the
 * head moved: so behind each look at the head stands a look at the notes.
 */
#include <stdlib.h>

#include "channel.h"
#include "trace_fill.h"
#include "trace_impl.h"

/* The place of the ring's next slot; NULL: no memory for the table. */
static struct record_request **place_at_tail(struct context *ctx)
{
	if (!ctx->traced) {
		ctx->traced = calloc(ctx->ring.nr, sizeof(struct record_request *));
		ctx->trace_next = ctx->ring.tail;
	}
	return ctx->traced ? &ctx->traced[ctx->ring.tail] : NULL;
}

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
		trace_push_last(t, *place);
		*place = NULL;
	}
}

static unsigned distance(const struct context *ctx, unsigned from, unsigned to)
{
	return (to + ctx->ring.nr - from) % ctx->ring.nr;
}

/* How far the program has read; a head that lies behind what is published is nonsense. */
static unsigned read_by_now(const struct context *ctx)
{
	const unsigned there = distance(ctx, ctx->trace_next, ring_head(&ctx->ring));

	return there <= distance(ctx, ctx->trace_next, ctx->ring.tail) ? there : 0;
}

static void push_noted(struct trace *t, struct context *ctx, const struct channel_note *note,
		       unsigned count)
{
	const uint64_t now = now_ns(), id = ++*t->last_call_id;
	pid_t pid = (pid_t)note->tid;

	for (unsigned i = 0; i < count; i++) {
		struct record_request *rec = ctx->traced[(note->head + i) % ctx->ring.nr];

		if (!rec)
			continue;
		rec->reaped_by = REAPED_BY_SHIM;
		rec->reaped_ns = min_u64(max_u64(note->reaped_ns, rec->published_ns), now);
		rec->reap_call = id;
		pid = rec->pid;
	}
	push_until(t, ctx, count ? (note->head + count) % ctx->ring.nr : ctx->trace_next, true);
	if (trace_wants(t, RECORD_CALL)) {
		struct record *slot = trace_slot(t, RECORD_CALL, RECORD_BYTES(call));

		trace_fill_noted(&slot->call, ctx, note, pid, t->names_callers);
		slot->call.id = id;
		feed_push(t->feed, slot);
	}
}

/*
 * The first of the notes that lie before what is read; its place, 0: none. One that is told too
 * late, or means nothing, is told without events; one beyond is about a later head than ours.
 */
static unsigned first_note(struct trace *t, struct context *ctx, unsigned read,
			   struct channel_note *first)
{
	const unsigned nr = ctx->ring.nr, there = distance(ctx, ctx->trace_next, ctx->ring.tail);
	struct channel *ch = ctx->mm->channel;
	unsigned from = 0, found = 0, least = read, ahead;
	struct channel_note note;

	while (channel_note_next(ch, ctx->number, &from, &note)) {
		ahead = distance(ctx, ctx->trace_next, note.head % nr);
		if (note.count - 1u >= there || ahead > there - note.count ||
		    ctx->published - note.published >= nr) {
			if (note.state == NOTE_TOLD) {
				channel_note_free(ch, from);
				push_noted(t, ctx, &note, 0);
			}
		} else if (ahead < least && note.count <= read - ahead &&
			   channel_note_settle(ch, from, &note)) {
			least = ahead;
			found = from;
			*first = note;
		}
	}
	return found;
}

void trace_look(struct trace *t, struct context *ctx)
{
	struct channel_note note;
	unsigned end, place;

	if (!t || !ctx->traced)
		return;
	end = (ctx->trace_next + read_by_now(ctx)) % ctx->ring.nr;
	/* there are no more of them, unless somebody writes them who has not read anything */
	for (unsigned i = 0; i < CHANNEL_NOTES && ctx->mm->channel; i++) {
		place = first_note(t, ctx, distance(ctx, ctx->trace_next, end), &note);
		if (!place)
			break;
		channel_note_free(ctx->mm->channel, place);
		push_until(t, ctx, note.head % ctx->ring.nr, true);
		push_noted(t, ctx, &note, note.count);
	}
	push_until(t, ctx, end, true);
}

void trace_look_told(struct trace *t, struct mm *mm)
{
	if (!t || !mm->channel || !channel_told(mm->channel))
		return;
	list_for_each(node, tmp, &mm->contexts)
		trace_look(t, list_entry(node, struct context, node));
}

/* A head that was nonsense all the time, and the ring is full of them: the oldest has to go. */
static void make_place(struct trace *t, struct context *ctx)
{
	const unsigned oldest = ctx->trace_next;

	if ((ctx->ring.tail + 1) % ctx->ring.nr == oldest)
		push_until(t, ctx, (oldest + 1) % ctx->ring.nr, false);
}

bool trace_keep(struct trace *t, struct context *ctx, struct record_request *rec)
{
	struct record_request **place = place_at_tail(ctx);

	if (!place)
		return false;
	trace_look(t, ctx);
	make_place(t, ctx);
	*place = rec;
	return true;
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
