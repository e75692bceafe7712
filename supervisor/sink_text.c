/* SPDX-License-Identifier: MIT */
/*
 * Text in strace's manner: a line for each call and one for each completion. "#17" names a request
 * in the io_submit that brought it, in its completion, in the io_getevents that took it and in an
 * io_cancel. What was never finished or never taken has a line when that is known.
 */
#include <string.h>

#include "sink_request.h"

struct text {
	struct sink sink;
	uint64_t last_ns;		/* of the line before */
	pid_t first_tid;		/* whose line was the first */
	bool many;			/* others have come */
};

static void put_clock(struct text *t, uint64_t ns)
{
	const struct sink_run *run = t->sink.run;
	const uint64_t real_ns = ns + (uint64_t)run->realtime_offset_ns;
	const time_t seconds = (time_t)(real_ns / NSEC_PER_SEC);
	const unsigned micros = (unsigned)(real_ns % NSEC_PER_SEC / NSEC_PER_USEC);
	char day[16] = "";
	struct tm tm;

	if (run->cfg->clock == TRACE_CLOCK_UNIX) {
		out_printf(t->sink.out, "%lld.%06u ", (long long)seconds, micros);
		return;
	}
	if (localtime_r(&seconds, &tm))
		(void)strftime(day, sizeof(day), "%H:%M:%S", &tm);
	out_text(t->sink.out, day);
	out_printf(t->sink.out, run->cfg->clock == TRACE_CLOCK_MICROS ? ".%06u " : " ", micros);
}

static void put_relative(struct text *t, uint64_t ns)
{
	const uint64_t since_ns = t->last_ns && ns > t->last_ns ? ns - t->last_ns : 0;
	const bool aside = t->sink.run->cfg->clock != TRACE_CLOCK_NONE;

	out_printf(t->sink.out, aside ? "(+%6llu.%06llu) " : "%6llu.%06llu ",
		   (unsigned long long)(since_ns / NSEC_PER_SEC),
		   (unsigned long long)(since_ns % NSEC_PER_SEC / NSEC_PER_USEC));
}

/* As strace -f: in a file always, on stderr only once there are several. */
static void put_pid(struct text *t, pid_t tid)
{
	if (!t->first_tid)
		t->first_tid = tid;
	t->many = t->many || tid != t->first_tid;
	if (!out_to_stderr(t->sink.out))
		out_printf(t->sink.out, "%-5d ", tid);
	else if (t->many)
		out_printf(t->sink.out, "[pid %5d] ", tid);
}

static void begin_line(struct text *t, pid_t tid, uint64_t ns)
{
	put_pid(t, tid);
	if (t->sink.run->cfg->clock != TRACE_CLOCK_NONE)
		put_clock(t, ns);
	if (t->sink.run->cfg->relative)
		put_relative(t, ns);
	t->last_ns = ns;
}

/* Before "= ...". */
static void to_column(struct text *t)
{
	const size_t at = out_column(t->sink.out) + 1, column = t->sink.run->cfg->column;

	if (at < column)
		out_printf(t->sink.out, "%*s", (int)(column - at), "");
	out_text(t->sink.out, " ");
}

static void end_line(struct text *t, uint64_t from_ns, uint64_t to_ns)
{
	const uint64_t spent_ns = to_ns > from_ns ? to_ns - from_ns : 0;

	if (t->sink.run->cfg->spent && to_ns)
		out_printf(t->sink.out, " <%llu.%06llu>",
			   (unsigned long long)(spent_ns / NSEC_PER_SEC),
			   (unsigned long long)(spent_ns % NSEC_PER_SEC / NSEC_PER_USEC));
	out_text(t->sink.out, "\n");
	out_end_line(t->sink.out);
}

static void text_call(struct sink *s, const struct sink_call *c)
{
	struct text *t = (struct text *)s;
	const struct record_call *call = c->call;

	begin_line(t, call->tid, call->entered_ns);
	out_text(s->out, sink_call_name(call->nr));
	out_text(s->out, "(");
	sink_text_arguments(s, c);
	out_text(s->out, call->left_ns ? ")" : " <unfinished ...>)");
	to_column(t);
	if (call->left_ns)
		sink_put_returned(s->out, call->result);
	else
		out_text(s->out, "= ?");
	end_line(t, call->entered_ns, call->left_ns);
}

static void begin_request(struct text *t, const struct record_request *r, uint64_t ns,
			  enum sink_put how)
{
	begin_line(t, r->tid, ns);
	out_text(t->sink.out, "#");
	out_u64(t->sink.out, r->id);
	out_text(t->sink.out, " ");
	sink_put_request(&t->sink, r, how);
	if (how == SINK_PUT_UNFINISHED)
		out_text(t->sink.out, ")");
	to_column(t);
}

/* strace's word */
static void put_fault(struct out *out, const struct record_request *r)
{
	if (r->fault)
		out_text(out, " (INJECTED)");
}

static void text_published(struct sink *s, const struct record_request *r)
{
	struct text *t = (struct text *)s;

	begin_request(t, r, r->published_ns, SINK_PUT_DONE);
	sink_put_result(s->out, r);
	put_fault(s->out, r);
	end_line(t, r->submitted_ns, r->done_ns);
}

/* Reaped ones are told by the call, and were told when they were complete. */
static void text_request(struct sink *s, const struct record_request *r)
{
	struct text *t = (struct text *)s;
	const uint64_t ns = max_u64(t->last_ns, r->done_ns);
	const bool cancelled = !r->published_ns && r->result == -ECANCELED;

	if (r->reaped_ns)
		return;
	begin_request(t, r, ns, cancelled ? SINK_PUT_UNFINISHED : SINK_PUT_DONE);
	if (cancelled) {
		out_text(s->out, "= ?");
	} else {
		sink_put_result(s->out, r);
		put_fault(s->out, r);
		out_text(s->out, r->published_ns ? " <never reaped>" : " <nobody left to tell>");
	}
	end_line(t, r->submitted_ns, cancelled ? 0 : r->done_ns);
}

static const struct sink_ops text_ops = {
	.name = "text",
	.wants = RECORD_ENTRIES | 1u << RECORD_PUBLISHED | 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.wants_data = true,
	.call = text_call,
	.published = text_published,
	.request = text_request,
};

struct sink *sink_text_create(void)
{
	return sink_create(sizeof(struct text), &text_ops);
}
