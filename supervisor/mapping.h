/* SPDX-License-Identifier: MIT */
/*
 * What is mapped where in a tracee. A descriptor of its /proc/PID/maps stays bound to the address
 * space that it had then, as that of /proc/PID/mem does.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util.h"

struct mapping {
	uaddr start, end;
	uint64_t offset;		/* in the file, of start */
	dev_t dev;			/* 0 with ino 0: no file */
	ino_t ino;
	bool readable, writable;
};

/*
 * The mapping that this address lies in, by the tracee's open "maps": 0; -ENOENT: none; another
 * -errno: cannot be told.
 */
int mapping_at(int maps_fd, uaddr at, struct mapping *out);

/* The same by reading all of them, as kernels before 6.11 make us. */
int mapping_by_text(int maps_fd, uaddr at, struct mapping *out);

/* The same of a task's address space of now. */
int mapping_of(pid_t tid, uaddr at, struct mapping *out);

#endif
