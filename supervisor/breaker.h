/* SPDX-License-Identifier: MIT */
/*
 * Breaks off a system call of the loop thread that waits against expectation: EINTR, after
 * BREAKER_NS at most. Around each such call enter and leave, on the loop thread; an interrupt that
 * comes late may hit the next system call.
 */
#ifndef BREAKER_H
#define BREAKER_H

#include "util.h"

#define BREAKER_NS (20 * NSEC_PER_MSEC)

int breaker_enter(void);	/* 0, or -errno: nobody would break it off */
void breaker_leave(void);

#endif
