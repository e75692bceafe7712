/* SPDX-License-Identifier: MIT */
/* Numbers, sizes, times and names of fault rules. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include "fault_impl.h"

enum { ERRNO_MAX = 4095 };

size_t place_of(const struct parse *p, const char *here)
{
	const char *at = p->text + p->part_at;

	if (!here)
		return strlen(p->text);
	for (const char *c = p->part; c < here; c++, at++)
		at += *at == '\\' && (at[1] == ':' || at[1] == '\\');
	return (size_t)(at - p->text);
}

int complain(struct parse *p, const char *here, const char *what, ...)
{
	va_list args;

	p->complaint->at = place_of(p, here);
	va_start(args, what);
	vsnprintf(p->complaint->what, sizeof(p->complaint->what), what, args);
	va_end(args);
	return -EINVAL;
}

static int name_length(const char *at)
{
	return (int)strcspn(at, ",");
}

bool take_word(const char **at, const char *word)
{
	const size_t n = strlen(word);

	if ((size_t)name_length(*at) != n || memcmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

bool take_dots(const char **at)
{
	if (strncmp(*at, "..", 2) != 0)
		return false;
	*at += 2;
	return true;
}

int take_number(struct parse *p, const char **at, uint64_t least, uint64_t most, uint64_t *out)
{
	const char *from = *at;
	const bool is_hex = from[0] == '0' && (from[1] == 'x' || from[1] == 'X');
	char *end;

	if (*from < '0' || *from > '9')
		return complain(p, from, "'%s' is no number", from);
	errno = 0;
	*out = strtoull(from, &end, is_hex ? 16 : 10);
	*at = end;
	if (errno)
		return complain(p, from, "that is too large");
	if (*out < least || *out > most)
		return complain(p, from, "from %llu to %llu", (unsigned long long)least,
				(unsigned long long)most);
	return 0;
}

int take_small(struct parse *p, const char **at, unsigned least, unsigned most, unsigned *out)
{
	uint64_t n;
	const int err = take_number(p, at, least, most, &n);

	*out = err ? 0 : (unsigned)n;
	return err;
}

int take_size(struct parse *p, const char **at, uint64_t *out)
{
	static const char units[] = "KMG";
	const char *from = *at;
	const int err = take_number(p, at, 0, UINT64_MAX, out);
	const char *unit = err || !**at ? NULL : strchr(units, **at);
	const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

	if (err)
		return err;
	if (*out > UINT64_MAX >> shift)
		return complain(p, from, "that is too large");
	*out <<= shift;
	*at += shift > 0;
	return 0;
}

int take_signed(struct parse *p, const char **at, int64_t *out)
{
	const char *from = *at;
	const bool is_minus = *from == '-';
	uint64_t n;
	int err;

	*at += is_minus || *from == '+';
	err = take_size(p, at, &n);
	if (!err && n > INT64_MAX)
		return complain(p, from, "that is too large");
	*out = err ? 0 : is_minus ? -(int64_t)n : (int64_t)n;
	return err;
}

int take_time(struct parse *p, const char **at, uint64_t *ns)
{
	static const struct { const char *unit; uint64_t ns; } units[] = {
		{ "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC },
	};
	const char *from = *at;
	const int err = take_number(p, at, 0, UINT64_MAX, ns);

	for (size_t i = 0; !err && i < ARRAY_SIZE(units); i++) {
		const size_t n = strlen(units[i].unit);

		if (strncmp(*at, units[i].unit, n) != 0)
			continue;
		if (*ns > INT64_MAX / units[i].ns)
			return complain(p, from, "that is too long");
		*ns *= units[i].ns;
		*at += n;
		return 0;
	}
	return err ? err : complain(p, *at, "a time needs its unit: us, ms or s");
}

int take_range(struct parse *p, const char **at, struct fault_range *range)
{
	const char *second = NULL;
	int err = take_size(p, at, &range->first);

	range->last = range->first;
	if (!err && take_dots(at)) {
		second = *at;
		range->last = UINT64_MAX;
		err = *second ? take_size(p, at, &range->last) : 0;
	}
	if (!err && range->last < range->first)
		return complain(p, second, "the range ends before it begins");
	return err;
}

int take_text(struct parse *p, const char **at, char **out)
{
	if (!**at)
		return complain(p, *at, "a name is missing");
	*out = strdup(*at);
	if (!*out)
		return -ENOMEM;
	*at += strlen(*at);
	return 0;
}

/* "RTMIN+3", "RTMAX-1": what is behind the name, or -1. */
static int real_time(const char *name)
{
	const bool is_min = !strncmp(name, "RTMIN", 5);
	char *end;
	long by;

	if (!is_min && strncmp(name, "RTMAX", 5) != 0)
		return -1;
	name += 5;
	if (!*name)
		return is_min ? SIGRTMIN : SIGRTMAX;
	if (*name != (is_min ? '+' : '-') || name[1] < '0' || name[1] > '9')
		return -1;
	by = strtol(name + 1, &end, 10);
	if (*end || by > SIGRTMAX - SIGRTMIN)
		return -1;
	return is_min ? SIGRTMIN + (int)by : SIGRTMAX - (int)by;
}

static int signal_of(const char *name)
{
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return real_time(name);
}

int take_signal(struct parse *p, const char **at)
{
	const char *from = *at;
	char name[16];
	unsigned n;
	int err;

	if (*from >= '0' && *from <= '9') {
		err = take_small(p, at, 1, (unsigned)SIGRTMAX, &n);
		p->rule->signal = (int)n;
		return err;
	}
	*at += name_length(from);
	snprintf(name, sizeof(name), "%.*s", name_length(from), from);
	p->rule->signal = signal_of(strncmp(name, "SIG", 3) ? name : name + 3);
	if (p->rule->signal < 0)
		return complain(p, from, "'%.*s' is no signal", name_length(from), from);
	return 0;
}

/* 0: none. */
static int error_of(const char *name)
{
	static const struct { const char *name; int error; } others[] = {
		{ "EWOULDBLOCK", EWOULDBLOCK }, { "ENOTSUP", ENOTSUP }, { "EDEADLOCK", EDEADLOCK },
	};

	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *known = strerrorname_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!strcmp(others[i].name, name))
			return others[i].error;
	}
	return 0;
}

int take_error(struct parse *p, const char **at)
{
	const char *from = *at;
	unsigned n;
	int err;

	p->error_at = place_of(p, from);
	if (*from >= '0' && *from <= '9') {
		err = take_small(p, at, 1, ERRNO_MAX, &n);
		p->rule->error = (int)n;
		return err;
	}
	p->rule->error = error_of(from);
	if (!p->rule->error)
		return complain(p, from, "'%s' is no error", from);
	*at += strlen(from);
	return 0;
}
