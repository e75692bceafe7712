/* SPDX-License-Identifier: MIT */
/*
 * victim_lives in four: what all scenes need and the short ones (victim_lives.c), those who share an address space
 * (lives_share.c), who execute (lives_exec.c), who are many (lives_many.c).
 */
#ifndef LIVES_H
#define LIVES_H

#include "parity/victim_env.h"
#include "expect.h"

#include <libaio.h>
#include <pthread.h>
#include <sched.h>

#define BLOCK 4096u
#define DEPTH 32u

extern const char *file;
extern char *memory;		/* DEPTH blocks */

io_context_t setup(int depth);
/* Writes n blocks of c from block `first` on; they are in flight afterwards. What io_submit gave. */
int write_blocks(io_context_t in, unsigned first, unsigned n, char c);
int reap(io_context_t in, unsigned n);		/* 1 if n events came, all good */
int file_is(unsigned first, unsigned n, char c);
int round_trip(io_context_t in, unsigned first, unsigned n, char c);

/* The exit status of a scene, all of which is in one file. */
static inline int done(void)
{
	return failures != 0;
}

static inline char *stack_top(void)
{
	char *stack = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(stack != MAP_FAILED);
	return stack + 64 * PAGE;
}

int scene_share(char **argv);
int scene_image(char **argv);
int scene_failed_exec(char **argv);
int scene_exec(char **argv);
int scene_exec_thread(char **argv);
int scene_many(char **argv);

#endif
