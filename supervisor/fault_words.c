/* SPDX-License-Identifier: MIT */
/* What each word of a fault rule means: one row of the table is one word. */
#include <limits.h>
#include <stdlib.h>

#include "fault_impl.h"

#define SECTOR_BYTES 512u
#define COUNT_MAX 65536u

/* --- actions --- */

static int set_error(struct parse *p, const char **at)
{
	return take_error(p, at);
}

static int set_result(struct parse *p, const char **at)
{
	return take_signed(p, at, &p->rule->result);
}

static int set_short(struct parse *p, const char **at)
{
	struct fault_rule *r = p->rule;
	const char *from = *at;
	int err = take_size(p, at, &r->short_bytes);

	if (err || **at != '%')
		return err;
	++*at;
	if (r->short_bytes < 1 || r->short_bytes > 99)
		return complain(p, from, "from 1%% to 99%%");
	r->short_percent = (unsigned)r->short_bytes;
	return 0;
}

/* Whether it is one; *bytes of it. */
static bool take_sector(const char **at, unsigned *bytes)
{
	*bytes = SECTOR_BYTES;
	if (take_word(at, "sector") || take_word(at, "sector512"))
		return true;
	*bytes = take_word(at, "sector4096") ? 4096 : 0;
	return *bytes;
}

/* N, sector, sector4096; then ",success" or ",SIGNAL". */
static int set_torn(struct parse *p, const char **at)
{
	struct fault_rule *r = p->rule;
	int err = 0;

	if (!take_sector(at, &r->torn_sector_bytes))
		err = take_size(p, at, &r->torn_bytes);
	if (err || **at != ',')
		return err;
	++*at;
	r->torn_end = take_word(at, "success") ? FAULT_TORN_SUCCESS : FAULT_TORN_KILL;
	return r->torn_end == FAULT_TORN_KILL ? take_signal(p, at) : 0;
}

static int set_misdirect(struct parse *p, const char **at)
{
	return take_signed(p, at, &p->rule->misdirect_bytes);
}

static int set_corrupt(struct parse *p, const char **at)
{
	if (take_sector(at, &p->rule->corrupt_sector_bytes))
		return 0;
	return take_small(p, at, 1, COUNT_MAX, &p->rule->corrupt_bits);
}

static int set_delay(struct parse *p, const char **at)
{
	struct fault_rule *r = p->rule;
	const char *second = NULL;
	int err = take_time(p, at, &r->delay_min_ns);

	r->delay_max_ns = r->delay_min_ns;
	if (!err && take_dots(at)) {
		second = *at;
		err = take_time(p, at, &r->delay_max_ns);
	}
	if (!err && r->delay_max_ns < r->delay_min_ns)
		return complain(p, second, "the range ends before it begins");
	return err;
}

static int set_dist(struct parse *p, const char **at)
{
	p->rule->delay_exponential = true;
	return take_word(at, "exp") ? 0 : complain(p, *at, "only 'exp' is known");
}

static int set_hang(struct parse *p, const char **at)
{
	p->rule->hang_destroy = *at;
	return !*at || take_word(at, "destroy") ? 0
						: complain(p, *at, "only 'destroy' is known");
}

static int set_hold(struct parse *p, const char **at)
{
	return take_text(p, at, &p->rule->hold);
}

static int set_release(struct parse *p, const char **at)
{
	return take_text(p, at, &p->rule->release);
}

static int set_reorder(struct parse *p, const char **at)
{
	return take_small(p, at, 1, COUNT_MAX, &p->rule->reorder);
}

/* SIGNAL, or SIGNAL,after */
static int set_kill(struct parse *p, const char **at)
{
	int err = take_signal(p, at);

	if (err || **at != ',')
		return err;
	++*at;
	p->rule->kill_after = take_word(at, "after");
	return p->rule->kill_after ? 0 : complain(p, *at, "only ',after' may follow");
}

static int set_eventfd(struct parse *p, const char **at)
{
	struct fault_rule *r = p->rule;

	r->eventfd = FAULT_EVENTFD_LOST;
	if (take_word(at, "lost"))
		return 0;
	r->eventfd = FAULT_EVENTFD_EARLY;
	if (take_word(at, "early"))
		return 0;
	r->eventfd = FAULT_EVENTFD_LATE;
	if (strncmp(*at, "late,", 5) != 0)
		return complain(p, *at, "lost, early or late,TIME");
	*at += 5;
	return take_time(p, at, &r->eventfd_late_ns);
}

static int set_entries(struct parse *p, const char **at)
{
	return take_small(p, at, 1, COUNT_MAX, &p->rule->entries);
}

static int set_force(struct parse *p, const char **at)
{
	p->rule->force = true;
	return 0;
}

/* --- what it is about, and when --- */

static int set_path(struct parse *p, const char **at)
{
	return take_text(p, at, &p->rule->path);
}

static int set_comm(struct parse *p, const char **at)
{
	return take_text(p, at, &p->rule->comm);
}

static int set_fd(struct parse *p, const char **at)
{
	unsigned n;
	const int err = take_small(p, at, 0, INT_MAX, &n);

	p->rule->fd = (int)n;
	return err;
}

static int set_pid(struct parse *p, const char **at)
{
	unsigned n;
	const int err = take_small(p, at, 1, INT_MAX, &n);

	p->rule->pid = (pid_t)n;
	return err;
}

static int set_offset(struct parse *p, const char **at)
{
	return take_range(p, at, &p->rule->offset);
}

static int set_length(struct parse *p, const char **at)
{
	return take_range(p, at, &p->rule->length);
}

static int set_ctx(struct parse *p, const char **at)
{
	return take_small(p, at, 1, UINT_MAX, &p->rule->ctx);
}

