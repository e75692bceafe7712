/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls, because the kernel's header and libaio's cannot be included together, and
 * because libaio would add nothing. The kernel identifies a request by the address of its iocb, and
 * writes into it at submission; so iocbs are slots of ours that stay put while a poll is in flight.
 * Completions arrive through an eventfd in the loop. It is signalled after the event is in the
 * ring: draining it first and looking second loses nothing.
 *
 * An eventfd cannot be signalled from within another's wake-up: a poll of one, with one, is put
 * into the ring by a worker of the kernel, whenever that gets a CPU (aio_poll_wake(), 6.18). Where
 * that matters the requests have none, and a thread of ours waits for events: its buffer is nowhere,
 * so that io_getevents(2) says EFAULT when there is one, and takes none. The thread then signals the
 * loop in the kernel's place, and waits until it has been heard.
 */
#include "hostaio.h"

#include <assert.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "io.h"
#include "loop.h"
#include "util.h"

#define RING_MAGIC 0xa10a10a1u

/* The start of the ring that the kernel maps (struct aio_ring in fs/aio.c). */
struct ring_header {
	uint32_t id, nr;
	uint32_t head, tail;
	uint32_t magic;
};

struct hostaio_slot {
	struct list node;	/* of the free ones */
	void *cookie;
	struct iocb iocb;
};

struct hostaio {
	aio_context_t context;
	int event_fd;
	struct loop_watch *watch;
	hostaio_fn *fn;
	void (*after)(void *arg);
	void *arg;
	bool awaited;		/* by the thread */
	pthread_t thread;
	int heard_fd;		/* eventfd: the thread may look again */
	struct list unused;
	struct hostaio_slot slots[];
};

static void count_up(int event_fd)
{
	const uint64_t one = 1;

	while (write(event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;	/* it is never full */
}

static void drain(struct hostaio *h)
{
	uint64_t count;

	if (read(h->event_fd, &count, sizeof(count)) < 0)
		return;		/* EAGAIN: nothing was signalled */
	if (h->awaited)
		count_up(h->heard_fd);
}

static void *await_events(void *arg)
{
	const struct hostaio *h = arg;
	uint64_t count;

	for (;;) {
		if (syscall(SYS_io_getevents, h->context, 1L, 1L, NULL, NULL) >= 0 ||
		    errno == EINTR)
			continue;
		if (errno != EFAULT)
			return NULL;	/* the context is gone */
		count_up(h->event_fd);
		while (read(h->heard_fd, &count, sizeof(count)) < 0 && errno == EINTR)
			continue;
	}
}

static int start_thread(struct hostaio *h)
{
	sigset_t all, old;
	int rc;

	h->heard_fd = eventfd(0, EFD_CLOEXEC);
	if (h->heard_fd < 0)
		return neg_errno();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&h->thread, NULL, await_events, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	h->awaited = rc == 0;
	return -rc;
}

/* Saves the call when there is nothing, which is the rule after a submission. */
static bool ring_empty(const struct hostaio *h)
{
	const struct ring_header *ring = (const struct ring_header *)(uintptr_t)h->context;

	return ring->magic == RING_MAGIC && __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) ==
						    __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
}

static bool take_events(struct hostaio *h)
{
	struct io_event events[HOSTAIO_BATCH];
	struct timespec at_once = { 0 };
	long n;

	if (ring_empty(h))
		return false;
	do		/* task work of io_uring counts as a signal; nothing was taken */
		n = syscall(SYS_io_getevents, h->context, 0L, (long)HOSTAIO_BATCH, events,
			    &at_once);
	while (n < 0 && errno == EINTR);
	for (long i = 0; i < n; i++) {
		struct iocb *iocb = (struct iocb *)(uintptr_t)events[i].obj;
		struct hostaio_slot *slot = container_of(iocb, struct hostaio_slot, iocb);

		list_add(&h->unused, &slot->node);
		h->fn(h->arg, slot->cookie, events[i].res);
	}
	return n > 0;
}

/* struct aio_ring of fs/aio.c: whether something is there can be seen without a system call. */
static bool events_wait(const struct hostaio *h)
{
	const uint32_t *header = (const uint32_t *)(uintptr_t)h->context;

	return __atomic_load_n(&header[3], __ATOMIC_ACQUIRE) != header[2];
}

void hostaio_harvest(struct hostaio *h)
{
	while (events_wait(h) && take_events(h))
		drain(h);
}

static void signalled(void *arg, unsigned events)
{
	struct hostaio *h = arg;

	drain(h);
	hostaio_harvest(h);
	h->after(h->arg);
}

static int start(struct hostaio *h, struct loop *loop, unsigned slots, bool awaited)
{
	if (syscall(SYS_io_setup, slots, &h->context))
		return neg_errno();
	h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->event_fd < 0)
		return neg_errno();
	h->watch = loop_watch(loop, h->event_fd, LOOP_READ, signalled, h);
	if (!h->watch)
		return -ENOMEM;
	return awaited ? start_thread(h) : 0;
}

