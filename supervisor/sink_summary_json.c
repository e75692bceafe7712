/* SPDX-License-Identifier: MIT */
/* A summary as one line of JSON; all times in nanoseconds. man/aio-sandbox-trace.5 has its fields. */
#include <string.h>

#include "format.h"
#include "sink_summary.h"

static void put_string(struct out *o, const char *bytes, size_t count)
{
	char *at = out_reserve(o, count * FORMAT_JSON_GROWTH + 2);

	if (at)
		out_advance(o, format_json(at, bytes, count));
}

static void put_number(struct out *o, const char *name, uint64_t value)
{
	out_printf(o, ",\"%s\":%llu", name, (unsigned long long)value);
}

/* Of nothing there are no times. */
static void put_histogram(struct out *o, const char *name, const struct histogram *h)
{
	if (!h->count) {
		out_printf(o, ",\"%s\":null", name);
		return;
	}
	out_printf(o, ",\"%s\":{\"count\":%llu", name, (unsigned long long)h->count);
	put_number(o, "min", h->min);
	put_number(o, "mean", histogram_mean(h));
	put_number(o, "p50", histogram_percentile(h, 500));
	put_number(o, "p90", histogram_percentile(h, 900));
	put_number(o, "p99", histogram_percentile(h, 990));
	put_number(o, "max", h->max);
	out_text(o, "}");
}

static void put_errors(struct out *o, const struct summary_group *g)
{
	const char *between = "";

	out_text(o, ",\"errors\":{");
	for (unsigned i = 0; i < SUMMARY_ERRORS_MAX; i++) {
		if (!g->by_errno[i].count)
			continue;
		out_printf(o, "%s\"%s\":%llu", between, sink_errno_name(g->by_errno[i].err),
			   (unsigned long long)g->by_errno[i].count);
		between = ",";
	}
	out_text(o, "}");
}

static void put_group(struct out *o, const struct summary_group *g)
{
	const double seconds = summary_seconds(g);

	out_printf(o, "\"requests\":%llu", (unsigned long long)g->requests);
	put_number(o, "unreaped", g->unreaped);
	put_number(o, "unfinished", g->unfinished);
	put_number(o, "bytes", g->bytes);
	put_errors(o, g);
	put_histogram(o, "submitted_to_done_ns", &g->done);
	put_histogram(o, "submitted_to_reaped_ns", &g->reaped);
	out_printf(o, ",\"bytes_per_second\":%.1f,\"requests_per_second\":%.1f",
		   (double)g->bytes / seconds, (double)g->requests / seconds);
	out_printf(o, ",\"mean_depth\":%.3f,\"max_depth\":%u,\"would_block\":%llu",
		   summary_mean_depth(g), g->depth_max, (unsigned long long)g->would_block);
}

static void put_groups(struct summary *s, const char *name, bool by_file)
{
	struct summary_rows *rows = malloc(sizeof(*rows));
	struct out *o = s->sink.out;

	out_printf(o, ",\"%s\":[", name);
	if (rows)
		summary_sort(s, by_file, rows);
	for (unsigned i = 0; rows && i < rows->count; i++) {
		const struct summary_group *g = rows->rows[i].group;

		out_printf(o, "%s{\"op\":\"%s\",", i ? "," : "", sink_op_name(g->opcode));
		if (by_file) {
			out_text(o, "\"path\":");
			if (g->path)
				put_string(o, g->path->text, g->path->length_bytes);
			else
				out_text(o, "null");
			out_text(o, ",");
		}
		put_group(o, g);
		out_text(o, "}");
	}
	out_text(o, "]");
	free(rows);
}

static void put_calls(struct summary *s)
{
	unsigned order[SUMMARY_CALLS];
	const char *between = "";

	summary_sort_calls(s, order);
	out_text(s->sink.out, ",\"calls\":[");
	for (unsigned i = 0; i < SUMMARY_CALLS; i++) {
		const struct summary_call *c = &s->calls[order[i]];

		if (!c->calls)
			continue;
		out_printf(s->sink.out, "%s{\"call\":\"%s\"", between,
			   sink_call_name(summary_call_nr(order[i])));
		put_number(s->sink.out, "calls", c->calls);
		put_number(s->sink.out, "errors", c->errors);
		put_number(s->sink.out, "total_ns", c->total_ns);
		put_number(s->sink.out, "min_ns", c->min_ns);
		put_number(s->sink.out, "max_ns", c->max_ns);
		out_text(s->sink.out, "}");
		between = ",";
	}
	out_text(s->sink.out, "]");
}

/* The first of those that were not finished, or complete and not reaped. */
static void put_listed(struct summary *s)
{
	struct out *o = s->sink.out;

	out_text(o, ",\"left\":[");
	for (unsigned i = 0; i < s->listed_count; i++) {
		const struct record_request *r = &s->listed[i];

		out_printf(o, "%s{\"id\":%llu,\"finished\":%s", i ? "," : "",
			   (unsigned long long)r->id, r->published_ns ? "true" : "false");
		out_printf(o, ",\"pid\":%d,\"tid\":%d,\"op\":\"%s\",\"fd\":%d,\"path\":", r->pid,
			   r->tid, sink_op_name(r->opcode), r->fd);
		if (r->path)
			put_string(o, r->path->text, r->path->length_bytes);
		else
			out_text(o, "null");
		out_printf(o, ",\"offset\":%lld", (long long)r->offset);
		put_number(o, "length", r->length_bytes);
		put_number(o, "submitted_ns", r->submitted_ns);
		out_text(o, "}");
	}
	out_text(o, "]");
}

void summary_print_json(struct summary *s)
{
	struct out *o = s->sink.out;

	out_printf(o, "{\"type\":\"summary\",\"format\":1,\"started_ns\":%llu",
		   (unsigned long long)s->sink.run->started_ns);
	put_number(o, "ended_ns", s->ended_ns);
	out_text(o, ",\"all\":{");
	put_group(o, &s->total);
	out_text(o, "}");
	put_calls(s);
	put_groups(s, "by_op", false);
	put_groups(s, "by_file", true);
	put_listed(s);
	out_text(o, "}\n");
	out_end_line(o);
}
