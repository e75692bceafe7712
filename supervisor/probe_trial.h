/* SPDX-License-Identifier: MIT */
/* A trial: a victim makes one call under a listener that is ours. For the probe_*.c files only. */
#ifndef PROBE_TRIAL_H
#define PROBE_TRIAL_H

#include <stdint.h>
#include <sys/syscall.h>

#include "probe_impl.h"

enum {
	TRIAL_CALL = SYS_getppid,	/* never fails, and the victim makes it only on purpose */
	TRIAL_VALUE = 0x51a5a,		/* our answer, which no call would give by itself */
};

struct trial_plan {
	long nr;
	unsigned int flags;		/* SECCOMP_FILTER_FLAG_*, besides NEW_LISTENER */
	bool untrapped;			/* no listener: just make the call */
};

struct trial_report {
	long value;			/* what the call returned, or -errno */
	bool is_fd;			/* and it is an open descriptor there */
};

struct trial {
	struct victim victim;
	int listener;			/* -1: untrapped */
};

#define TRIAL_NONE { .victim = { .sock = -1, .its_sock = -1 }, .listener = -1 }
#define auto_trial cleanup(trial_close) struct trial

/*
 * 0 with the call on its way; or -errno, what the kernel or a policy says to a listener; -EPIPE: it
 * died.
 */
int trial_open(struct trial *t, const struct trial_plan *plan);
void trial_close(struct trial *t);

int trial_arrives(const struct trial *t);	/* 1: notified; 0: ended without; or -errno */
int trial_receive(const struct trial *t, uint64_t *id);
int trial_reply(const struct trial *t, uint64_t id, long value);
int trial_report(const struct trial *t, struct trial_report *report);

/* Receives the call, answers it, and checks that its caller saw the answer. 0 or -errno. */
int trial_exchange(const struct trial *t);

#endif
