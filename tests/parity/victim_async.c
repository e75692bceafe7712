/* SPDX-License-Identifier: MIT */
/*
 * Section 8.1: what is complete when io_submit returns, and what comes later. What may come later
 * is only seen to do so now and then; it is tried until it does.
 */
#include "victim.h"

#include <sched.h>

#define TRIES 400
#define BLOCK (256u << 10)
#define BLOCKS 16u

static aio_context_t ctx;
static struct ring *ring;
static char *buf;

static unsigned in_ring(void)
{
	return (ring->tail + ring->nr - ring->head) % ring->nr;
}

/* How many events are in the ring as io_submit leaves it; then all are waited for. */
static unsigned at_once(struct iocb **list, unsigned n)
{
	struct io_event ev[BLOCKS];
	unsigned there;

	need(aio_submit(ctx, n, list) == (long)n);
	there = in_ring();
	need(reap(ctx, n, ev) == (long)n);
	for (unsigned i = 0; i < n; i++)
		need(ev[i].res >= 0);
	return there;
}

static unsigned one_at_once(int op, int fd, size_t len, long offset)
{
	struct iocb cb, *list[] = { prep(&cb, op, fd, op < 2 ? buf : NULL, len, offset) };

	return at_once(list, 1);
}

/* A file of BLOCKS blocks on disk, opened for O_DIRECT too where that can be. */
static int disk_file(int *buffered)
{
	char path[64];
	int fd;

	*buffered = tmp_open(O_RDWR);
	for (unsigned i = 0; i < BLOCKS; i++)
		need(write(*buffered, buf, BLOCK) == BLOCK);
	need(!fsync(*buffered));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *buffered);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	return fd < 0 ? *buffered : fd;
}

static void complete(int direct, int buffered)
{
	struct iocb cb;
	struct io_event ev;
	int p[2], mem = memfd_create("m", MFD_CLOEXEC);

	need(!pipe(p) && write(p[1], "x", 1) == 1 && !ftruncate(mem, 2 * BLOCK));
	need(aio_submit1(ctx, prep_poll(&cb, p[0], POLLIN)) == 1);
	obs_num("8.1.poll/ready", in_ring());
	need(aio_submit1(ctx, prep_poll(&cb, buffered, POLLIN)) == 1);
	obs_num("8.1.poll/file", in_ring());
	need(aio_submit1(ctx, prep_poll(&cb, p[1], POLLOUT)) == 1);
	obs_num("8.1.poll/writable", in_ring());
	need(reap(ctx, 1, &ev) == 1 && reap(ctx, 1, &ev) == 1 && reap(ctx, 1, &ev) == 1);
	obs_num("8.1.length-0/read", one_at_once(IOCB_CMD_PREAD, buffered, 0, 0));
	obs_num("8.1.length-0/write", one_at_once(IOCB_CMD_PWRITE, buffered, 0, 0));
	obs_num("8.1.length-0/vector", one_at_once(IOCB_CMD_PREADV, buffered, 0, 0));
	obs_num("8.1.length-0/direct-read", one_at_once(IOCB_CMD_PREAD, direct, 0, 0));
	obs_num("8.1.length-0/direct-write", one_at_once(IOCB_CMD_PWRITE, direct, 0, 0));
	fcntl(mem, F_SETFL, O_DIRECT);
	obs_num("8.1.direct-sync/memfd-write", one_at_once(IOCB_CMD_PWRITE, mem, BLOCK, 0));
	obs_num("8.1.direct-sync/memfd-read", one_at_once(IOCB_CMD_PREAD, mem, BLOCK, 0));
	obs_num("8.1.errors/direct-misaligned",
		(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, direct, buf, 100, 0)), in_ring()));
	need(reap(ctx, 1, &ev) == 1);
	close(mem);
}

/*
 * An O_DIRECT write at the end of a file of ext4, and of every other file system what that does. The
 * sandbox may have written 20 of them before it is seen, on a busy machine.
 */
static void extending(int direct)
{
	unsigned there = 0, n = 0;

	need(!ftruncate(direct, 0));
	while (n < 20 || (n < TRIES && there == n))
		there += one_at_once(IOCB_CMD_PWRITE, direct, 4096, n++ * 4096l);
	obs("8.1.extending/appended", "%s", there == n ? "at once" : "later");
	obs_num("8.1.extending/all-there", file_size(direct) == n * 4096l);
}

/* Whether something came after io_submit at least once. */
static const char *later(struct iocb **list, unsigned n)
{
	for (unsigned i = 0; i < TRIES; i++)
		if (at_once(list, n) < n)
			return "later";
	return "at once";
}

