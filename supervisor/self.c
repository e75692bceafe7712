/* SPDX-License-Identifier: MIT */
#include "self.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "log.h"
#include "util.h"

#define FILES_WANTED (1u << 20)

unsigned self_possible_cpus(void)
{
	auto_file f = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned first, last, count = 0;
	int n;

	/* "0-3,8-11" */
	while (f && (n = fscanf(f, "%u-%u", &first, &last)) > 0) {
		count += n == 2 ? last - first + 1 : 1;
		if (fgetc(f) != ',')
			break;
	}
	return count ? count : (unsigned)max_u64(1, (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
}

/* Signals of our own mistakes must not be blocked: the kernel would kill us without a word. */
void self_unblock_faults(void)
{
	const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigaddset(&set, faults[i]);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * A read of PROGRAM's terminal by us, who are in another process group and ignore SIGTTIN, would
 * get EIO; without a controlling terminal it is a file like any other.
 */
void self_leave_terminal(void)
{
	auto_fd tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (tty >= 0 && ioctl(tty, TIOCNOTTY))
		log_info(1, "the terminal cannot be left (%s): AIO reads of it may get EIO",
			 strerror(errno));
}

/* As far as we may: to the hard limit at least. */
static void raise_limit(int which)
{
	struct rlimit limit;

	if (getrlimit(which, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(which, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }))
		(void)setrlimit(which, &limit);
}

/*
 * They are meant for the program, each of its processes; we work for all of them. Each request in flight
 * holds a descriptor; the tracee's limit on file sizes is applied by request, and a program that may
 * raise its own may be above ours.
 */
void self_raise_limits(void)
{
	const int others[] = { RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_AS, RLIMIT_DATA };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		struct rlimit more = { FILES_WANTED,
				       (rlim_t)max_u64(FILES_WANTED, files.rlim_max) };

		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &more) && setrlimit(RLIMIT_NOFILE, &files))
			log_warn("the limit on open files cannot be raised: %s", strerror(errno));
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		raise_limit(others[i]);
}
