/* SPDX-License-Identifier: MIT */
/*
 * The command line. struct config is filled once, before anything else runs, and is constant from
 * then on: modules get a const pointer. Strings belong to argv.
 */
#ifndef OPTS_H
#define OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "trace_config.h"

enum config_engine {
	CONFIG_ENGINE_AUTO,	/* io_uring where it works, else threads */
	CONFIG_ENGINE_URING,
	CONFIG_ENGINE_THREADS,
	CONFIG_ENGINE_LIBAIO,	/* the host's own AIO */
	CONFIG_ENGINE_NULL,	/* no I/O at all */
};

/* When io_submit returns: docs/aio-abi.md, D1. */
enum config_submit {
	CONFIG_SUBMIT_AUTO,
	CONFIG_SUBMIT_ASYNC,
	CONFIG_SUBMIT_KERNEL,
};

enum {
	CONFIG_THREADS_MAX = 256,
	CONFIG_BUFFER_MIN_BYTES = 1 << 20,
};

struct fault_plan;

struct config {
	bool quiet;
	unsigned verbose;		/* how many -v */
	bool doctor;			/* then there is no program */

	char **program; /* argv of PROGRAM, ends with NULL; [0] is looked up in PATH */
	const char **env_edits;		/* in order: "VAR=VAL" sets, "VAR" unsets */
	unsigned env_edit_count;
	bool shim;			/* preloaded into PROGRAM */
	uint64_t spin_ns;		/* SPIN_AUTO, or how long calls are looked for; 0: never */
	bool random_doors;		/* for tests: the shim finds slots open or not at random */
	const char *user;		/* run PROGRAM as this user; NULL: as we are */

	enum config_engine engine;
	enum config_submit submit;
	unsigned threads;		/* workers of the threads engine */
	uint64_t max_nr;		/* our own fs.aio-max-nr, for the whole tree */
	uint64_t buffer_bytes;		/* all data in flight at most */

	const char *control;		/* path of the control socket; NULL: none */
	uint64_t stall_ns;		/* 0: never told */
	bool lint;
	int list_signal;		/* 0: none */
	struct fault_plan *plan;	/* NULL: none; config_release() destroys it */
	uint64_t seed;			/* the plan's */
	bool has_seed;			/* ... is the user's */
	struct trace_config trace;
};

enum {
	OPTS_RUN = 0,
	OPTS_DONE = 1,		/* the user asked for a text and has got it: exit 0 */
};

struct config config_default(void);
void config_release(struct config *cfg);

/*
 * Reads options up to the first word that is none, or `--`. cfg holds defaults before.
 * OPTS_RUN, OPTS_DONE, or -EINVAL after one line on stderr that says what is wrong and how to
 * mend it (the caller then exits with EXIT_SANDBOX). Only after OPTS_RUN is there anything for
 * config_release().
 */
int opts_parse(int argc, char **argv, struct config *cfg);

#endif
