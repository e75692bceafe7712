/* SPDX-License-Identifier: MIT */
/*
 * Where pidfd_getfd is refused: descriptors that a tracee's shim passes to us by a socket, for its
 * next io_submit (shim/channel_abi.h). It passes what it likes, so that it can do to itself what
 * dup2 does. A thread owns it; loop thread only. A handler may submit between the passing and the
 * call, so there may be two: the younger one is for the call that comes next.
 */
#ifndef PASSED_H
#define PASSED_H

#include "channel_abi.h"

struct passed;

/*
 * before: what the thread has already; taken over, in any case. NULL with errno.
 */
struct passed *passed_create(struct passed *before, const int32_t *wanted, unsigned count);
struct passed *passed_over(struct passed *p);	/* its call is: what was there before. Accepts NULL */
int passed_fd(const struct passed *p);		/* the end for the tracee */
void passed_given(struct passed *p);		/* closes it: the tracee has it, or never will */
void passed_destroy(struct passed *p);		/* accepts NULL */

/* A duplicate of what it has as descriptor fd, or -errno: it has passed none. Accepts NULL. */
int passed_take(struct passed *p, int fd);

#endif
