/* SPDX-License-Identifier: MIT */
/*
 * Trace events for Perfetto and chrome://tracing, in the form of an array whose end may be missing.
 * A request is a nested async slice "context N" on the track of its context, with a slice for each
 * phase inside; a call is a slice on its thread. Nothing is sorted, viewers do that.
 *
 * Counters. How many were in flight is known when a request comes and goes. How many were queued
 * at some time is known only when all of those are complete: their beginnings and ends wait in a
 * window, of which the older half is sorted and written when it is full. What belongs before that
 * by then is moved behind it, so that beginnings and ends always balance.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "sink.h"

#define LINE_BYTES 512u
#define WINDOW_EDGES 4096u
#define NAMED_SLOTS 1024u
#define CONTEXT_TID (1u << 22)		/* as thread ids these cannot be: PID_MAX_LIMIT */

struct edge {
	uint64_t at_ns;
	int change;
};

struct chrome {
	struct sink sink;
	uint64_t named[NAMED_SLOTS];	/* tracks that have got their names; forgetful */
	struct edge edges[WINDOW_EDGES];
	unsigned edge_count;
	uint64_t written_until_ns;
	long queued;
	pid_t own_pid;
};

static char *begin_line(struct sink *s, size_t more)
{
	return out_reserve(s->out, LINE_BYTES + more);
}

static void end_line(struct sink *s, char *at)
{
	out_advance(s->out, format_literal(at, "},\n"));
	out_end_line(s->out);
}

/* Microseconds. */
static char *put_us(char *at, uint64_t ns)
{
	const unsigned rest = (unsigned)(ns % 1000);

	at = format_u64(at, ns / 1000);
	*at++ = '.';
	*at++ = (char)('0' + rest / 100);
	*at++ = (char)('0' + rest / 10 % 10);
	*at++ = (char)('0' + rest % 10);
	return at;
}

static char *put_place(char *at, pid_t pid, unsigned tid)
{
	at = format_i64(format_literal(at, ",\"pid\":"), pid);
	return format_u64(format_literal(at, ",\"tid\":"), tid);
}

/* {"ph":PH,"name":NAME,"ts":...: the rest is the caller's. */
static char *put_event(char *at, char ph, const char *name, uint64_t ns)
{
	at = format_literal(at, "{\"ph\":\"");
	*at++ = ph;
	at = format_text(format_literal(at, "\",\"name\":\""), name);
	return put_us(format_literal(at, "\",\"ts\":"), ns);
}

/* --- names of tracks --- */

static bool is_new(struct chrome *c, uint64_t track)
{
	uint64_t *slot = &c->named[hash_u64(track) % NAMED_SLOTS];
	const bool new = *slot != track;

	*slot = track;
	return new;
}

static void name_track(struct chrome *c, const char *what, pid_t pid, unsigned tid,
		       const char *name, size_t length)
{
	char *at = begin_line(&c->sink, length * FORMAT_JSON_GROWTH);

	if (!at)
		return;
	at = format_text(format_literal(at, "{\"ph\":\"M\",\"name\":\""), what);
	at = put_place(format_literal(at, "\""), pid, tid);
	at = format_json(format_literal(at, ",\"args\":{\"name\":"), name, length);
	end_line(&c->sink, format_literal(at, "}"));
}

static void name_thread(struct chrome *c, pid_t pid, pid_t tid, const struct label *comm)
{
	const uint64_t process = (uint64_t)pid << 32;

	if (comm && is_new(c, process))
		name_track(c, "process_name", pid, (unsigned)pid, comm->text, comm->length_bytes);
	if (comm && is_new(c, process | (unsigned)tid))
		name_track(c, "thread_name", pid, (unsigned)tid, comm->text, comm->length_bytes);
}

static void name_context(struct chrome *c, pid_t pid, unsigned ctx)
{
	char name[32];

	if (!is_new(c, (uint64_t)pid << 32 | (CONTEXT_TID + ctx)))
		return;
	snprintf(name, sizeof(name), "context %u", ctx);
	name_track(c, "thread_name", pid, CONTEXT_TID + ctx, name, strlen(name));
}

/* --- counters --- */

static void put_counter(struct chrome *c, const char *name, uint64_t ns, long value)
{
	char *at = begin_line(&c->sink, 0);

	if (!at)
		return;
	at = put_place(put_event(at, 'C', name, ns), c->own_pid, (unsigned)c->own_pid);
	at = format_i64(format_literal(at, ",\"args\":{\"requests\":"), value);
	end_line(&c->sink, format_literal(at, "}"));
}

static int by_time(const void *a, const void *b)
{
	const struct edge *p = a, *q = b;

	if (p->at_ns != q->at_ns)
		return p->at_ns < q->at_ns ? -1 : 1;
	return q->change - p->change;
}

static void write_edges(struct chrome *c, unsigned count)
{
	qsort(c->edges, c->edge_count, sizeof(*c->edges), by_time);
	for (unsigned i = 0; i < count; i++) {
		c->queued += c->edges[i].change;
		c->written_until_ns = c->edges[i].at_ns;
		if (i + 1 == count || c->edges[i + 1].at_ns != c->edges[i].at_ns)
			put_counter(c, "queued", c->edges[i].at_ns, c->queued);
	}
	c->edge_count -= count;
	memmove(c->edges, c->edges + count, c->edge_count * sizeof(*c->edges));
}

