/* SPDX-License-Identifier: MIT */
/*
 * The shim in an environment: LD_PRELOAD. The object lies beside the running program if it is there
 * (the build tree), else where `make install` puts it. What is executed later is preload_guard.c's.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <limits.h>
#include <stdbool.h>

#define PRELOAD_VARIABLE "LD_PRELOAD"

/*
 * In the child that becomes PROGRAM, as the user that it is then; `program` as in execvp(3). What
 * LD_PRELOAD holds already stays, before the shim: others, such as a sanitizer, may have to be the
 * first. 0, or -errno, and the environment is as it was: -ENOENT: there is no object that this user
 * can read; -EINVAL: its path has a space or a colon, which LD_PRELOAD cannot say; -ENOEXEC: PROGRAM
 * would not load it, or would not start with it.
 */
int preload_shim(const char *program);

enum { PRELOAD_PATHS = 2 };
struct preload_paths {
	char at[PRELOAD_PATHS][PATH_MAX + 32];	/* "": none */
};

/* Where the object may be, there or not. */
void preload_paths(struct preload_paths *out);
/* By the mode bits of the file and of the directories above it. */
bool preload_for_everyone(const char *path);
/* The value of an LD_PRELOAD without this entry, in its place; false: it is not in there. */
bool preload_remove(char *value, const char *entry);

#endif
