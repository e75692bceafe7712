/* SPDX-License-Identifier: MIT */
/* Who a thread can become, alone, and a file that judges who writes to it by its set-ID bits. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "victim.h"

#include <linux/capability.h>

#define NOBODY 65534
#define TEAM 4242			/* a group that nobody else has */
#define CAP(n) (1ull << (n))

static inline void be_ids(uid_t uid, gid_t gid)
{
	need(!syscall(SYS_setresgid, gid, gid, gid) && !syscall(SYS_setresuid, uid, uid, uid));
}

static inline void be_nobody(void)
{
	need(!syscall(SYS_setgroups, 0, NULL));
	be_ids(NOBODY, NOBODY);
}

static inline void keep_caps(uint64_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32) },
	};

	need(!syscall(SYS_capset, &header, d));
}

static inline void be_nobody_with(uint64_t caps)
{
	need(!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	be_nobody();
	keep_caps(caps);
}

static inline void be_member(void)
{
	const gid_t team = TEAM;

	need(!syscall(SYS_setgroups, 1, &team));
	be_ids(NOBODY, NOBODY);
}

static inline int set_id_file(mode_t mode)
{
	static const char page[PAGE];
	int fd = tmp_open(O_RDWR);

	need(!fchown(fd, 0, TEAM) && write(fd, page, PAGE) == PAGE);
	need(!fchmod(fd, mode));
	return fd;
}

static inline void show_mode(const char *tag, const char *result, int fd)
{
	struct stat st;

	need(!fstat(fd, &st));
	obs(tag, "%s, %#o", result, st.st_mode & 07777);
}

#endif
