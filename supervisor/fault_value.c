/* SPDX-License-Identifier: MIT */
/* Numbers, sizes, times and names of fault rules. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include "fault_impl.h"

int complain(struct parse *p, const char *what, ...)
{
	va_list args;

	p->complaint->at = p->at;
	va_start(args, what);
	vsnprintf(p->complaint->what, sizeof(p->complaint->what), what, args);
	va_end(args);
	return -EINVAL;
}

int take_u64(struct parse *p, const char **at, uint64_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return complain(p, "'%s' is no number", *at);
	errno = 0;
	*out = strtoull(*at, &end, 0);
	if (errno)
		return complain(p, "'%s' is too large", *at);
	*at = end;
	return 0;
}

int end_of(struct parse *p, const char *at)
{
	return *at ? complain(p, "'%s' is too much", at) : 0;
}

int take_size(struct parse *p, const char **at, uint64_t *out)
{
	static const char units[] = "KMG";
	const int err = take_u64(p, at, out);
	const char *unit = err || !**at ? NULL : strchr(units, **at);
	const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

	if (err)
		return err;
	if (*out > UINT64_MAX >> shift)
		return complain(p, "that is too large");
	*out <<= shift;
	*at += shift > 0;
	return 0;
}

int take_time(struct parse *p, const char **at, uint64_t *ns)
{
	static const struct { const char *unit; uint64_t ns; } units[] = {
		{ "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC },
	};
	const int err = take_u64(p, at, ns);

	for (size_t i = 0; !err && i < ARRAY_SIZE(units); i++) {
		const size_t n = strlen(units[i].unit);

		if (strncmp(*at, units[i].unit, n) != 0)
			continue;
		if (*ns > INT64_MAX / units[i].ns)
			return complain(p, "that is too long");
		*ns *= units[i].ns;
		*at += n;
		return 0;
	}
	return err ? err : complain(p, "a time needs its unit: us, ms or s");
}

int take_range(struct parse *p, const char *value, struct fault_range *range)
{
	int err = take_size(p, &value, &range->first);

	range->last = range->first;
	if (!err && !strncmp(value, "..", 2)) {
		value += 2;
		range->last = UINT64_MAX;
		err = *value ? take_size(p, &value, &range->last) : 0;
	}
	if (!err && range->last < range->first)
		return complain(p, "the range ends before it begins");
	return err ? err : end_of(p, value);
}

int take_small(struct parse *p, const char *value, uint64_t least, uint64_t most, unsigned *out)
{
	uint64_t n;
	int err = take_u64(p, &value, &n);

	*out = 0;
	if (!err)
		err = end_of(p, value);
	if (!err && (n < least || n > most))
		return complain(p, "from %llu to %llu", (unsigned long long)least,
				(unsigned long long)most);
	if (!err)
		*out = (unsigned)n;
	return err;
}

int take_signed(struct parse *p, const char *value, int64_t *out)
{
	const bool minus = *value == '-';
	uint64_t n;
	int err;

	value += minus || *value == '+';
	err = take_size(p, &value, &n);
	if (!err)
		err = end_of(p, value);
	if (!err && n > INT64_MAX)
		return complain(p, "that is too large");
	*out = err ? 0 : minus ? -(int64_t)n : (int64_t)n;
	return err;
}

int take_text(struct parse *p, const char *value, char **out)
{
	if (*out)
		return complain(p, "a second one");
	*out = strdup(value);
	return *out ? 0 : -ENOMEM;
}

int take_signal(struct parse *p, const char *value)
{
	const char *name = strncmp(value, "SIG", 3) ? value : value + 3;

	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name)) {
			p->rule->signal = i;
			return 0;
		}
	}
	return complain(p, "'%s' is no signal", value);
}

int take_error(struct parse *p, const char *value)
{
	for (int i = 1; i < 4096; i++) {
		const char *known = strerrorname_np(i);

		if (known && !strcmp(known, value)) {
			p->rule->error = i;
			return 0;
		}
	}
	return complain(p, "'%s' is no error", value);
}
