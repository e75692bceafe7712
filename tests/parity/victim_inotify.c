/* SPDX-License-Identifier: MIT */
/*
 * Section 8 and D2: inotify sees nothing of AIO. In the sandbox it sees another process doing I/O,
 * unless the host's own AIO does it.
 */
#include "victim.h"

#include <sys/inotify.h>

static aio_context_t ctx;
static int watch_fd;

/* What was reported since the last time. */
static const char *seen(void)
{
	char text[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	uint32_t mask = 0;
	ssize_t n;

	while ((n = read(watch_fd, text, sizeof(text))) > 0)
		for (char *at = text; at < text + n;) {
			const struct inotify_event *ev = (void *)at;

			mask |= ev->mask;
			at += sizeof(*ev) + ev->len;
		}
	switch (mask) {
	case 0:
		return "nothing";
	case IN_ACCESS:
		return "access";
	case IN_MODIFY:
		return "modify";
	}
	return "something else";
}

static void done(const char *tag, struct iocb *cb, long result)
{
	struct io_event ev;

	need(aio_submit1(ctx, cb) == 1 && reap(ctx, 1, &ev) == 1 && ev.res == result);
	obs(tag, "%s", seen());
}

int main(void)
{
	char path[] = "victim.XXXXXX", *buf = pages(4);
	int fd = mkostemp(path, O_CLOEXEC), direct;
	struct iovec iov[] = { { buf, PAGE }, { buf + 2 * PAGE, PAGE } };
	struct iocb cb;

	victim_start();
	ctx = aio_context(8);
	need(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, buf, 4 * PAGE, 0) == 4 * PAGE && !fsync(fd));
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	need(direct >= 0);
	watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	need(inotify_add_watch(watch_fd, path, IN_ACCESS | IN_MODIFY) >= 0);
	unlink(path);

	need(pread(fd, buf, PAGE, 0) == PAGE);
	obs("8.inotify/pread", "%s", seen());
	need(pwrite(fd, buf, PAGE, 0) == PAGE && !fsync(fd));
	obs("8.inotify/pwrite", "%s", seen());
	done("8.inotify/direct-read", prep(&cb, IOCB_CMD_PREAD, direct, buf, PAGE, PAGE), PAGE);
	done("8.inotify/direct-preadv", prep(&cb, IOCB_CMD_PREADV, direct, iov, 2, 0), 2 * PAGE);
	done("8.inotify/direct-write", prep(&cb, IOCB_CMD_PWRITE, direct, buf, PAGE, PAGE), PAGE);
	done("8.inotify/direct-pwritev", prep(&cb, IOCB_CMD_PWRITEV, direct, iov, 2, 0), 2 * PAGE);
	done("8.inotify/direct-extending", prep(&cb, IOCB_CMD_PWRITE, direct, buf, PAGE, 4 * PAGE), PAGE);
	done("8.inotify/direct-far", prep(&cb, IOCB_CMD_PWRITE, direct, buf, PAGE, 64 * PAGE), PAGE);
	done("8.inotify/direct-hole", prep(&cb, IOCB_CMD_PREAD, direct, buf, PAGE, 32 * PAGE), PAGE);
	done("8.inotify/fsync", prep(&cb, IOCB_CMD_FSYNC, direct, NULL, 0, 0), 0);
	done("8.inotify/fdsync", prep(&cb, IOCB_CMD_FDSYNC, fd, NULL, 0, 0), 0);
	done("8.inotify/buffered-read", prep(&cb, IOCB_CMD_PREAD, fd, buf, PAGE, 0), PAGE);
	done("8.inotify/buffered-write", prep(&cb, IOCB_CMD_PWRITE, fd, buf, PAGE, 0), PAGE);
	return victim_end();
}
