/* SPDX-License-Identifier: MIT */
/*
 * Strings of a tracee, and among them those of an environment that it hands to execve. They may be
 * anything: each look is bounded.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include <sys/types.h>

#include "util.h"

enum { ENVIRONMENT_NAME_MAX = 32 };

/* A string; its bytes without the NUL, or -errno: -E2BIG: it does not fit. */
ssize_t environment_read(pid_t tid, uaddr at, char *to, size_t size);
/*
 * Of the first string that begins like this (NAME=): where it goes on. 0, -ENOENT, or -EAGAIN: there
 * are more than so many strings, and it is none of the first.
 */
int environment_find(pid_t tid, uaddr env, const char *begin, unsigned most, uaddr *at);

#endif
