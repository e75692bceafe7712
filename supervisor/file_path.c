/* SPDX-License-Identifier: MIT */
/*
 * Theory. Each time a file is taken /proc is asked again. What is asked is the link of our own
 * descriptor, and files are mostly taken under the same few numbers: those links are kept open, for
 * a link tells what its number stands for when it is read, and to look it up costs as much as to
 * read it. The same text is the same label.
 *
 * A file that has one name only and the ctime that it had when it was asked for has not got another
 * name, if that ctime was of an earlier second then (some file systems store no more than seconds,
 * and all of them stamp coarsely). Directories above may have: that is looked for whenever the
 * kernel's coarse clock has moved, each 1 to 10 ms.
 * ctime is asked only of what is open for reading: a ctime that somebody has looked at makes the
 * next write store a finer one, which costs the program something, and what is written has another
 * one each time anyway.
 *
 * Who only wants to tell files apart is spared that: device, inode and time of birth are the same
 * file, if they were seen a while after that.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "file_impl.h"
#include "format.h"
#include "label.h"
#include "util.h"

/* The link of one of our descriptors, open; -1: there is none. */
static int kept_link(struct file_table *t, int fd)
{
	char number[FORMAT_NUMBER_BYTES + 1];

	if (fd >= FILE_LINKS || t->proc_fd_dir < 0)
		return -1;
	if (t->links[fd] < 0) {
		*format_i64(number, fd) = '\0';
		t->links[fd] = openat(t->proc_fd_dir, number, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	return t->links[fd];
}

static ssize_t read_link(struct file_table *t, int fd, char *path, size_t size)
{
	const int link = kept_link(t, fd);
	char name[64];

	if (link >= 0)
		return readlinkat(link, "", path, size);
	/* an absolute path needs no directory */
	*format_i64(format_text(name, t->proc_fd_dir < 0 ? "/proc/self/fd/" : ""), fd) = '\0';
	return readlinkat(t->proc_fd_dir, name, path, size);
}

static struct file_known *known_slot(const struct file *f)
{
	return &f->table->known[hash_u64(f->io.ino ^ f->io.dev << 32) % FILE_KNOWN];
}

static void know(struct file_known *k, const struct file *f, uint64_t born_ns)
{
	label_put(k->path);
	*k = (struct file_known){ .dev = f->io.dev,
				  .ino = f->io.ino,
				  .born_ns = born_ns,
				  .path = label_get(f->path) };
}

unsigned file_path_mask(const struct file_table *t, unsigned open_flags)
{
	const bool ask = t->paths_wanted && (open_flags & O_ACCMODE) == O_RDONLY;

	return ask ? STATX_CTIME | STATX_NLINK : 0;
}

void file_path_note(struct file *f, const struct statx *sx, unsigned asked)
{
	const unsigned all = STATX_CTIME | STATX_NLINK | STATX_MNT_ID_UNIQUE;

	f->mount_id = sx->stx_mnt_id;
	if (asked & sx->stx_mask & STATX_CTIME && (sx->stx_mask & all) == all &&
	    sx->stx_nlink == 1 && f->can & FILE_REGULAR && f->fs && f->fs->marks_rename)
		f->changed_ns = (uint64_t)sx->stx_ctime.tv_sec * NSEC_PER_SEC +
				sx->stx_ctime.tv_nsec;
}

static bool is_same_inode(const struct file_known *k, const struct file *f)
{
	return k->ino == f->io.ino && k->dev == f->io.dev;
}

/* What was told not long ago is still so. */
static bool is_kept(const struct file_known *k, const struct file *f, uint64_t tick_ns)
{
	return f->changed_ns && k->path && k->changed_ns == f->changed_ns && is_same_inode(k, f) &&
	       k->mount_id == f->mount_id && k->asked_ns == tick_ns;
}

/* Any change that comes after that tick gets another time stamp. */
static bool changed_long_ago(const struct file *f, uint64_t tick_ns)
{
	return f->changed_ns / NSEC_PER_SEC < tick_ns / NSEC_PER_SEC;
}

/* It has this path, asked for after the clock was read. */
static void keep(struct file_known *k, const struct file *f, uint64_t tick_ns)
{
	if (!is_same_inode(k, f))
		k->born_ns = 0;
	k->dev = f->io.dev;
	k->ino = f->io.ino;
	k->mount_id = f->mount_id;
	k->changed_ns = changed_long_ago(f, tick_ns) ? f->changed_ns : 0;
	k->asked_ns = tick_ns;
}

/* The clock that file systems take time stamps from. */
static uint64_t last_tick_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

struct label *file_path(struct file *f)
{
	struct file_known *k = known_slot(f);
	char path[PATH_MAX];
	uint64_t tick_ns;
	ssize_t n;

	if (f->path)
		return f->path;
	f->table->paths_wanted = true;
	tick_ns = last_tick_ns();
	if (is_kept(k, f, tick_ns)) {
		f->path = label_get(k->path);
		return f->path;
	}
	n = read_link(f->table, f->io.fd, path, sizeof(path));
	if (n <= 0)
		return NULL;
	if (k->path && k->path->length_bytes == (size_t)n && !memcmp(k->path->text, path, n)) {
		f->path = label_get(k->path);
	} else {
		f->path = label_create(path, (size_t)n);
		know(k, f, 0);
	}
	if (f->path)
		keep(k, f, tick_ns);
	return f->path;
}

static bool is_known(const struct file_known *k, const struct file *f)
{
	return k->path && is_same_inode(k, f) && k->born_ns == f->born_ns;
}

/* Old enough for whatever gets its number after it to be younger, as time stamps of files go. */
static bool may_be_known(const struct file *f)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return f->born_ns + NSEC_PER_SEC < (uint64_t)now.tv_sec * NSEC_PER_SEC;
}

struct label *file_any_path(struct file *f)
{
	struct file_known *k = known_slot(f);

	if (f->path || !f->born_ns || f->io.class != FILE_LOCAL)
		return file_path(f);
	if (is_known(k, f))
		return k->path;
	if (file_path(f) && may_be_known(f))
		know(k, f, f->born_ns);
	return f->path;
}

void file_paths_open(struct file_table *t)
{
	t->proc_fd_dir = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < FILE_LINKS; i++)
		t->links[i] = -1;
}

void file_paths_close(struct file_table *t)
{
	close_fd(&t->proc_fd_dir);
	for (unsigned i = 0; i < FILE_LINKS; i++)
		close_fd(&t->links[i]);
	for (unsigned i = 0; i < FILE_KNOWN; i++)
		label_put(t->known[i].path);
}
