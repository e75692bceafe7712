/* SPDX-License-Identifier: MIT */
/*
 * Rules of a fault plan, by themselves: what is refused and where, what is read, when they fire. If
 * this breaks, a rule means something else than the man page says, or the same seed something else
 * than yesterday.
 */
#include "fault.h"

#include <ctype.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "fault_impl.h"
#include "trace_set.h"
#include "unit.h"
#include "util.h"

static struct fault_rule *parsed(const char *text)
{
	struct fault_rule *r = calloc(1, sizeof(*r));
	struct fault_complaint c = { 0 };

	ck_assert_ptr_nonnull(r);
	ck_assert_msg(fault_parse(r, text, false, &c) == 0, "%s: at %zu: %s", text, c.at, c.what);
	return r;
}

/* A rule and the character, from 1, that is complained of. */
static const struct { const char *rule; size_t at; } refused[] = {
	{ "", 1 },			    { ":", 1 },
	{ "read:", 6 },			    { "read:error=EIO:", 16 },
	{ "read::error=EIO", 6 },	    { "read:=3", 6 },
	{ "read,,write:error=EIO", 6 },	    { "read:error=", 12 },
	{ "read:error=EIO ", 12 },	    { "read:error=0", 12 },
	{ "read:error=4096", 12 },	    { "read:error=-5", 12 },
	{ "read:error=5x", 13 },	    { "read:error=EPIPE", 12 },
	{ "read:when=2:error=EROFS", 19 },  { "poll:error=EIO", 12 },
	{ "fsync:error=EAGAIN", 13 },	    { "io_submit:error=EIO", 17 },
	{ "io_destroy:error=EFAULT", 18 },  { "read:force:delay=1s", 20 },
	{ "read:error=EIO:force:force", 22 }, { "read:error=EIO:force=1", 16 },
	{ "read:short=", 12 },		    { "read:short=0%", 12 },
	{ "read:short=5%%", 14 },	    { "read:short=99999999999999999999", 12 },
	{ "read:short=18014398509481984K", 12 }, { "read:short=5KB", 14 },
	{ "write:torn=", 12 },		    { "write:torn=sector1", 12 },
	{ "write:torn=5,", 14 },	    { "write:torn=5,maybe", 14 },
	{ "write:torn=sector,SIGNOT", 19 }, { "write:torn=5,success,x", 21 },
	{ "write:misdirect=+-4", 18 },	    { "write:misdirect=9223372036854775808", 17 },
	{ "read:corrupt=0", 14 },	    { "read:corrupt=65537", 14 },
	{ "read:corrupt=sector8192", 14 },  { "read:delay=1", 13 },
	{ "read:delay=1min", 13 },	    { "read:delay=ms", 12 },
	{ "read:delay=1ms..", 17 },	    { "read:delay=2ms..1ms", 17 },
	{ "read:delay=10000000000s", 12 },  { "read:delay=1s:dist=normal", 20 },
	{ "read:delay=1s:dist=exp:dist=exp", 24 }, { "read:hang=", 11 },
	{ "read:hang=exit", 11 },	    { "read:hold=", 11 },
	{ "read:reorder=0", 14 },	    { "read:kill=", 11 },
	{ "read:kill=0", 11 },		    { "read:kill=65", 11 },
	{ "read:kill=SIGRTMIN-1", 11 },	    { "read:kill=SIGRTMAX-99", 11 },
	{ "read:kill=TERM,", 16 },	    { "read:kill=TERM,before", 16 },
	{ "read:eventfd=late", 14 },	    { "read:eventfd=late,5", 20 },
	{ "io_submit:partial=0", 19 },	    { "io_getevents:early:error=EINTR", 31 },
	{ "read:error=EIO:path=", 21 },	    { "read:path=a\\:b:eror=EIO", 16 },
	{ "read:path=a\\\\\\:b:error=EXX", 24 }, { "read:error=EIO:off=4..", 0 },
	{ "read:error=EIO:off=K", 20 },	    { "read:error=EIO:off=4.5", 21 },
	{ "read:error=EIO:off=4..3", 23 },  { "read:error=EIO:fd=2147483648", 19 },
	{ "read:error=EIO:pid=0", 20 },	    { "read:error=EIO:data=0x", 22 },
	{ "read:error=EIO:data=0xfg", 24 }, { "read:error=EIO:when=", 21 },
	{ "read:error=EIO:when=3..2", 24 }, { "read:error=EIO:when=3..", 24 },
	{ "read:error=EIO:when=3+0", 23 },  { "read:error=EIO:when=+2", 21 },
	{ "read:error=EIO:prob=nan", 21 },  { "read:error=EIO:prob=1.1", 21 },
	{ "read:error=EIO:prob=-0", 21 },   { "read:error=EIO:prob= 1", 21 },
	{ "read:error=EIO:prob=.", 21 },    { "read:error=EIO:prob=0.5.", 24 },
	{ "read:error=EIO:times=0", 22 },   { "read:error=EIO:after=2s:until=1s", 33 },
	{ "read:error=EIO:scope=all", 25 }, { "read:error=EIO:scope=tree:when=1", 22 },
	{ "read:error=EIO:when=1:scope=all:scope=all", 33 },
};

