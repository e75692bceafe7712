/* SPDX-License-Identifier: MIT */
/*
 * Where pidfd_getfd is refused: descriptors that a tracee's shim passes to us by a socket, for its
 * next io_submit (shim/channel_abi.h). It passes what it likes, so that it can do to itself what
 * dup2 does. A thread owns it; loop thread only.
 */
#ifndef PASSED_H
#define PASSED_H

#include "channel_abi.h"

struct passed;

struct passed *passed_create(const int32_t *wanted, unsigned count);	/* NULL with errno */
int passed_fd(const struct passed *p);		/* the end for the tracee */
void passed_given(struct passed *p);		/* closes it: the tracee has it, or never will */
void passed_destroy(struct passed *p);		/* accepts NULL */

/* A duplicate of what it has as descriptor fd, or -errno: it has passed none. Accepts NULL. */
int passed_take(struct passed *p, int fd);

#endif
