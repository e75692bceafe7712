/* SPDX-License-Identifier: MIT */
/* What an LD_PRELOAD holds besides the shim stays as it was: else a program loads what it does not natively. */
#include "preload.h"

#include <stdio.h>

#include "unit.h"
#include "util.h"

static const struct {
	const char *value, *without;	/* NULL: it is not in there */
} rows[] = {
	{ "/a/s.so", "" },
	{ "x:/a/s.so", "x" },
	{ "x::/a/s.so", "x:" },
	{ "/a/s.so:x", "x" },
	{ "/a/s.so x:y", "x:y" },
	{ "x:/a/s.so:y", "x:y" },
	{ "x y /a/s.so:z", "x y:z" },
	{ "/b/a/s.so:/a/s.so", "/b/a/s.so" },
	{ "/a/s.so.1:/a/s.so", "/a/s.so.1" },
	{ "/b/a/s.so", NULL },
	{ "/a/s.so.1", NULL },
	{ "", NULL },
};

static void try(const char *before, const char *after)
{
	char value[64];
	bool removed;

	snprintf(value, sizeof(value), "%s", before);
	removed = preload_remove(value, "/a/s.so");
	ck_assert_int_eq(removed, after != NULL);
	ck_assert_str_eq(value, after ? after : before);
}

START_TEST(nothing_but_the_entry_goes)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try(rows[i].value, rows[i].without);
}
END_TEST

START_TEST(no_object_is_nowhere)
{
	char value[] = "x:y";

	ck_assert(!preload_remove(value, ""));
	ck_assert_str_eq(value, "x:y");
}
END_TEST

UNIT_MAIN("preload", nothing_but_the_entry_goes, no_object_is_nowhere)
