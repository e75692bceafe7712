/* SPDX-License-Identifier: MIT */
/* What the guardian's own files share. */
#ifndef GUARDIAN_IMPL_H
#define GUARDIAN_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pulse;

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

/* Looks at the pulse about once a second, and says where the loop is stuck: once per turn. */
struct pulse_watch {
	const struct pulse *pulse;
	pid_t supervisor;
	int stat_fd;		/* of its loop thread; negative: could not be opened */
	uint64_t named_turn;
	uint64_t running_turn;	/* the last that was found running, and its time on a CPU then */
	uint64_t running_cpu_ns;
};

void pulse_watch_init(struct pulse_watch *w, const struct pulse *pulse, pid_t supervisor);
void pulse_check(struct pulse_watch *w);

/* Is a turn of over a second stuck, found in this state with so much time on a CPU? */
bool pulse_stuck(struct pulse_watch *w, uint64_t turn, char state, uint64_t cpu_ns);

/* Children that we have before the supervisor is forked are not of the tree. */
void kill_tree_spare_children(void);

#endif
