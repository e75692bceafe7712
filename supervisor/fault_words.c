/* SPDX-License-Identifier: MIT */
/* What each word of a fault rule means: one row of the table is one word. */
#include <limits.h>
#include <stdlib.h>

#include "fault_impl.h"

#define SECTOR_BYTES 512u
#define COUNT_MAX 65536u

/* --- actions --- */

static int set_error(struct parse *p, const char *value)
{
	return take_error(p, value);
}

static int set_result(struct parse *p, const char *value)
{
	return take_signed(p, value, &p->rule->result);
}

static int set_short(struct parse *p, const char *value)
{
	struct fault_rule *r = p->rule;
	int err = take_size(p, &value, &r->short_bytes);

	if (err || strcmp(value, "%") != 0)
		return err ? err : end_of(p, value);
	if (r->short_bytes < 1 || r->short_bytes > 99)
		return complain(p, "from 1%% to 99%%");
	r->short_percent = (unsigned)r->short_bytes;
	return 0;
}

static int sector(struct parse *p, const char *value, unsigned *bytes)
{
	const char *digits = value + strlen("sector");

	*bytes = SECTOR_BYTES;
	if (!strcmp(value, "sector") || !strcmp(value, "sector512"))
		return 0;
	*bytes = 4096;
	return strcmp(digits, "4096") ? complain(p, "sectors have 512 or 4096 bytes") : 0;
}

/* N, sector, sector4096; then ",success" or ",SIGNAL". */
static int set_torn(struct parse *p, const char *value)
{
	struct fault_rule *r = p->rule;
	char what[32];
	const char *at = what, *end = strchr(value, ',');
	int err;

	snprintf(what, sizeof(what), "%.*s", (int)strcspn(value, ","), value);
	if (!strncmp(what, "sector", 6))
		err = sector(p, what, &r->torn_sector_bytes);
	else
		err = take_size(p, &at, &r->torn_bytes);
	if (!err && !r->torn_sector_bytes)
		err = end_of(p, at);
	if (err || !end)
		return err;
	p->at += (size_t)(end + 1 - value);
	if (!strcmp(end + 1, "success")) {
		r->torn_end = FAULT_TORN_SUCCESS;
		return 0;
	}
	r->torn_end = FAULT_TORN_KILL;
	return take_signal(p, end + 1);
}

static int set_misdirect(struct parse *p, const char *value)
{
	return take_signed(p, value, &p->rule->misdirect_bytes);
}

static int set_corrupt(struct parse *p, const char *value)
{
	if (!strncmp(value, "sector", 6))
		return sector(p, value, &p->rule->corrupt_sector_bytes);
	return take_small(p, value, 1, COUNT_MAX, &p->rule->corrupt_bits);
}

static int set_delay(struct parse *p, const char *value)
{
	struct fault_rule *r = p->rule;
	int err = take_time(p, &value, &r->delay_min_ns);

	r->delay_max_ns = r->delay_min_ns;
	if (!err && !strncmp(value, "..", 2)) {
		value += 2;
		err = take_time(p, &value, &r->delay_max_ns);
	}
	if (!err && r->delay_max_ns < r->delay_min_ns)
		return complain(p, "the range ends before it begins");
	return err ? err : end_of(p, value);
}

static int set_dist(struct parse *p, const char *value)
{
	p->rule->delay_exponential = true;
	return strcmp(value, "exp") ? complain(p, "only 'exp' is known") : 0;
}

static int set_hang(struct parse *p, const char *value)
{
	p->rule->hang_destroy = value;
	return value && strcmp(value, "destroy") ? complain(p, "only 'destroy' is known") : 0;
}

static int set_hold(struct parse *p, const char *value)
{
	return take_text(p, value, &p->rule->hold);
}

static int set_release(struct parse *p, const char *value)
{
	return take_text(p, value, &p->rule->release);
}

static int set_reorder(struct parse *p, const char *value)
{
	return take_small(p, value, 1, COUNT_MAX, &p->rule->reorder);
}

