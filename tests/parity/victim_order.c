/* SPDX-License-Identifier: MIT */
/*
 * Section 8.1 and D1: what needs no waiting is done, in list order, when io_submit returns. Nothing
 * here waits for an event: the ring is looked at as io_submit left it.
 */
#include "victim.h"

#include <sys/socket.h>

static aio_context_t ctx;
static struct ring *ring;

static unsigned in_ring(void)
{
	return (ring->tail + ring->nr - ring->head) % ring->nr;
}

/* How many of the events now in the ring are those of the list, in its order. Empties the ring. */
static unsigned in_order(struct iocb **list, unsigned n)
{
	unsigned good = 0;

	for (uint32_t at = ring->head; at != ring->tail; at = (at + 1) % ring->nr) {
		victim_tell("event", ring->event[at].res);
		if (good < n && ring->event[at].obj == (uintptr_t)list[good])
			good++;
	}
	ring->head = ring->tail;
	return good;
}

static void one_write(void)
{
	struct timespec now = { 0 };
	struct io_event ev;
	struct iocb cb;
	int fd = tmp_open(O_RDWR);
	char back[8] = "";

	obs_num("8.1.buffered/write", aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, "12345678", 8, 0)));
	obs_num("8.1.buffered/write-size-after-submit", file_size(fd));
	obs_num("8.1.buffered/write-event-after-submit", in_ring());
	obs_num("8.1.buffered/write-content-after-submit", pread(fd, back, 8, 0));
	obs("8.1.buffered/write-content", "%.8s", back);
	obs_num("8.1.buffered/write-getevents-zero-timeout", aio_getevents(ctx, 1, 1, &ev, &now));
	memset(back, 0, 8);
	obs_num("8.1.buffered/read", aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, fd, back, 8, 0)));
	obs("8.1.buffered/read-content-after-submit", "%.8s", back);
	obs_num("8.1.buffered/read-event-after-submit", in_ring());
	obs_num("8.1.buffered/min-0-after-submit", aio_getevents(ctx, 0, 1, &ev, NULL));
	close(fd);
}

static void one_list(void)
{
	struct iocb cb[4], *list[4];
	int fd = tmp_open(O_RDWR);
	char back[8] = "", early[8] = "";

	list[0] = prep(&cb[0], IOCB_CMD_PWRITE, fd, "firstone", 8, 0);
	list[1] = prep(&cb[1], IOCB_CMD_PREAD, fd, early, 8, 0);
	list[2] = prep(&cb[2], IOCB_CMD_PWRITE, fd, "second", 6, 0);
	list[3] = prep(&cb[3], IOCB_CMD_PREAD, fd, back, 8, 0);
	obs_num("7.list-order/list", aio_submit(ctx, 4, list));
	obs("7.list-order/list-first-read", "%.8s", early);
	obs("7.list-order/list-second-write-wins", "%.8s", back);
	obs_num("7.list-order/list-in-order", in_order(list, 4));
	close(fd);
}

static void errors_in_order(void)
{
	struct iocb cb[5], *list[5];
	int fd = tmp_open(O_RDWR);
	char back[8];

	list[0] = prep(&cb[0], IOCB_CMD_PWRITE, fd, "abc", 3, 0);
	list[1] = prep(&cb[1], IOCB_CMD_PREAD, fd, NULL, 3, 0);
	list[2] = prep(&cb[2], IOCB_CMD_PREAD, fd, back, 8, 1);
	list[3] = prep_poll(&cb[3], fd, POLLIN);
	list[4] = prep(&cb[4], IOCB_CMD_PWRITE, fd, NULL, 0, 0);
	obs_num("8.1.errors/submit", aio_submit(ctx, 5, list));
	obs("8.1.errors/results", "%s %s %s %s %s", num(ring->event[ring->head].res),
	    num(ring->event[ring->head + 1].res), num(ring->event[ring->head + 2].res),
	    num(ring->event[ring->head + 3].res), num(ring->event[ring->head + 4].res));
	obs_num("8.1.errors/in-order", in_order(list, 5));
	close(fd);
}

static void appends(void)
{
	struct iocb cb[26], *list[26];
	char alphabet[27] = "abcdefghijklmnopqrstuvwxyz", back[27] = "";
	int fd = tmp_open(O_RDWR | O_APPEND);

	for (unsigned i = 0; i < 26; i++)
		list[i] = prep(&cb[i], IOCB_CMD_PWRITE, fd, alphabet + i, 1, 0);
	obs_num("7.list-order/appends", aio_submit(ctx, 26, list));
	memset(alphabet, '-', 26);
	obs_num("7.list-order/appends-read", pread(fd, back, 26, 0));
	obs("7.list-order/appends-content", "%s", back);
	obs_num("7.list-order/appends-in-order", in_order(list, 26));
	close(fd);
}

