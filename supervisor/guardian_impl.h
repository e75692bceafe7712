/* SPDX-License-Identifier: MIT */
/* What the guardian's own files share. */
#ifndef GUARDIAN_IMPL_H
#define GUARDIAN_IMPL_H

#include <sys/types.h>

enum guardian_word {
	GUARDIAN_STARTED,	/* value: pid; with a pidfd of PROGRAM and the listener */
	GUARDIAN_STATUS,	/* value: wait status of PROGRAM */
	GUARDIAN_FAILED,	/* value: exit status that we shall have */
};

struct guardian_message {
	enum guardian_word word;
	int value;
	int program_pidfd;	/* -1: none came; else the receiver's, CLOEXEC */
	int listener_fd;
};

/* Guardian's side. 1: *out is filled; 0: nothing waits; -EPIPE: the supervisor's end is closed. */
int guardian_hear(int fd, struct guardian_message *out);

/* Children that we have before the supervisor is forked are not of the tree. */
void kill_tree_spare_children(void);

#endif
