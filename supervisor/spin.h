/* SPDX-License-Identifier: MIT */
/*
 * Whether to look for the next call in shared memory for a while instead of going to sleep. It pays
 * when the program calls again soon, and there is a CPU that nobody else wants: so whoever has
 * looked in vain, or was pushed off the CPU while looking, does not look for so many sleeps, twice
 * as many each time. One that was told how long to look does not care. Never on one CPU: there the
 * program could not call while we look.
 */
#ifndef SPIN_H
#define SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_AUTO UINT64_MAX		/* of spin_init() */

struct spin {
	uint64_t longest_ns;		/* 0: never */
	bool adapts;
	uint64_t begin_ns;		/* 0: not looking */
	uint64_t begin_pushed;		/* off the CPU, so often before */
	uint64_t counted_ns;		/* when CPUs were counted; 0: never */
	unsigned cpus;
	unsigned failures;		/* in a row */
	unsigned rest;			/* so many sleeps more without looking */
};

void spin_init(struct spin *s, uint64_t longest_ns);
bool spin_is_off(const struct spin *s);	/* for good */
bool spin_pays(struct spin *s, uint64_t now);	/* it would begin now */
bool spin_goes_on(struct spin *s, uint64_t now);	/* begins if it has not; false: sleep now */
void spin_found(struct spin *s);	/* a call: the next look is a new one */
void spin_slept(struct spin *s);	/* a sleep without having looked counts as rest */

/* Its halves without a clock or a machine. */
void spin_failed(struct spin *s);
bool spin_rests(const struct spin *s);

#endif