static int set_direct(struct parse *p, const char **at)
{
	unsigned n;
	const int err = take_small(p, at, 0, 1, &n);

	p->rule->direct = n;
	return err;
}

static int set_data(struct parse *p, const char **at)
{
	return take_number(p, at, 0, UINT64_MAX, &p->rule->data);
}

static int set_when(struct parse *p, const char **at)
{
	struct fault_rule *r = p->rule;
	int err = take_number(p, at, 1, UINT64_MAX, &r->first);

	r->last = r->first;
	r->step = 1;
	if (!err && take_dots(at))
		err = take_number(p, at, r->first, UINT64_MAX, &r->last);
	else if (!err && **at == '+')
		r->last = UINT64_MAX;
	if (err || **at != '+')
		return err;
	++*at;
	return **at ? take_number(p, at, 1, UINT64_MAX, &r->step) : 0;
}

static int set_scope(struct parse *p, const char **at)
{
	p->rule->scope_all = true;
	return take_word(at, "all") ? 0 : complain(p, *at, "only 'all' is known");
}

static int set_prob(struct parse *p, const char **at)
{
	const char *from = *at;
	char *end;

	if (!strchr(".0123456789", *from) || !*from)
		return complain(p, from, "'%s' is no number", from);
	p->rule->probability = strtod(from, &end);
	*at = end;
	return p->rule->probability <= 1 ? 0 : complain(p, from, "from 0 to 1");
}

static int set_after(struct parse *p, const char **at)
{
	return take_time(p, at, &p->rule->after_ns);
}

static int set_until(struct parse *p, const char **at)
{
	return take_time(p, at, &p->rule->until_ns);
}

static int set_times(struct parse *p, const char **at)
{
	return take_number(p, at, 1, UINT64_MAX, &p->rule->times);
}

/* --- the words --- */

static const struct fault_word words[] = {
	{ "error", set_error, VALUE, FAULT_ERROR, 0, 0, FOR_REQUESTS | FOR_CALLS },
	{ "res", set_result, VALUE, FAULT_RESULT, 0, 0, FOR_REQUESTS },
	{ "short", set_short, VALUE, FAULT_SHORT, 0, 0, FOR_TRANSFERS },
	{ "torn", set_torn, VALUE, FAULT_TORN, 0, 0, FOR_WRITES },
	{ "lost", NULL, BARE, FAULT_LOST, 0, 0, FOR_WRITES },
	{ "lie", NULL, BARE, FAULT_LIE, 0, 0, FOR_SYNCS },
	{ "misdirect", set_misdirect, VALUE, FAULT_MISDIRECT, 0, 0, FOR_TRANSFERS },
	{ "corrupt", set_corrupt, VALUE, FAULT_CORRUPT, 0, 0, FOR_TRANSFERS },
	{ "delay", set_delay, VALUE, FAULT_DELAY, 0, 0, FOR_REQUESTS | FOR_CALLS },
	{ "hang", set_hang, EITHER, FAULT_HANG, 0, 0, FOR_REQUESTS },
	{ "hold", set_hold, VALUE, FAULT_HOLD, 0, 0, FOR_REQUESTS },
	{ "release", set_release, VALUE, FAULT_RELEASE, 0, 0, FOR_REQUESTS },
	{ "reorder", set_reorder, VALUE, FAULT_REORDER, 0, 0, FOR_REQUESTS },
	{ "kill", set_kill, VALUE, FAULT_KILL, 0, 0, FOR_REQUESTS },
	{ "eventfd", set_eventfd, VALUE, FAULT_EVENTFD, 0, 0, FOR_REQUESTS },
	{ "partial", set_entries, VALUE, FAULT_PARTIAL, 0, 0, FOR_CALLS },
	{ "cap", set_entries, VALUE, FAULT_CAP, 0, 0, FOR_CALLS },
	{ "early", NULL, BARE, FAULT_EARLY, 0, 0, FOR_CALLS },
	{ "dist", set_dist, VALUE, 0, 0, 0, 0 },
	{ "force", set_force, BARE, 0, 0, 0, 0 },
	{ "path", set_path, VALUE, 0, FAULT_MATCH_PATH, 0, 0 },
	{ "fd", set_fd, VALUE, 0, FAULT_MATCH_FD, 0, 0 },
	{ "off", set_offset, VALUE, 0, FAULT_MATCH_OFFSET, 0, 0 },
	{ "len", set_length, VALUE, 0, FAULT_MATCH_LENGTH, 0, 0 },
	{ "pid", set_pid, VALUE, 0, FAULT_MATCH_PID, 0, 0 },
	{ "comm", set_comm, VALUE, 0, FAULT_MATCH_COMM, 0, 0 },
	{ "ctx", set_ctx, VALUE, 0, FAULT_MATCH_CTX, 0, 0 },
	{ "direct", set_direct, VALUE, 0, FAULT_MATCH_DIRECT, 0, 0 },
	{ "data", set_data, VALUE, 0, FAULT_MATCH_DATA, 0, 0 },
	{ "when", set_when, VALUE, 0, 0, FAULT_WHEN_COUNT, 0 },
	{ "prob", set_prob, VALUE, 0, 0, FAULT_WHEN_PROB, 0 },
	{ "after", set_after, VALUE, 0, 0, FAULT_WHEN_AFTER, 0 },
	{ "until", set_until, VALUE, 0, 0, FAULT_WHEN_UNTIL, 0 },
	{ "times", set_times, VALUE, 0, 0, FAULT_WHEN_TIMES, 0 },
	{ "scope", set_scope, VALUE, 0, 0, 0, 0 },
};

const struct fault_word *fault_word(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) == length && !memcmp(words[i].name, name, length))
			return &words[i];
	}
	return NULL;
}