/* Pipes, sockets and devices that are ready; a POLL that is not stays behind. */
static void streams(void)
{
	struct iocb cb[7], *list[7];
	char back[8] = "", peer[8] = "", zero[4] = "xxx";
	int p[2], s[2], idle[2], zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	need(!pipe(p) && !pipe(idle) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s) && zero_fd >= 0);
	list[0] = prep_poll(&cb[0], idle[0], POLLIN);
	list[1] = prep(&cb[1], IOCB_CMD_PWRITE, p[1], "pipe", 4, 0);
	list[2] = prep(&cb[2], IOCB_CMD_PREAD, p[0], back, 8, 0);
	list[3] = prep(&cb[3], IOCB_CMD_PWRITE, s[0], "sock", 4, 0);
	list[4] = prep_poll(&cb[4], s[1], POLLIN);
	list[5] = prep(&cb[5], IOCB_CMD_PREAD, s[1], peer, 8, 0);
	list[6] = prep(&cb[6], IOCB_CMD_PREAD, zero_fd, zero, 3, 0);
	obs_num("8.1.streams/submit", aio_submit(ctx, 7, list));
	obs("8.1.streams/content", "%s %s %d", back, peer, zero[0] + zero[1] + zero[2]);
	obs_num("8.1.streams/in-order", in_order(list + 1, 6));
	need(write(idle[1], "x", 1) == 1);
	obs_num("10.4/poll-later", reap(ctx, 1, &(struct io_event){ 0 }));
}

/* The request holds the file: nothing of it is needed once io_submit has returned. */
static void released(void)
{
	struct iocb cb;
	struct io_event ev;
	int p[2], fd = tmp_open(O_RDWR), again = dup(fd);
	char *buf = pages(1), end;

	memcpy(buf, "gone", 4);
	obs_num("8.1.released/closed", aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, buf, 4, 0)));
	close(fd);
	munmap(buf, PAGE);
	memset(&cb, 0xff, sizeof(cb));
	obs_num("8.1.released/closed-event", reap(ctx, 1, &ev));
	obs_num("8.1.released/closed-size", file_size(again));
	need(!pipe(p));
	obs_num("8.1.released/pipe", aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, p[1], "x", 1, 0)));
	close(p[1]);
	obs_num("8.1.released/pipe-data", read(p[0], &end, 1));
	obs_num("8.1.released/pipe-end-of-file-at-once", read(p[0], &end, 1));
	obs_num("8.1.released/pipe-event", reap(ctx, 1, &ev));
}

/* Large ones need no splitting and no waiting either. */
static void large(void)
{
	unsigned long size = 8ul << 20;
	struct iocb cb[8], *list[8];
	int fd = tmp_open(O_RDWR);
	char *buf = malloc(size), *back = malloc(size);

	need(buf && back);
	for (unsigned long i = 0; i < size; i++)
		buf[i] = i * 31 >> 8;
	for (unsigned i = 0; i < 8; i++)
		list[i] = prep(&cb[i], IOCB_CMD_PWRITE, fd, buf + (i << 20), 1 << 20, i << 20);
	obs_num("8.1.buffered/large-writes", aio_submit(ctx, 8, list));
	obs_num("8.1.buffered/large-writes-size", file_size(fd));
	obs_num("8.1.buffered/large-writes-in-order", in_order(list, 8));
	obs_num("8.1.buffered/large-read", aio_submit1(ctx, prep(cb, IOCB_CMD_PREAD, fd, back, size, 0)));
	obs_num("8.1.buffered/large-read-event", in_ring());
	victim_tell("event", ring->event[ring->head].res);
	obs_num("8.1.buffered/large-read-res", ring->event[ring->head].res);
	obs_yes("8.1.buffered/large-read-content", !memcmp(buf, back, size));
	ring->head = ring->tail;
	free(buf);
	free(back);
}

int main(void)
{
	victim_start();
	ctx = aio_context(32);
	ring = ring_of(ctx);
	one_write();
	one_list();
	errors_in_order();
	appends();
	streams();
	released();
	large();
	return victim_end();
}
