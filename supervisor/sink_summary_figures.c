/* SPDX-License-Identifier: MIT */
/* What follows from the counts of a summary, and the order in which they are shown. */
#include <string.h>
#include <sys/syscall.h>

#include "sink_summary.h"

static const unsigned call_numbers[SUMMARY_CALLS] = {
	SYS_io_setup, SYS_io_destroy, SYS_io_getevents,
	SYS_io_submit, SYS_io_cancel, SYS_io_pgetevents,
};

unsigned summary_call_nr(unsigned index)
{
	return call_numbers[index];
}

double summary_seconds(const struct summary_group *g)
{
	return (double)max_u64(1, g->last_ns - g->first_ns) / (double)NSEC_PER_SEC;
}

double summary_mean_depth(const struct summary_group *g)
{
	return (double)g->done.sum / (double)NSEC_PER_SEC / summary_seconds(g);
}

static uint64_t sort_value(enum trace_sort by, const struct summary_group *g)
{
	switch (by) {
	case TRACE_SORT_TIME:
		return g->done.sum;
	case TRACE_SORT_COUNT:
		return g->requests;
	case TRACE_SORT_ERRORS:
		return g->errors;
	case TRACE_SORT_BYTES:
		return g->bytes;
	case TRACE_SORT_MIN:
		return g->done.min;
	case TRACE_SORT_MEAN:
		return histogram_mean(&g->done);
	case TRACE_SORT_P50:
		return histogram_percentile(&g->done, 500);
	case TRACE_SORT_P90:
		return histogram_percentile(&g->done, 900);
	case TRACE_SORT_P99:
		return histogram_percentile(&g->done, 990);
	case TRACE_SORT_MAX:
		return g->done.max;
	case TRACE_SORT_NAME:
	case TRACE_SORT_NOTHING:
		break;
	}
	return 0;
}

static uint64_t sort_value_of_call(enum trace_sort by, const struct summary_call *c)
{
	switch (by) {
	case TRACE_SORT_COUNT:
		return c->calls;
	case TRACE_SORT_ERRORS:
		return c->errors;
	case TRACE_SORT_MIN:
		return c->min_ns;
	case TRACE_SORT_MEAN:
		return c->calls ? c->total_ns / c->calls : 0;
	case TRACE_SORT_MAX:
		return c->max_ns;
	case TRACE_SORT_TIME:
	case TRACE_SORT_BYTES:
	case TRACE_SORT_P50:
	case TRACE_SORT_P90:
	case TRACE_SORT_P99:
		return c->total_ns;
	case TRACE_SORT_NAME:
	case TRACE_SORT_NOTHING:
		break;
	}
	return 0;
}

static int by_name(const struct summary_group *a, const struct summary_group *b)
{
	const int order = strcmp(sink_op_name(a->opcode), sink_op_name(b->opcode));

	if (order || !a->path || !b->path)
		return order;
	return strcmp(a->path->text, b->path->text);
}

/* The largest first; what is equal in the order of the alphabet. */
static int compare_rows(const void *left, const void *right)
{
	const struct summary_row *a = left, *b = right;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return by_name(a->group, b->group);
}

static void add_row(struct summary_rows *t, enum trace_sort by, const struct summary_group *g)
{
	if (!g->requests)
		return;
	t->rows[t->count].group = g;
	t->rows[t->count].value = by == TRACE_SORT_NOTHING ? UINT64_MAX - t->count
							   : sort_value(by, g);
	t->count++;
}

void summary_sort(const struct summary *s, bool by_file, struct summary_rows *t)
{
	const enum trace_sort by = s->sink.run->cfg->sort;

	t->count = 0;
	for (unsigned i = 0; !by_file && i < SUMMARY_OPS; i++)
		add_row(t, by, &s->ops[i]);
	for (unsigned i = 0; by_file && i < ARRAY_SIZE(s->files); i++) {
		for (const struct summary_group *g = s->files[i]; g; g = g->next)
			add_row(t, by, g);
	}
	if (by_file)
		add_row(t, by, &s->other);
	qsort(t->rows, t->count, sizeof(t->rows[0]), compare_rows);
}

static bool call_before(enum trace_sort by, const struct summary *s, unsigned a, unsigned b)
{
	const uint64_t x = sort_value_of_call(by, &s->calls[a]);
	const uint64_t y = sort_value_of_call(by, &s->calls[b]);

	if (by == TRACE_SORT_NAME)
		return strcmp(sink_call_name(summary_call_nr(a)),
			      sink_call_name(summary_call_nr(b))) < 0;
	return x > y;
}

void summary_sort_calls(const struct summary *s, unsigned order[SUMMARY_CALLS])
{
	for (unsigned i = 0; i < SUMMARY_CALLS; i++) {
		unsigned at = i;

		for (; at && call_before(s->sink.run->cfg->sort, s, i, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}
