/* SPDX-License-Identifier: MIT */
/*
 * Text made at a cursor, for lines that are written by the million: each function writes at `at`,
 * where there must be room, and returns the end, without a 0. Pure.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "label.h"

enum {
	FORMAT_NUMBER_BYTES = 20,	/* at most, with a sign */
	FORMAT_JSON_GROWTH = 6,		/* of a byte in a JSON string, at most */
};

/* For literals: some stores, no call. */
#define format_literal(at, literal) format_bytes(at, literal, sizeof(literal) - 1)

static inline char *format_bytes(char *at, const char *bytes, size_t count)
{
	memcpy(at, bytes, count);
	return at + count;
}

static inline char *format_text(char *at, const char *text)
{
	return format_bytes(at, text, strlen(text));
}

char *format_u64(char *at, uint64_t value);
char *format_i64(char *at, int64_t value);

/*
 * A JSON string with its quotes, of any bytes. What is no UTF-8 is told without loss: each such byte
 * as U+FFFD and two hex digits, and likewise the bytes of a U+FFFD that was there.
 */
char *format_json(char *at, const char *bytes, size_t count);
char *format_json_label(char *at, const struct label *l);	/* NULL: null */

#endif
