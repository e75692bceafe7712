/* SPDX-License-Identifier: MIT */
/*
 * What is in flight: told to whoever asks (control.h, --list-signal), and by itself when nothing
 * has been completed for --stall=SEC while somebody waits.
 */
#ifndef INFLIGHT_H
#define INFLIGHT_H

#include "dispatch.h"

/*
 * A line for each accepted request whose result is not told yet, oldest of each context first:
 *	id=17 pid=99 tid=99 ctx=1 op=pread fd=3 offset=0 length=4096 age_ms=12 phase=running path=/f
 * Without a newline; the path is the last, and control characters in it are "?". Returns how many.
 */
unsigned inflight_list(struct dispatch *d, void (*line)(void *arg, const char *text), void *arg);

/* The same on stderr whenever this signal comes, which is blocked: 0 or -errno. */
int inflight_on_signal(struct dispatch *d, int signo);

bool inflight_storage(struct dispatch *d);	/* something waits for storage */
void inflight_init(struct dispatch *d);
void inflight_end(struct dispatch *d);
void inflight_watch(struct dispatch *d);	/* one has been accepted: is there a stall? */

#endif
