/* SPDX-License-Identifier: MIT */
/*
 * Theory. PROCMAP_QUERY (6.11) looks one mapping up in 0.4 us; kernels that do not know it print
 * all of them, which takes 1 us each. Headers may be older than the kernel, so its layout stands
 * here.
 */
#include "mapping.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tracee.h"

/* struct procmap_query of linux/fs.h */
struct map_query {
	uint64_t size_bytes, flags, at;
	uint64_t start, end, vma_flags, page_bytes, offset, ino;
	uint32_t dev_major, dev_minor, name_size_bytes, build_id_size_bytes;
	uint64_t name, build_id;
};

#define MAP_QUERY _IOWR('f', 17, struct map_query)
enum { MAP_READABLE = 1, MAP_WRITABLE = 2 };

static int by_query(int maps_fd, uaddr at, struct mapping *out)
{
	struct map_query q = { .size_bytes = sizeof(q), .at = at };

	if (ioctl(maps_fd, MAP_QUERY, &q))
		return neg_errno();
	*out = (struct mapping){
		.start = q.start,
		.end = q.end,
		.offset = q.offset,
		.dev = makedev(q.dev_major, q.dev_minor),
		.ino = q.ino,
		.readable = q.vma_flags & MAP_READABLE,
		.writable = q.vma_flags & MAP_WRITABLE,
	};
	return 0;
}

static bool parse(const char *line, struct mapping *out)
{
	unsigned long long start, end, offset, ino;
	unsigned dev_major, dev_minor;
	char read, write;

	if (sscanf(line, "%llx-%llx %c%c%*s %llx %x:%x %llu", &start, &end, &read, &write,
		   &offset, &dev_major, &dev_minor, &ino) != 8)
		return false;
	*out = (struct mapping){ start, end, offset, makedev(dev_major, dev_minor), ino,
				 read == 'r', write == 'w' };
	return true;
}

int mapping_by_text(int maps_fd, uaddr at, struct mapping *out)
{
	const int fd = fcntl(maps_fd, F_DUPFD_CLOEXEC, 0);
	auto_file f = fd < 0 ? NULL : fdopen(fd, "re");
	char line[512];

	if (!f) {
		const int err = neg_errno();

		if (fd >= 0)
			close(fd);
		return err;
	}
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		if (parse(line, out) && at >= out->start && at < out->end)
			return 0;
	}
	return ferror(f) ? -EIO : -ENOENT;
}

int mapping_at(int maps_fd, uaddr at, struct mapping *out)
{
	const int err = by_query(maps_fd, at, out);

	return err && err != -ENOENT ? mapping_by_text(maps_fd, at, out) : err;
}

int mapping_of(pid_t tid, uaddr at, struct mapping *out)
{
	const int fd = tracee_open(tid, "maps", O_RDONLY);
	int err;

	if (fd < 0)
		return fd;
	err = mapping_at(fd, at, out);
	close(fd);
	return err;
}
