/* SPDX-License-Identifier: MIT */
/*
 * Counts and histograms instead of lines. Theory: a request is counted once, when nothing more will
 * happen to it, in three groups: that of its operation and file, that of its operation, and all.
 */
#include "sink_summary.h"

#include <linux/aio_abi.h>
#include <string.h>

static void summary_call(struct sink *sink, const struct sink_call *c)
{
	struct summary *s = (struct summary *)sink;
	const struct record_call *call = c->call;
	const uint64_t end_ns = call->left_ns ? call->left_ns : call->entered_ns;
	const uint64_t spent_ns = end_ns - call->entered_ns;
	struct summary_call *sum;
	unsigned i = 0;

	while (i < SUMMARY_CALLS - 1 && summary_call_nr(i) != call->nr)
		i++;
	sum = &s->calls[i];
	sum->min_ns = sum->calls ? min_u64(sum->min_ns, spent_ns) : spent_ns;
	sum->max_ns = max_u64(sum->max_ns, spent_ns);
	sum->calls++;
	sum->errors += call->result < 0;
	sum->total_ns += spent_ns;
}

/* --- groups --- */

static struct summary_group *group_create(const struct record_request *r)
{
	struct summary_group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->opcode = r->opcode;
	g->path = label_get(r->path);
	return g;
}

static bool same_path(const struct label *a, const struct label *b)
{
	if (!a || !b || a == b)
		return a == b;
	return a->length_bytes == b->length_bytes && !memcmp(a->text, b->text, a->length_bytes);
}

static uint64_t hash_of(const struct record_request *r)
{
	uint64_t h = r->opcode;

	for (size_t i = 0; r->path && i < r->path->length_bytes; i++)
		h = (h ^ (unsigned char)r->path->text[i]) * 0x100000001b3ull;
	return hash_u64(h);
}

static struct summary_group *group_of(struct summary *s, const struct record_request *r)
{
	struct summary_group **place = &s->files[hash_of(r) % ARRAY_SIZE(s->files)];

	for (; *place; place = &(*place)->next) {
		if ((*place)->opcode == r->opcode && same_path((*place)->path, r->path))
			return *place;
	}
	if (s->file_count < SUMMARY_GROUPS_MAX)
		*place = group_create(r);
	if (!*place)
		return &s->other;
	s->file_count++;
	s->total.files++;
	return *place;
}

static void count_error(struct summary_group *g, int err)
{
	unsigned i = 0;

	g->errors++;
	while (i < SUMMARY_ERRORS_MAX - 1 && g->by_errno[i].count && g->by_errno[i].err != err)
		i++;
	/* the last one is for all that have no place */
	g->by_errno[i].err = i < SUMMARY_ERRORS_MAX - 1 ? err : 0;
	g->by_errno[i].count++;
}

static bool is_transfer(const struct record_request *r)
{
	return r->opcode == IOCB_CMD_PREAD || r->opcode == IOCB_CMD_PREADV ||
	       r->opcode == IOCB_CMD_PWRITE || r->opcode == IOCB_CMD_PWRITEV;
}

static void count(struct summary_group *g, const struct record_request *r)
{
	g->first_ns = g->requests ? min_u64(g->first_ns, r->submitted_ns) : r->submitted_ns;
	g->last_ns = max_u64(g->last_ns, max_u64(r->done_ns, r->submitted_ns));
	g->requests++;
	g->depth_max = (unsigned)max_u64(g->depth_max, r->in_flight);
	g->would_block += r->would_block;
	if (!r->published_ns) {
		g->unfinished++;
		return;
	}
	histogram_add(&g->done, r->done_ns - r->submitted_ns);
	if (r->result < 0)
		count_error(g, (int)-r->result);
	else if (is_transfer(r))
		g->bytes += (uint64_t)r->result;
	if (r->reaped_ns)
		histogram_add(&g->reaped, r->reaped_ns - r->submitted_ns);
	else
		g->unreaped++;
}

static void summary_request(struct sink *sink, const struct record_request *r)
{
	struct summary *s = (struct summary *)sink;

	count(group_of(s, r), r);
	count(&s->ops[min_u64(r->opcode, SUMMARY_OPS - 1)], r);
	count(&s->total, r);
	if (!r->reaped_ns && s->listed_count < SUMMARY_LISTED_MAX)
		record_request_copy(&s->listed[s->listed_count++], r);
}

/* --- the sink --- */

static void summary_end(struct sink *sink, const struct sink_counts *counts)
{
	struct summary *s = (struct summary *)sink;

	s->ended_ns = counts->ended_ns;
	if (s->json)
		summary_print_json(s);
	else
		summary_print(s);
}

static void summary_release(struct sink *sink)
{
	struct summary *s = (struct summary *)sink;
	struct summary_group *next;

	for (unsigned i = 0; i < ARRAY_SIZE(s->files); i++) {
		for (struct summary_group *g = s->files[i]; g; g = next) {
			next = g->next;
			label_put(g->path);
			free(g);
		}
	}
	while (s->listed_count)
		record_request_put(&s->listed[--s->listed_count]);
}

static const struct sink_ops summary_ops = {
	.name = "summary",
	.wants = 1u << RECORD_REQUEST | 1u << RECORD_CALL,
	.any_path = true,
	.call = summary_call,
	.request = summary_request,
	.end = summary_end,
	.release = summary_release,
};

struct sink *sink_summary_create(bool json)
{
	struct summary *s = (struct summary *)sink_create(sizeof(*s), &summary_ops);

	if (!s)
		return NULL;
	s->json = json;
	for (unsigned i = 0; i < SUMMARY_OPS; i++)
		s->ops[i].opcode = i;
	s->other.opcode = SUMMARY_OPS;
	return &s->sink;
}
