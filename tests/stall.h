/* SPDX-License-Identifier: MIT */
/* victim_stall in two: who must be quick (victim_stall.c), and what hangs meanwhile (stall_hangs.c). */
#ifndef STALL_H
#define STALL_H

#include "parity/victim_env.h"

#include <libaio.h>

#define BLOCK 4096u
#define HANGS 10

struct hang {
	void (*hang)(int fd);	/* in a process of its own; may come back */
	int flags;		/* of the FUSE file */
	int itself;		/* by a call of its own, where FUSE lets nobody be killed */
};

extern const struct hang hangs[HANGS];
extern const char *disk_file;

void tell_ready(void);		/* what comes next hangs */

static inline char *blocks(unsigned n)
{
	char *p = mmap(NULL, n * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	memset(p, 's', n * BLOCK);
	return p;
}

static inline io_context_t setup(int depth)
{
	io_context_t ctx = NULL;

	need(io_setup(depth, &ctx) == 0);
	return ctx;
}

#endif