/* SIGNAL, or SIGNAL,after */
static int set_kill(struct parse *p, const char *value)
{
	char name[32];
	const size_t n = strcspn(value, ",");

	snprintf(name, sizeof(name), "%.*s", (int)n, value);
	p->rule->kill_after = !strcmp(value + n, ",after");
	if (value[n] && !p->rule->kill_after)
		return complain(p, "only ',after' may follow");
	return take_signal(p, name);
}

static int set_eventfd(struct parse *p, const char *value)
{
	struct fault_rule *r = p->rule;

	r->eventfd = FAULT_EVENTFD_LOST;
	if (!strcmp(value, "lost"))
		return 0;
	r->eventfd = FAULT_EVENTFD_EARLY;
	if (!strcmp(value, "early"))
		return 0;
	r->eventfd = FAULT_EVENTFD_LATE;
	if (strncmp(value, "late,", 5) != 0)
		return complain(p, "lost, early or late,TIME");
	value += 5;
	return take_time(p, &value, &r->eventfd_late_ns) ? -EINVAL : end_of(p, value);
}

static int set_entries(struct parse *p, const char *value)
{
	return take_small(p, value, 1, COUNT_MAX, &p->rule->entries);
}

/* --- what it is about, and when --- */

static int set_path(struct parse *p, const char *value)
{
	return take_text(p, value, &p->rule->path);
}

static int set_comm(struct parse *p, const char *value)
{
	return take_text(p, value, &p->rule->comm);
}

static int set_fd(struct parse *p, const char *value)
{
	unsigned n;
	const int err = take_small(p, value, 0, INT_MAX, &n);

	p->rule->fd = (int)n;
	return err;
}

static int set_pid(struct parse *p, const char *value)
{
	unsigned n;
	const int err = take_small(p, value, 1, INT_MAX, &n);

	p->rule->pid = (pid_t)n;
	return err;
}

static int set_offset(struct parse *p, const char *value)
{
	return take_range(p, value, &p->rule->offset);
}

static int set_length(struct parse *p, const char *value)
{
	return take_range(p, value, &p->rule->length);
}

static int set_ctx(struct parse *p, const char *value)
{
	return take_small(p, value, 1, UINT_MAX, &p->rule->ctx);
}

static int set_direct(struct parse *p, const char *value)
{
	unsigned n;
	const int err = take_small(p, value, 0, 1, &n);

	p->rule->direct = n;
	return err;
}

static int set_data(struct parse *p, const char *value)
{
	const int err = take_u64(p, &value, &p->rule->data);

	return err ? err : end_of(p, value);
}

static int set_when(struct parse *p, const char *value)
{
	struct fault_rule *r = p->rule;
	int err = take_u64(p, &value, &r->first);

	r->last = r->first;
	r->step = 1;
	if (!err && !strncmp(value, "..", 2)) {
		value += 2;
		err = take_u64(p, &value, &r->last);
	} else if (!err && *value == '+') {
		r->last = UINT64_MAX;
	}
	if (!err && *value == '+') {
		value++;
		if (*value)
			err = take_u64(p, &value, &r->step);
	}
	if (!err && (!r->first || r->last < r->first || !r->step))
		return complain(p, "first[..last][+step], from 1 on");
	return err ? err : end_of(p, value);
}

static int set_scope(struct parse *p, const char *value)
{
	p->rule->scope_all = true;
	return strcmp(value, "all") ? complain(p, "only 'all' is known") : 0;
}

static int set_prob(struct parse *p, const char *value)
{
	char *end;

	p->rule->probability = strtod(value, &end);
	return *end || end == value || !(p->rule->probability >= 0 && p->rule->probability <= 1)
		       ? complain(p, "from 0 to 1") : 0;
}

static int set_after(struct parse *p, const char *value)
{
	return take_time(p, &value, &p->rule->after_ns) ? -EINVAL : end_of(p, value);
}

static int set_until(struct parse *p, const char *value)
{
	return take_time(p, &value, &p->rule->until_ns) ? -EINVAL : end_of(p, value);
}

static int set_times(struct parse *p, const char *value)
{
	const int err = take_u64(p, &value, &p->rule->times);

	return err ? err : end_of(p, value);
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
