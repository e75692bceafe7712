/* SPDX-License-Identifier: MIT */
/*
 * Section 17: the ring read in the ways of known programs, each written down here in the way that
 * its source takes. A producer thread makes events all the time, so that the ring moves and wraps.
 */
#include "victim.h"

#include <pthread.h>
#include <sys/eventfd.h>

#define EVENTS 3000u
#define BATCH 20u

/* libaio's, with its own struct io_event of the same layout: not counted, see victim.h */
int io_getevents(aio_context_t ctx, long min_nr, long nr, struct io_event *events,
		 struct timespec *timeout);

static aio_context_t ctx;
static struct ring *ring;
static int zero_fd, event_fd = -1;
static _Atomic unsigned taken;

/* Events 0, 1, 2, ... in data, never more than BATCH in the ring. */
static void *producer(void *arg)
{
	static char byte;

	for (unsigned i = 0; i < EVENTS; i++) {
		struct iocb cb;

		while (i - taken >= BATCH)
			poll(NULL, 0, 0);	/* gives the CPU away; no time passes */
		prep(&cb, IOCB_CMD_PREAD, zero_fd, &byte, 1, 0);
		cb.aio_data = i;
		if (event_fd >= 0) {
			cb.aio_flags = IOCB_FLAG_RESFD;
			cb.aio_resfd = event_fd;
		}
		need(aio_submit1(ctx, &cb) == 1);
	}
	return NULL;
}

/* Runs one reader beside the producer: how many events it found good and in order. */
static void read_by(const char *tag, unsigned (*take)(unsigned next))
{
	pthread_t thread;
	unsigned good = 0;

	ctx = aio_context(64);
	ring = ring_of(ctx);
	taken = 0;
	need(!pthread_create(&thread, NULL, producer, NULL));
	while (taken < EVENTS) {
		unsigned before = taken;

		good += take(taken);
		if (taken == before)
			poll(NULL, 0, 0);	/* the same: a ring read in place gives no event */
	}
	pthread_join(thread, NULL);
	obs(tag, "%u of %u", good, taken);
	aio_destroy(ctx);
}

static unsigned is_good(const struct io_event *ev, unsigned number)
{
	return ev->data == number && ev->res == 1 && !ev->res2 && ev->obj;
}

/* QEMU: in place, from head to tail; head is moved when all have been looked at. */
static unsigned qemu(unsigned next)
{
	uint32_t head = ring->head, tail = ring->tail, nr = ring->nr;
	unsigned n = tail >= head ? tail - head : nr - head + tail, good = 0;

	for (unsigned i = 0; i < n; i++)
		good += is_good(&ring->event[(head + i) % nr], next + i);
	ring->head = (head + n) % nr;
	taken += n;
	return good;
}

/* fio: one after the other, head moved for each. */
static unsigned fio(unsigned next)
{
	uint32_t head = ring->head;
	unsigned good;

	if (head == ring->tail)
		return 0;
	good = is_good(&ring->event[head], next);
	ring->head = (head + 1) % ring->nr;
	taken++;
	return good;
}

/* Artemis: copied one by one, wrapped by nr, head stored once. */
static unsigned artemis(unsigned next)
{
	struct io_event ev[BATCH];
	uint32_t head = ring->head, tail = ring->tail;
	unsigned n = 0, good = 0;

	while (head != tail && n < BATCH) {
		ev[n++] = ring->event[head++];
		if (head >= ring->nr)
			head = 0;
	}
	ring->head = head;
	for (unsigned i = 0; i < n; i++)
		good += is_good(&ev[i], next + i);
	taken += n;
	return good;
}

