/* SPDX-License-Identifier: MIT */
/*
 * A thread's credentials. capget(2) and PIDFD_GET_INFO (6.13) tell in half a microsecond whether
 * they have changed; all of them stand only in /proc/PID/status, which takes ten times as long.
 */
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "creds.h"
#include "tracee.h"

#define GROUPS_MAX 65536

enum {		/* linux/ioprio.h is younger than some headers we build with */
	IOPRIO_WHO_PROCESS = 1,
	IOPRIO_LOWEST_RT = 1 << 13 | 7,
};

/* struct pidfd_info of linux/pidfd.h, which is younger than some headers; its first version. */
struct info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	uint32_t spare;
};

#define INFO_GET _IOWR(0xFF, 11, struct info)
#define INFO_CREDS (1ull << 1)

_Static_assert(sizeof(struct info) == 64, "PIDFD_INFO_SIZE_VER0");

/* Where a security module refuses capget(2) of others; 10 us. */
static int caps_by_status(pid_t tid, uint64_t *effective, uint64_t *permitted)
{
	char path[64], line[256];
	auto_file f = NULL;
	unsigned seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : neg_errno();
	while (seen < 2 && fgets(line, sizeof(line), f))
		seen += sscanf(line, "CapEff: %" SCNx64, effective) == 1 ||
			sscanf(line, "CapPrm: %" SCNx64, permitted) == 1;
	return seen == 2 ? 0 : -ESRCH;
}

int tracee_caps(pid_t tid, uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, tid };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, d))
		return errno == ESRCH ? -ESRCH : caps_by_status(tid, effective, permitted);
	*effective = d[0].effective | (uint64_t)d[1].effective << 32;
	*permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	return 0;
}

int tracee_ids(int pidfd, struct creds_ids *ids)
{
	struct info i = { .mask = INFO_CREDS };

	if (ioctl(pidfd, INFO_GET, &i))
		return neg_errno();
	if (!(i.mask & INFO_CREDS))
		return -ENOTTY;
	*ids = (struct creds_ids){ .ruid = i.ruid, .euid = i.euid, .suid = i.suid,
				   .fsuid = i.fsuid, .rgid = i.rgid, .egid = i.egid,
				   .sgid = i.sgid, .fsgid = i.fsgid };
	return 0;
}

static int read_groups(const char *at, gid_t **groups, unsigned *count)
{
	unsigned room = 0;

	for (char *end; ; at = end) {
		const unsigned long group = strtoul(at, &end, 10);

		if (end == at)
			return 0;
		if (*count == room) {
			gid_t *more = NULL;

			room = room ? 2 * room : 32;
			if (room <= GROUPS_MAX)
				more = realloc(*groups, room * sizeof(*more));
			if (!more)
				return -ENOMEM;
			*groups = more;
		}
		(*groups)[(*count)++] = (gid_t)group;
	}
}

int tracee_creds(pid_t tid, struct creds_ids *ids, gid_t **groups, unsigned *group_count)
{
	auto_free char *line = NULL;
	auto_file f = NULL;
	size_t size = 0;
	unsigned seen = 0;
	char path[64];
	int err = 0;

	*groups = NULL;
	*group_count = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : neg_errno();
	while (!err && getline(&line, &size, f) > 0) {
		if (sscanf(line, "Uid: %u %u %u %u", &ids->ruid, &ids->euid, &ids->suid,
			   &ids->fsuid) == 4 ||
		    sscanf(line, "Gid: %u %u %u %u", &ids->rgid, &ids->egid, &ids->sgid,
			   &ids->fsgid) == 4)
			seen++;
		else if (strncmp(line, "Groups:", 7) == 0)
			err = read_groups(line + 7, groups, group_count);
	}
	if (!err && !feof(f) && !ferror(f))
		err = -ENOMEM;		/* getline() tells of it so; groups must not be missed */
	if (!err && seen != 2)
		err = -ESRCH;
	return err;
}

uint64_t tracee_user_ns(int link_fd)
{
	char text[64];
	const ssize_t n = readlinkat(link_fd, "", text, sizeof(text) - 1);
	unsigned long long ino = 0;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "user:[%llu]", &ino) == 1 ? ino : 0;
}

int tracee_in_our_user_ns(pid_t tid)
{
	struct stat theirs, ours;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", tid);
	if (stat("/proc/self/ns/user", &ours))
		return errno == ENOENT ? 1 : neg_errno();	/* a kernel without */
	if (stat(path, &theirs))
		return errno == EACCES || errno == EPERM ? 0 : neg_errno();
	return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

/*
 * The capabilities of a container's root do not count for this (capable() in block/ioprio.c); what
 * the kernel says to us it says to everybody here who has them.
 */
static bool realtime_counts_here(void)
{
	const long old = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	const bool may = syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LOWEST_RT) == 0;

	if (may)
		(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, old < 0 ? 0 : old);
	return may;
}

bool tracee_may_realtime(pid_t tid)
{
	const uint64_t either = 1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_NICE;
	uint64_t effective, permitted;

	return tracee_caps(tid, &effective, &permitted) == 0 && effective & either &&
	       tracee_in_our_user_ns(tid) > 0 && realtime_counts_here();
}
