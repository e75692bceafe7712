/* SPDX-License-Identifier: MIT */
/*
 * What nobody but the calling thread can do for its call: copy from and to memory that only a
 * program's own copies reach (memfd_secret, [vvar], a device's), and transfer data there, or its own
 * signals. A handler notes an errand and parks; it is asked again when the errand is done.
 */
#ifndef ERRAND_H
#define ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "dispatch.h"

struct iocb;

/*
 * After tracee_read() or tracee_write() has failed: 0 when the thread has copied it; -EINPROGRESS:
 * it is to do so (an errand is noted); -EFAULT.
 */
int errand_read(struct call *call, uaddr at, void *to, size_t length_bytes);
int errand_read_argument(struct call *call, uaddr at, void *to,
			 size_t length_bytes);	/* by tracee_read() first */
int errand_write(struct call *call, uaddr at, const struct iovec *from, unsigned count);
/* So many bytes have been copied to there; UINT64_MAX: nobody has tried. */
uint64_t errand_written(const struct call *call, uaddr at);
void errand_forget_copies(struct call *call);	/* the next ones are other ones */

/*
 * The thread is to do this transfer of its io_submit; the request, not yet accepted, is the
 * errand's. False: it cannot.
 */
bool errand_transfer(struct call *call, struct request *r, const struct iocb *cb);
/*
 * Gives both back when that is done, with its result; -EINPROGRESS: it could not be done at all.
 * NULL: there is none.
 */
struct request *errand_transferred(struct call *call, const struct iocb **cb, int64_t *result);

/*
 * Before finished requests are published: keeps those whose read the caller must do anew, and, when
 * it has, publishes them.
 */
void errand_hold(struct dispatch *d, struct list *ios);
void errand_deliver(struct dispatch *d, struct call *call);

bool errand_wanted(const struct call *call);
bool errand_signal_waits(const struct call *call);	/* for a thread that stands */
/* dispatch.c's: the handler has parked the call for its errand. */
void errand_run(struct dispatch *d, struct call *call);
void errand_answer(struct call *call, const struct verdict *v);	/* by the thread that stands */
void errand_back(struct call *call);	/* it shall wait in its call, and makes it again */
void errand_give_up(struct dispatch *d, struct call *call);	/* its context is gone */
void errand_end(struct dispatch *d, struct call *call);

#endif
