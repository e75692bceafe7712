/* SPDX-License-Identifier: MIT */
/*
 * Theory. A table by (mount id, device), filled on first sight from /proc/TID/mountinfo. Mounts
 * inside the kernel (memfd, hugetlb memfd, SysV shared memory) stand in no mountinfo: their devices
 * are learned at start from files of our own. A mount id may be reused after an unmount; a new
 * mount of another type has another device in nearly every case, and a wrong entry costs speed or a
 * stall of this tree, never data.
 */
#include "fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util.h"

#define FS_BUCKETS 64

struct fs_entry {
	struct fs fs;
	uint64_t mount_id;
	uint64_t dev;
	struct fs_entry *next;
};

struct fs_table {
	struct fs_entry *bucket[FS_BUCKETS];
	uint64_t memfd_dev;
	uint64_t hugetlb_dev;
	struct fs_entry memfd, hugetlb, unknown;
};

/* Order is of no matter; what is not here is foreign. */
static const struct fs fs_known[] = {
	{ .type = "ext2", .kind = FS_LOCAL, .marks_rename = true },
	{ .type = "ext3", .kind = FS_LOCAL, .marks_rename = true, .nowait = true, .dontcache = true },
	{ .type = "ext4", .kind = FS_LOCAL, .marks_rename = true, .nowait = true, .dontcache = true },
	{ .type = "xfs", .kind = FS_LOCAL, .marks_rename = true, .nowait = true, .dontcache = true, .atomic = true },
	{ .type = "btrfs", .kind = FS_LOCAL, .marks_rename = true, .nowait = true },
	{ .type = "f2fs", .kind = FS_LOCAL, .marks_rename = true, .nowait = true },
	{ .type = "bcachefs", .kind = FS_LOCAL, .nowait = true },
	{ .type = "zfs", .kind = FS_LOCAL },
	{ .type = "tmpfs", .kind = FS_LOCAL, .marks_rename = true, .memory = true },
	{ .type = "ramfs", .kind = FS_LOCAL, .marks_rename = true, .memory = true },
	{ .type = "hugetlbfs", .kind = FS_LOCAL, .memory = true },
	{ .type = "devtmpfs", .kind = FS_LOCAL, .memory = true },
	{ .type = "overlay", .kind = FS_LOCAL },
	{ .type = "squashfs", .kind = FS_LOCAL },
	{ .type = "erofs", .kind = FS_LOCAL },
	{ .type = "iso9660", .kind = FS_LOCAL },
	{ .type = "vfat", .kind = FS_LOCAL },
	{ .type = "exfat", .kind = FS_LOCAL },
	{ .type = "jfs", .kind = FS_LOCAL },
	{ .type = "nilfs2", .kind = FS_LOCAL },
	{ .type = "proc", .kind = FS_INSTANT },
	{ .type = "sysfs", .kind = FS_INSTANT },
	{ .type = "cgroup", .kind = FS_INSTANT },
	{ .type = "cgroup2", .kind = FS_INSTANT },
	{ .type = "configfs", .kind = FS_INSTANT },
	{ .type = "securityfs", .kind = FS_INSTANT },
	{ .type = "debugfs", .kind = FS_INSTANT },
	{ .type = "tracefs", .kind = FS_INSTANT },
	{ .type = "binfmt_misc", .kind = FS_INSTANT },
	{ .type = "pstore", .kind = FS_INSTANT },
	{ .type = "bpf", .kind = FS_INSTANT },
	{ .type = "fusectl", .kind = FS_INSTANT },
};

static void fs_classify(struct fs *fs, const char *type, uint64_t dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(fs_known); i++) {
		if (strcmp(type, fs_known[i].type) == 0)
			*fs = fs_known[i];
	}
	if (!fs->type[0])
		*fs = (struct fs){ .kind = FS_FOREIGN };
	snprintf(fs->type, sizeof(fs->type), "%s", type);
	if (fs->kind == FS_FOREIGN)
		snprintf(fs->lane_name, sizeof(fs->lane_name), "fs %u:%u", major(dev), minor(dev));
	else
		snprintf(fs->lane_name, sizeof(fs->lane_name), "local");
}

static uint64_t memfd_device(unsigned flags)
{
	auto_fd fd = memfd_create("aio-sandbox", MFD_CLOEXEC | flags);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_dev : 0;
}

struct fs_table *fs_table_create(void)
{
	struct fs_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->memfd_dev = memfd_device(0);
	t->hugetlb_dev = memfd_device(MFD_HUGETLB);
	fs_classify(&t->memfd.fs, "tmpfs", t->memfd_dev);
	fs_classify(&t->hugetlb.fs, "hugetlbfs", t->hugetlb_dev);
	fs_classify(&t->unknown.fs, "?", 0);
	return t;
}

void fs_table_destroy(struct fs_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < FS_BUCKETS; i++) {
		while (t->bucket[i]) {
			struct fs_entry *e = t->bucket[i];

			t->bucket[i] = e->next;
			free(e);
		}
	}
	free(t);
}

/* mountinfo: "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPEROPTIONS" */
static bool mountinfo_find(pid_t tid, unsigned long mount_id, char type[32])
{
	char path[64], line[4096];
	auto_file f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *dash = strstr(line, " - ");

		if (dash && strtoul(line, NULL, 10) == mount_id)
			return sscanf(dash, " - %31s", type) == 1;
	}
	return false;
}

/* mountinfo knows the reusable id only. */
static bool plain_mount_id(int fd, unsigned long *id)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx))
		return false;
	*id = (unsigned long)sx.stx_mnt_id;
	return sx.stx_mask & STATX_MNT_ID;
}

static const struct fs *fs_learn(struct fs_table *t, struct fs_entry **bucket, uint64_t mount_id,
				 uint64_t dev, int fd, pid_t tid)
{
	struct fs_entry *e;
	unsigned long plain;
	char type[32];

	if (!plain_mount_id(fd, &plain))
		return &t->unknown.fs;
	/*
	 * a chroot's mountinfo lacks the mount that its root lies in: ours may know it, or that of
	 * the first process
	 */
	if (!mountinfo_find(tid, plain, type) && !mountinfo_find(getpid(), plain, type) &&
	    !mountinfo_find(1, plain, type))
		snprintf(type, sizeof(type), "?");
	e = calloc(1, sizeof(*e));
	if (!e)
		return &t->unknown.fs;
	fs_classify(&e->fs, type, dev);
	e->mount_id = mount_id;
	e->dev = dev;
	e->next = *bucket;
	*bucket = e;
	return &e->fs;
}

const struct fs *fs_lookup(struct fs_table *t, uint64_t mount_id, uint64_t dev, int fd, pid_t tid)
{
	struct fs_entry **bucket = &t->bucket[hash_u64(mount_id ^ dev << 32) % FS_BUCKETS];

	if (dev == t->memfd_dev)
		return &t->memfd.fs;
	if (dev == t->hugetlb_dev)
		return &t->hugetlb.fs;
	for (struct fs_entry *e = *bucket; e; e = e->next) {
		if (e->mount_id == mount_id && e->dev == dev)
			return &e->fs;
	}
	return fs_learn(t, bucket, mount_id, dev, fd, tid);
}
