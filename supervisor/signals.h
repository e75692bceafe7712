/* SPDX-License-Identifier: MIT */
/*
 * The signal mask and the ignored signals that the user started us with. Guardian and supervisor
 * change theirs at once; PROGRAM gets exactly these. Bit N-1 stands for signal N, as in
 * /proc/PID/status; the two signals that libc keeps to itself are included.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdint.h>

struct signal_state {
	uint64_t mask;
	uint64_t ignored;
};

void signals_save(struct signal_state *out);

/* In a child that is about to execute PROGRAM. */
void signals_restore(const struct signal_state *s);

/* Every signal there is; returns the set for signalfd(2). */
sigset_t signals_block_all(void);

/* For a moment: takes the signal's default action, if it has one (stop or death). */
void signals_take_default(int signo);

#endif
