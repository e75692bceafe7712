/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's life: starts PROGRAM under the trap, serves its tree until the last tracee is
 * gone.
 */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "guardian.h"

struct config;

/*
 * supervise_fn for guardian_run(); arg: const struct config. Returns the supervisor's own exit
 * status.
 */
int supervise(const struct guardian_link *link, void *arg);

#endif
