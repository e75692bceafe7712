/* SPDX-License-Identifier: MIT */
/*
 * Theory. Processors have no memory that can be written and not read: a program's write from a
 * PROT_WRITE mapping works in the kernel, whose copy goes through the page tables.
 * process_vm_readv(2) asks the mapping instead, and refuses. Where it has stopped, the mapping is
 * looked up; if it is of that kind, and only then, the bytes come from /proc/PID/mem, which asks
 * nobody.
 */
#include "tracee.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mapping.h"

#define DEFAULT_SPACE_END 0x7ffffffff000ull	/* TASK_SIZE_MAX with four page-table levels */

/* Bytes from `at` on that lie in a mapping which is write-only; 0: it is another one, or none. */
static uint64_t write_only_bytes(pid_t tid, uaddr at)
{
	struct mapping m;

	if (mapping_of(tid, at, &m))
		return 0;
	return !m.readable && m.writable ? m.end - at : 0;
}

bool tracee_hides(pid_t tid, uaddr at, bool write)
{
	struct mapping m;

	return mapping_of(tid, at, &m) == 0 && (m.writable || (m.readable && !write));
}

bool tracee_hides_from(pid_t tid, const struct uvec *v, unsigned count, ssize_t done, bool write)
{
	uint64_t skip = done > 0 ? (uint64_t)done : 0;
	unsigned i = 0;

	for (; i < count && skip >= v[i].length_bytes; i++)
		skip -= v[i].length_bytes;
	return i < count && tracee_hides(tid, v[i].base + skip, write);
}

bool tracee_has_mapped(pid_t tid, uaddr at, dev_t dev, ino_t ino)
{
	struct mapping m;

	return mapping_of(tid, at, &m) == 0 && m.start == at && m.dev == dev && m.ino == ino;
}

/* Where a vector is after `done` bytes: the piece, and the bytes of it that are done. */
static unsigned vector_seek(const struct iovec *v, unsigned count, size_t *done)
{
	unsigned i = 0;

	while (i < count && *done >= v[i].iov_len)
		*done -= v[i++].iov_len;
	return i;
}

/* One stretch, as long as source, target and mapping are; 0: not write-only memory. */
static ssize_t read_write_only(pid_t tid, const struct iovec *from, unsigned from_count,
			       const struct iovec *to, unsigned to_count, size_t done)
{
	size_t at = done, into = done;
	const unsigned i = vector_seek(from, from_count, &at), k = vector_seek(to, to_count, &into);
	auto_fd mem = -1;
	uint64_t bytes;
	uaddr source;
	ssize_t n;

	if (i == from_count || k == to_count)
		return 0;
	source = (uaddr)(uintptr_t)from[i].iov_base + at;
	bytes = min_u64(write_only_bytes(tid, source),
			min_u64(from[i].iov_len - at, to[k].iov_len - into));
	if (!bytes)
		return 0;
	mem = tracee_open(tid, "mem", O_RDONLY);
	n = mem < 0 ? 0 : pread(mem, (char *)to[k].iov_base + into, bytes, (off_t)source);
	return n < 0 ? 0 : n;
}

static size_t total(const struct iovec *v, unsigned count)
{
	size_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += v[i].iov_len;
	return sum;
}

/* From one source into one target, by the usual way. */
static ssize_t read_stretch(pid_t tid, const struct iovec *from, unsigned from_count,
			    const struct iovec *to, unsigned to_count, size_t done)
{
	size_t at = done, into = done;
	const unsigned i = vector_seek(from, from_count, &at), k = vector_seek(to, to_count, &into);

	if (i == from_count || k == to_count)
		return 0;
	const struct iovec source = { (char *)from[i].iov_base + at, from[i].iov_len - at };
	const struct iovec target = { (char *)to[k].iov_base + into, to[k].iov_len - into };

	return process_vm_readv(tid, &target, 1, &source, 1, 0);
}

/* The rest is read stretch by stretch: of this kind or readable, until neither goes on. */
static ssize_t read_slowly(pid_t tid, const struct iovec *from, unsigned from_count,
			   const struct iovec *to, unsigned to_count, size_t done)
{
	const size_t wanted = min_u64(total(from, from_count), total(to, to_count));
	ssize_t n = 1;

	for (; done < wanted && n > 0; done += n > 0 ? (size_t)n : 0) {
		n = read_write_only(tid, from, from_count, to, to_count, done);
		if (!n)
			n = read_stretch(tid, from, from_count, to, to_count, done);
	}
	return done ? (ssize_t)done : -EFAULT;
}

ssize_t tracee_readv(pid_t tid, const struct uvec *from, unsigned from_count,
		     const struct iovec *to, unsigned to_count)
{
	const struct iovec *source = (const struct iovec *)from;
	ssize_t n;
	unsigned tries = 0;

	do
		n = process_vm_readv(tid, to, to_count, source, from_count, 0);
	while (n < 0 && errno == ENOMEM && ++tries < TRACEE_COPY_TRIES);
	if (n < 0 && errno != EFAULT)
		return neg_errno();
	if (n >= 0 && (size_t)n == total(source, from_count))
		return n;
	return read_slowly(tid, source, from_count, to, to_count, n < 0 ? 0 : (size_t)n);
}

/* Does the kernel look at this byte's address and find that it could be a user's? -errno: who knows */
static int address_passes(int empty_pipe, uaddr at)
{
	const struct iovec v[2] = { { (void *)(uintptr_t)at, 1 }, { (void *)(uintptr_t)at, 0 } };

	/*
	 * The address is judged before the pipe is looked into, and one entry alone would be cut.
	 */
	if (readv(empty_pipe, v, 2) >= 0 || errno == EAGAIN)
		return 1;
	return errno == EFAULT ? 0 : neg_errno();
}

uaddr tracee_space_end(void)
{
	uaddr good = 0, bad = UINT64_MAX;
	auto_fd read_end = -1, write_end = -1;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK))
		return DEFAULT_SPACE_END;
	read_end = fd[0];
	write_end = fd[1];
	while (bad - good > 1) {
		const uaddr middle = good + (bad - good) / 2;
		const int passes = address_passes(read_end, middle);

		if (passes < 0)
			return DEFAULT_SPACE_END;
		if (passes)
			good = middle;
		else
			bad = middle;
	}
	return bad;
}

/* prlimit(2) of another user wants CAP_SYS_RESOURCE, which root of a container has not got. */
bool tracee_space_unlimited(pid_t tgid)
{
	static const char which[] = "Max address space";
	char path[64], line[128], soft[32];
	auto_file f = NULL;
	struct rlimit space;

	if (!prlimit(tgid, RLIMIT_AS, NULL, &space))
		return space.rlim_cur == RLIM_INFINITY;
	snprintf(path, sizeof(path), "/proc/%d/limits", tgid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, which, sizeof(which) - 1))
			return sscanf(line + sizeof(which) - 1, "%31s", soft) == 1 &&
			       !strcmp(soft, "unlimited");
	}
	return false;
}
