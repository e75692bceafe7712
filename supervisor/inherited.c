/* SPDX-License-Identifier: MIT */
#include "inherited.h"

#include <dirent.h>
#include <fcntl.h>

#include "util.h"

static void close_listing(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

void inherited_keep_std_closed(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(&fd);
}

static void replace_by_null(int fd, int null_fd)
{
	if (null_fd >= 0)
		dup3(null_fd, fd, O_CLOEXEC);
}

void inherited_drop(void)
{
	auto_fd null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	cleanup(close_listing) DIR *dir = opendir("/proc/self/fd");

	replace_by_null(STDIN_FILENO, null_fd);
	replace_by_null(STDOUT_FILENO, null_fd);
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		int fd = atoi(e->d_name);
		int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			close(fd);
	}
}
