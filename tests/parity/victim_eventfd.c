/* SPDX-License-Identifier: MIT */
/* Section 16: the eventfd of a request. */
#include "victim.h"

#include <pthread.h>
#include <sys/eventfd.h>

#define ROUNDS 500
#define FILLINGS 8000
#define FILLING_NS 5000000000ull
#define NO_ROUND UINT_MAX

static aio_context_t ctx;
static struct ring *ring;
static int zero_fd;
static char buf[64];

static struct iocb *with_fd(struct iocb *cb, int fd)
{
	cb->aio_flags = IOCB_FLAG_RESFD;
	cb->aio_resfd = fd;
	return cb;
}

static long long count_of(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) < 0 ? -errno : (long long)value;
}

static void empty_ring(void)
{
	ring->head = ring->tail;
}

static void counting(void)
{
	struct iocb cb[3], *list[3];
	struct io_event ev[3];
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), p[2];

	need(!pipe(p));
	obs_num("16.one/none-yet", count_of(fd));
	for (int i = 0; i < 3; i++)
		list[i] = with_fd(prep(&cb[i], IOCB_CMD_PREAD, zero_fd, buf, 8, 0), fd);
	cb[1].aio_buf = 0;
	obs_num("16.one/submit-3", aio_submit(ctx, 3, list));
	obs_num("16.one/one-per-completion", count_of(fd));
	obs_num("16.one/three-events", reap_now(ctx, 3, ev));
	obs_num("16.one/error-event-too", ev[1].res);
	cb[0].aio_fildes = -1;
	obs_num("16.refused/submit", aio_submit1(ctx, list[0]));
	obs_num("16.refused/does-not-count", count_of(fd));
	prep(&cb[0], IOCB_CMD_PREAD, zero_fd, buf, 0, 0);
	obs_num("16.one/length-0", aio_submit1(ctx, with_fd(&cb[0], fd)));
	obs_num("16.one/length-0-counts", count_of(fd));
	with_fd(prep_poll(&cb[0], p[0], POLLIN), fd);
	obs_num("16.one/poll", aio_submit1(ctx, list[0]));
	obs_num("16.one/poll-waits", count_of(fd));
	obs_num("16.one/cancel", aio_cancel(ctx, list[0], ev));
	obs_num("16.one/cancelled-event", reap(ctx, 2, ev));
	need(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10000) == 1);
	obs_num("16.one/cancelled-counts", count_of(fd));
	close(fd);
}

static void closed(void)
{
	struct iocb cb;
	struct io_event ev;
	int fd = eventfd(0, EFD_CLOEXEC), copy = dup(fd), p[2];

	need(!pipe(p));
	with_fd(prep_poll(&cb, p[0], POLLIN), fd);
	obs_num("16.closed/submit", aio_submit1(ctx, &cb));
	close(fd);
	need(write(p[1], "x", 1) == 1);
	obs_num("16.closed/event", reap(ctx, 1, &ev));
	obs_num("16.closed/counted-nevertheless", count_of(copy));
	close(copy);
}

static void saturated(void)
{
	struct pollfd pfd = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .events = POLLIN };
	uint64_t most = UINT64_MAX - 1;
	struct iocb cb;

	prep(&cb, IOCB_CMD_PREAD, zero_fd, buf, 8, 0);
	need(write(pfd.fd, &most, sizeof(most)) == sizeof(most));
	obs_num("16.full/submit", aio_submit1(ctx, with_fd(&cb, pfd.fd)));
	obs_num("16.full/event-at-once", (ring->tail + ring->nr - ring->head) % ring->nr);
	obs_num("16.full/submit-again", aio_submit1(ctx, &cb));
	obs_num("16.full/event-again", (ring->tail + ring->nr - ring->head) % ring->nr);
	poll(&pfd, 1, 0);
	obs("16.full/state", "%#x", pfd.revents);
	obs_yes("16.full/count-is-2^64-1", read(pfd.fd, &most, sizeof(most)) == 8 &&
		most == UINT64_MAX);
	empty_ring();
	close(pfd.fd);
}

static void semaphore(void)
{
	int fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	struct iocb cb, *list[2] = { &cb, &cb };

	prep(&cb, IOCB_CMD_PREAD, zero_fd, buf, 8, 0);
	with_fd(&cb, fd);
	obs_num("16.semaphore/submit", aio_submit(ctx, 2, list));
	obs_num("16.semaphore/first", count_of(fd));
	obs_num("16.semaphore/second", count_of(fd));
	obs_num("16.semaphore/third", count_of(fd));
	empty_ring();
	close(fd);
}

