/* SPDX-License-Identifier: MIT */
/*
 * Which file a request is for: the one that its descriptor names when it is submitted, whatever is in
 * flight on that number; and for how long it is held.
 */
#include "victim.h"

static aio_context_t ctx;

/* What a read of the descriptor brings, by AIO. */
static void content(const char *tag, int fd)
{
	char buf[8] = "";
	struct iocb cb;
	const char *how = outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, buf, sizeof(buf) - 1, 0));

	obs(tag, "%s %s", how, buf);
}

/* A poll that waits, on the descriptor. */
static struct iocb *waiting(struct iocb *cb, int fd, unsigned events)
{
	need(aio_submit1(ctx, prep_poll(cb, fd, events)) == 1);
	return cb;
}

/* What the null engine does not drain is ready already. */
static void cancel(struct iocb *cb)
{
	struct io_event ev;
	long ret = aio_cancel(ctx, cb, NULL);

	need((ret == -EINPROGRESS || ret == -EINVAL) && reap(ctx, 1, &ev) == 1);
}

static void replaced(void)
{
	struct iocb first, second;
	int p[2], q[2];

	need(!pipe(p) && !pipe(q) && write(q[1], "other", 5) == 5);
	waiting(&first, p[0], POLLIN);
	need(dup2(q[0], p[0]) == p[0]);
	content("7.file/replaced", p[0]);
	waiting(&second, p[0], POLLIN);
	close(p[0]);
	content("7.file/closed", p[0]);
	cancel(&first);
	cancel(&second);
}

static void flags_changed(void)
{
	struct iocb cb;
	int p[2];

	need(!pipe(p));
	waiting(&cb, p[0], POLLIN);
	need(!fcntl(p[0], F_SETFL, O_NONBLOCK));
	content("7.file/made-non-blocking", p[0]);
	cancel(&cb);
	close(p[0]);
	close(p[1]);
}

static const char *end_of_pipe(int fd)
{
	char c;

	return num(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10000) == 1 ? read(fd, &c, 1) : -1);
}

/* Who reads from a pipe sees its end when nobody has the other one open. */
static void held(void)
{
	struct pollfd now = { .events = POLLIN };
	struct iocb cb;
	int p[2];

	need(!pipe(p));
	waiting(&cb, p[1], 0);
	close(p[1]);
	now.fd = p[0];
	obs_num("10.holds/no-end-yet", poll(&now, 1, 0));
	cancel(&cb);
	obs("10.holds/end-when-cancelled", "%s", end_of_pipe(p[0]));
	close(p[0]);

	need(!pipe(p));
	obs("10.holds/done", "%s", outcome(ctx, prep_poll(&cb, p[1], POLLOUT)));
	close(p[1]);
	obs("10.holds/end-when-done", "%s", end_of_pipe(p[0]));
	close(p[0]);
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	replaced();
	flags_changed();
	held();
	return victim_end();
}
