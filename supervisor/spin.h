/* SPDX-License-Identifier: MIT */
/*
 * Whether to look for the next call in shared memory for a while instead of going to sleep. Whether
 * it pays depends on more than can be known: what the calls wait for, how many CPUs are free, how
 * dear it is to wake one. So it is tried: calls are counted for a while without looking, then with
 * it, and what had more is kept for some time, twice as long each time that the result is the same.
 * Few calls need no looking. One that was told how long to look is not asked. Never on one CPU:
 * there the program could not call while we look.
 */
#ifndef SPIN_H
#define SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_AUTO UINT64_MAX		/* of spin_init() */

enum spin_phase {
	SPIN_TRY_WITHOUT,
	SPIN_TRY_WITH,
	SPIN_SETTLED,
};

struct spin {
	uint64_t longest_ns;		/* 0: never */
	uint64_t begin_ns;		/* of this look; 0: not looking */
	uint64_t counted_ns;		/* when CPUs were counted; 0: never */
	unsigned cpus;
	bool tries;
	bool on;
	enum spin_phase phase;
	uint64_t phase_ns;		/* when it began; 0: has not */
	uint64_t calls;			/* in it */
	uint64_t without;		/* calls a second */
	uint64_t settled_ns;		/* how long the last result was kept */
	bool settled_on;
};

void spin_init(struct spin *s, uint64_t longest_ns);
bool spin_is_off(const struct spin *s);		/* for good */
bool spin_called(struct spin *s, uint64_t now);	/* a call is answered; true: it pays to look now */
bool spin_goes_on(struct spin *s, uint64_t now); /* a look begins or goes on; false: sleep now */
void spin_found(struct spin *s);		/* a call: the next look is a new one */

#endif
