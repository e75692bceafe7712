/* SPDX-License-Identifier: MIT */
/*
 * Theory. Nothing tells that a file got another path: each time a file is taken /proc must be asked
 * again. What is asked is the link of our own descriptor, and files are mostly taken under the same
 * few numbers: those links are kept open, for a link tells what its number stands for when it is
 * read, and to look it up costs as much as to read it. The same text is the same label.
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
	*k = (struct file_known){ f->io.dev, f->io.ino, born_ns, label_get(f->path) };
}

struct label *file_path(struct file *f)
{
	struct file_known *k = known_slot(f);
	char path[PATH_MAX];
	ssize_t n;

	if (f->path)
		return f->path;
	n = read_link(f->table, f->io.fd, path, sizeof(path));
	if (n <= 0)
		return NULL;
	if (k->path && k->path->length_bytes == (size_t)n && !memcmp(k->path->text, path, n)) {
		f->path = label_get(k->path);
	} else {
		f->path = label_create(path, (size_t)n);
		know(k, f, 0);
	}
	return f->path;
}

static bool is_known(const struct file_known *k, const struct file *f)
{
	return k->path && k->ino == f->io.ino && k->dev == f->io.dev && k->born_ns == f->born_ns;
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