START_TEST(what_is_wrong_is_complained_of_where_it_is)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct fault_rule *r = calloc(1, sizeof(*r));
		struct fault_complaint c = { 0 };
		int err = fault_parse(r, refused[i].rule, false, &c);

		fault_rule_free(r);
		if (!refused[i].at) {
			ck_assert_msg(err == 0, "%s: at %zu: %s", refused[i].rule, c.at + 1, c.what);
			continue;
		}
		ck_assert_msg(err == -EINVAL, "%s is accepted", refused[i].rule);
		ck_assert_msg(c.at + 1 == refused[i].at, "%s: at %zu, not %zu: %s", refused[i].rule,
			      c.at + 1, refused[i].at, c.what);
		ck_assert_msg(c.what[0], "%s: says nothing", refused[i].rule);
	}
}
END_TEST

#define HAS(text, field, value)                                                                 \
	do {                                                                                    \
		struct fault_rule *r_ = parsed(text);                                           \
		ck_assert_msg(r_->field == (value), "%s: %s", text, #field);                    \
		fault_rule_free(r_);                                                            \
	} while (0)

START_TEST(values_are_what_they_look_like)
{
	HAS("read:error=EIO", error, EIO);
	HAS("read:error=5", error, EIO);
	HAS("read:error=EWOULDBLOCK", error, EAGAIN);
	HAS("write:error=ENOTSUP", error, EOPNOTSUPP);
	HAS("poll:error=EBADF:force", error, EBADF);
	HAS("poll:force:error=EBADF", error, EBADF);
	HAS("all:error=EIO", error, EIO);
	HAS("read:short=010", short_bytes, 10);
	HAS("read:short=0x10", short_bytes, 16);
	HAS("read:short=3K", short_bytes, 3072);
	HAS("read:short=2M", short_bytes, 2 << 20);
	HAS("read:short=1G", short_bytes, 1 << 30);
	HAS("read:short=7%", short_percent, 7);
	HAS("read:short=7", short_percent, 0);
	HAS("write:torn=100", torn_bytes, 100);
	HAS("write:torn=sector", torn_sector_bytes, 512);
	HAS("write:torn=sector512,success", torn_end, FAULT_TORN_SUCCESS);
	HAS("write:torn=sector4096,KILL", torn_sector_bytes, 4096);
	HAS("write:torn=4K,SIGSEGV", signal, SIGSEGV);
	HAS("write:misdirect=-4K", misdirect_bytes, -4096);
	HAS("write:misdirect=+4K", misdirect_bytes, 4096);
	HAS("read:res=-5", result, -5);
	HAS("read:delay=10us", delay_min_ns, 10000);
	HAS("read:delay=10us..2ms", delay_max_ns, 2000000);
	HAS("read:delay=3s", delay_max_ns, 3000000000u);
	HAS("read:kill=RTMIN+3", signal, SIGRTMIN + 3);
	HAS("read:kill=SIGRTMAX-1,after", signal, SIGRTMAX - 1);
	HAS("read:kill=9,after", kill_after, true);
	HAS("read:eventfd=late,5ms", eventfd_late_ns, 5000000);
	HAS("read:hang", hang_destroy, false);
	HAS("read:hang=destroy", hang_destroy, true);
	HAS("read:error=EIO:off=4K..", offset.last, UINT64_MAX);
	HAS("read:error=EIO:off=4K..8K", offset.last, 8192);
	HAS("read:error=EIO:len=512", length.last, 512);
	HAS("read:error=EIO:data=0xffffffffffffffff", data, UINT64_MAX);
	HAS("read:error=EIO:when=3", last, 3);
	HAS("read:error=EIO:when=3..9+2", step, 2);
	HAS("read:error=EIO:when=3+", last, UINT64_MAX);
	HAS("read:error=EIO:prob=.25", probability, 0.25);
	HAS("io_submit:cap=3", entries, 3);
	HAS("!pwrite:error=EIO", calls, 0);
	HAS("all:error=EIO", calls, 0);
}
END_TEST

START_TEST(a_backslash_takes_a_colon)
{
	struct fault_rule *r = parsed("read:error=EIO:path=a\\:b\\\\c\\d");

	ck_assert_str_eq(r->path, "a:b\\c\\d");
	ck_assert_str_eq(r->text, "read:error=EIO:path=a\\:b\\\\c\\d");
	fault_rule_free(r);
}
END_TEST

/* --- anything --- */

static uint64_t state;

static unsigned below(unsigned n)
{
	state = hash_u64(state + 0x9e3779b97f4a7c15u);
	return (unsigned)(state % n);
}

/* A rule of pieces of the grammar, some bytes of it changed. */
static void make_up(char *text, size_t bytes)
{
	static const char *const pieces[] = {
		"read", "pwrite", "fsync", "poll", "io_submit", "io_getevents", "all", "!", ",", ":", ":",
		":", "=", "error=", "EIO", "ENOSPC", "force", "short=", "50%", "torn=", "sector",
		"lost", "lie", "misdirect=", "+", "-", "corrupt=", "delay=", "10ms", "..", "1s", "dist=exp",
		"hang", "destroy", "hold=", "release=", "reorder=", "kill=", "SIGRTMIN", "TERM", ",after",
		"eventfd=", "late,", "partial=", "cap=", "early", "path=", "*", "\\:", "\\", "fd=", "off=",
		"4K", "when=", "2+3", "prob=", "0.5", "times=", "scope=all", "0x", "0", "9", "99999999999",
	};
	size_t n = 0;

	text[0] = '\0';
	for (unsigned left = below(14); left; left--) {
		const char *piece = pieces[below(ARRAY_SIZE(pieces))];

		n += (size_t)snprintf(text + n, bytes - n, "%s", piece);
	}
	for (unsigned left = below(8) ? 0 : below(4); left && n; left--)
		text[below((unsigned)n)] = (char)(1 + below(255));
}

START_TEST(whatever_is_read_is_accepted_or_complained_of_within)
{
	unsigned accepted = 0;

	for (unsigned i = 0; i < 200000; i++) {
		char text[256];
		struct fault_rule *r = calloc(1, sizeof(*r));
		struct fault_complaint c = { .at = SIZE_MAX };
		int err;

		make_up(text, sizeof(text));
		err = fault_parse(r, text, below(4) == 0, &c);
		accepted += !err;
		if (err) {
			ck_assert_int_eq(err, -EINVAL);
			ck_assert_msg(c.at <= strlen(text) && c.what[0], "%s: %zu %s", text, c.at,
				      c.what);
		} else {
			ck_assert(r->actions && (r->ops || r->calls) && !(r->ops && r->calls));
		}
		fault_rule_free(r);
	}
	ck_assert_uint_gt(accepted, 50);
}
END_TEST

/* --- when they fire --- */

static struct fault_plan *plan;

static void plan_of(uint64_t seed, const char *first, const char *second)
{
	struct fault_complaint c;

	plan = fault_plan_create(seed);
	ck_assert_int_eq(fault_plan_add(plan, first, false, NULL, &c), 0);
	if (second)
		ck_assert_int_eq(fault_plan_add(plan, second, false, NULL, &c), 0);
}

static struct fault_subject a_read(uint64_t process, uint64_t key)
{
	return (struct fault_subject){ .op = trace_set_op(IOCB_CMD_PREAD), .process = process,
				       .fd = -1, .key_hash = key };
}

/* Of `count` reads of the process: the n-th letter is '1' or '2' where that rule fired, '-' else. */
static const char *fires(uint64_t process, unsigned count)
{
	static char what[64];

	for (unsigned i = 0; i < count; i++) {
		struct fault_subject s = a_read(process, i);
		struct fault_verdict v = fault_plan_ask(plan, &s);

		what[i] = v.rule ? (char)('0' + v.rule->number) : '-';
	}
	what[count] = '\0';
	return what;
}

static void must_fire(const char *first, const char *second, const char *wanted)
{
	plan_of(1, first, second);
	ck_assert_str_eq(fires(1, (unsigned)strlen(wanted)), wanted);
	fault_plan_destroy(plan);
}

START_TEST(counts_and_the_first_of_several)
{
	must_fire("read:error=EIO", NULL, "1111");
	must_fire("write:error=EIO", NULL, "----");
	must_fire("read:error=EIO:when=3", NULL, "--1--");
	must_fire("read:error=EIO:when=2..4", NULL, "-111-");
	must_fire("read:error=EIO:when=2+", NULL, "-1111");
	must_fire("read:error=EIO:when=2+3", NULL, "-1--1--1-");
	must_fire("read:error=EIO:when=2..6+3", NULL, "-1--1----");
	must_fire("read:error=EIO:times=2", NULL, "11---");
	must_fire("read:error=EIO:when=2+2:times=2", NULL, "-1-1----");
	must_fire("read:error=EIO:when=2", "read:delay=1s:when=2..3", "-12-");
	must_fire("read:error=EIO:prob=0", "read:delay=1s:prob=1", "2222");
}
END_TEST

START_TEST(each_process_counts_for_itself_or_all_together)
{
	plan_of(1, "read:error=EIO:when=2", NULL);
	ck_assert_str_eq(fires(1, 1), "-");
	ck_assert_str_eq(fires(2, 3), "-1-");
	ck_assert_str_eq(fires(1, 2), "1-");
	fault_plan_destroy(plan);
	plan_of(1, "read:error=EIO:when=2:scope=all", NULL);
	ck_assert_str_eq(fires(1, 1), "-");
	ck_assert_str_eq(fires(2, 3), "1--");
	fault_plan_destroy(plan);
}
END_TEST

/* The pattern of a seed is a promise: a plan in a bug report must hit the same ones next year. */
START_TEST(dice_are_those_of_last_year)
{
	plan_of(7, "read:error=EIO:prob=0.25", NULL);
	ck_assert_str_eq(fires(1, 48), "----1----1-1--------1-11-----------1---1----1---");
	fault_plan_destroy(plan);
	plan_of(8, "read:error=EIO:prob=0.25", NULL);
	ck_assert_str_eq(fires(1, 48), "1-----1------------11--1-1--111---------------11");
	fault_plan_destroy(plan);
}
END_TEST

START_TEST(dice_do_not_care_what_was_asked_before)
{
	enum { KEYS = 5000 };
	static bool fired[KEYS];
	unsigned all = 0;

	plan_of(3, "read:error=EIO:prob=0.1", NULL);
	for (unsigned i = 0; i < KEYS; i++) {
		struct fault_subject s = a_read(1, i);

		fired[i] = fault_plan_ask(plan, &s).rule;
		all += fired[i];
	}
	for (unsigned i = KEYS; i--;) {
		struct fault_subject s = a_read(i % 5, i);

		ck_assert(fired[i] == !!fault_plan_ask(plan, &s).rule);
	}
	ck_assert_uint_gt(all, KEYS / 10 - 100);
	ck_assert_uint_lt(all, KEYS / 10 + 100);
	fault_plan_destroy(plan);
}
END_TEST

/* --- the table of errors --- */

/* The man page without what is between words, so that it may break lines where it wants. */
static char *man_page(void)
{
	const char *dir = getenv("srcdir");
	char name[4096];
	char *text = calloc(1, 1 << 20);
	size_t n = 0;
	FILE *f;

	snprintf(name, sizeof(name), "%s/man/aio-sandbox-inject.7", dir ? dir : ".");
	f = fopen(name, "re");
	ck_assert_msg(f && text, "%s", name);
	for (int c; (c = getc(f)) != EOF;) {
		if (!isspace(c))
			text[n++] = (char)c;
		else if (n && text[n - 1] != ' ')
			text[n++] = ' ';
	}
	fclose(f);
	return text;
}

START_TEST(the_table_of_errors_is_in_the_man_page)
{
	static const struct { unsigned of; const char *name; } classes[] = {
		{ FOR_READS, "reads" },	       { FOR_WRITES, "writes" },
		{ FOR_SYNCS, "syncs" },	       { FOR_SETUP, "io_setup" },
		{ FOR_DESTROY, "io_destroy" }, { FOR_SUBMIT, "io_submit" },
		{ FOR_CANCEL, "io_cancel" },   { FOR_GET, "io_getevents, io_pgetevents" },
	};
	char *man = man_page();

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		char row[2048];
		size_t n = (size_t)snprintf(row, sizeof(row), ".TP %s", classes[i].name);
		const char *between = " ";

		for (const struct fault_error *e = fault_errors; e->error; e++) {
			if (!(e->of & classes[i].of))
				continue;
			n += (size_t)snprintf(row + n, sizeof(row) - n, "%s%s", between,
					      strerrorname_np(e->error));
			between = ", ";
		}
		snprintf(row + n, sizeof(row) - n, " .");
		ck_assert_msg(strstr(man, row), "the man page lacks: %s", row);
	}
	free(man);
}
END_TEST

UNIT_MAIN("fault", what_is_wrong_is_complained_of_where_it_is, values_are_what_they_look_like,
	  a_backslash_takes_a_colon, whatever_is_read_is_accepted_or_complained_of_within,
	  counts_and_the_first_of_several, each_process_counts_for_itself_or_all_together,
	  dice_are_those_of_last_year, dice_do_not_care_what_was_asked_before,
	  the_table_of_errors_is_in_the_man_page)
