/* SPDX-License-Identifier: MIT */
/*
 * Theory. Per descriptor and call: pidfd_getfd, F_GETFL, statx without asking the file system, and
 * for anonymous inodes the name that /proc gives them. From that follow the class (what may block),
 * the lane (where it may), and what the kernel's io_submit would refuse. A worker makes the closes
 * that may wait.
 */
#include "file_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "creds.h"
#include "label.h"
#include "log.h"
#include "passed.h"
#include "tracee.h"
#include "util.h"
#include "workers.h"

struct close_work {
	struct work work;
	struct file *file;
};

/* What an end of a pipe tells: the device of pipes, and how much can be known of other files. */
static uint64_t pipe_device(struct file_table *t)
{
	auto_fd in = -1;
	auto_fd out = -1;
	struct stat st;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return 0;
	in = fds[0];
	out = fds[1];
	t->iter_known = file_iter_known(in);
	return fstat(in, &st) || out < 0 ? 0 : st.st_dev;
}

struct file_table *file_table_create(struct workers *workers)
{
	struct file_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->workers = workers;
	file_paths_open(t);
	t->pipe_dev = pipe_device(t);
	for (unsigned i = 0; i < FILE_BUCKETS; i++)
		list_init(&t->in_use[i]);
	t->mounts = fs_table_create();
	t->local = workers_lane(workers, "local");
	t->peers = workers_lane(workers, "peers");
	if (!t->mounts || !t->local || !t->peers) {
		file_table_destroy(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void file_table_destroy(struct file_table *t)
{
	if (!t)
		return;
	fs_table_destroy(t->mounts);
	file_paths_close(t);
	free(t);
}

unsigned file_count(const struct file_table *t)
{
	return t->count;
}

static struct lane *file_lane(const struct file *f)
{
	struct lane *lane = f->table->local;

	if (f->io.class == FILE_PEER)
		lane = f->table->peers;
	else if (f->fs && f->io.class == FILE_FOREIGN)
		lane = workers_lane(f->table->workers, f->fs->lane_name);
	return lane ? lane : f->table->local;
}

static int file_describe(struct file *f, pid_t tid)
{
	const unsigned modes[] = { FILE_CAN_READ, FILE_CAN_WRITE, FILE_CAN_READ | FILE_CAN_WRITE,
				   0 };
	const int flags = fcntl(f->io.fd, F_GETFL);
	unsigned asked = STATX_TYPE | STATX_MODE | STATX_INO | STATX_BTIME | STATX_MNT_ID_UNIQUE |
			 STATX_MNT_ID;
	struct statx sx;
	int err;

	if (flags < 0 || flags & O_PATH)
		return -EBADF;
	asked |= file_path_mask(f->table, (unsigned)flags);
	if (statx(f->io.fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, asked, &sx))
		return errno == ENOMEM ? -ENOMEM : -EBADF;
	f->open_flags = (unsigned)flags;
	f->can = modes[flags & O_ACCMODE];
	f->io.direct = flags & O_DIRECT;
	f->io.nonblock = flags & O_NONBLOCK;
	f->io.sync = flags & (O_SYNC | O_DSYNC);
	f->io.dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	f->io.ino = sx.stx_ino;
	if (sx.stx_mask & STATX_BTIME)
		f->born_ns = (uint64_t)sx.stx_btime.tv_sec * NSEC_PER_SEC + sx.stx_btime.tv_nsec;
	err = file_classify(f, &sx, tid);
	file_path_note(f, &sx, asked);
	if (sx.stx_attributes & STATX_ATTR_APPEND && flags & O_APPEND)
		f->can |= FILE_ONLY_APPENDS;
	f->io.nowait = f->can & FILE_NOWAIT;
	f->io.lane = file_lane(f);
	return err;
}

/* Access mode and status flags as fdinfo tells them; -EBADF when there is no such descriptor. */
static int fdinfo_flags(const struct file_source *from, int fd)
{
	char path[64], line[128];
	auto_file f = NULL;
	unsigned flags;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fdinfo/%d", from->tgid, from->tid, fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "flags: %o", &flags) == 1)
			return (int)flags;
	}
	return -EBADF;
}

/*
 * pidfd_getfd is refused (a container's profile): positional I/O sees neither the file offset nor
 * locks, so an open file description of our own with the same modes does for what has a place on
 * storage.
 */
static int file_reopen(const struct file_source *from, int fd)
{
	const int keep =
		O_ACCMODE | O_APPEND | O_DIRECT | O_DSYNC | O_SYNC | O_NOATIME | O_NONBLOCK;
	int flags = fdinfo_flags(from, fd);
	struct stat st;
	char path[64];
	int ours;

	if (flags < 0)
		return flags;
	log_warn_once("pidfd_getfd is refused here (container profile?): regular files and block "
		      "devices are "
		      "opened anew; AIO on pipes, sockets and deleted files gets EBADF; add "
		      "--cap-add SYS_PTRACE");
	snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d", from->tgid, from->tid, fd);
	if (flags & O_PATH || stat(path, &st) || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return -EBADF;
	ours = open(path, (flags & keep) | O_CLOEXEC | O_LARGEFILE);
	if (ours < 0 && flags & O_NOATIME)
		ours = open(path, (flags & keep & ~O_NOATIME) | O_CLOEXEC | O_LARGEFILE);
	if (ours >= 0)
		return ours;
	return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? neg_errno() : -EBADF;
}

static int file_fetch(const struct file_source *from, int fd)
{
	int ours = tracee_get_fd(from->pidfd, fd);

	if (ours != -EPERM && ours != -ENOSYS)
		return ours;
	ours = passed_take(from->passed, fd);
	return ours == -EPERM ? file_reopen(from, fd) : ours;
}

static struct list *file_bucket(struct file_table *t, pid_t tgid, int fd)
{
	return &t->in_use[hash_u64((uint64_t)tgid << 32 | (unsigned)fd) % FILE_BUCKETS];
}

/*
 * A request in flight keeps its file open anyway, so that another one for the same may use it: one
 * comparison instead of four system calls, and one descriptor of ours for any number of requests.
 */
static struct file *file_shared(struct file_table *t, const struct file_source *from, int fd)
{
	list_for_each(node, tmp, file_bucket(t, from->tgid, fd)) {
		struct file *f = list_entry(node, struct file, node);
		int same;

		if (t->no_sharing || f->tracee_fd != fd || f->tgid != from->tgid)
			continue;
		same = tracee_same_file(from->tid, fd, f->io.fd);
		t->no_sharing = same == -ENOSYS || same == -EPERM;
		if (same == 1 && fcntl(f->io.fd, F_GETFL) == (int)f->open_flags)
			return f;
	}
	return NULL;
}

static int file_take_new(struct file_table *t, const struct file_source *from, int fd,
			 struct file **out)
{
	int ours = file_fetch(from, fd);
	struct file *f;
	int err;

	if (ours < 0)
		return ours;
	f = zeroed(sizeof(*f));
	if (!f) {
		close(ours);
		return -ENOMEM;
	}
	*f = (struct file){
		.refs = 1, .tracee_fd = fd, .tgid = from->tgid, .table = t, .io.fd = ours
	};
	list_init(&f->node);
	t->count++;
	err = file_describe(f, from->tid);
	if (err) {
		file_put(f);
		return err;
	}
	list_add(file_bucket(t, from->tgid, fd), &f->node);
	*out = f;
	return 0;
}

int file_take(struct file_table *t, const struct file_source *from, int fd, struct file **out)
{
	*out = file_shared(t, from, fd);
	if (!*out)
		return file_take_new(t, from, fd, out);
	file_get(*out);
	return 0;
}

void file_get(struct file *f)
{
	f->refs++;
}

static void close_run(struct work *w)
{
	struct close_work *c = container_of(w, struct close_work, work);

	(void)creds_be(NULL);	/* what the thread did before was somebody else's */
	close(c->file->io.fd);
}

static void close_done(struct work *w)
{
	struct close_work *c = container_of(w, struct close_work, work);

	free(c->file);
	free(c);
}

/* FUSE flushes, NFS writes back, a tty drains, a socket lingers. */
static bool close_may_wait(const struct file *f)
{
	struct linger l = { 0 };
	socklen_t size = sizeof(l);

	if (f->can & FILE_SOCKET)
		return getsockopt(f->io.fd, SOL_SOCKET, SO_LINGER, &l, &size) == 0 && l.l_onoff &&
		       l.l_linger;
	return f->slow_close || f->io.class == FILE_FOREIGN;
}

void file_put(struct file *f)
{
	struct close_work *c;

	if (!f || --f->refs)
		return;
	f->table->count--;
	list_del(&f->node);
	label_put(f->path);
	label_put(f->name);
	if (f->io.lane && close_may_wait(f)) {
		c = calloc(1, sizeof(*c));
		if (c) {
			*c = (struct close_work){ .work = { .run = close_run, .done = close_done },
						  .file = f };
			workers_queue(f->table->workers, f->io.lane, &c->work);
			return;
		}
	}
	close(f->io.fd);
	free(f);
}