static struct hostaio *create(struct loop *loop, unsigned slots, hostaio_fn *fn,
			      void (*after)(void *arg), void *arg, bool awaited)
{
	struct hostaio *h = calloc(1, sizeof(*h) + slots * sizeof(h->slots[0]));
	int rc;

	if (!h)
		return NULL;
	h->event_fd = -1;
	h->heard_fd = -1;
	h->fn = fn;
	h->after = after;
	h->arg = arg;
	list_init(&h->unused);
	for (unsigned i = 0; i < slots; i++)
		list_add_tail(&h->unused, &h->slots[i].node);
	rc = start(h, loop, slots, awaited);
	if (!rc)
		return h;
	hostaio_destroy(h);
	errno = -rc;
	return NULL;
}

struct hostaio *hostaio_create(struct loop *loop, unsigned slots, hostaio_fn *fn,
			       void (*after)(void *arg), void *arg)
{
	return create(loop, slots, fn, after, arg, false);
}

struct hostaio *hostaio_create_awaited(struct loop *loop, unsigned slots, hostaio_fn *fn,
				       void (*after)(void *arg), void *arg)
{
	return create(loop, slots, fn, after, arg, true);
}

void hostaio_destroy(struct hostaio *h)
{
	if (!h)
		return;
	loop_unwatch(h->watch);
	if (h->context)
		syscall(SYS_io_destroy, h->context);
	if (h->awaited) {
		count_up(h->heard_fd);
		pthread_join(h->thread, NULL);
	}
	close_fd(&h->heard_fd);
	close_fd(&h->event_fd);
	free(h);
}

struct hostaio_slot *hostaio_take(struct hostaio *h, void *cookie)
{
	struct list *node = list_pop(&h->unused);
	struct hostaio_slot *slot = node ? list_entry(node, struct hostaio_slot, node) : NULL;

	if (slot)
		slot->cookie = cookie;
	return slot;
}

void hostaio_put(struct hostaio *h, struct hostaio_slot *slot)
{
	list_add(&h->unused, &slot->node);
}

int hostaio_start(struct hostaio *h, struct hostaio_slot *const *slots, unsigned count)
{
	struct iocb *iocbs[HOSTAIO_BATCH];
	long n;

	for (unsigned i = 0; i < count; i++)
		iocbs[i] = &slots[i]->iocb;
	n = syscall(SYS_io_submit, h->context, (long)count, iocbs);
	return n < 0 ? neg_errno() : (int)n;
}

static void fill(struct hostaio *h, struct iocb *iocb, const struct iocb *with)
{
	*iocb = *with;
	if (h->awaited)
		return;
	iocb->aio_flags |= IOCB_FLAG_RESFD;
	iocb->aio_resfd = (uint32_t)h->event_fd;
}

/* The buffer itself, or the vector of several. */
static void fill_transfer(struct iocb *iocb, const struct io *io, uint16_t one, uint16_t vector)
{
	const bool single = io->iov_count == 1;

	iocb->aio_lio_opcode = single ? one : vector;
	iocb->aio_buf = (uintptr_t)(single ? io->iov->iov_base : io->iov);
	iocb->aio_nbytes = single ? io->iov->iov_len : io->iov_count;
	iocb->aio_offset = io->offset;
	iocb->aio_rw_flags = (__kernel_rwf_t)io->rw_flags;
	if (io->has_ioprio) {
		iocb->aio_flags = IOCB_FLAG_IOPRIO;
		iocb->aio_reqprio = (int16_t)io->ioprio;
	}
}

void hostaio_prepare(struct hostaio *h, struct hostaio_slot *slot, const struct io *io,
		     uint32_t more_rw_flags)
{
	struct iocb iocb = { .aio_fildes = (uint32_t)io->file->fd };

	switch (io->op) {
	case IO_READ:
		fill_transfer(&iocb, io, IOCB_CMD_PREAD, IOCB_CMD_PREADV);
		break;
	case IO_WRITE:
		fill_transfer(&iocb, io, IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV);
		break;
	case IO_FSYNC:
		iocb.aio_lio_opcode = IOCB_CMD_FSYNC;
		break;
	case IO_FDSYNC:
		iocb.aio_lio_opcode = IOCB_CMD_FDSYNC;
		break;
	case IO_POLL:
		assert(!"hostaio_poll()");
	}
	iocb.aio_rw_flags |= (__kernel_rwf_t)more_rw_flags;
	fill(h, &slot->iocb, &iocb);
}

int hostaio_poll(struct hostaio *h, int fd, uint16_t events, void *cookie,
		 struct hostaio_slot **out)
{
	const struct iocb poll = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)fd, .aio_buf = events,
	};
	struct hostaio_slot *slot = hostaio_take(h, cookie);
	int n;

	if (!slot)
		return -EAGAIN;
	fill(h, &slot->iocb, &poll);
	n = hostaio_start(h, &slot, 1);
	if (n == 1) {
		*out = slot;
		return 0;
	}
	hostaio_put(h, slot);
	return n;
}

/*
 * EINPROGRESS and EINVAL (finished meanwhile) mean the same here: its event is, or will be, in the
 * ring.
 */
void hostaio_cancel(struct hostaio *h, struct hostaio_slot *poll)
{
	struct io_event unused;

	syscall(SYS_io_cancel, h->context, &poll->iocb, &unused);
}
