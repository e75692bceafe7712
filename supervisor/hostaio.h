/* SPDX-License-Identifier: MIT */
/*
 * The host's own AIO, for POLL only: nothing else in user space yields the raw key of a wake-up,
 * which is what a native POLL request reports, nor knows which files the kernel refuses.
 *
 * The loop thread only. One context; it costs the host HOSTAIO_POLLS of fs.aio-max-nr, and its end
 * takes the kernel about 30 ms (an RCU grace period), at exit too: create it when it is needed.
 */
#ifndef HOSTAIO_H
#define HOSTAIO_H

#include <stdint.h>

enum { HOSTAIO_POLLS = 1024 };	/* at the same time */

struct hostaio;
struct hostaio_poll;	/* one poll in flight; gone when it has been told */
struct loop;

/* A poll of `cookie` is finished; result: a poll mask, 0 when cancelled, or -errno. */
typedef void hostaio_fn(void *arg, void *cookie, int64_t result);

/*
 * after(arg) is called when all polls of one wake-up have been told. NULL with errno: ENOSYS, EPERM
 * (a container's profile), EAGAIN (fs.aio-max-nr is used up), ENOMEM.
 */
struct hostaio *hostaio_create(struct loop *loop, hostaio_fn *fn, void (*after)(void *arg),
			       void *arg);
void hostaio_destroy(struct hostaio *h);	/* accepts NULL */

/* 0 and *out; -EAGAIN: no room; other errors are what a native io_submit of this poll says. */
int hostaio_submit(struct hostaio *h, int fd, uint16_t events, void *cookie,
		   struct hostaio_poll **out);

/* Tells what is finished, without after(): a poll that was ready at its submission is. */
void hostaio_harvest(struct hostaio *h);
void hostaio_cancel(struct hostaio *h, struct hostaio_poll *poll);	/* it will be told soon */

#endif
