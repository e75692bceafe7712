/* SPDX-License-Identifier: MIT */
/*
 * The host's own AIO. For POLL: nothing else in user space yields the raw key of a wake-up, which
 * is what a native POLL request reports, nor knows which files the kernel refuses. For the libaio
 * engine: storage.
 *
 * The loop thread only, but for hostaio_start(). A context costs the host its slots of
 * fs.aio-max-nr, and its end takes the kernel about 30 ms (an RCU grace period), at exit too.
 */
#ifndef HOSTAIO_H
#define HOSTAIO_H

#include <stdint.h>

enum {
	HOSTAIO_POLLS = 1024,	/* at the same time */
	HOSTAIO_BATCH = 32,
};

struct hostaio;
struct hostaio_slot;	/* one request; free again when it has been told */
struct io;
struct loop;

/*
 * What was submitted with `cookie` is finished; result: bytes or 0; a poll mask, 0 when cancelled;
 * or -errno. Its slot is free already.
 */
typedef void hostaio_fn(void *arg, void *cookie, int64_t result);

/*
 * after(arg) is called when all of one wake-up have been told. NULL with errno: ENOSYS, EPERM (a
 * container's profile), EAGAIN (fs.aio-max-nr is used up), ENOMEM.
 */
struct hostaio *hostaio_create(struct loop *loop, unsigned slots, hostaio_fn *fn,
			       void (*after)(void *arg), void *arg);
/*
 * The same, but what an eventfd's signal completes is to be harvested at once, not a moment later:
 * costs a thread.
 */
struct hostaio *hostaio_create_awaited(struct loop *loop, unsigned slots, hostaio_fn *fn,
				       void (*after)(void *arg), void *arg);
void hostaio_destroy(struct hostaio *h);	/* accepts NULL */

/* 0 and *out; -EAGAIN: no room; other errors are what a native io_submit of this poll says. */
int hostaio_poll(struct hostaio *h, int fd, uint16_t events, void *cookie,
		 struct hostaio_slot **out);
void hostaio_cancel(struct hostaio *h, struct hostaio_slot *poll);	/* it will be told soon */

/* A transfer or sync is taken, prepared and started; until then it can be put back. */
struct hostaio_slot *hostaio_take(struct hostaio *h, void *cookie);	/* NULL: none is free */
void hostaio_put(struct hostaio *h, struct hostaio_slot *slot);
void hostaio_prepare(struct hostaio *h, struct hostaio_slot *slot, const struct io *io,
		     uint32_t more_rw_flags);

/*
 * io_submit of up to HOSTAIO_BATCH, from any thread: how many of the first ones were taken, or
 * -errno of the first. What the host cannot do without waiting it waits for here.
 */
int hostaio_start(struct hostaio *h, struct hostaio_slot *const *slots, unsigned count);

/* Tells what is finished, without after(): what was complete at its submission is. */
void hostaio_harvest(struct hostaio *h);

#endif
