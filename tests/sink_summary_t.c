/* SPDX-License-Identifier: MIT */
/* A summary at its limits: more files, errors and leftovers than it has places for. */
#include "sink_summary.h"

#include <linux/aio_abi.h>
#include <string.h>

#include "unit.h"

static const struct trace_config cfg = { .sort = TRACE_SORT_COUNT };
static const struct sink_run run = { .cfg = &cfg, .engine = "none" };
static char name[] = "/tmp/aio-sandbox-summary.XXXXXX";
static char text[1 << 21];

static struct summary *begin(bool json)
{
	struct sink *s = sink_summary_create(json);
	int fd;

	strcpy(name + sizeof(name) - 7, "XXXXXX");
	fd = mkstemp(name);
	ck_assert(s && fd >= 0);
	close(fd);
	s->run = &run;
	s->out = out_open(name);
	ck_assert_ptr_nonnull(s->out);
	return (struct summary *)s;
}

/* Prints and reads what it has printed. */
static const char *end(struct summary *s)
{
	const struct sink_counts counts = { .ended_ns = 2 * NSEC_PER_SEC };
	struct out *out = s->sink.out;
	FILE *f;
	size_t n;

	s->sink.ops->end(&s->sink, &counts);
	sink_destroy(&s->sink);
	out_close(out);
	f = fopen(name, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	unlink(name);
	return text;
}

static struct record_request read_of(struct label *path, uint64_t id)
{
	return (struct record_request){
		.id = id, .path = path, .opcode = IOCB_CMD_PREAD, .result = 4096,
		.submitted_ns = NSEC_PER_SEC, .done_ns = NSEC_PER_SEC + 1000,
		.published_ns = NSEC_PER_SEC + 1000, .reaped_ns = NSEC_PER_SEC + 2000,
		.in_flight = 1, .length_bytes = 4096, .resfd = -1,
	};
}

static void one_read(struct summary *s, unsigned file, int64_t result)
{
	char path[32];
	struct record_request r;

	snprintf(path, sizeof(path), "/f%u", file);
	r = read_of(label_create(path, strlen(path)), file + 1);
	r.result = result;
	s->sink.ops->request(&s->sink, &r);
	label_put(r.path);
}

static unsigned occurrences(const char *in, const char *of)
{
	unsigned n = 0;

	for (; (in = strstr(in, of)); in += strlen(of))
		n++;
	return n;
}

START_TEST(files_without_a_place_share_one)
{
	struct summary *s = begin(true);
	const char *out;

	for (unsigned i = 0; i < SUMMARY_GROUPS_MAX + 76; i++)
		one_read(s, i, 4096);
	one_read(s, 3, 4096);
	ck_assert_uint_eq(s->other.requests, 76);
	ck_assert_uint_eq(s->total.requests, SUMMARY_GROUPS_MAX + 77);
	ck_assert_uint_eq(s->total.bytes, 4096 * (SUMMARY_GROUPS_MAX + 77));
	out = end(s);
	ck_assert_uint_eq(occurrences(out, "\"path\":\"/f"), SUMMARY_GROUPS_MAX);
	ck_assert_uint_eq(occurrences(out, "\"path\":null,\"requests\":76,"), 1);
	ck_assert_ptr_nonnull(strstr(out, "\"path\":\"/f3\",\"requests\":2,"));
}
END_TEST

START_TEST(text_names_the_other_files)
{
	struct summary *s = begin(false);

	for (unsigned i = 0; i < SUMMARY_GROUPS_MAX + 1; i++)
		one_read(s, i, 4096);
	ck_assert_uint_eq(occurrences(end(s), " ... on other files\n"), 3);
}
END_TEST

START_TEST(errors_without_a_place_are_counted_together)
{
	struct summary *s = begin(true);
	const struct summary_group *g = &s->total;
	uint64_t sum = 0;

	for (int err = 1; err <= 2 * SUMMARY_ERRORS_MAX; err++)
		one_read(s, 1, -err);
	for (unsigned i = 0; i < SUMMARY_ERRORS_MAX; i++)
		sum += g->by_errno[i].count;
	ck_assert_uint_eq(g->errors, 2 * SUMMARY_ERRORS_MAX);
	ck_assert_uint_eq(sum, 2 * SUMMARY_ERRORS_MAX);
	ck_assert_int_eq(g->by_errno[SUMMARY_ERRORS_MAX - 1].err, 0);
	ck_assert_uint_eq(g->by_errno[SUMMARY_ERRORS_MAX - 1].count, SUMMARY_ERRORS_MAX + 1);
	ck_assert_uint_eq(g->bytes, 0);
	ck_assert_ptr_nonnull(strstr(end(s), "\"EPERM\":1,\"ENOENT\":1,"));
}
END_TEST

START_TEST(the_first_that_are_left_are_listed)
{
	struct summary *s = begin(false);
	struct label *path = label_create("/f", 2);
	struct record_request r;
	const char *out;

	for (unsigned i = 1; i <= SUMMARY_LISTED_MAX + 5; i++) {
		r = read_of(path, i);
		r.reaped_ns = 0;
		if (i % 2)
			r.published_ns = r.done_ns = 0;
		s->sink.ops->request(&s->sink, &r);
	}
	label_put(path);
	out = end(s);
	ck_assert_ptr_nonnull(strstr(out, "not finished: 13; complete but not reaped: 12\n"));
	ck_assert_uint_eq(occurrences(out, "not finished #"), 10);
	ck_assert_uint_eq(occurrences(out, "not reaped   #"), 10);
	ck_assert_ptr_nonnull(strstr(out, "... and 5 more\n"));
	ck_assert_ptr_nonnull(strstr(out, "of 0, 1.000000 s before the end\n"));
}
END_TEST

START_TEST(depth_and_rates_are_by_time)
{
	struct summary *s = begin(true);
	struct record_request r;

	/* two of half a second side by side, one of half a second after them */
	for (unsigned i = 0; i < 3; i++) {
		r = read_of(NULL, i + 1);
		r.submitted_ns = NSEC_PER_SEC + i / 2 * NSEC_PER_SEC / 2;
		r.done_ns = r.published_ns = r.reaped_ns = r.submitted_ns + NSEC_PER_SEC / 2;
		s->sink.ops->request(&s->sink, &r);
	}
	ck_assert(summary_seconds(&s->total) == 1.0);
	ck_assert(summary_mean_depth(&s->total) == 1.5);
	ck_assert_ptr_nonnull(strstr(end(s), "\"bytes_per_second\":12288.0,"
				     "\"requests_per_second\":3.0,\"mean_depth\":1.500"));
}
END_TEST

UNIT_MAIN("sink_summary", files_without_a_place_share_one, text_names_the_other_files,
	  errors_without_a_place_are_counted_together, the_first_that_are_left_are_listed,
	  depth_and_rates_are_by_time)
