/* SPDX-License-Identifier: MIT */
/* Sections 8.4 and 8.5: O_DIRECT and the RWF flags of a local file. */
#include "victim.h"
#include "rwf.h"

#define SIZE 65536

static aio_context_t ctx;
static int direct, buffered;
static char *buf;

struct row {
	const char *tag;
	int op, at;		/* where in the buffer */
	unsigned len, offset;
};

static void alignment(void)
{
	static const struct row rows[] = {
		{ "8.4.sector/read-4096", 0, 0, 4096, 0 },
		{ "8.4.sector/write-4096", 1, 0, 4096, 4096 },
		{ "8.4.misaligned/length-100", 0, 0, 100, 0 },
		{ "8.4.misaligned/length-100-write", 1, 0, 100, 0 },
		{ "8.4.misaligned/buffer-plus-1", 0, 1, 4096, 0 },
		{ "8.4.misaligned/buffer-plus-4-write", 1, 4, 4096, 0 },
		{ "8.4.misaligned/offset-1", 0, 0, 4096, 1 },
		{ "8.4.misaligned/offset-1-write", 1, 0, 4096, 1 },
		{ "8.4.sector/buffer-plus-512", 0, 512, 512, 0 },
		{ "8.4.sector/offset-512", 0, 0, 512, 512 },
		{ "8.4.at-eof/at-end-misaligned", 0, 1, 100, SIZE },
		{ "8.4.at-eof/beyond-end-misaligned", 0, 1, 100, SIZE + 1 },
		{ "8.4.across-eof/read", 0, 0, 8192, SIZE - 4096 },
		{ "8.length-0/direct-misaligned", 0, 1, 0, 0 },
	};
	struct iocb cb;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		obs(rows[i].tag, "%s", outcome(ctx, prep(&cb, rows[i].op, direct, buf + rows[i].at,
							 rows[i].len, rows[i].offset)));
	obs("8.4.null/read", "%s", outcome(ctx, prep(&cb, 0, direct, NULL, 4096, 0)));
	obs("8.4.null/write", "%s", outcome(ctx, prep(&cb, 1, direct, NULL, 4096, 0)));
	obs_num("8.4.sector/size", file_size(direct));
}

/* How far behind the data of a file of this size a read has changed its buffer. */
static void cleared(const char *tag, unsigned size, unsigned len, unsigned offset)
{
	char path[64];
	int fd = tmp_open(O_RDWR), direct_fd;
	struct iocb cb;
	const char *got;
	unsigned to = SIZE;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct_fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	memset(buf, 'd', SIZE);
	need(direct_fd >= 0 && pwrite(fd, buf, size, 0) == (ssize_t)size && !fsync(fd));
	memset(buf, 'p', SIZE);
	got = outcome(ctx, prep(&cb, 0, direct_fd, buf, len, offset));
	while (to && buf[to - 1] == 'p')
		to--;
	obs(tag, "%s, %u changed, %s", got, to,
	    size > offset && to > size - offset && !buf[size - offset] && !buf[to - 1] ? "zeros"
										       : "none");
	close(direct_fd);
	close(fd);
}

static void behind_the_end(void)
{
	struct iovec two[] = { { buf, 4096 }, { buf + 8192, 4096 } };
	struct iocb cb;

	cleared("8.4.cleared/in-a-block", 100, 4096, 0);
	cleared("8.4.cleared/in-a-sector", 100, 512, 0);
	cleared("8.4.cleared/blocks-behind", 5000, 32768, 0);
	cleared("8.4.cleared/at-the-end", 4096, 4096, 4096);
	cleared("8.4.cleared/beyond", 100, 4096, 8192);
	memset(buf, 'p', SIZE);
	obs("8.4.cleared/preadv", "%s", outcome(ctx, prep(&cb, 7, direct, two, 2, SIZE - 4096)));
	obs_yes("8.4.cleared/preadv-second", !buf[8192] && !buf[12287] && buf[4096] == 'p' &&
		buf[12288] == 'p');
	memset(buf, 'p', SIZE);
	need(!mprotect(buf + 4096, 4096, PROT_READ));
	obs("8.4.cleared/read-only", "%s", outcome(ctx, prep(&cb, 0, direct, buf, 8192, SIZE - 4096)));
	need(!mprotect(buf + 4096, 4096, PROT_READ | PROT_WRITE));
}

/* Data, a hole, data: the length is judged extent by extent, so what lies before has been read. */
static void torn(void)
{
	char path[64];
	int fd = tmp_open(O_RDWR), direct_fd;
	struct iocb cb;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct_fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	memset(buf, 'd', SIZE);
	need(direct_fd >= 0 && pwrite(fd, buf, 4096, 0) == 4096 &&
	     pwrite(fd, buf, 4096, 8192) == 4096 && !fsync(fd));
	memset(buf, 'p', SIZE);
	obs("8.4.torn/read", "%s", outcome(ctx, prep(&cb, 0, direct_fd, buf, 8193, 0)));
	obs("8.4.torn/buffer", "%c %d %c", buf[4095], buf[8191], buf[8192]);
	close(direct_fd);
	close(fd);
}

/* More than the sandbox moves at once. */
static void far_behind_the_end(void)
{
	const size_t len = 96ul << 20;
	char *big = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct iocb cb;

	need(big != MAP_FAILED);
	big[4096 - 1] = big[80ul << 20] = big[len - 1] = 'p';
	obs("8.4.cleared/large", "%s", outcome(ctx, prep(&cb, 0, direct, big, len, SIZE - 4096)));
	obs("8.4.cleared/large-to", "%d %d", big[80ul << 20], big[len - 1]);
	munmap(big, len);
}

