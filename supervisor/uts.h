/* SPDX-License-Identifier: MIT */
/* The UTS namespace of a tracee's thread, for what the calling thread does in between. */
#ifndef UTS_H
#define UTS_H

#include <sys/types.h>

/* The way back, or -1: it is ours already, or may not be entered. */
int uts_enter(pid_t tid);
void uts_leave(int back);		/* accepts -1 */

#endif
