/* SPDX-License-Identifier: MIT */
/*
 * Theory. An execve may have a hundred thousand strings, and mostly has thirty: the begins of many
 * are read in one call.
 */
#include "environment.h"

#include <string.h>

#include "tracee.h"

enum { WORDS = 64 };			/* pointers that are read at once */

/* Never reads behind a page of the string's. */
ssize_t environment_read(pid_t tid, uaddr at, char *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		const size_t piece =
			min_u64(size - done, PAGE_BYTES - (at + done) % PAGE_BYTES);
		const int err = tracee_read_all(tid, at + done, to + done, piece);
		const char *end;

		if (err)
			return err;
		end = memchr(to + done, '\0', piece);
		if (end)
			return end - to;
		done += piece;
	}
	return -E2BIG;
}

/* Which of these strings is the variable; count: none. */
static unsigned find_name(pid_t tid, const uaddr *words, unsigned count, const char *name)
{
	const size_t bytes = strlen(name);
	char heads[WORDS * ENVIRONMENT_NAME_MAX];
	struct uvec from[WORDS];
	const struct iovec to = { heads, count * bytes };

	for (unsigned i = 0; i < count; i++)
		from[i] = (struct uvec){ words[i], bytes };
	if (!count || tracee_readv(tid, from, count, &to, 1) != (ssize_t)(count * bytes)) {
		/* one ends at the end of its mapping, or is none */
		memset(heads, 0, sizeof(heads));
		for (unsigned i = 0; i < count; i++)
			(void)environment_read(tid, words[i], heads + i * bytes, bytes);
	}
	for (unsigned i = 0; i < count; i++) {
		if (!memcmp(heads + i * bytes, name, bytes))
			return i;
	}
	return count;
}

/* Pointers up to the NULL behind the last, or as many as fit. */
static unsigned read_words(pid_t tid, uaddr at, uaddr words[WORDS])
{
	const ssize_t got = tracee_read(tid, at, words, WORDS * sizeof(*words));
	unsigned count = 0;

	while (got > 0 && count < (size_t)got / sizeof(*words) && words[count])
		count++;
	return count;
}

int environment_find(pid_t tid, uaddr env, const char *begin, unsigned most, uaddr *at)
{
	for (unsigned n = 0; n < most; n += WORDS) {
		uaddr words[WORDS];
		const unsigned count = read_words(tid, env + n * sizeof(*words), words);
		const unsigned i = find_name(tid, words, count, begin);

		if (i < count) {
			*at = words[i] + strlen(begin);
			return 0;
		}
		if (count < WORDS)
			return -ENOENT;
	}
	return -EAGAIN;
}
