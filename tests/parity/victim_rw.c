/* SPDX-License-Identifier: MIT */
/* Section 8: reads and writes of a regular file, their tests in io_submit and their results. */
#include "victim.h"
#include "rwf.h"

#define UNKNOWN_RWF 0x80000000u
#define HOLE ((void *)(16 * 4096))	/* below vm.mmap_min_addr: never mapped */

static aio_context_t ctx;
static int rdwr, rdonly, wronly;
static char data[8192], buf[8192];

struct row {
	const char *tag;
	int *fd;
	int op;
	const void *buf;
	uint64_t nbytes;
	int64_t offset;
	uint32_t rw_flags;
	uint16_t ioprio;	/* 0: without the flag */
};

static void run(const struct row *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct iocb cb;

		prep(&cb, r->op, *r->fd, r->buf, r->nbytes, r->offset);
		cb.aio_rw_flags = r->rw_flags;
		cb.aio_reqprio = r->ioprio;
		cb.aio_flags = r->ioprio ? IOCB_FLAG_IOPRIO : 0;
		obs(r->tag, "%s", outcome(ctx, &cb));
	}
}

/* The first address that io_submit does not take for a program's: differs by processor and kernel. */
static uint64_t space_end(void)
{
	uint64_t good = 0, bad = UINT64_MAX;
	struct iocb cb;

	while (bad - good > 1) {
		const uint64_t middle = good + (bad - good) / 2;

		prep(&cb, 0, rdwr, (void *)(uintptr_t)middle, 1, 0);
		if (strcmp(outcome(ctx, &cb), "S:EFAULT"))
			good = middle;
		else
			bad = middle;
	}
	return bad;
}

static void refused(void)
{
	static void *const kernel = (void *)KERNEL_ADDRESS;
	const struct row rows[] = {
		{ "8.ioprio/class-0-level-1", &rdwr, 0, buf, 8, 0, 0, 1 },
		{ "8.ioprio/class-4", &rdwr, 0, buf, 8, 0, 0, 4 << 13 },
		{ "8.ioprio/class-7", &rdwr, 0, buf, 8, 0, 0, 7 << 13 },
		{ "8.ioprio/class-2", &rdwr, 0, buf, 8, 0, 0, 2 << 13 | 4 },
		{ "8.ioprio/class-3", &rdwr, 0, buf, 8, 0, 0, 3 << 13 | 7 },
		{ "8.pairs/ioprio-and-bad-rwf", &rdwr, 0, buf, 8, 0, UNKNOWN_RWF, 4 << 13 },
		{ "8.rwf-unknown/unknown-rwf", &rdwr, 0, buf, 8, 0, UNKNOWN_RWF, 0 },
		{ "8.rwf-unknown/unknown-rwf-0x200", &rdwr, 0, buf, 8, 0, 0x200, 0 },
		{ "8.rwf-append/append-and-noappend", &rdwr, 1, buf, 8, 0, RWF_APPEND | RWF_NOAPPEND, 0 },
		{ "8.pairs/unknown-rwf-and-append-noappend", &rdwr, 1, buf, 8, 0,
		  UNKNOWN_RWF | RWF_APPEND | RWF_NOAPPEND, 0 },
		{ "8.pairs/mode-and-unknown-rwf", &rdonly, 1, buf, 8, 0, UNKNOWN_RWF, 0 },
		{ "8.pairs/mode-and-append-noappend", &rdonly, 1, buf, 8, 0,
		  RWF_APPEND | RWF_NOAPPEND, 0 },
		{ "8.mode/read-of-wronly", &wronly, 0, buf, 8, 0, 0, 0 },
		{ "8.mode/write-of-rdonly", &rdonly, 1, buf, 8, 0, 0, 0 },
		{ "8.mode/readv-of-wronly", &wronly, 7, NULL, 1, 0, 0, 0 },
		{ "8.mode/writev-of-rdonly", &rdonly, 8, NULL, 1, 0, 0, 0 },
		{ "8.pairs/mode-and-kernel-buffer", &rdonly, 1, kernel, 8, 0, 0, 0 },
		{ "8.pairs/mode-and-bad-offset", &rdonly, 1, buf, 8, -1, 0, 0 },
		{ "8.buffer/kernel-buffer-read", &rdwr, 0, kernel, 8, 0, 0, 0 },
		{ "8.buffer/kernel-buffer-write", &rdwr, 1, kernel, 8, 0, 0, 0 },
		{ "8.buffer/kernel-buffer-length-0", &rdwr, 0, kernel, 0, 0, 0, 0 },
		{ "8.pairs/kernel-buffer-bad-offset", &rdwr, 0, kernel, 8, -1, 0, 0 },
		{ "8.buffer/buffer-reaches-kernel", &rdwr, 0, (void *)0x7ffffffff000, 8192, 0, 0, 0 },
		{ "8.offset/offset-minus-1-read", &rdwr, 0, buf, 8, -1, 0, 0 },
		{ "8.offset/offset-minus-1-write", &rdwr, 1, buf, 8, -1, 0, 0 },
		{ "8.offset/offset-minus-1-length-0", &rdwr, 0, buf, 0, -1, 0, 0 },
		{ "8.offset/offset-minus-1-append", &rdwr, 1, buf, 8, -1, RWF_APPEND, 0 },
		{ "8.offset/offset-min", &rdwr, 0, buf, 8, LLONG_MIN, 0, 0 },
		{ "8.offset/offset-overflow-read", &rdwr, 0, buf, 8, LLONG_MAX - 4, 0, 0 },
		{ "8.offset/offset-overflow-write", &rdwr, 1, buf, 8, LLONG_MAX - 4, 0, 0 },
		{ "8.offset/offset-max-length-0", &rdwr, 0, buf, 0, LLONG_MAX, 0, 0 },
	};

	run(rows, ARRAY_SIZE(rows));
	obs("8.buffer/space-end", "%#llx", (unsigned long long)space_end());
	obs_num("8.offset/file-untouched", file_size(rdwr));
}

