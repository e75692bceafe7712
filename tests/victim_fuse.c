/* SPDX-License-Identifier: MIT */
/*
 * victim_fuse DIRECTORY CONTROL LOG: a file system that does not answer.
 *
 * It has one file, "file", of SIZE bytes in memory. Lines that come by the FIFO CONTROL:
 *
 *	hold	from now on no read, write, fsync, flush, release, getattr and statfs is answered
 *	go	all of them are
 *	quit	unmounts and ends
 *
 * A flush comes only from closing a descriptor that was opened with O_NONBLOCK. Every request of these kinds is a
 * line in LOG ("write", "write by 65534" for another user) before it is answered or held. The requests that are held are kept, so a single thread
 * serves them all. "mounted" is the first line.
 */
#define FUSE_USE_VERSION 32
#include <fuse_lowlevel.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { SIZE = 4 << 20, HELD_MAX = 4096, FILE_INO = 2 };

enum kind { KIND_EMPTY, KIND_BUF, KIND_WRITE, KIND_ATTR, KIND_STATFS };

struct held {
	fuse_req_t req;
	enum kind kind;
	fuse_ino_t ino;
	off_t off;
	size_t size;
};

static char content[SIZE];
static struct held held[HELD_MAX];
static unsigned held_count;
static int holding, log_fd, ended;

static void say(const char *text)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "%s\n", text);

	if (write(log_fd, line, (size_t)n) != n)
		err(1, "log");
}

static void say_for(const char *name, uid_t uid)
{
	char text[24];

	snprintf(text, sizeof(text), "%s by %u", name, (unsigned)uid);
	say(uid == geteuid() ? name : text);
}

static struct stat attributes(fuse_ino_t ino)
{
	struct stat st = { .st_ino = ino, .st_nlink = 1, .st_size = SIZE };

	st.st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0666;
	return st;
}

static void answer(const struct held *h)
{
	struct stat st = attributes(h->ino);
	struct statvfs vfs = { .f_bsize = 4096, .f_namemax = 255 };

	switch (h->kind) {
	case KIND_EMPTY:
		fuse_reply_err(h->req, 0);
		break;
	case KIND_BUF:
		fuse_reply_buf(h->req, content + h->off, h->size);
		break;
	case KIND_WRITE:
		fuse_reply_write(h->req, h->size);
		break;
	case KIND_ATTR:
		fuse_reply_attr(h->req, &st, 0);
		break;
	case KIND_STATFS:
		fuse_reply_statfs(h->req, &vfs);
		break;
	}
}

static void serve(const char *name, const struct held *h)
{
	say_for(name, fuse_req_ctx(h->req)->uid);
	if (!holding)
		answer(h);
	else if (held_count < HELD_MAX)
		held[held_count++] = *h;
	else
		fuse_reply_err(h->req, ENOMEM);
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { .ino = FILE_INO, .attr = attributes(FILE_INO) };

	if (parent != FUSE_ROOT_ID || strcmp(name, "file") != 0)
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_entry(req, &e);
}

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	serve("getattr", &(struct held){ .req = req, .kind = KIND_ATTR, .ino = ino });
}

static void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct stat st = attributes(ino);

	fuse_reply_attr(req, &st, 0);
}

static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	fi->noflush = !(fi->flags & O_NONBLOCK);
	fuse_reply_open(req, fi);
}

static void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	if (off > SIZE)
		off = SIZE;
	if (size > (size_t)(SIZE - off))
		size = (size_t)(SIZE - off);
	serve("read", &(struct held){ .req = req, .kind = KIND_BUF, .off = off, .size = size });
}

static void fs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	if (off + (off_t)size > SIZE) {
		fuse_reply_err(req, EFBIG);
		return;
	}
	memcpy(content + off, buf, size);
	serve("write", &(struct held){ .req = req, .kind = KIND_WRITE, .size = size });
}

static void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	serve("fsync", &(struct held){ .req = req });
}

static void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	serve("flush", &(struct held){ .req = req });
}

static void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	serve("release", &(struct held){ .req = req });
}

static void fs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	serve("statfs", &(struct held){ .req = req, .kind = KIND_STATFS });
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = fs_lookup,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.open = fs_open,
	.read = fs_read,
	.write = fs_write,
	.fsync = fs_fsync,
	.flush = fs_flush,
	.release = fs_release,
	.statfs = fs_statfs,
};

static void go(void)
{
	holding = 0;
	for (unsigned i = 0; i < held_count; i++)
		answer(&held[i]);
	held_count = 0;
}

static void obey(char *text)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		if (!strcmp(line, "hold")) {
			holding = 1;
			say("held");
		} else if (!strcmp(line, "go")) {
			go();
			say("gone");
		} else if (!strcmp(line, "quit")) {
			ended = 1;
		}
	}
}

static void read_control(int fd)
{
	char text[256];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = 0;
	obey(text);
}

static void serve_all(struct fuse_session *se, int control_fd)
{
	struct pollfd fds[] = {
		{ .fd = fuse_session_fd(se), .events = POLLIN },
		{ .fd = control_fd, .events = POLLIN },
	};
	struct fuse_buf buf = { .mem = NULL };

	while (!ended && !fuse_session_exited(se)) {
		if (poll(fds, 2, -1) < 0)
			break;
		if (fds[1].revents)
			read_control(control_fd);
		if (fds[0].revents && fuse_session_receive_buf(se, &buf) > 0)
			fuse_session_process_buf(se, &buf);
	}
	free(buf.mem);
}

int main(int argc, char **argv)
{
	char *fuse_argv[] = { argv[0], NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, fuse_argv);
	struct fuse_session *se;
	int control_fd;

	if (argc != 4)
		return 99;
	log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	control_fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (log_fd < 0 || control_fd < 0)
		err(1, "%s, %s", argv[2], argv[3]);
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!se || fuse_session_mount(se, argv[1]))
		return 1;
	say("mounted");
	serve_all(se, control_fd);
	umount2(argv[1], MNT_DETACH);
	go();
	fuse_session_unmount(se);
	fuse_session_destroy(se);
	return 0;
}
