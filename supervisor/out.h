/* SPDX-License-Identifier: MIT */
/*
 * Where lines go: a file, the input of a command, or stderr. Opened before PROGRAM starts, written
 * by the trace's thread. Each write(2) ends at the end of a line, so that a run that is killed
 * leaves whole lines. The first error ends an output: one warning at the end tells what is missing.
 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util.h"

struct out;

/* NULL: stderr; "|COMMAND": its standard input. NULL after a message. */
struct out *out_open(const char *name);
/* NAME.PID, open only while something is written to it. NULL: ENOMEM. */
struct out *out_open_part(const char *name, pid_t pid);
/* Writes what is left, closes, and warns if lines are missing. Accepts NULL. */
void out_close(struct out *o);

/* A regular file that both would write into. */
bool out_same_file(const struct out *a, const struct out *b);

/* A line is built by any number of these and then ended. */
void out_bytes(struct out *o, const void *bytes, size_t count);
void out_text(struct out *o, const char *text);
void out_u64(struct out *o, uint64_t value);
void out_i64(struct out *o, int64_t value);
void out_hex(struct out *o, uint64_t value);	/* 0x1f */
void out_printf(struct out *o, const char *fmt, ...) printf_like(2, 3);
/* Room for so much of a line, to be filled; and where that ends. NULL: no memory, as above. */
char *out_reserve(struct out *o, size_t count);
void out_advance(struct out *o, const char *end);
void out_end_line(struct out *o);	/* the newline is the caller's */
void out_flush(struct out *o);		/* all ended lines; accepts NULL */
size_t out_column(const struct out *o);		/* bytes of the line that is being built */
bool out_to_stderr(const struct out *o);
bool out_to_terminal(const struct out *o);

/* In the guardian: its copies of the descriptors are closed, the commands stay. */
void out_part(struct out *o);		/* accepts NULL */
/* There too, at the end: waits until the command has read everything and ended; frees. */
void out_wait(struct out *o);		/* accepts NULL */

#endif
