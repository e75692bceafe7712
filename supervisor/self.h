/* SPDX-License-Identifier: MIT */
/* The supervisor's own process and its host. */
#ifndef SELF_H
#define SELF_H

unsigned self_possible_cpus(void);
void self_unblock_faults(void);		/* signals of our own mistakes */
void self_leave_terminal(void);
void self_raise_limits(void);		/* our own, when PROGRAM has been started */

#endif
