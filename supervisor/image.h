/* SPDX-License-Identifier: MIT */
/*
 * What a program file is to a loader that finds our object in LD_PRELOAD. A sanitizer's runtime is
 * looked for among what the file itself needs, not among what that needs.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>

enum image_kind {
	IMAGE_UNKNOWN,		/* it could not be read */
	IMAGE_OTHER,		/* no program file: a text without `#!`, a directory, ... */
	IMAGE_LOADS,		/* dynamic, x86-64 */
	IMAGE_STATIC,		/* nobody reads LD_PRELOAD there */
	IMAGE_REFUSES,		/* foreign class or machine, or needs a sanitizer's shared runtime */
	IMAGE_SCRIPT,		/* `#!`: its interpreter decides */
};

enum { IMAGE_INTERPRETER_BYTES = 256, IMAGE_HOPS = 5 };	/* both as in fs/exec.c, fs/binfmt_script.c */

struct image {
	enum image_kind kind;
	char interpreter[IMAGE_INTERPRETER_BYTES];	/* SCRIPT */
};

/* Of an O_PATH descriptor. Waits for the file system. */
void image_look(int path_fd, struct image *out);
/*
 * The same of what a path leads to, through `#!` up to the last interpreter, with the paths and
 * rights of the calling process. Never SCRIPT.
 */
enum image_kind image_of_path(const char *path);

#endif
