/* SPDX-License-Identifier: MIT */
/* Sets of calls and of request operations: a bit for each. */
#ifndef TRACE_SET_H
#define TRACE_SET_H

#include <stdint.h>

#define TRACE_SET_ALL UINT32_MAX
#define TRACE_SET_OPS 0x0000ffffu	/* the bits of operations ... */
#define TRACE_SET_CALLS 0x003f0000u	/* ... and those of the six calls */

/*
 * "all", "none", calls, ops and classes, with commas; "!" inverts. NULL, or the word that is none.
 */
const char *trace_set_parse(const char *text, uint32_t *set);

uint32_t trace_set_op(unsigned opcode);		/* IOCB_CMD_*: its bit */
uint32_t trace_set_call(unsigned nr);		/* of the system call */

#endif
