/* SPDX-License-Identifier: MIT */
/* Names of requests. If this breaks, a fault plan or a trace of one run means other requests in the next. */
#include "key.h"

#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "label.h"
#include "log.h"
#include "unit.h"

static struct keys *keys;
static char text[KEY_TEXT_BYTES];

static void open_keys(void)
{
	log_setup(0, true);
	keys = keys_create("/home/u");
	ck_assert_ptr_nonnull(keys);
}

static const struct key_process *only(const char *program)
{
	struct key_process found = { .pid = 100, .start_ticks = 5 };

	return keys_number(keys, program, &found, 1, 100);
}

static struct key create(const struct key_process *p, uint16_t opcode, const char *file, int64_t offset,
			  uint64_t length)
{
	struct label *l = label_create(file, strlen(file));
	struct key key = key_make(keys, p, opcode, l, offset, length);

	key_count(keys, &key);
	label_put(l);
	return key;
}

static uint64_t k_of(const struct key_process *p, uint16_t opcode, const char *file, int64_t offset, uint64_t length)
{
	struct key key = create(p, opcode, file, offset, length);
	const uint64_t k = key.k;

	key_put(&key);
	return k;
}

START_TEST(k_counts_requests_that_are_otherwise_the_same)
{
	open_keys();
	const struct key_process *a = only("a"), *b = only("b");

	ck_assert_uint_eq(k_of(a, IOCB_CMD_PWRITE, "f", 0, 512), 0);
	ck_assert_uint_eq(k_of(a, IOCB_CMD_PWRITE, "f", 0, 512), 1);
	ck_assert_uint_eq(k_of(b, IOCB_CMD_PWRITE, "f", 0, 512), 0);
	ck_assert_uint_eq(k_of(a, IOCB_CMD_PREAD, "f", 0, 512), 0);
	ck_assert_uint_eq(k_of(a, IOCB_CMD_PWRITE, "g", 0, 512), 0);
	ck_assert_uint_eq(k_of(a, IOCB_CMD_PWRITE, "f", 1, 512), 0);
	ck_assert_uint_eq(k_of(a, IOCB_CMD_PWRITE, "f", 0, 513), 0);
	ck_assert_uint_eq(k_of(a, IOCB_CMD_PWRITE, "f", 0, 512), 2);
	keys_destroy(keys);
}
END_TEST

START_TEST(what_is_taken_back_does_not_count)
{
	struct key key;

	open_keys();
	key = create(only("a"), IOCB_CMD_POLL, "f", 0, 0);
	key_take_back(keys, &key);
	key_put(&key);
	key_take_back(keys, &key);
	key_put(&key);
	ck_assert_uint_eq(k_of(only("a"), IOCB_CMD_POLL, "f", 0, 0), 0);
	keys_destroy(keys);
}
END_TEST

/* Who calls first is numbered together with those that started earlier. */
START_TEST(processes_are_numbered_by_their_start)
{
	struct key_process found[] = {
		{ .pid = 30, .start_ticks = 9 }, { .pid = 12, .start_ticks = 7 },
		{ .pid = 11, .start_ticks = 7 }, { .pid = 90, .start_ticks = 8 },
	};
	struct key_process later = { .pid = 5, .start_ticks = 20 };

	open_keys();
	ck_assert_ptr_null(keys_find(keys, "p", 90, 8));
	ck_assert_uint_eq(keys_number(keys, "p", found, 4, 90)->number, 3);
	ck_assert_ptr_null(keys_find(keys, "p", 30, 9));
	ck_assert_uint_eq(keys_find(keys, "p", 11, 7)->number, 1);
	ck_assert_uint_eq(keys_find(keys, "p", 12, 7)->number, 2);
	ck_assert_uint_eq(keys_number(keys, "p", found, 4, 30)->number, 4);
	ck_assert_uint_eq(keys_number(keys, "p", &later, 1, 5)->number, 5);
	ck_assert_uint_eq(keys_number(keys, "other", &later, 1, 5)->number, 1);
	ck_assert_ptr_null(keys_find(keys, "p", 11, 8));	/* its number was given again */
	ck_assert_uint_eq(keys_number(keys, "p", found, 0, 77)->number, 0);
	keys_destroy(keys);
}
END_TEST