static void count_queued(struct chrome *c, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns <= from_ns || to_ns <= c->written_until_ns)
		return;
	if (c->edge_count + 2 > WINDOW_EDGES)
		write_edges(c, c->edge_count / 2);
	from_ns = max_u64(from_ns, c->written_until_ns);
	to_ns = max_u64(to_ns, from_ns);
	c->edges[c->edge_count++] = (struct edge){ from_ns, 1 };
	c->edges[c->edge_count++] = (struct edge){ to_ns, -1 };
}

/* --- requests --- */

static char *put_slice(char *at, char ph, const char *name, uint64_t ns,
		       const struct record_request *r)
{
	at = put_place(put_event(at, ph, name, ns), r->pid, CONTEXT_TID + r->ctx);
	at = format_u64(format_literal(at, ",\"cat\":\"aio\",\"id\":\""), r->id);
	return format_literal(at, "\"");
}

static void phase(struct chrome *c, const char *name, uint64_t from_ns, uint64_t to_ns,
		  const struct record_request *r)
{
	char *at = from_ns && to_ns ? begin_line(&c->sink, LINE_BYTES) : NULL;

	if (!at)
		return;
	at = format_literal(put_slice(at, 'b', name, from_ns, r), "},\n");
	end_line(&c->sink, put_slice(at, 'e', name, to_ns, r));
}

static char *put_arguments(char *at, const struct record_request *r)
{
	at = format_text(format_literal(at, ",\"args\":{\"op\":\""), sink_op_name(r->opcode));
	at = format_i64(format_literal(at, "\",\"fd\":"), r->fd);
	at = format_json_label(format_literal(at, ",\"path\":"), r->path);
	at = format_i64(format_literal(at, ",\"offset\":"), r->offset);
	at = format_u64(format_literal(at, ",\"length\":"), r->length_bytes);
	at = format_i64(format_literal(at, ",\"tid\":"), r->tid);
	at = format_i64(format_literal(at, ",\"result\":"), r->result);
	return format_literal(at, "}");
}

/* The last that is known of it. */
static uint64_t last_ns(const struct record_request *r)
{
	return max_u64(max_u64(r->reaped_ns, r->published_ns), max_u64(r->done_ns, r->submitted_ns));
}

static void chrome_request(struct sink *s, const struct record_request *r)
{
	struct chrome *c = (struct chrome *)s;
	char *at, name[32];

	name_thread(c, r->pid, r->tid, r->comm);
	name_context(c, r->pid, r->ctx);
	snprintf(name, sizeof(name), "context %u", r->ctx);
	at = begin_line(s, r->path ? r->path->length_bytes * FORMAT_JSON_GROWTH : 0);
	if (!at)
		return;
	end_line(s, put_arguments(put_slice(at, 'b', name, r->submitted_ns, r), r));
	phase(c, "queued", r->submitted_ns, r->started_ns ? r->started_ns : r->done_ns, r);
	phase(c, sink_op_name(r->opcode), r->started_ns, r->done_ns, r);
	phase(c, "done", r->done_ns, r->published_ns, r);
	phase(c, "published", r->published_ns, r->reaped_ns, r);
	at = begin_line(s, 0);
	if (at)
		end_line(s, put_slice(at, 'e', name, last_ns(r), r));
	put_counter(c, "in flight", r->submitted_ns, r->in_flight);
	put_counter(c, "in flight", r->published_ns ? r->published_ns : last_ns(r),
		    r->in_flight_left);
	count_queued(c, r->submitted_ns, r->started_ns);
}

/* --- calls --- */

static void chrome_call(struct sink *s, const struct sink_call *sc)
{
	struct chrome *c = (struct chrome *)s;
	const struct record_call *call = sc->call;
	const bool left = call->left_ns != 0;
	char *at;

	name_thread(c, call->pid, call->tid, call->comm);
	at = begin_line(s, 0);
	if (!at)
		return;
	at = put_event(at, left ? 'X' : 'B', sink_call_name(call->nr), call->entered_ns);
	if (left)
		at = put_us(format_literal(at, ",\"dur\":"), call->left_ns - call->entered_ns);
	at = put_place(at, call->pid, (unsigned)call->tid);
	at = format_u64(format_literal(at, ",\"cat\":\"call\",\"args\":{\"context\":"), call->ctx);
	if (left)
		at = format_i64(format_literal(at, ",\"result\":"), call->result);
	end_line(s, format_literal(at, "}"));
}

/* --- the life --- */

static void chrome_start(struct sink *s)
{
	struct chrome *c = (struct chrome *)s;

	c->own_pid = getpid();
	out_text(s->out, "[\n");
	out_end_line(s->out);
	name_track(c, "process_name", c->own_pid, (unsigned)c->own_pid, "aio-sandbox", 11);
}

static void chrome_end(struct sink *s, const struct sink_counts *counts)
{
	struct chrome *c = (struct chrome *)s;
	char *at;

	write_edges(c, c->edge_count);
	at = begin_line(s, 0);
	if (!at)
		return;
	at = put_place(put_event(at, 'i', "end", counts->ended_ns), c->own_pid,
		       (unsigned)c->own_pid);
	at = format_u64(format_literal(at, ",\"s\":\"g\",\"args\":{\"requests\":"),
			counts->requests);
	out_advance(s->out, format_literal(at, "}}\n]\n"));
	out_end_line(s->out);
}

static const struct sink_ops chrome_ops = {
	.name = "chrome",
	.wants = 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.names_callers = true,
	.start = chrome_start,
	.call = chrome_call,
	.request = chrome_request,
	.end = chrome_end,
};

struct sink *sink_chrome_create(void)
{
	return sink_create(sizeof(struct chrome), &chrome_ops);
}