static void results(void)
{
	char *page = pages(1), *hole = page + PAGE;
	const struct row rows[] = {
		{ "8.bytes/write", &rdwr, 1, data, 1000, 0, 0, 0 },
		{ "8.bytes/write-beyond-end", &rdwr, 1, data, 100, 2000, 0, 0 },
		{ "8.bytes/read", &rdwr, 0, buf, 2100, 0, 0, 0 },
		{ "8.bytes/read-short-at-end", &rdonly, 0, page, 500, 2000, 0, 0 },
		{ "8.bytes/read-at-end", &rdwr, 0, page, 500, 2100, 0, 0 },
		{ "8.bytes/read-beyond-end", &rdwr, 0, page, 500, 1 << 20, 0, 0 },
		{ "8.eof-null/read", &rdwr, 0, NULL, 500, 2100, 0, 0 },
		{ "8.far/read", &rdwr, 0, page, 8, 1ll << 62, 0, 0 },
		{ "8.far/write", &rdwr, 1, data, 8, 1ll << 50, 0, 0 },
		{ "8.far/write-at-the-last-byte", &rdwr, 1, data, 8, LLONG_MAX - 8, 0, 0 },
		{ "8.far/write-length-0", &rdwr, 1, data, 0, 1ll << 50, 0, 0 },
		{ "8.length-0/null", &rdwr, 0, NULL, 0, 0, 0, 0 },
		{ "8.length-0/write-null", &rdwr, 1, NULL, 0, 0, 0, 0 },
		{ "8.length-0/write-far", &rdwr, 1, NULL, 0, 1 << 20, 0, 0 },
		{ "8.fault/read-into-null", &rdwr, 0, NULL, 8, 0, 0, 0 },
		{ "8.fault/write-from-null", &rdwr, 1, NULL, 8, 0, 0, 0 },
		{ "8.fault/read-into-unmapped", &rdwr, 0, hole, 8, 0, 0, 0 },
		{ "8.fault/read-partly-mapped", &rdwr, 0, hole - 100, 200, 0, 0, 0 },
		{ "8.fault/write-partly-mapped", &rdwr, 1, hole - 100, 200, 4096, 0, 0 },
		{ "8.fault/write-from-unmapped", &rdwr, 1, hole, 8, 0, 0, 0 },
		{ "8.append/flag", &rdwr, 1, data, 10, 7, RWF_APPEND, 0 },
		{ "8.5.everywhere/hipri-read", &rdwr, 0, buf, 8, 0, RWF_HIPRI, 0 },
		{ "8.5.everywhere/dsync-write", &rdwr, 1, data, 8, 0, RWF_DSYNC, 0 },
		{ "8.5.everywhere/sync-write", &rdwr, 1, data, 8, 0, RWF_SYNC, 0 },
		{ "8.5.everywhere/sync-read", &rdwr, 0, buf, 8, 0, RWF_SYNC, 0 },
	};

	run(rows, 3);
	obs_yes("8.bytes/read-back", !memcmp(buf, data, 1000) && !memcmp(buf + 2000, data, 100));
	obs_yes("8.bytes/hole-reads-zero", !buf[1000] && !memcmp(buf + 1000, buf + 1001, 999));
	run(rows + 3, ARRAY_SIZE(rows) - 3);
	obs_yes("8.fault/partial-read-content", !memcmp(hole - 100, data, 100));
	obs_num("8.bytes/size-at-the-end", file_size(rdwr));
	obs_num("8.position/position-unchanged", lseek(rdwr, 0, SEEK_CUR));
}

