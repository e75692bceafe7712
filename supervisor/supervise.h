/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's life: starts PROGRAM under the trap, serves its tree until the last tracee is
 * gone.
 */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "guardian.h"

struct config;
struct tracing;

struct supervise_run {
	const struct config *cfg;
	struct tracing *tracing;	/* NULL: none; the supervisor closes its outputs */
};

/*
 * supervise_fn for guardian_run(); arg: const struct supervise_run. Returns the supervisor's own
 * exit status.
 */
int supervise(const struct guardian_link *link, void *arg);

#endif
