/* SPDX-License-Identifier: MIT */
/* Section 9: FSYNC and FDSYNC. */
#include "victim.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

static aio_context_t ctx;

static void fields(int fd)
{
	static const struct { const char *tag; size_t offset; } rows[] = {
		{ "9.1/buf", offsetof(struct iocb, aio_buf) },
		{ "9.1/nbytes", offsetof(struct iocb, aio_nbytes) },
		{ "9.1/offset", offsetof(struct iocb, aio_offset) },
		{ "9.1/rw-flags", offsetof(struct iocb, aio_rw_flags) },
		{ "9.1/reqprio-ignored", offsetof(struct iocb, aio_reqprio) },
		{ "9.1/data-free", offsetof(struct iocb, aio_data) },
	};
	char tag[64];

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		for (int op = IOCB_CMD_FSYNC; op <= IOCB_CMD_FDSYNC; op++) {
			struct iocb cb;

			prep(&cb, op, fd, NULL, 0, 0);
			((char *)&cb)[rows[i].offset] = 1;
			snprintf(tag, sizeof(tag), "%s-op-%d", rows[i].tag, op);
			obs(tag, "%s", outcome(ctx, &cb));
		}
}

static void priority(int fd)
{
	struct iocb cb;

	prep(&cb, IOCB_CMD_FSYNC, fd, NULL, 0, 0);
	cb.aio_flags = IOCB_FLAG_IOPRIO;
	cb.aio_reqprio = (int16_t)(7 << 13);
	obs("9.1/ioprio-flag-ignored", "%s", outcome(ctx, &cb));
}

static void modes(int fd)
{
	static const struct { const char *tag; int flags; } rows[] = {
		{ "9.mode/rdonly", O_RDONLY },
		{ "9.mode/wronly", O_WRONLY },
		{ "9.mode/append", O_WRONLY | O_APPEND },
		{ "7.e/fsync-o-path", O_PATH },
	};
	char path[64];
	struct iocb cb;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		int other = open(path, rows[i].flags | O_CLOEXEC);

		need(other >= 0);
		obs(rows[i].tag, "%s", outcome(ctx, prep(&cb, IOCB_CMD_FSYNC, other, NULL, 0, 0)));
		close(other);
	}
}

static void kinds(void)
{
	struct iocb cb;
	int p[2], s[2], event = eventfd(0, EFD_CLOEXEC);
	struct { const char *tag; int fd; } rows[] = {
		{ "7.e/fsync-bad-fd", -1 },
		{ "9.2/pipe", -1 },
		{ "9.2/socket", -1 },
		{ "9.2/eventfd", event },
		{ "9.2/dev-null", open("/dev/null", O_RDWR | O_CLOEXEC) },
		{ "9.2/proc-file", open("/proc/self/status", O_RDONLY | O_CLOEXEC) },
		{ "9.2/directory", open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) },
		{ "9.2/memfd", memfd_create("m", MFD_CLOEXEC) },
	};

	need(!pipe(p) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	rows[1].fd = p[1];
	rows[2].fd = s[0];
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		obs(rows[i].tag, "%s",
		    outcome(ctx, prep(&cb, IOCB_CMD_FDSYNC, rows[i].fd, NULL, 0, 0)));
}

/* Writes and syncs of one list: every one answers once, and the file is whole. */
static void mixed(int fd)
{
	struct iocb cb[6], *list[6];
	struct io_event ev[6];
	unsigned seen = 0, good = 0;
	uint64_t count = 0;
	int event = eventfd(0, EFD_CLOEXEC);

	for (int i = 0; i < 6; i++) {
		int op = i == 2 ? IOCB_CMD_FSYNC : i == 5 ? IOCB_CMD_FDSYNC : IOCB_CMD_PWRITE;
		int write = op == IOCB_CMD_PWRITE;

		list[i] = prep(&cb[i], op, fd, write ? "abcd" : NULL, write ? 4 : 0,
			       write ? 4 * i : 0);
		cb[i].aio_flags = IOCB_FLAG_RESFD;
		cb[i].aio_resfd = event;
	}
	obs_num("9.order/mixed-list", aio_submit(ctx, 6, list));
	obs_num("9.order/mixed-events", reap(ctx, 6, ev));
	for (int i = 0; i < 6; i++)
		for (int j = 0; j < 6; j++)
			if (ev[i].obj == (uintptr_t)list[j]) {
				seen |= 1u << j;
				good += ev[i].res == (j == 2 || j == 5 ? 0 : 4);
			}
	obs("9.order/mixed-each-once", "%#x %u", seen, good);
	for (uint64_t n = 0; count < 6; count += n)
		need(read(event, &n, sizeof(n)) == sizeof(n));
	obs_num("9.order/mixed-eventfd", count);
	obs_num("9.order/mixed-size", file_size(fd));
}

static void closed(int fd)
{
	struct iocb cb;
	struct io_event ev;
	int other = dup(fd);

	prep(&cb, IOCB_CMD_FSYNC, other, NULL, 0, 0);
	obs_num("9.res/submit", aio_submit1(ctx, &cb));
	close(other);
	obs_num("9.res/closed-event", reap(ctx, 1, &ev));
	obs("9.res/closed-res", "%s", num(ev.res));
}

int main(void)
{
	int fd;

	victim_start();
	ctx = aio_context(8);
	fd = tmp_open(O_RDWR);
	obs("9.res/fsync", "%s", outcome(ctx, prep(&(struct iocb){ 0 }, 2, fd, NULL, 0, 0)));
	obs("9.res/fdsync", "%s", outcome(ctx, prep(&(struct iocb){ 0 }, 3, fd, NULL, 0, 0)));
	fields(fd);
	priority(fd);
	modes(fd);
	kinds();
	mixed(fd);
	closed(fd);
	return victim_end();
}