/* Protection holds for the I/O as it does for the program. */
static void protection(void)
{
	char *page = pages(1);
	const struct row rows[] = {
		{ "8.fault/read-into-read-only", &rdwr, 0, page, 8, 0, 0, 0 },
		{ "8.fault/write-from-read-only", &rdwr, 1, page, 8, 0, 0, 0 },
	};

	memset(page, 'p', PAGE);
	need(!mprotect(page, PAGE, PROT_READ));
	run(rows, 2);
	obs_yes("8.fault/read-only-page-unchanged", page[0] == 'p' && page[7] == 'p');
	need(!mprotect(page, PAGE, PROT_NONE));
	obs("8.fault/write-from-prot-none", "%s",
	    outcome(ctx, prep(&(struct iocb){ 0 }, 1, rdwr, page, 8, 0)));
}

/* The clock's data, which the kernel has mapped without pages of their own. */
static void no_pages(void)
{
	unsigned long at = 0, start;
	struct iocb cb;
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "r");

	need(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vvar]") && sscanf(line, "%lx", &start) == 1)
			at = start;
	}
	fclose(maps);
	obs("8.fault/write-from-vvar", "%s", at ?
	    outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, rdwr, (void *)at, 8, 0)) : "there is none");
}

static const char *vector(int op, int fd, const struct iovec *iov, uint64_t count, long offset)
{
	struct iocb cb;

	return outcome(ctx, prep(&cb, op, fd, iov, count, offset));
}

static void vectors_refused(void)
{
	static struct iovec many[1025];
	struct iovec *end = (struct iovec *)(pages(1) + PAGE);
	struct iovec kernel_then_negative[] = { { (void *)KERNEL_ADDRESS, 8 }, { buf, -1 } };
	struct iovec negative[] = { { buf, 8 }, { buf, -1 } };
	struct iovec kernel[] = { { buf, 8 }, { (void *)KERNEL_ADDRESS, 8 } };
	struct iovec kernel_empty[] = { { buf, 8 }, { (void *)KERNEL_ADDRESS, 0 } };

	end[-1].iov_base = buf;
	end[-1].iov_len = 8;
	obs("8.vector/count-1025", "%s", vector(7, rdwr, many, 1025, 0));
	obs("8.vector/count-1025-null", "%s", vector(7, rdwr, NULL, 1025, 0));
	obs("8.vector/count-1024", "%s", vector(7, rdwr, many, 1024, 0));
	obs("8.vector/count-0", "%s", vector(7, rdwr, NULL, 0, 0));
	obs("1.vector-count/mod-2^32", "%s", vector(7, rdwr, end - 1, 0x100000001, 0));
	obs("8.vector/array-null", "%s", vector(7, rdwr, NULL, 1, 0));
	obs("8.vector/array-ends-early", "%s", vector(7, rdwr, end - 1, 2, 0));
	obs("8.vector/array-ends-exactly", "%s", vector(7, rdwr, end - 1, 1, 0));
	end[-1].iov_len = -1;
	obs("8.vector/negative-before-missing", "%s", vector(7, rdwr, end - 1, 2, 0));
	obs("8.vector/element-negative", "%s", vector(7, rdwr, negative, 2, 0));
	obs("8.vector/element-kernel", "%s", vector(7, rdwr, kernel, 2, 0));
	obs("8.vector/element-kernel-empty", "%s", vector(7, rdwr, kernel_empty, 2, 0));
	obs("8.pairs/vector-kernel-then-negative", "%s", vector(7, rdwr, kernel_then_negative, 2, 0));
	obs("8.pairs/vector-kernel-bad-offset", "%s", vector(7, rdwr, kernel, 2, -1));
	obs("8.pairs/vector-bad-offset", "%s", vector(7, rdwr, negative, 1, -1));
}

