/* SPDX-License-Identifier: MIT */
/*
 * What the operator must see. Every line goes to stderr as one write(2), prefixed by the program's
 * name. A warning that a tracee can provoke goes through log_warn_once(), so that a hostile program
 * cannot flood the terminal.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#include "util.h"

enum {
	EXIT_SANDBOX = 125,	/* our own failure, as env(1) does */
	EXIT_CANNOT_EXEC = 126,
	EXIT_NOT_FOUND = 127,
};

/* verbose: 0 warnings only, 1 the summary too (-v), 2 each request (-vv). quiet: no warnings. */
void log_setup(unsigned verbose, bool quiet);

bool log_wants(unsigned level);
void log_error(const char *fmt, ...) printf_like(1, 2);	/* not silenced by -q */
void log_say(const char *fmt, ...) printf_like(1, 2);	/* what was asked for; nor this */
void log_warn(const char *fmt, ...) printf_like(1, 2);
void log_info(unsigned level, const char *fmt, ...) printf_like(2, 3);

/* Only before the first tracee runs: says what is wrong and exits with EXIT_SANDBOX. */
void die(const char *fmt, ...) printf_like(1, 2) __attribute__((noreturn));

#define log_warn_once(...) \
	do { \
		static bool said_; \
		if (!said_) \
			log_warn(__VA_ARGS__); \
		said_ = true; \
	} while (0)

#endif
