/* SPDX-License-Identifier: MIT */
/* Section 13: io_cancel. Success is EINPROGRESS, and the event comes through the ring. */
#include "victim.h"

static aio_context_t ctx;
static int p[2], zero_fd;

static void arguments(void)
{
	char *page = pages(1);
	struct iocb cb, *half = (void *)(page + PAGE - 8);
	struct io_event ev;

	obs_num("13.1/iocb-null", aio_cancel(ctx, NULL, &ev));
	obs_num("13.1/iocb-kernel", aio_cancel(ctx, (void *)KERNEL_ADDRESS, &ev));
	obs_num("13.1/iocb-null-bad-ctx", aio_cancel(0, NULL, NULL));
	obs_num("13.1/iocb-key-unmapped", aio_cancel(ctx, half, &ev));
	half = (void *)(page + PAGE - 12);
	memset(half, 0, 12);
	obs_num("13.1/only-key-mapped", aio_cancel(ctx, half, &ev));
	prep_poll(&cb, p[0], POLLIN);
	cb.aio_key = 1;
	obs_num("13.2/key-not-zero", aio_cancel(ctx, &cb, &ev));
	obs_num("13.2/key-not-zero-bad-ctx", aio_cancel(0, &cb, &ev));
	cb.aio_key = 0;
	obs_num("13.3/bad-ctx", aio_cancel(0, &cb, &ev));
	obs_num("13.4/never-submitted", aio_cancel(ctx, &cb, &ev));
}

static void a_poll(void)
{
	struct io_event ev, result, untouched;
	struct iocb cb, copy;

	memset(&result, 0x5a, sizeof(result));
	untouched = result;
	prep_poll(&cb, p[0], POLLIN);
	obs_num("13.5/submit", aio_submit1(ctx, &cb));
	copy = cb;
	obs_num("13.fields/copy", aio_cancel(ctx, &copy, &result));
	cb.aio_key = 5;
	obs_num("13.2/key-changed", aio_cancel(ctx, &cb, &result));
	memset(&cb, 0xff, sizeof(cb));
	cb.aio_key = 0;
	obs_num("13.5/cancel", aio_cancel(ctx, &cb, &result));
	obs_num("13.second/cancel", aio_cancel(ctx, &cb, &result));
	obs_yes("13.result/untouched", !memcmp(&result, &untouched, sizeof(result)));
	obs_num("13.event/event", reap(ctx, 1, &ev));
	obs("13.event/event-res", "%s %s", num(ev.res), num(ev.res2));
	obs_yes("13.event/event-obj-and-data", ev.obj == (uintptr_t)&cb &&
		ev.data == (uintptr_t)&cb + 1);
	obs_num("13.4/after-event", aio_cancel(ctx, &cb, &result));
	obs_num("13.event/no-more-events", reap_now(ctx, 1, &ev));

	prep_poll(&cb, p[0], POLLIN);
	obs_num("13.5/submit-again", aio_submit1(ctx, &cb));
	obs_num("13.result/null", aio_cancel(ctx, &cb, NULL));
	obs_num("13.event/event-again", reap(ctx, 1, &ev));
}

/* The same iocb in flight twice: one cancel takes one, the oldest. */
static void twice(void)
{
	struct iocb cb, *list[2] = { &cb, &cb };
	struct io_event ev;
	int other[2];

	need(!pipe(other));
	prep_poll(&cb, p[0], POLLIN);
	cb.aio_data = 1;
	need(aio_submit1(ctx, &cb) == 1);
	prep_poll(&cb, other[0], POLLIN);
	cb.aio_data = 2;
	need(aio_submit1(ctx, &cb) == 1);
	obs_num("13.4/oldest", aio_cancel(ctx, &cb, NULL));
	obs_num("13.4/oldest-event", reap(ctx, 1, &ev));
	obs_num("13.4/oldest-data", ev.data);
	obs_num("13.4/other-event-waits", reap_now(ctx, 1, &ev));
	need(write(other[1], "x", 1) == 1);
	obs_num("13.4/other-event", reap(ctx, 1, &ev));
	obs("13.4/other-event-data", "%d", (int)ev.data);

	prep_poll(&cb, p[0], POLLIN);
	obs_num("13.4/twice-in-a-list", aio_submit(ctx, 2, list));
	obs_num("13.4/twice-first-cancel", aio_cancel(ctx, &cb, NULL));
	obs_num("13.4/twice-second-cancel", aio_cancel(ctx, &cb, NULL));
	obs_num("13.4/twice-third-cancel", aio_cancel(ctx, &cb, NULL));
	obs_num("13.4/twice-events", reap(ctx, 1, &ev) + reap(ctx, 1, &ev));
}

/* What is complete or cannot be cancelled says EINVAL. */
static void others(void)
{
	struct iocb cb, poll_other_ctx;
	struct io_event ev;
	aio_context_t other = aio_context(1);
	char buf[8];

	prep(&cb, IOCB_CMD_PREAD, zero_fd, buf, 8, 0);
	obs_num("13.only-poll/read", aio_submit1(ctx, &cb));
	obs_num("13.only-poll/complete-read", aio_cancel(ctx, &cb, &ev));
	obs_num("13.only-poll/read-event", reap(ctx, 1, &ev));
	obs_num("13.only-poll/read-res", ev.res);
	prep_poll(&poll_other_ctx, p[0], POLLIN);
	need(aio_submit1(other, &poll_other_ctx) == 1);
	obs_num("13.4/of-another-context", aio_cancel(ctx, &poll_other_ctx, &ev));
	obs_num("13.5/of-its-context", aio_cancel(other, &poll_other_ctx, &ev));
	obs_num("13.3/destroy", aio_destroy(other));
	obs_num("13.3/destroyed", aio_cancel(other, &poll_other_ctx, &ev));
}

static void unmapped(void)
{
	struct iocb *cb = (void *)pages(1);
	struct io_event ev;

	prep_poll(cb, p[0], POLLIN);
	need(aio_submit1(ctx, cb) == 1);
	need(!mprotect(cb, PAGE, PROT_NONE));
	obs_num("13.1/iocb-unmapped", aio_cancel(ctx, cb, &ev));
	need(!mprotect(cb, PAGE, PROT_READ));
	obs_num("13.fields/iocb-read-only", aio_cancel(ctx, cb, &ev));
	obs_num("13.fields/iocb-read-only-event", reap(ctx, 1, &ev));
}

/* After a cancel the file can be polled again, and its data are still there. */
static void again(void)
{
	struct iocb cb;
	struct io_event ev;

	prep_poll(&cb, p[0], POLLIN);
	need(aio_submit1(ctx, &cb) == 1);
	need(aio_cancel(ctx, &cb, NULL) == -EINPROGRESS && reap(ctx, 1, &ev) == 1);
	need(write(p[1], "x", 1) == 1);
	obs("10.cancelled/poll-again", "%s", outcome(ctx, prep_poll(&cb, p[0], POLLIN)));
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	need(!pipe(p));
	ctx = aio_context(8);
	arguments();
	a_poll();
	twice();
	others();
	unmapped();
	again();
	return victim_end();
}
