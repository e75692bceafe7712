/* SPDX-License-Identifier: MIT */
/*
 * Theory. Nothing tells that a file got another path: each time a file is taken /proc must be asked
 * again, relative to an open directory, which costs two thirds of looking up /proc/self/fd. Who only
 * wants to tell files apart is spared that: device, inode and time of birth are the same file, if
 * they were seen a while after that.
 */
#include <fcntl.h>
#include <limits.h>

#include "file_impl.h"
#include "format.h"
#include "label.h"
#include "util.h"

static struct label *read_path(const struct file *f)
{
	const int dir = f->table->proc_fd_dir;
	char link[64], path[PATH_MAX];
	ssize_t n;

	/* an absolute path needs no directory */
	*format_i64(format_text(link, dir < 0 ? "/proc/self/fd/" : ""), f->io.fd) = '\0';
	n = readlinkat(dir, link, path, sizeof(path));
	return n > 0 ? label_create(path, (size_t)n) : NULL;
}

struct label *file_path(struct file *f)
{
	if (!f->path)
		f->path = read_path(f);
	return f->path;
}

static struct file_known *known_slot(const struct file *f)
{
	return &f->table->known[hash_u64(f->io.ino ^ f->io.dev << 32) % FILE_KNOWN];
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
	if (file_path(f) && may_be_known(f)) {
		label_put(k->path);
		*k = (struct file_known){ f->io.dev, f->io.ino, f->born_ns, label_get(f->path) };
	}
	return f->path;
}

void file_paths_open(struct file_table *t)
{
	t->proc_fd_dir = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void file_paths_close(struct file_table *t)
{
	close_fd(&t->proc_fd_dir);
	for (unsigned i = 0; i < FILE_KNOWN; i++)
		label_put(t->known[i].path);
}