static void vectors(void)
{
	struct iovec good[] = { { buf, 4096 }, { buf + 8192, 4096 } };
	struct iovec odd[] = { { buf, 4096 }, { buf + 8193, 4096 } };
	struct iovec small[] = { { buf, 100 }, { buf + 4096, 3996 } };
	struct iocb cb;

	memset(buf, 'A', 4096);
	memset(buf + 8192, 'B', 4096);
	obs("8.4.sector/pwritev", "%s", outcome(ctx, prep(&cb, 8, direct, good, 2, 0)));
	memset(buf, 0, 12288);
	obs("8.4.sector/preadv", "%s", outcome(ctx, prep(&cb, 7, direct, good, 2, 0)));
	obs_yes("8.4.sector/preadv-content", buf[0] == 'A' && buf[4095] == 'A' && !buf[4096] &&
		buf[8192] == 'B' && buf[12287] == 'B');
	obs("8.4.misaligned/preadv-odd-element", "%s", outcome(ctx, prep(&cb, 7, direct, odd, 2, 0)));
	obs("8.4.misaligned/preadv-small-element", "%s", outcome(ctx, prep(&cb, 7, direct, small, 2, 0)));
}

/* Many at once, completed in any order: every one answers once, and each block is its own. */
static void depth(void)
{
	struct iocb cb[16], *list[16];
	struct io_event ev[16];
	unsigned seen = 0, good = 0;

	for (int i = 0; i < 16; i++) {
		memset(buf + i * 4096, 'a' + i, 4096);
		list[i] = prep(&cb[i], IOCB_CMD_PWRITE, direct, buf + i * 4096, 4096, i * 4096);
	}
	obs_num("3.once/depth-16-writes", aio_submit(ctx, 16, list));
	obs_num("3.once/depth-16-write-events", reap(ctx, 16, ev));
	memset(buf, 0, SIZE);
	for (int i = 0; i < 16; i++)
		prep(&cb[i], IOCB_CMD_PREAD, direct, buf + i * 4096, 4096, (15 - i) * 4096);
	obs_num("3.once/depth-16-reads", aio_submit(ctx, 16, list));
	obs_num("3.once/depth-16-read-events", reap(ctx, 16, ev));
	for (int i = 0; i < 16; i++) {
		unsigned which = (struct iocb *)(uintptr_t)ev[i].obj - cb;

		seen |= which < 16 ? 1u << which : 0;
		good += buf[i * 4096] == 'a' + 15 - i && buf[i * 4096 + 4095] == 'a' + 15 - i;
	}
	obs("3.once/depth-16-each-once", "%#x %u", seen, good);
}

/* The buffer's mapping and the fd are not needed any more. */
static void released(void)
{
	struct iocb cb;
	struct io_event ev;
	char *gone = pages(1), c;
	int fd = dup(direct);

	memset(gone, 'G', PAGE);
	prep(&cb, IOCB_CMD_PWRITE, fd, gone, PAGE, 0);
	obs_num("8.4.released/submit", aio_submit1(ctx, &cb));
	munmap(gone, PAGE);
	close(fd);
	obs_num("8.4.released/event", reap(ctx, 1, &ev));
	obs("8.4.released/res", "%s", num(ev.res));
	obs_yes("8.4.released/written", pread(buffered, &c, 1, 4095) == 1 && c == 'G');
	obs("13.only-poll/finished-write", "%s", num(aio_cancel(ctx, &cb, &ev)));
}

static const char *flagged(int op, int fd, unsigned rw_flags, unsigned offset)
{
	struct iocb cb;

	prep(&cb, op, fd, buf, 4096, offset);
	cb.aio_rw_flags = rw_flags;
	return outcome(ctx, &cb);
}

static void flags(void)
{
	static const struct { const char *tag; unsigned flag; } rows[] = {
		{ "8.5.everywhere/hipri", RWF_HIPRI }, { "8.5.everywhere/dsync", RWF_DSYNC }, { "8.5.everywhere/sync", RWF_SYNC },
		{ "8.5.everywhere/append", RWF_APPEND }, { "8.5.atomic-read/and-write", RWF_ATOMIC }, { "8.5.dontcache/local", RWF_DONTCACHE },
		{ "8.5.unknown/0x200", 0x200 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *results[4];

		for (int k = 0; k < 4; k++)
			results[k] = flagged(k & 1, k & 2 ? direct : buffered, rows[i].flag, 0);
		obs(rows[i].tag, "%s %s direct %s %s", results[0], results[1], results[2], results[3]);
	}
	/* cached now, as it has just been read; a hole-free, clean file for the direct ones */
	need(pread(buffered, buf, SIZE, 0) == SIZE);
	obs("8.5.nowait-read/cached", "%s", flagged(0, buffered, RWF_NOWAIT, 0));
	obs("8.5.nowait-write/buffered", "%s", flagged(1, buffered, RWF_NOWAIT, 0));
	need(!fsync(buffered));
	obs("8.5.nowait-read/direct", "%s", flagged(0, direct, RWF_NOWAIT, 0));
	need(pwrite(buffered, buf, 4096, 0) == 4096);
	obs("8.5.nowait-dirty/direct-read", "%s", flagged(0, direct, RWF_NOWAIT, 0));
}

int main(void)
{
	char path[64];

	victim_start();
	ctx = aio_context(32);
	buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(buf != MAP_FAILED);
	memset(buf, 'i', SIZE);
	buffered = tmp_open(O_RDWR);
	need(write(buffered, buf, SIZE) == SIZE && !fsync(buffered));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", buffered);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	need(direct >= 0);
	alignment();
	behind_the_end();
	torn();
	far_behind_the_end();
	vectors();
	depth();
	released();
	flags();
	return victim_end();
}