static void incomplete(int direct, int buffered)
{
	struct iocb cb[BLOCKS], *list[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++)
		list[i] = prep(&cb[i], IOCB_CMD_PREAD, direct, buf, BLOCK, (long)i * BLOCK);
	obs("8.1.direct-async/reads", "%s", later(list, BLOCKS));
	for (unsigned i = 0; i < BLOCKS; i++)
		list[i] = prep(&cb[i], IOCB_CMD_PWRITE, direct, buf, BLOCK, (long)i * BLOCK);
	obs("8.1.direct-async/overwrites", "%s", later(list, BLOCKS));
	list[0] = prep(&cb[0], IOCB_CMD_PWRITE, buffered, buf, 4096, 0);
	list[1] = prep(&cb[1], IOCB_CMD_FSYNC, buffered, NULL, 0, 0);
	obs("8.1.fsync-async/fsync", "%s", later(list, 2));
	prep(&cb[1], IOCB_CMD_FDSYNC, buffered, NULL, 0, 0);
	obs("8.1.fsync-async/fdsync", "%s", later(list, 2));
}

/* No read, write or sync can be cancelled, in flight or not. */
static void not_cancelled(int direct)
{
	struct iocb cb[BLOCKS + 1], *list[BLOCKS + 1];
	struct io_event ev[BLOCKS + 1];
	unsigned refused = 0;

	for (unsigned i = 0; i < BLOCKS; i++)
		list[i] = prep(&cb[i], i % 2 ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD, direct, buf, BLOCK,
			       (long)i * BLOCK);
	list[BLOCKS] = prep(&cb[BLOCKS], IOCB_CMD_FSYNC, direct, NULL, 0, 0);
	need(aio_submit(ctx, BLOCKS + 1, list) == BLOCKS + 1);
	for (unsigned i = 0; i <= BLOCKS; i++)
		refused += aio_cancel(ctx, list[BLOCKS - i], ev) == -EINVAL;
	obs_num("13.only-poll/in-flight", refused);
	obs_num("13.only-poll/in-flight-events", reap(ctx, BLOCKS + 1, ev));
}

static void mixed(int buffered)
{
	struct iocb cb[4], *list[4];
	struct io_event ev[4];
	int p[2];

	need(!pipe(p));
	list[0] = prep_poll(&cb[0], p[0], POLLIN);
	list[1] = prep(&cb[1], IOCB_CMD_PWRITE, buffered, buf, 4096, 0);
	list[2] = prep(&cb[2], IOCB_CMD_FSYNC, buffered, NULL, 0, 0);
	list[3] = prep(&cb[3], IOCB_CMD_PWRITE, buffered, buf, 4096, 4096);
	obs_num("8.1.mixed-list/submit", aio_submit(ctx, 4, list));
	obs_num("8.1.mixed-list/writes-at-once", in_ring() >= 2);
	obs_num("8.1.mixed-list/all-but-the-poll", reap(ctx, 3, ev));
	obs_num("8.1.poll-async/not-ready", in_ring());
	need(write(p[1], "x", 1) == 1);
	obs_num("8.1.poll-async/when-ready", reap(ctx, 1, ev + 3));
	for (int i = 0; i < 4; i++)
		ev[i].obj = ((struct iocb *)(uintptr_t)ev[i].obj) - cb;
	obs("8.1.mixed-list/order", "%d %d %d %d", (int)ev[0].obj, (int)ev[1].obj, (int)ev[2].obj,
	    (int)ev[3].obj);
}

static void as_completed(void)
{
	struct iocb cb[3];
	struct io_event ev[3];
	int p[3][2];

	for (int i = 0; i < 3; i++) {
		need(!pipe(p[i]) && aio_submit1(ctx, prep_poll(&cb[i], p[i][0], POLLIN)) == 1);
		cb[i].aio_data = i;
	}
	for (int i = 2; i >= 0; i--) {
		unsigned there = in_ring();

		need(write(p[i][1], "x", 1) == 1);
		while (in_ring() == there)
			sched_yield();
	}
	need(reap(ctx, 3, ev) == 3);
	obs("8.1.as-completed/last-first", "%d %d %d", (int)((struct iocb *)ev[0].obj - cb),
	    (int)((struct iocb *)ev[1].obj - cb), (int)((struct iocb *)ev[2].obj - cb));
}

int main(void)
{
	int direct, buffered;

	victim_start();
	ctx = aio_context(64);
	ring = ring_of(ctx);
	buf = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(buf != MAP_FAILED);
	memset(buf, 'a', BLOCK);
	direct = disk_file(&buffered);
	complete(direct, buffered);
	incomplete(direct, buffered);
	not_cancelled(direct);
	mixed(buffered);
	as_completed();
	extending(direct);
	return victim_end();
}
