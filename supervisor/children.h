/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's children: PROGRAM, and whoever else of the tree lost its parent. All are reaped
 * as SIGCHLD arrives. Because the supervisor is a child subreaper, "no child is left" is "no tracee
 * is left".
 *
 * waitpid() here takes any child's status, also the stops of a thread that is traced: an episode of
 * remote.h ends before the next call of these, unless it is late, which `stopped` knows.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

struct children;
struct loop;

struct children_events {
	/* PROGRAM stopped, was continued, or ended */
	void (*program)(void *arg, int wait_status);
	/* a stop: true if it was one of a thread that we trace */
	bool (*stopped)(void *arg, pid_t tid, int wait_status);
	/* once, after PROGRAM's end was told */
	void (*none_left)(void *arg);
	void *arg;
};

/* Needs SIGCHLD blocked in all threads. NULL with errno. */
struct children *children_watch(struct loop *loop, pid_t program,
				const struct children_events *events);
void children_destroy(struct children *c);	/* accepts NULL */

#endif
