/* SPDX-License-Identifier: MIT */
/*
 * A summary as text: the table of calls is strace's, those of requests follow it. A latency is told
 * in microseconds. On a terminal all latencies are drawn as bars, one for each power of two.
 */
#include <string.h>

#include "sink_request.h"
#include "sink_summary.h"

#define BAR_COLUMNS 40u

static double usecs(uint64_t ns)
{
	return (double)ns / (double)NSEC_PER_USEC;
}

static void put_errors_of(struct out *o, uint64_t errors, int columns)
{
	if (errors)
		out_printf(o, "%*llu", columns, (unsigned long long)errors);
	else
		out_printf(o, "%*s", columns, "");
}

/* --- calls --- */

static void put_call(struct summary *s, unsigned index, uint64_t all_ns)
{
	const struct summary_call *c = &s->calls[index];
	struct out *o = s->sink.out;

	out_printf(o, "%6.2f %11.6f %11llu %9llu ",
		   all_ns ? 100.0 * (double)c->total_ns / (double)all_ns : 0.0,
		   (double)c->total_ns / (double)NSEC_PER_SEC,
		   (unsigned long long)(c->total_ns / c->calls / NSEC_PER_USEC),
		   (unsigned long long)c->calls);
	put_errors_of(o, c->errors, 9);
	out_printf(o, " %s\n", sink_call_name(summary_call_nr(index)));
}

static void put_calls(struct summary *s)
{
	static const char rule[] =
		"------ ----------- ----------- --------- --------- ----------------\n";
	uint64_t total_ns = 0, calls = 0, errors = 0;
	struct out *o = s->sink.out;
	unsigned order[SUMMARY_CALLS];

	for (unsigned i = 0; i < SUMMARY_CALLS; i++) {
		total_ns += s->calls[i].total_ns;
		calls += s->calls[i].calls;
		errors += s->calls[i].errors;
	}
	out_text(o, "% time     seconds  usecs/call     calls    errors syscall\n");
	out_text(o, rule);
	summary_sort_calls(s, order);
	for (unsigned i = 0; i < SUMMARY_CALLS; i++) {
		if (s->calls[order[i]].calls)
			put_call(s, order[i], total_ns);
	}
	out_text(o, rule);
	out_printf(o, "100.00 %11.6f %11llu %9llu ", (double)total_ns / (double)NSEC_PER_SEC,
		   (unsigned long long)(calls ? total_ns / calls / NSEC_PER_USEC : 0),
		   (unsigned long long)calls);
	put_errors_of(o, errors, 9);
	out_text(o, " total\n");
}

/* --- requests --- */

static void put_name(struct summary *s, const struct summary_group *g)
{
	struct out *o = s->sink.out;

	if (g == &s->total)
		out_text(o, "total");
	else if (g == &s->other)
		out_text(o, "... on other files");
	else
		out_text(o, sink_op_name(g->opcode));
	if (g->path) {
		out_text(o, " ");
		sink_put_path(o, g->path);
	}
	out_text(o, "\n");
}

static void put_traffic(struct summary *s, const struct summary_group *g)
{
	const double seconds = summary_seconds(g);

	out_printf(s->sink.out, "%9llu ", (unsigned long long)g->requests);
	put_errors_of(s->sink.out, g->errors, 8);
	out_printf(s->sink.out, " %13llu %9.1f %9.0f %7.2f %5u ", (unsigned long long)g->bytes,
		   (double)g->bytes / seconds / (1 << 20), (double)g->requests / seconds,
		   summary_mean_depth(g), g->depth_max);
	put_name(s, g);
}

static void put_latency(struct summary *s, const struct summary_group *g,
			const struct histogram *h)
{
	if (!h->count)
		return;
	out_printf(s->sink.out, "%9.1f %9.1f %9.1f %9.1f %9.1f %9.1f ", usecs(h->min),
		   usecs(histogram_mean(h)), usecs(histogram_percentile(h, 500)),
		   usecs(histogram_percentile(h, 900)), usecs(histogram_percentile(h, 990)),
		   usecs(h->max));
	put_name(s, g);
}

static void put_done(struct summary *s, const struct summary_group *g)
{
	put_latency(s, g, &g->done);
}

static void put_reaped(struct summary *s, const struct summary_group *g)
{
	put_latency(s, g, &g->reaped);
}

static void put_rows(struct summary *s, const struct summary_rows *rows,
		     void (*put)(struct summary *s, const struct summary_group *g))
{
	for (unsigned i = 0; i < rows->count; i++)
		put(s, rows->rows[i].group);
}

/* By file, and by operation if that says more. */
static void put_table(struct summary *s, const char *head,
		      void (*put)(struct summary *s, const struct summary_group *g))
{
	struct summary_rows *ops = malloc(2 * sizeof(*ops)), *files = ops ? ops + 1 : NULL;

	out_text(s->sink.out, head);
	if (ops) {
		summary_sort(s, false, ops);
		summary_sort(s, true, files);
		put_rows(s, files, put);
		if (files->count > ops->count)
			put_rows(s, ops, put);
	}
	if (!ops || files->count > 1)
		put(s, &s->total);
	free(ops);
}

