/* SPDX-License-Identifier: MIT */
/* --doctor: what works here, what does not, what that means and what to do. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdio.h>

#include "probe.h"

/*
 * Runs all probes, one line each; 0 when a normal run can start here, else 1. Before any tracee
 * runs.
 */
int doctor_run(FILE *out);

/*
 * One line for a start that failed with `error` (errno, 0: none) at what `id` probes. Runs no
 * probe.
 */
void doctor_explain(FILE *err, enum probe_id id, int error);

#endif
