/* SPDX-License-Identifier: MIT */
/* Pipes, polls, eventfds, signals; and the ring of one of these contexts moves. */
#include "accepted.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/time.h>

/* It is looked for at its new place. */
static void move_ring(io_context_t *ctx)
{
	void *at;

	if (mremap(*ctx, 0, BLOCK, MREMAP_MAYMOVE) == MAP_FAILED)	/* its size is not known here */
		return;
	at = memory(64 * BLOCK);
	at = mremap(*ctx, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	if (at != MAP_FAILED)
		*ctx = at;
}

static void nothing(int signo)
{
}

static void pipes(io_context_t ctx)
{
	struct iocb cb[3], *list[3] = { &cb[0], &cb[1], &cb[2] };
	struct io_event ev[3] = { { 0 } };
	char in[8] = "", out[8] = "abcdefg", back[8] = "";
	int to[2], from[2];
	unsigned n;

	need(!pipe2(from, O_CLOEXEC) && !pipe2(to, O_CLOEXEC));
	io_prep_pread(&cb[0], from[0], in, sizeof(in), 0);
	io_prep_poll(&cb[1], from[0], POLLIN);
	io_prep_pwrite(&cb[2], to[1], out, sizeof(out), 0);
	n = submit(ctx, 3, list);
	for (int i = 0; i < 2; i++)	/* one may be taken before the poll has seen it */
		need(write(from[1], out, sizeof(out)) == sizeof(out));
	reap(ctx, cb, n, ev);
	wrong_if(n > 0 && (long)ev[0].res > 0 && memcmp(in, out, ev[0].res), "a pipe gave other data");
	wrong_if(n > 1 && !((long)ev[1].res > 0 && ev[1].res & POLLIN) && !is_plausible((long)ev[1].res), "a poll gave %ld",
		 (long)ev[1].res);
	if (n > 2 && (long)ev[2].res > 0)
		wrong_if(read(to[0], back, sizeof(back)) != (long)ev[2].res ||
			 memcmp(back, out, ev[2].res), "what a pipe was given is not in it");
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

/* A request that waits for ever is cancelled by io_cancel (a poll) or io_destroy (a read). */
static void cancelled(io_context_t ctx)
{
	struct iocb cb[2], *list[2] = { &cb[0], &cb[1] };
	struct io_event ev[2] = { { 0 } };
	static char in[8];
	int fds[2], rc;
	unsigned n;

	need(!pipe2(fds, O_CLOEXEC));
	io_prep_poll(&cb[0], fds[0], POLLIN);
	io_prep_pread(&cb[1], fds[0], in, sizeof(in), 0);
	n = submit(ctx, 2, list);
	rc = n > 0 ? io_cancel(ctx, &cb[0], ev) : -EAGAIN;
	if (n > 0 && rc == -EINPROGRESS)
		reap(ctx, cb, 1, ev);
	else
		wrong_if(n > 0 && rc != -EINVAL && !may_refuse(rc), "io_cancel: %d", rc);
	close(fds[1]);
	close(fds[0]);
}

static void counted(io_context_t ctx)
{
	const double begin = now();
	struct iocb cb[4], *list[4];
	struct io_event ev[4];
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), fd = file_open("counted", O_DIRECT);
	char *data = memory(4 * BLOCK);
	uint64_t sum = 0, got;
	unsigned n;

	need(efd >= 0);
	for (unsigned i = 0; i < 4; i++) {
		fill(data + i * BLOCK, BLOCK, i);
		io_prep_pwrite(&cb[i], fd, data + i * BLOCK, BLOCK, (long long)i * BLOCK);
		io_set_eventfd(&cb[i], efd);
		list[i] = &cb[i];
	}
	n = submit(ctx, 4, list);
	while (sum < n && now() - begin < PATIENCE_SECONDS) {
		struct pollfd p = { .fd = efd, .events = POLLIN };

		if (poll(&p, 1, 200) > 0 && read(efd, &got, sizeof(got)) == sizeof(got))
			sum += got;
	}
	wrong_if(sum != n, "the eventfd has counted %u of %u", (unsigned)sum, n);
	reap(ctx, cb, n, ev);
	for (unsigned i = 0; i < n && !wrong; i++)
		check_written(fd, "counted", &ev[i], (long long)i * BLOCK, BLOCK, i);
	close(fd);
	close(efd);
}

/* A signal ends the wait. */
static void interrupted(io_context_t ctx)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval soon = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 }, never = { 0 };
	struct timespec limit = { PATIENCE_SECONDS, 0 };
	struct io_event ev;
	int rc;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	rc = io_getevents(ctx, 1, 1, &ev, &limit);
	setitimer(ITIMER_REAL, &never, NULL);
	wrong_if(rc != -EINTR && !may_refuse(rc), "an interrupted io_getevents gave %d", rc);
}

/* SIGPIPE and SIGXFSZ are raised behind io_submit. */
static void signals(io_context_t ctx)
{
	struct rlimit old, limit;
	struct iocb cb, *list = &cb;
	struct io_event ev = { 0 };
	static char data[BLOCK];
	int fds[2], fd = file_open("limited", 0);

	signal(SIGPIPE, nothing);
	signal(SIGXFSZ, nothing);
	need(!pipe2(fds, O_CLOEXEC));
	close(fds[0]);
	io_prep_pwrite(&cb, fds[1], data, sizeof(data), 0);
	if (submit(ctx, 1, &list) == 1) {
		reap(ctx, &cb, 1, &ev);
		wrong_if((long)ev.res != -EPIPE && !is_plausible((long)ev.res),
			 "a pipe without reader gave %ld", (long)ev.res);
	}
	close(fds[1]);
	need(getrlimit(RLIMIT_FSIZE, &old) == 0);
	limit = old;
	limit.rlim_cur = BLOCK;
	need(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	io_prep_pwrite(&cb, fd, data, sizeof(data), BLOCK);
	if (submit(ctx, 1, &list) == 1) {
		reap(ctx, &cb, 1, &ev);
		wrong_if((long)ev.res != -EFBIG && !is_plausible((long)ev.res),
			 "a write beyond the limit gave %ld", (long)ev.res);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	close(fd);
}

void step_peers(void)
{
	void (*const parts[])(io_context_t) = { pipes, cancelled, counted, interrupted, signals };
	io_context_t ctx;

	for (unsigned i = 0; i < ARRAY_SIZE(parts) && !wrong; i++) {
		if (setup(DEPTH, &ctx))
			return;
		if (i == 2)
			move_ring(&ctx);
		parts[i](ctx);
		destroy(ctx);
	}
}