static const char traffic_head[] =
	"\n requests   errors         bytes     MiB/s      IOPS   depth   max request\n"
	"--------- -------- ------------- --------- --------- ------- ----- ----------------\n";
#define LATENCY_HEAD \
	"      min      mean       p50       p90       p99       max request\n" \
	"--------- --------- --------- --------- --------- --------- ----------------\n"

static void put_errors(struct summary *s)
{
	for (unsigned i = 0; i < SUMMARY_OPS; i++) {
		const struct summary_group *g = &s->ops[i];

		for (unsigned e = 0; e < SUMMARY_ERRORS_MAX; e++) {
			if (g->by_errno[e].count)
				out_printf(s->sink.out, "%9llu %s %s\n",
					   (unsigned long long)g->by_errno[e].count,
					   sink_op_name(g->opcode),
					   sink_errno_name(g->by_errno[e].err));
		}
	}
}

static void put_blocked(struct summary *s)
{
	const struct summary_call *submit = &s->calls[SUMMARY_SUBMIT];

	if (submit->calls)
		out_printf(s->sink.out, "\nio_submit: %.6f s in %llu calls, at most %.1f usecs\n",
			   (double)submit->total_ns / (double)NSEC_PER_SEC,
			   (unsigned long long)submit->calls, usecs(submit->max_ns));
	if (s->total.would_block)
		out_printf(s->sink.out, "the kernel's io_submit would have blocked for at least "
			   "%llu requests\n", (unsigned long long)s->total.would_block);
}

/* --- bars --- */

static void put_time(struct out *o, uint64_t ns)
{
	if (ns < NSEC_PER_USEC)
		out_printf(o, "%7llu ns", (unsigned long long)ns);
	else if (ns < NSEC_PER_MSEC)
		out_printf(o, "%7.1f us", usecs(ns));
	else if (ns < NSEC_PER_SEC)
		out_printf(o, "%7.1f ms", (double)ns / (double)NSEC_PER_MSEC);
	else
		out_printf(o, "%7.1f s ", (double)ns / (double)NSEC_PER_SEC);
}

static void put_bar(struct out *o, unsigned power, uint64_t count, uint64_t most)
{
	static const char bar[] = "########################################";
	const unsigned columns = (unsigned)((count * BAR_COLUMNS + most - 1) / most);

	put_time(o, power ? 1ull << power : 0);
	out_printf(o, " |%-*.*s| %llu\n", BAR_COLUMNS, (int)columns, bar,
		   (unsigned long long)count);
}

static void put_bars(struct summary *s)
{
	const struct histogram *h = &s->total.done;
	unsigned first = HISTOGRAM_POWERS, last = 0;
	uint64_t most = 1;

	for (unsigned power = 0; power < HISTOGRAM_POWERS; power++) {
		const uint64_t count = histogram_octave(h, power);

		if (count && first == HISTOGRAM_POWERS)
			first = power;
		last = count ? power : last;
		most = max_u64(most, count);
	}
	out_text(s->sink.out, "\nfrom submission until done, from so long to twice as long\n");
	for (unsigned power = first; power <= last; power++)
		put_bar(s->sink.out, power, histogram_octave(h, power), most);
}

/* --- what was left --- */

static void put_listed(struct summary *s)
{
	const uint64_t all = s->total.unfinished + s->total.unreaped;
	struct out *o = s->sink.out;

	if (!all)
		return;
	out_printf(o, "\nrequests not finished: %llu; complete but not reaped: %llu\n",
		   (unsigned long long)s->total.unfinished,
		   (unsigned long long)s->total.unreaped);
	for (unsigned i = 0; i < s->listed_count; i++) {
		const struct record_request *r = &s->listed[i];

		out_printf(o, "%s #%llu ", r->published_ns ? "not reaped  " : "not finished",
			   (unsigned long long)r->id);
		sink_put_request(&s->sink, r, SINK_PUT_SUBMITTED);
		out_printf(o, " of %d, %.6f s before the end\n", r->tid,
			   (double)(s->ended_ns - r->submitted_ns) / (double)NSEC_PER_SEC);
	}
	if (all > s->listed_count)
		out_printf(o, "... and %llu more\n",
			   (unsigned long long)(all - s->listed_count));
}

void summary_print(struct summary *s)
{
	put_calls(s);
	if (s->total.requests) {
		put_table(s, traffic_head, put_traffic);
		put_errors(s);
		put_table(s, "\nfrom submission until done, usecs\n" LATENCY_HEAD, put_done);
		put_table(s, "\nfrom submission until reaped, usecs\n" LATENCY_HEAD, put_reaped);
	}
	put_blocked(s);
	if (s->total.done.count && out_to_terminal(s->sink.out))
		put_bars(s);
	put_listed(s);
	out_end_line(s->sink.out);
}
