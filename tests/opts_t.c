/* SPDX-License-Identifier: MIT */
/* Command line: if this breaks, users get another run than the one they asked for. */
#include "opts.h"

#include <errno.h>
#include <string.h>

#include "opts_value.h"
#include "unit.h"
#include "util.h"

#define WORDS_MAX 16

/* Words are separated by one space. */
static int parse(const char *line, struct config *cfg)
{
	static char copy[256];
	static char *argv[WORDS_MAX + 1];
	int argc = 0;

	snprintf(copy, sizeof(copy), "aio-sandbox %s", line);
	for (char *word = strtok(copy, " "); word && argc < WORDS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	*cfg = config_default();
	return opts_parse(argc, argv, cfg);
}

START_TEST(defaults_are_those_of_the_man_page)
{
	struct config cfg;

	ck_assert_int_eq(parse("prog", &cfg), OPTS_RUN);
	ck_assert_uint_eq(cfg.threads, 16);
	ck_assert_uint_eq(cfg.max_nr, 1048576);
	ck_assert_uint_eq(cfg.buffer_bytes, 256u << 20);
	ck_assert_int_eq(cfg.engine, CONFIG_ENGINE_AUTO);
	ck_assert_int_eq(cfg.submit, CONFIG_SUBMIT_AUTO);
	ck_assert(!cfg.quiet && !cfg.verbose && !cfg.doctor && !cfg.user);
	config_release(&cfg);
}
END_TEST

START_TEST(every_form_of_an_option_works)
{
	static const char *const forms[] = {
		"--engine=libaio --engine=threads --threads=7 -v -v prog -x",
		"--engine threads --threads 7 -vv -- prog -x",
		"-fvv --threads=7 --engine=threads prog -x",
	};
	struct config cfg;

	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		ck_assert_int_eq(parse(forms[i], &cfg), OPTS_RUN);
		ck_assert_int_eq(cfg.engine, CONFIG_ENGINE_THREADS);
		ck_assert_uint_eq(cfg.threads, 7);
		ck_assert_uint_eq(cfg.verbose, 2);
		ck_assert_str_eq(cfg.program[0], "prog");
		ck_assert_str_eq(cfg.program[1], "-x");
		ck_assert_ptr_null(cfg.program[2]);
		config_release(&cfg);
	}
}
END_TEST

START_TEST(options_of_the_program_are_left_alone)
{
	struct config cfg;

	ck_assert_int_eq(parse("-q prog -v --doctor -- -p 1", &cfg), OPTS_RUN);
	ck_assert(cfg.quiet && !cfg.verbose && !cfg.doctor);
	ck_assert_str_eq(cfg.program[3], "--");
	config_release(&cfg);
}
END_TEST

START_TEST(env_edits_keep_their_order)
{
	struct config cfg;

	ck_assert_int_eq(parse("-E A=1 -EA --env=B= prog", &cfg), OPTS_RUN);
	ck_assert_uint_eq(cfg.env_edit_count, 3);
	ck_assert_str_eq(cfg.env_edits[0], "A=1");
	ck_assert_str_eq(cfg.env_edits[1], "A");
	ck_assert_str_eq(cfg.env_edits[2], "B=");
	config_release(&cfg);
}
END_TEST

START_TEST(mistakes_are_refused)
{
	static const char *const lines[] = {
		"", "--", "-q", "--doctor prog", "-x prog", "--nonsense prog", "--thread=4 prog",
		"--threads=0 prog", "--threads=257 prog", "--threads=4x prog", "--threads= prog",
		"--threads", "--threads=-1 prog", "--engine=magic prog", "--engine= prog",
		"--submit=now prog", "--max-nr=4294967296 prog", "--buffer-memory=1023K prog",
		"--buffer-memory=1X prog", "--buffer-memory=1MM prog", "--quiet=1 prog",
		"-E =x prog", "-E", "-u", "-p 1", "-p 1 prog", "--attach=1",
	};
	struct config cfg;

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		ck_assert_msg(parse(lines[i], &cfg) == -EINVAL, "accepted: '%s'", lines[i]);
		config_release(&cfg);
	}
}
END_TEST

START_TEST(signals_with_another_meaning_are_refused)
{
	static const char *const signals[] = { "KILL", "SIGSTOP", "CHLD", "SEGV", "ABRT", "SYS",
					       "32", "33", "RTMIN", "65", "0" };
	struct config cfg;
	char line[64];

	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
		snprintf(line, sizeof(line), "--list-signal=%s prog", signals[i]);
		ck_assert_msg(parse(line, &cfg) < 0, "accepted: '%s'", line);
		config_release(&cfg);
	}
	ck_assert_int_eq(parse("--list-signal=64 prog", &cfg), OPTS_RUN);
	ck_assert_int_eq(cfg.list_signal, 64);
	config_release(&cfg);
}
END_TEST

START_TEST(sizes_take_units_and_never_wrap)
{
	static const struct {
		const char *text;
		uint64_t bytes;		/* 0: refused */
	} rows[] = {
		{ "1", 1 }, { "4k", 4096 }, { "4K", 4096 }, { "3M", 3u << 20 }, { "2G", 2ull << 30 },
		{ "17179869183G", 17179869183ull << 30 }, { "17179869184G", 0 },
		{ "18446744073709551615", UINT64_MAX }, { "18446744073709551616", 0 },
		{ "", 0 }, { "K", 0 }, { "-1", 0 }, { "+1", 0 }, { " 1", 0 }, { "1T", 0 }, { "1+", 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t bytes = 0;

		opts_value_size(rows[i].text, 1, UINT64_MAX, &bytes);
		ck_assert_msg(bytes == rows[i].bytes, "'%s'", rows[i].text);
	}
}
END_TEST

UNIT_MAIN("opts",
	  defaults_are_those_of_the_man_page,
	  every_form_of_an_option_works,
	  options_of_the_program_are_left_alone,
	  env_edits_keep_their_order,
	  mistakes_are_refused,
	  signals_with_another_meaning_are_refused,
	  sizes_take_units_and_never_wrap)