START_TEST(files)
{
	static const struct {
		const char *path, *told;
	} table[] = {
		{ "/home/u/f", "f" },
		{ "/home/u/d/f", "d/f" },
		{ "/home/u2/f", "/home/u2/f" },
		{ "/home/u", "." },
		{ "/", "/" },
		{ "/a b\n\\c\x7f", "/a\\040b\\012\\134c\\177" },
		{ NULL, "801:42" },
	};

	open_keys();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		keys_file(keys, table[i].path, 0x801, 42, text, sizeof(text));
		ck_assert_str_eq(text, table[i].told);
	}
	keys_file(keys, "/long/\n\n\n\n", 0, 0, text, 11);
	ck_assert_str_eq(text, "/long/");
	keys_destroy(keys);
	keys = keys_create(NULL);
	keys_file(keys, "/home/u/f", 0, 0, text, sizeof(text));
	ck_assert_str_eq(text, "/home/u/f");
	keys_destroy(keys);
}
END_TEST

/* By the label: the same text may be another file's, and a label that is gone is nobody's. */
START_TEST(names_of_files_are_known_by_their_labels)
{
	struct label *path = label_create("/home/u/f", 9), *same = label_create("/home/u/f", 9);
	struct label *name = label_create("f", 1);

	open_keys();
	ck_assert_ptr_null(keys_known_file(keys, NULL));
	ck_assert_ptr_null(keys_known_file(keys, path));
	keys_know_file(keys, path, name);
	ck_assert_ptr_eq(keys_known_file(keys, path), name);
	label_put(name);
	ck_assert_ptr_null(keys_known_file(keys, same));
	keys_know_file(keys, path, name);
	keys_destroy(keys);
	ck_assert_uint_eq(path->refs, 1);
	ck_assert_uint_eq(name->refs, 1);
	label_put(path);
	label_put(same);
	label_put(name);
}
END_TEST

START_TEST(texts)
{
	struct key key;

	open_keys();
	key = create(only("my prog"), IOCB_CMD_PWRITEV, "f", 4096, 512);
	ck_assert_str_eq(key_text(&key, text, sizeof(text)), "my\\040prog:1 pwritev f @4096+512 #0");
	key.k = KEY_UNCOUNTED;
	key_take_back(keys, &key);
	key_put(&key);
	key = create(keys_number(keys, "x", NULL, 0, 1), 99, "f", -1, 0);
	ck_assert_str_eq(key_text(&key, text, sizeof(text)), "?:? ? f @-1+0 #0");
	key_put(&key);
	keys_destroy(keys);
}
END_TEST

START_TEST(beyond_the_limit_there_is_no_k)
{
	const struct key_process *p;

	open_keys();
	p = only("a");
	for (int64_t i = 0; i < KEY_COUNTS_MAX; i++)
		ck_assert_uint_eq(k_of(p, IOCB_CMD_PREAD, "f", i, 1), 0);
	ck_assert_uint_eq(k_of(p, IOCB_CMD_PREAD, "f", KEY_COUNTS_MAX, 1), KEY_UNCOUNTED);
	for (int64_t i = 0; i < KEY_COUNTS_MAX; i += 1000)	/* the known ones go on */
		ck_assert_uint_eq(k_of(p, IOCB_CMD_PREAD, "f", i, 1), 1);
	keys_destroy(keys);
}
END_TEST

START_TEST(beyond_the_limit_processes_have_no_number)
{
	struct key_process found;

	open_keys();
	for (pid_t i = 1; i <= KEY_PROCESSES_MAX + 2; i++) {
		found = (struct key_process){ .pid = i, .start_ticks = (uint64_t)i };
		ck_assert_uint_eq(keys_number(keys, "p", &found, 1, i)->number,
				  i <= KEY_PROCESSES_MAX ? (unsigned)i : 0);
	}
	keys_destroy(keys);
}
END_TEST

UNIT_MAIN("key", k_counts_requests_that_are_otherwise_the_same, what_is_taken_back_does_not_count,
	  processes_are_numbered_by_their_start, files, names_of_files_are_known_by_their_labels, texts,
	  beyond_the_limit_there_is_no_k, beyond_the_limit_processes_have_no_number)
