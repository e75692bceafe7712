/* SPDX-License-Identifier: MIT */
/*
 * victim_accepted in four: calls that may be refused (accepted_calls.c), the steps with files (accepted_files.c),
 * those with peers and signals (accepted_peers.c), lives, the judge and main() (victim_accepted.c).
 */
#ifndef ACCEPTED_H
#define ACCEPTED_H

#include "parity/victim_env.h"

#include <libaio.h>

#define BLOCK 4096u
#define DEPTH 16u
#define PATIENCE_SECONDS 3

extern int wrong;
#define wrong_if(cond, ...) do { if (cond) { printf(__VA_ARGS__); puts(""); wrong = 1; } } while (0)

int file_open(const char *name, int flags);	/* in DIRECTORY */

void *memory(size_t bytes);
/* What block `number` is filled with; holds() looks at that from byte `from` on. */
void fill(char *at, size_t bytes, uint32_t number);
int holds(const char *at, size_t bytes, size_t from, uint32_t number);
double now(void);		/* seconds */

/* Errors that the kernel could give too: of a call, of a request. */
int may_refuse(long rc);
int is_plausible(long res);

int setup(unsigned nr, io_context_t *ctx);
unsigned submit(io_context_t ctx, unsigned count, struct iocb **list);	/* how many were accepted */
/* Exactly one event for each of the iocbs; events[i] is that of cb[i]. */
void reap(io_context_t ctx, struct iocb *cb, unsigned count, struct io_event *events);
void destroy(io_context_t ctx);

/* What the event says that was written at `at` is there. */
void check_written(int fd, const char *what, const struct io_event *ev, long long at, size_t bytes,
		   uint32_t number);

void step_short(void);
void step_io(void);
void step_large(void);
void step_peers(void);

#endif
