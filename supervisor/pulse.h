/* SPDX-License-Identifier: MIT */
/*
 * One page shared by supervisor (writer) and guardian (reader): is the loop alive, and what is it
 * doing? The supervisor stamps `busy_since_ns` when it starts to handle something and 0 when the
 * loop is about to sleep; the text fields say what may be blocking. Torn reads are harmless: the
 * text is only printed, bounded and with unprintable bytes replaced.
 */
#ifndef PULSE_H
#define PULSE_H

#include <stdatomic.h>
#include <stdint.h>

struct pulse {
	_Atomic uint64_t turns;		/* how often the loop has turned */
	_Atomic uint64_t busy_since_ns;	/* CLOCK_MONOTONIC; 0: asleep */
	_Atomic uint32_t pid;		/* thread whose call is being handled, 0: none */
	_Atomic uint32_t call;		/* its system call number */
	_Atomic int32_t fd;		/* the descriptor in the tracee, -1: none */
	const char *_Atomic step; /* string literal: "pwrite", "statx", ... (same image in both) */
};

static inline void pulse_step(struct pulse *p, const char *step, int fd)
{
	atomic_store_explicit(&p->fd, fd, memory_order_relaxed);
	atomic_store_explicit(&p->step, step, memory_order_relaxed);
}

#endif
