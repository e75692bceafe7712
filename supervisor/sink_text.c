/* SPDX-License-Identifier: MIT */
/*
 * Text in strace's manner: a line for each call and one for each completion. "#17" names a request
 * in the io_submit that brought it, in its completion and in the io_getevents that took it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "sink.h"

struct text {
	struct sink sink;
	uint64_t last_ns;		/* of the line before */
};

static void put_path(struct out *o, const struct label *path)
{
	out_text(o, "<");
	for (const char *c = path->text; *c; c++) {
		if (*c < ' ' || *c == '\\' || *c == '>' || *c == '\x7f')
			out_printf(o, "\\%o", (unsigned char)*c);
		else
			out_bytes(o, c, 1);
	}
	out_text(o, ">");
}

static void put_fd(struct text *t, const struct record_request *r)
{
	out_printf(t->sink.out, "%d", r->fd);
	if (r->path && t->sink.run->cfg->with_paths)
		put_path(t->sink.out, r->path);
}

static void put_flag(void *arg, const char *name)
{
	out_printf(arg, "|%s%s", *name == '0' ? "" : "RWF_", name);
}

static void put_request(struct text *t, const struct record_request *r)
{
	struct out *o = t->sink.out;

	out_printf(o, "%s(", sink_op_name(r->opcode));
	put_fd(t, r);
	if (r->poll_events)
		out_printf(o, ", 0x%x", r->poll_events);
	else if (r->length_bytes || r->offset)
		out_printf(o, ", %llu, %lld", (unsigned long long)r->length_bytes,
			   (long long)r->offset);
	if (r->rw_flags) {
		out_text(o, ", 0");
		sink_rw_flags(r->rw_flags, put_flag, o);
	}
	out_text(o, ")");
}

static void put_result(struct text *t, int64_t result)
{
	if (result < 0 && result >= -4095)
		out_printf(t->sink.out, " = -1 %s (%s)", sink_errno_name((int)-result),
			   strerror((int)-result));
	else
		out_printf(t->sink.out, " = %lld", (long long)result);
}

static void put_clock(struct text *t, uint64_t ns)
{
	const struct sink_run *run = t->sink.run;
	const uint64_t real_ns = ns + (uint64_t)run->realtime_offset_ns;
	const time_t seconds = (time_t)(real_ns / NSEC_PER_SEC);
	const unsigned micros = (unsigned)(real_ns % NSEC_PER_SEC / NSEC_PER_USEC);
	char day[16] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		(void)strftime(day, sizeof(day), "%H:%M:%S", &tm);
	if (run->cfg->clock == TRACE_CLOCK_SECONDS)
		out_printf(t->sink.out, "%s ", day);
	else if (run->cfg->clock == TRACE_CLOCK_MICROS)
		out_printf(t->sink.out, "%s.%06u ", day, micros);
	else if (run->cfg->clock == TRACE_CLOCK_UNIX)
		out_printf(t->sink.out, "%lld.%06u ", (long long)seconds, micros);
}

static void begin_line(struct text *t, pid_t tid, uint64_t ns)
{
	const uint64_t since_ns = t->last_ns && ns > t->last_ns ? ns - t->last_ns : 0;

	out_printf(t->sink.out, "[pid %d] ", tid);
	put_clock(t, ns);
	if (t->sink.run->cfg->relative)
		out_printf(t->sink.out, "%llu.%06llu ",
			   (unsigned long long)(since_ns / NSEC_PER_SEC),
			   (unsigned long long)(since_ns % NSEC_PER_SEC / NSEC_PER_USEC));
	t->last_ns = ns;
}

static void end_line(struct text *t, uint64_t spent_ns)
{
	if (t->sink.run->cfg->spent)
		out_printf(t->sink.out, " <%llu.%06llu>",
			   (unsigned long long)(spent_ns / NSEC_PER_SEC),
			   (unsigned long long)(spent_ns % NSEC_PER_SEC / NSEC_PER_USEC));
	out_text(t->sink.out, "\n");
	out_end_line(t->sink.out);
}

static void put_entries(struct text *t, const struct sink_call *c, bool events)
{
	struct out *o = t->sink.out;

	out_text(o, "[");
	for (unsigned i = 0; i < c->count; i++) {
		const struct record_request *r = &c->entries[i];

		out_text(o, i ? ", " : "");
		if (r->id)
			out_printf(o, "#%llu ", (unsigned long long)r->id);
		if (events)
			out_printf(o, "res=%lld", (long long)r->result);
		else
			put_request(t, r);
	}
	out_text(o, "]");
}

static void put_timeout(struct text *t, int64_t ns)
{
	if (ns < 0)
		out_text(t->sink.out, "NULL");
	else
		out_printf(t->sink.out, "{tv_sec=%lld, tv_nsec=%lld}",
			   (long long)(ns / (int64_t)NSEC_PER_SEC),
			   (long long)(ns % (int64_t)NSEC_PER_SEC));
}

static void put_arguments(struct text *t, const struct sink_call *c)
{
	const uint64_t *a = c->call->args;
	struct out *o = t->sink.out;

	switch (c->call->nr) {
	case SYS_io_setup:
		out_printf(o, "%u, 0x%llx", (unsigned)a[0], (unsigned long long)a[1]);
		break;
	case SYS_io_submit:
		out_printf(o, "0x%llx, %lld, ", (unsigned long long)a[0], (long long)a[1]);
		put_entries(t, c, false);
		break;
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		out_printf(o, "0x%llx, %lld, %lld, ", (unsigned long long)a[0], (long long)a[1],
			   (long long)a[2]);
		put_entries(t, c, true);
		out_text(o, ", ");
		put_timeout(t, c->call->timeout_ns);
		break;
	case SYS_io_cancel:
		out_printf(o, "0x%llx, 0x%llx, 0x%llx", (unsigned long long)a[0],
			   (unsigned long long)a[1], (unsigned long long)a[2]);
		break;
	default:
		out_printf(o, "0x%llx", (unsigned long long)a[0]);
	}
}

static void text_call(struct sink *s, const struct sink_call *c)
{
	struct text *t = (struct text *)s;
	const struct record_call *call = c->call;

	begin_line(t, call->tid, call->entered_ns);
	out_printf(s->out, "%s(", sink_call_name(call->nr));
	put_arguments(t, c);
	out_text(s->out, ")");
	if (call->left_ns)
		put_result(t, call->result);
	else
		out_text(s->out, " = ? <unfinished ...>");
	end_line(t, call->left_ns ? call->left_ns - call->entered_ns : 0);
}

static void text_published(struct sink *s, const struct record_request *r)
{
	struct text *t = (struct text *)s;

	begin_line(t, r->tid, r->published_ns);
	out_printf(s->out, "#%llu ", (unsigned long long)r->id);
	put_request(t, r);
	put_result(t, r->result);
	end_line(t, r->done_ns - r->submitted_ns);
}

static void text_destroy(struct sink *s)
{
	free(s);
}

static const struct sink_ops text_ops = {
	.name = "text",
	.wants = 1u << RECORD_ACCEPTED | 1u << RECORD_TAKEN_BACK | 1u << RECORD_REFUSED |
		 1u << RECORD_PUBLISHED | 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.call = text_call,
	.published = text_published,
	.destroy = text_destroy,
};

struct sink *sink_text_create(void)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sink.ops = &text_ops;
	return &t->sink;
}
