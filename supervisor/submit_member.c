/* SPDX-License-Identifier: MIT */
/*
 * Theory. What is written to cgroup.procs, cgroup.threads and tasks is the number of a task, in the
 * pid namespace of whoever writes, or 0: the writer (cgroup_procs_write_start() of
 * kernel/cgroup/cgroup.c, 6.18). The writer is the supervisor here, so it writes the number by which
 * it knows that task itself. What is allowed depends on who has opened the file, not on who writes.
 */
#include "submit.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* NS_GET_PID_FROM_PIDNS of linux/nsfs.h, 6.11: the number here of a task that has `arg` there. */
#define NS_PID_HERE _IOR(0xb7, 0x6, int)
#define NUMBER_BYTES_MAX 32		/* what is longer is none */

static bool names_members(const struct file *f)
{
	static const char *const names[] = { "cgroup.procs", "cgroup.threads", "tasks" };
	char path[32], target[PATH_MAX];
	const char *name;
	ssize_t n;

	if (!f->fs || (strcmp(f->fs->type, "cgroup") && strcmp(f->fs->type, "cgroup2")))
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->io.fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	name = strrchr(target, '/');
	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++) {
		if (strcmp(name + 1, names[i]) == 0)
			return true;
	}
	return false;
}

/* The number that was written; -EINVAL: the kernel shall say what it thinks of it. */
static int number_of(const struct io *io)
{
	char text[NUMBER_BYTES_MAX + 1], *end;
	size_t n = 0;
	long number;

	if (io->length_bytes > NUMBER_BYTES_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < io->iov_count; i++) {
		memcpy(text + n, io->iov[i].iov_base, io->iov[i].iov_len);
		n += io->iov[i].iov_len;
	}
	text[n] = '\0';
	number = strtol(text, &end, 0);
	if (end == text || end[strspn(end, " \t\n")] || number < 0 || number > INT_MAX)
		return -EINVAL;
	return (int)number;
}

/* Of the task that the submitter means, as we know it; 0: the one that is written; -ESRCH. */
static int task_of(pid_t submitter, int number)
{
	auto_fd there = number ? tracee_open(submitter, "ns/pid", O_RDONLY) : -1;
	struct stat theirs, ours;
	int here;

	if (!number)
		return submitter;
	if (there < 0 || fstat(there, &theirs) || stat("/proc/self/ns/pid", &ours) ||
	    (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev))
		return 0;
	here = ioctl(there, NS_PID_HERE, number);
	if (here < 0)
		return errno == ESRCH ? -ESRCH : 0;
	return here;
}

int64_t submit_member(const struct submission *s, const struct request *r)
{
	char text[16];
	struct iovec v = { text, 0 };
	int number, task;

	if (r->faulted || s->d->cfg->engine == CONFIG_ENGINE_NULL)
		return 0;
	if (r->file->io.class != FILE_INSTANT || !names_members(r->file))
		return 0;
	number = number_of(&r->io);
	task = number < 0 ? 0 : task_of(s->call->thread->source.tid, number);
	if (task <= 0)
		return task;
	v.iov_len = (size_t)snprintf(text, sizeof(text), "%d", task);
	if (pwritev2(r->io.file->fd, &v, 1, r->io.offset, (int)r->io.rw_flags) < 0)
		return neg_errno();
	return (int64_t)r->io.length_bytes;
}
