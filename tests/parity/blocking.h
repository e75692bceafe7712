/* SPDX-License-Identifier: MIT */
/* The files of victim_blocking: what waits for a peer, and how to end that. */
#ifndef BLOCKING_H
#define BLOCKING_H

#include "victim_env.h"

#define LENGTH 8
#define KINDS 12

struct kind {
	const char *name;
	void (*open)(int end[2]);	/* end[0] is what the requests use, end[1] the other one */
	void (*feed)(int fd);		/* lets a read of LENGTH bytes go through */
	int fills;			/* a write can block too: pages are drained at the other end */
};

extern const struct kind kinds[KINDS];

void fill(int fd);			/* until the kernel takes no byte more */
void drain(int fd);

#endif
