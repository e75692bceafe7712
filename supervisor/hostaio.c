/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls, because the kernel's header and libaio's cannot be included together, and
 * because libaio would add nothing. The kernel identifies a request by the address of its iocb, and
 * writes into it at submission; so iocbs are slots of ours that stay put while a poll is in flight.
 * Completions arrive through an eventfd in the loop. It is signalled after the event is in the
 * ring: draining it first and looking second loses nothing.
 */
#include "hostaio.h"

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "list.h"
#include "loop.h"
#include "util.h"

enum { BATCH = 32 };

struct hostaio_poll {
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
	struct list unused;
	struct hostaio_poll polls[HOSTAIO_POLLS];
};

static void drain(struct hostaio *h)
{
	uint64_t count;

	if (read(h->event_fd, &count, sizeof(count)) < 0)
		return;		/* EAGAIN: nothing was signalled */
}

static bool take(struct hostaio *h)
{
	struct io_event events[BATCH];
	struct timespec at_once = { 0 };
	long n;

	do		/* task work of io_uring counts as a signal; nothing was taken */
		n = syscall(SYS_io_getevents, h->context, 0L, (long)BATCH, events, &at_once);
	while (n < 0 && errno == EINTR);
	for (long i = 0; i < n; i++) {
		struct iocb *iocb = (struct iocb *)(uintptr_t)events[i].obj;
		struct hostaio_poll *poll = container_of(iocb, struct hostaio_poll, iocb);

		list_add(&h->unused, &poll->node);
		h->fn(h->arg, poll->cookie, events[i].res);
	}
	return n > 0;
}

void hostaio_harvest(struct hostaio *h)
{
	while (take(h))
		drain(h);
}

static void signalled(void *arg, unsigned events)
{
	struct hostaio *h = arg;

	drain(h);
	hostaio_harvest(h);
	h->after(h->arg);
}

static int start(struct hostaio *h, struct loop *loop)
{
	if (syscall(SYS_io_setup, (unsigned)HOSTAIO_POLLS, &h->context))
		return neg_errno();
	h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->event_fd < 0)
		return neg_errno();
	h->watch = loop_watch(loop, h->event_fd, LOOP_READ, signalled, h);
	return h->watch ? 0 : -ENOMEM;
}

struct hostaio *hostaio_create(struct loop *loop, hostaio_fn *fn, void (*after)(void *arg),
			       void *arg)
{
	struct hostaio *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return NULL;
	h->event_fd = -1;
	h->fn = fn;
	h->after = after;
	h->arg = arg;
	list_init(&h->unused);
	for (unsigned i = 0; i < HOSTAIO_POLLS; i++)
		list_add_tail(&h->unused, &h->polls[i].node);
	rc = start(h, loop);
	if (!rc)
		return h;
	hostaio_destroy(h);
	errno = -rc;
	return NULL;
}

void hostaio_destroy(struct hostaio *h)
{
	if (!h)
		return;
	loop_unwatch(h->watch);
	if (h->context)
		syscall(SYS_io_destroy, h->context);
	close_fd(&h->event_fd);
	free(h);
}

int hostaio_submit(struct hostaio *h, int fd, uint16_t events, void *cookie,
		   struct hostaio_poll **out)
{
	struct hostaio_poll *poll = list_first(&h->unused, struct hostaio_poll, node);
	struct iocb *iocb;

	if (!poll)
		return -EAGAIN;
	iocb = &poll->iocb;
	*iocb = (struct iocb){
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = (uint32_t)fd,
		.aio_buf = events,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)h->event_fd,
	};
	if (syscall(SYS_io_submit, h->context, 1L, &iocb) != 1)
		return neg_errno();
	list_del(&poll->node);
	poll->cookie = cookie;
	*out = poll;
	return 0;
}

/*
 * EINPROGRESS and EINVAL (finished meanwhile) mean the same here: its event is, or will be, in the
 * ring.
 */
void hostaio_cancel(struct hostaio *h, struct hostaio_poll *poll)
{
	struct io_event unused;

	syscall(SYS_io_cancel, h->context, &poll->iocb, &unused);
}
