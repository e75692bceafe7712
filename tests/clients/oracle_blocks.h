/* SPDX-License-Identifier: MIT */
/*
 * The blocks of victim_oracle: what one looks like on disk, the table in DIR/control that says
 * which version each must hold, and the files. Included once, by victim_oracle.c.
 */
#ifndef ORACLE_BLOCKS_H
#define ORACLE_BLOCKS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_BYTES 8192
#define WORDS	    (BLOCK_BYTES / sizeof(uint64_t))
#define FILES	    4
#define FILE_BLOCKS 1024
#define BLOCKS	    (FILES * FILE_BLOCKS)
#define BUFFERS	    4096
#define WORKERS	    8
#define WRITERS	    4 /* the others mostly read */
#define MAGIC	    0x4f5241434c455f31ull

enum state { IDLE, READING, INTENT, ACCEPTED };

struct block { /* what is on disk: its first words */
	uint64_t magic, file, number, version, writer, sum;
	uint64_t payload[WORDS - 6];
};
_Static_assert(sizeof(struct block) == BLOCK_BYTES, "a block is a block");

struct entry {			/* one per block, in the control file */
	_Atomic uint32_t latch; /* worker + 1 */
	_Atomic uint32_t state;
	_Atomic uint64_t version, pending;
};

struct control {
	struct entry entries[BLOCKS];
	_Atomic uint32_t buffer_owner[BUFFERS]; /* worker + 1 */
	_Atomic uint32_t stop, die, failed;
	_Atomic uint64_t accepted, maybe, kills, settled_new, settled_old, checked;
	_Atomic uint64_t attempt[WORKERS], inflight[WORKERS];
};

static struct control *control;
static struct block *cache;
static int files[FILES];

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "oracle: pid %d: %s\n", (int)getpid(), line);
	if (control)
		control->failed = 1;
	_exit(1);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 29;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 32;
}

static uint64_t block_sum(const struct block *b)
{
	uint64_t sum =
	    b->magic ^ mix(b->file) ^ mix(b->number << 8) ^ mix(b->version << 16) ^ b->writer;

	for (size_t i = 0; i < WORDS - 6; i++)
		sum = (sum << 7 | sum >> 57) + b->payload[i];
	return sum;
}

static void block_make(struct block *b, unsigned int index, uint64_t version, unsigned int writer)
{
	uint64_t seed = mix(index * 0x10001ull + 1) ^ mix(version);

	b->magic = MAGIC;
	b->file = index / FILE_BLOCKS;
	b->number = index % FILE_BLOCKS;
	b->version = version;
	b->writer = writer;
	for (size_t i = 0; i < WORDS - 6; i++)
		b->payload[i] = seed + i * 0x9e3779b97f4a7c15ull;
	b->sum = block_sum(b);
}

/* The block is whole, is itself, and is one of the two versions that it may be. */
static void block_check(const struct block *b, unsigned int index, uint64_t version, uint64_t other,
			const char *who)
{
	unsigned int file = index / FILE_BLOCKS, number = index % FILE_BLOCKS;

	if (b->magic != MAGIC || b->sum != block_sum(b))
		fail("%s: file %u block %u: torn (magic %lx, file %lu, block %lu, version %lu)",
		     who, file, number, b->magic, b->file, b->number, b->version);
	if (b->file != file || b->number != number)
		fail("%s: file %u block %u holds file %lu block %lu: misplaced", who, file, number,
		     b->file, b->number);
	if (b->version != version && b->version != other)
		fail("%s: file %u block %u: lost or late: version %lu of writer %lu, not %lu/%lu",
		     who, file, number, b->version, b->writer, version, other);
	control->checked++;
}

/* What must be in the file, and what else may be: a write whose io_submit never returned. */
static void entry_promise(const struct entry *e, uint64_t *must, uint64_t *may)
{
	*must = e->state == ACCEPTED ? e->pending : e->version;
	*may = e->state == INTENT ? e->pending : *must;
}

static void *map_control(const char *dir, bool create)
{
	char path[4096];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "%s/control", dir);
	fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);
	if (fd < 0 || (create && ftruncate(fd, sizeof(struct control))))
		fail("%s: %s", path, strerror(errno));
	map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap of the control file: %s", strerror(errno));
	close(fd);
	return map;
}

static void map_cache(int fd)
{
	cache =
	    mmap(NULL, (size_t)BUFFERS * BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (cache == MAP_FAILED)
		fail("mmap of the buffer cache: %s", strerror(errno));
}

static void open_files(const char *dir, int flags)
{
	for (unsigned int i = 0; i < FILES; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/data%u", dir, i);
		files[i] = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
		if (files[i] < 0)
			fail("%s: %s", path, strerror(errno));
	}
}

static void create_blocks(void)
{
	for (unsigned int i = 0; i < BLOCKS; i++) {
		block_make(&cache[0], i, 1, WORKERS);
		if (pwrite(files[i / FILE_BLOCKS], &cache[0], BLOCK_BYTES,
			   (off_t)(i % FILE_BLOCKS) * BLOCK_BYTES) != BLOCK_BYTES)
			fail("pwrite: %s", strerror(errno));
		control->entries[i].version = 1;
	}
	for (unsigned int i = 0; i < FILES; i++)
		if (fsync(files[i]) || close(files[i]))
			fail("fsync: %s", strerror(errno));
}

static void read_block(struct block *b, unsigned int index)
{
	ssize_t n;

	memset(b, 0x5a, sizeof(*b));
	n = pread(files[index / FILE_BLOCKS], b, BLOCK_BYTES,
		  (off_t)(index % FILE_BLOCKS) * BLOCK_BYTES);
	if (n != BLOCK_BYTES)
		fail("pread: %zd %s", n, n < 0 ? strerror(errno) : "");
}

#endif
