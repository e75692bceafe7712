/* SPDX-License-Identifier: MIT */
/*
 * A tree of the lines, ordered by device, inode, direction and open file. kcmp(2) orders open files
 * by kernel address in a secret permutation: total and stable while both are open. The descriptor
 * that a line is compared by is that of its first io, hence open.
 *
 * Without kcmp, descriptors of one pipe or socket count as one open file (a pipe's end that was
 * opened twice only waits more than it must), all others as different ones: all eventfds share an
 * inode.
 */
#include "engine_peer_line.h"

#include <assert.h>
#include <linux/kcmp.h>
#include <search.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "util.h"

#define TURNS_TO_ASK 3

struct line {
	uint64_t dev;
	uint64_t ino;
	bool write;
	bool kcmp;
	bool one_per_inode;
	int fd;
	struct list places;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* One that got no answer is asked again: another order than before would break the tree. */
static int compare_open_files(const struct line *a, const struct line *b)
{
	pid_t us = getpid();

	if (a->fd == b->fd)
		return 0;
	for (unsigned turn = 0; a->kcmp && turn < TURNS_TO_ASK; turn++) {
		switch (syscall(SYS_kcmp, us, us, KCMP_FILE, (long)a->fd, (long)b->fd)) {
		case 0:
			return 0;
		case 1:
			return -1;
		case 2:
			return 1;
		}
	}
	if (a->one_per_inode)
		return 0;
	return a->fd < b->fd ? -1 : 1;
}

static int compare_lines(const void *one, const void *other)
{
	const struct line *a = one, *b = other;
	int order = compare_numbers(a->dev, b->dev);

	if (!order)
		order = compare_numbers(a->ino, b->ino);
	if (!order)
		order = (int)a->write - (int)b->write;
	return order ? order : compare_open_files(a, b);
}

static bool is_one_per_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static struct line line_of(const struct lines *lines, const struct io *io)
{
	return (struct line){
		.dev = io->file->dev,
		.ino = io->file->ino,
		.write = io->op == IO_WRITE,
		.kcmp = lines->kcmp,
		.one_per_inode = !lines->kcmp && is_one_per_inode(io->file->fd),
		.fd = io->file->fd,
	};
}

bool lines_probe(void)
{
	pid_t us = getpid();

	return syscall(SYS_kcmp, us, us, KCMP_VM, 0L, 0L) == 0;
}

struct line *lines_find(struct lines *lines, const struct io *io)
{
	struct line key;
	void **found;

	if (!lines->root)
		return NULL;
	key = line_of(lines, io);
	found = tfind(&key, &lines->root, compare_lines);
	return found ? *found : NULL;
}

struct line *lines_start(struct lines *lines, const struct io *io)
{
	struct line *line = malloc(sizeof(*line));
	void **node;

	if (!line)
		return NULL;
	*line = line_of(lines, io);
	list_init(&line->places);
	node = tsearch(line, &lines->root, compare_lines);
	if (!node) {
		free(line);
		return NULL;
	}
	assert(*node == line);
	return line;
}

void line_join(struct line *line, struct line_place *place, const struct io *io)
{
	place->line = line;
	place->io = io;
	list_add_tail(&line->places, &place->node);
}

struct line_place *line_leave(struct lines *lines, struct line_place *place)
{
	struct line *line = place->line;
	struct line_place *first;
	bool was_first;

	if (!line)
		return NULL;
	was_first = line->places.next == &place->node;
	list_del(&place->node);
	place->line = NULL;
	first = list_first(&line->places, struct line_place, node);
	if (!first) {
		tdelete(line, &lines->root, compare_lines);
		free(line);
		return NULL;
	}
	line->fd = first->io->file->fd;
	return was_first ? first : NULL;
}