/* SPDK, Seastar: copied out in two parts where they wrap, from header_length on. */
static unsigned copied(unsigned next)
{
	struct io_event ev[BATCH];
	const struct io_event *from = (void *)((char *)ring + ring->header_length);
	uint32_t head = ring->head, tail = ring->tail, nr = ring->nr;
	unsigned n = tail >= head ? tail - head : nr - head + tail, first, good = 0;

	n = n < BATCH ? n : BATCH;
	first = head + n > nr ? nr - head : n;
	memcpy(ev, from + head, first * sizeof(*ev));
	memcpy(ev + first, from, (n - first) * sizeof(*ev));
	ring->head = (head + n) % nr;
	for (unsigned i = 0; i < n; i++)
		good += is_good(&ev[i], next + i);
	taken += n;
	return good;
}

/* nginx: waits for the eventfd; as many events as it tells are there without waiting. */
static unsigned nginx(unsigned next)
{
	struct timespec now = { 0 };
	struct io_event ev[BATCH];
	unsigned good = 0;
	uint64_t count;
	long n;

	if (read(event_fd, &count, sizeof(count)) < 0)
		return 0;
	need(count <= BATCH);
	for (uint64_t left = count; left; left -= n) {
		n = aio_getevents(ctx, 1, left, ev, &now);
		need(n > 0);
		for (long i = 0; i < n; i++)
			good += is_good(&ev[i], next + (count - left) + i);
	}
	taken += count;
	return good;
}

/* libaio asks the kernel nothing about an empty ring that is not to be waited for. */
static void libaio(void)
{
	struct timespec now = { 0 };
	struct io_event ev;
	struct iocb cb;
	long calls;

	ctx = aio_context(8);
	calls = victim_count->calls;
	obs_num("17.libaio/empty", io_getevents(ctx, 1, 1, &ev, &now));
	obs_num("17.libaio/empty-bad-min", io_getevents(ctx, 2, 1, &ev, &now));
	obs_num("17.libaio/empty-bad-nr", io_getevents(ctx, -1, -1, &ev, &now));
	victim_count->calls = calls + 1;	/* the next one is a system call */
	obs_num("17.libaio/bad-min-no-timeout", io_getevents(ctx, 2, 1, &ev, NULL));
	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, zero_fd, &ev, 0, 0)) == 1);
	victim_count->calls++;
	obs_num("17.libaio/one", io_getevents(ctx, 1, 1, &ev, &now));
	aio_destroy(ctx);
}

/* Which operations there are is asked by trying them. */
static void probes(void)
{
	struct iocb cb;
	struct io_event ev;
	int fd = tmp_open(O_RDWR), p[2], pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	long submit;

	need(!pipe(p) && pty >= 0);
	ctx = aio_context(8);
	ring = ring_of(ctx);
	submit = aio_submit1(ctx, prep(&cb, IOCB_CMD_FDSYNC, fd, NULL, 0, 0));
	obs("17.qemu/has-fdsync", "%s %s", num(submit), num(aio_cancel(ctx, &cb, &ev)));
	need(reap(ctx, 1, &ev) == 1);
	obs("17.seastar/layout", "%#x %u %u", ring->magic, ring->incompat, ring->header_length);
	obs_num("17.seastar/poll", aio_submit1(ctx, prep_poll(&cb, p[1], POLLOUT)));
	obs_num("17.seastar/pgetevents", aio_pgetevents(ctx, 1, 1, &ev, NULL, NULL));
	obs("17.libev/layout", "%#x %u %u", ring->magic, ring->incompat, ring->header_length);
	obs_num("17.libev/poll", aio_submit1(ctx, prep_poll(&cb, p[0], POLLIN)));
	obs_num("17.libev/poll-cancel", aio_cancel(ctx, &cb, &ev));
	obs_num("17.libev/poll-of-a-tty", aio_submit1(ctx, prep_poll(&cb, pty, POLLIN)));
	aio_destroy(ctx);
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	read_by("17.qemu/in-place", qemu);
	read_by("17.fio/one-by-one", fio);
	read_by("17.spdk/two-parts", copied);
	read_by("17.artemis/by-ring-nr", artemis);
	event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	read_by("17.nginx/as-many-as-told", nginx);
	libaio();
	probes();
	return victim_end();
}
