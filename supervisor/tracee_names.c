/* SPDX-License-Identifier: MIT */
/* What tasks are called. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "tracee.h"

int tracee_program(pid_t tgid, char *name, size_t size)
{
	static const char gone[] = " (deleted)";
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", tgid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return neg_errno();
	if ((size_t)n > strlen(gone) && !memcmp(path + n - strlen(gone), gone, strlen(gone)))
		n -= (ssize_t)strlen(gone);
	path[n] = '\0';
	snprintf(name, size, "%s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	return 0;
}

int tracee_comm(pid_t tid, char *name, size_t size)
{
	char path[64];
	auto_fd fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, size - 1);
	if (n < 0)
		return neg_errno();
	n -= n > 0 && name[n - 1] == '\n';
	name[n] = '\0';
	return 0;
}

static bool same_namespace(pid_t tid, const char *kind)
{
	struct stat ours, its;
	char own_path[32], path[64];

	snprintf(own_path, sizeof(own_path), "/proc/self/ns/%s", kind);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", tid, kind);
	return !stat(own_path, &ours) && !stat(path, &its) && ours.st_dev == its.st_dev &&
	       ours.st_ino == its.st_ino;
}

bool tracee_same_pid_namespace(pid_t tid)
{
	return same_namespace(tid, "pid");
}

bool tracee_sees_our_files(pid_t tid)
{
	char path[64], root[2];

	snprintf(path, sizeof(path), "/proc/%d/root", tid);
	return same_namespace(tid, "mnt") && readlink(path, root, sizeof(root)) == 1 &&
	       *root == '/';
}

/* Kernels without such namespaces have one clock. */
bool tracee_same_time_namespace(pid_t tid)
{
	return access("/proc/self/ns/time", F_OK) || same_namespace(tid, "time");
}