static void vectors(void)
{
	struct iovec ten[10], part[] = { { data, 10 }, { HOLE, 10 } };
	char back[1000] = "";
	int fd = tmp_open(O_RDWR);

	for (unsigned i = 0; i < 10; i++)
		ten[i] = (struct iovec){ data + 100 * i, i == 5 ? 0 : 100 };
	obs("8.bytes/pwritev", "%s", vector(8, fd, ten, 10, 50));
	for (unsigned i = 0; i < 10; i++)
		ten[9 - i] = (struct iovec){ back + 100 * i, 100 };
	obs("8.bytes/preadv", "%s", vector(7, fd, ten, 10, 50));
	obs_yes("8.bytes/preadv-content", !memcmp(back + 900, data, 100) &&
		!memcmp(back + 400, data + 600, 100) && !memcmp(back + 100, data + 900, 100));
	part[0].iov_base = back;
	obs("8.fault/preadv-partial", "%s", vector(7, fd, part, 2, 50));
	part[0].iov_base = data;
	obs("8.fault/pwritev-partial", "%s", vector(8, fd, part, 2, 5000));
	obs_num("8.fault/pwritev-partial-size", file_size(fd));
	obs("8.bytes/preadv-offset-short", "%s", vector(7, fd, ten, 10, 4990));
	close(fd);
}

static void append(void)
{
	int fd = tmp_open(O_RDWR | O_APPEND);
	const struct row rows[] = {
		{ "8.append/first", &fd, 1, data, 8, 1000, 0, 0 },
		{ "8.append/second", &fd, 1, data + 8, 8, 0, 0, 0 },
		{ "8.append/noappend-flag", &fd, 1, "X", 1, 3, RWF_NOAPPEND, 0 },
		{ "8.append/offset-minus-1", &fd, 1, data, 8, -1, 0, 0 },
		{ "8.append/read", &fd, 0, buf, 100, 0, 0, 0 },
	};

	run(rows, ARRAY_SIZE(rows));
	obs_num("8.append/size", file_size(fd));
	obs_yes("8.append/content", !memcmp(buf, data, 3) && buf[3] == 'X' &&
		!memcmp(buf + 4, data + 4, 12));
	obs_num("8.position/append", lseek(fd, 0, SEEK_CUR));
	close(fd);
}

/* One read or write moves at most 0x7ffff000 bytes; /dev/null takes them without looking. */
static void longest(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *big = mmap(NULL, 3ul << 30, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct iocb cb;

	need(null >= 0 && big != MAP_FAILED);
	obs("8.buffer/write-3-gib", "%s", outcome(ctx, prep(&cb, 1, null, big, 3ul << 30, 0)));
	obs("8.buffer/read-null-3-gib", "%s", outcome(ctx, prep(&cb, 0, null, big, 3ul << 30, 0)));
	munmap(big, 3ul << 30);
}

int main(void)
{
	char path[64];

	victim_start();
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = 'a' + i * 7 % 26;
	rdwr = tmp_open(O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", rdwr);
	rdonly = open(path, O_RDONLY | O_CLOEXEC);
	wronly = open(path, O_WRONLY | O_CLOEXEC);
	need(rdonly >= 0 && wronly >= 0);
	ctx = aio_context(8);
	refused();
	results();
	protection();
	vectors_refused();
	vectors();
	append();
	longest();
	no_pages();
	return victim_end();
}