/* One request may watch the very eventfd that it signals. */
static void polls_its_own(void)
{
	struct iocb poller, reader;
	struct io_event ev[2];
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	prep_poll(&poller, fd, POLLIN);
	obs_num("10.own-eventfd/poll", aio_submit1(ctx, with_fd(&poller, fd)));
	prep(&reader, IOCB_CMD_PREAD, zero_fd, buf, 8, 0);
	obs_num("10.own-eventfd/read", aio_submit1(ctx, with_fd(&reader, fd)));
	obs_num("10.own-eventfd/events", reap(ctx, 2, ev));
	obs_yes("10.own-eventfd/read-first", ev[0].obj == (uintptr_t)&reader);
	obs_num("10.own-eventfd/poll-res", ev[1].res);
	empty_ring();
	close(fd);
}

/* Whoever is woken by the eventfd finds the event: tail first, then the count. */

static void *waker(void *arg)
{
	const int *fd = arg;
	char c;

	for (int i = 0; i < ROUNDS; i++)
		need(write(fd[1], "x", 1) == 1 && read(fd[2], &c, 1) == 1);
	return NULL;
}

static void tail_first(void)
{
	int fd = eventfd(0, EFD_CLOEXEC), p[2], back[2], ends[3];
	unsigned found = 0, counted = 0;
	pthread_t thread;
	char c;

	need(!pipe(p) && !pipe(back));
	ends[1] = p[1];
	ends[2] = back[0];
	need(!pthread_create(&thread, NULL, waker, ends));
	for (int i = 0; i < ROUNDS; i++) {
		struct iocb cb;

		prep_poll(&cb, p[0], POLLIN);
		need(aio_submit1(ctx, with_fd(&cb, fd)) == 1);
		counted += count_of(fd) == 1;
		found += ring->head != ring->tail;
		empty_ring();
		need(read(p[0], &c, 1) == 1 && write(back[1], "x", 1) == 1);
	}
	pthread_join(thread, NULL);
	obs_num("16.tail-first/counted", counted);
	obs_num("16.tail-first/event-found", found);
}

/* --- somebody fills it while requests are counted --------------------------------------------------- */

struct filler {
	int fd;
	_Atomic unsigned round, done;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A different while after each round has begun. */
static void *fills(void *arg)
{
	const uint64_t full = UINT64_MAX - 1;
	struct filler *f = arg;

	for (unsigned i = 1;; i++) {
		uint64_t begin;

		while (f->round != i) {
			if (f->round == NO_ROUND)
				return NULL;
		}
		begin = now_ns();
		while (now_ns() - begin < i * 37 % 20000)
			;
		need(write(f->fd, &full, sizeof(full)) == sizeof(full));
		f->done = i;
	}
}

/* A completion waits for nobody who could read the eventfd. */
static void filled_meanwhile(void)
{
	struct filler f = { .fd = eventfd(0, EFD_CLOEXEC) };
	struct pollfd p = { .fd = f.fd, .events = POLLIN };
	const uint64_t end = now_ns() + FILLING_NS;
	unsigned rounds = 0, accepted = 0, events = 0;
	struct io_event ev;
	pthread_t thread;
	struct iocb cb;

	need(!pthread_create(&thread, NULL, fills, &f));
	prep(&cb, IOCB_CMD_PREAD, zero_fd, buf, sizeof(buf), 0);
	/* without an io_uring each may take 30 ms */
	while (rounds < FILLINGS && now_ns() < end) {
		const unsigned i = ++rounds;

		f.round = i;
		accepted += aio_submit1(ctx, with_fd(&cb, f.fd)) == 1;
		events += reap(ctx, 1, &ev);
		while (f.done != i || poll(&p, 1, 0) == 1) {
			if (poll(&p, 1, 0) == 1)
				count_of(f.fd);
		}
	}
	f.round = NO_ROUND;
	need(!pthread_join(thread, NULL));
	obs_yes("16.full/filled-meanwhile", rounds && accepted == rounds && events == rounds);
	close(f.fd);
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ctx = aio_context(8);
	ring = ring_of(ctx);
	counting();
	closed();
	saturated();
	semaphore();
	polls_its_own();
	tail_first();
	filled_meanwhile();
	return victim_end();
}
