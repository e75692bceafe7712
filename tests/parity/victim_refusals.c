/* SPDX-License-Identifier: MIT */
/*
 * Section 8: flags and files that io_submit refuses, and in which order; whose descriptors they
 * are; what a full disk and a file that would block answer. "no privilege" stands where an ordinary
 * user cannot set the scene.
 */
#include "victim.h"
#include "rwf.h"

#include <pthread.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

static aio_context_t ctx;
static char buf[131072];

static const char *with_flags(int op, int fd, unsigned rw_flags)
{
	struct iocb cb;

	prep(&cb, op, fd, buf, 8, 0);
	cb.aio_rw_flags = rw_flags;
	return outcome(ctx, &cb);
}

static void flags(void)
{
	int meminfo = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	int mem = memfd_create("m", MFD_CLOEXEC), fd = tmp_open(O_RDWR);
	struct iocb cb;

	need(mem >= 0 && meminfo >= 0);
	obs("8.rwf-nowait/proc", "%s", with_flags(0, meminfo, RWF_NOWAIT));
	obs("8.rwf-nowait/memfd-write", "%s", with_flags(1, mem, RWF_NOWAIT));
	obs("8.rwf-nowait/before-mode", "%s", with_flags(1, meminfo, RWF_NOWAIT));
	prep(&cb, 0, meminfo, buf, 8, 0)->aio_rw_flags = RWF_NOWAIT;
	cb.aio_flags = IOCB_FLAG_IOPRIO;
	cb.aio_reqprio = (int16_t)(4 << 13);
	obs("8.rwf-nowait/after-ioprio", "%s", outcome(ctx, &cb));
	obs("8.rwf-atomic/read", "%s", with_flags(0, fd, RWF_ATOMIC));
	obs("8.rwf-atomic/memfd-write", "%s", with_flags(1, mem, RWF_ATOMIC));
	obs("8.rwf-atomic/before-mode", "%s", with_flags(1, meminfo, RWF_ATOMIC));
	obs("8.rwf-dontcache/memfd", "%s", with_flags(0, mem, RWF_DONTCACHE));
	obs("8.rwf-dontcache/proc", "%s", with_flags(0, meminfo, RWF_DONTCACHE));
	obs("8.rwf-dontcache/before-mode", "%s", with_flags(1, meminfo, RWF_DONTCACHE));
	close(fd);
	close(mem);
	close(meminfo);
}

/* A file that only grows: what says "not at the end" is refused. */
static void append_only(void)
{
	const char *noappend = "no privilege", *plain = "no privilege", *read = "no privilege";
	int fd = open("append-only", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int inode_flags = 0;

	need(fd >= 0 && write(fd, "12345678", 8) == 8);
	if (!ioctl(fd, FS_IOC_GETFLAGS, &inode_flags)) {
		inode_flags |= FS_APPEND_FL;
		if (!ioctl(fd, FS_IOC_SETFLAGS, &inode_flags)) {
			noappend = with_flags(1, fd, RWF_NOAPPEND);
			plain = with_flags(1, fd, 0);
			read = with_flags(0, fd, RWF_NOAPPEND);
			inode_flags &= ~FS_APPEND_FL;
			need(!ioctl(fd, FS_IOC_SETFLAGS, &inode_flags));
		}
	}
	obs("8.rwf-noappend/write", "%s", noappend);
	obs("8.rwf-noappend/without-the-flag", "%s", plain);
	obs("8.rwf-noappend/read", "%s", read);
	unlink("append-only");
	close(fd);
}

/* /proc/self/status has no read_iter: found after the mode, before buffer, vector and offset. */
static void no_iter(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	void *kernel = (void *)KERNEL_ADDRESS;
	struct iocb cb;

	need(fd >= 0);
	obs("8.no-iter/read", "%s", with_flags(0, fd, 0));
	obs("8.no-iter/after-mode", "%s", with_flags(1, fd, 0));
	obs("8.no-iter/after-flags", "%s", with_flags(0, fd, 1u << 31));
	obs("8.no-iter/before-buffer", "%s", outcome(ctx, prep(&cb, 0, fd, kernel, 8, 0)));
	obs("8.no-iter/before-vector", "%s", outcome(ctx, prep(&cb, 7, fd, NULL, 1, 0)));
	obs("8.no-iter/before-length-0", "%s", outcome(ctx, prep(&cb, 0, fd, buf, 0, 0)));
	obs_num("8.3.probe/preadv2-of-status",
		preadv2(fd, &(struct iovec){ buf, 8 }, 1, 0, RWF_SYNC) < 0 ? -errno : 0);
	close(fd);
	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	obs_num("8.3.probe/preadv2-of-meminfo",
		preadv2(fd, &(struct iovec){ buf, 8 }, 1, 0, RWF_SYNC));
	close(fd);
}

static void would_block(void)
{
	int p[2], full[2], s[2], both[2];

	need(!pipe2(p, O_NONBLOCK | O_CLOEXEC) && !pipe2(full, O_NONBLOCK | O_CLOEXEC));
	need(!pipe2(both, O_CLOEXEC) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	while (write(full[1], buf, PAGE) > 0)
		;
	obs("8.would-block/empty-pipe", "%s", with_flags(0, p[0], 0));
	obs("8.would-block/full-pipe", "%s", with_flags(1, full[1], 0));
	obs("8.would-block/nowait-empty-pipe", "%s", with_flags(0, both[0], RWF_NOWAIT));
	obs("8.would-block/nowait-empty-socket", "%s", with_flags(0, s[0], RWF_NOWAIT));
	fcntl(both[0], F_SETFL, O_NONBLOCK);	/* as it is when submitted counts */
	obs("8.would-block/set-later", "%s", with_flags(0, both[0], 0));
}

/* In a mount namespace of its own: 64 KiB of tmpfs. */
static void disk_full(void)
{
	const char *row[4] = { "no privilege", "no privilege", "no privilege", "no privilege" };
	struct iocb cb;
	int fd;

	if (!mkdir("full", 0700) && !unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("full", "full", "tmpfs", 0, "size=65536")) {
		fd = open("full/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		need(fd >= 0);
		row[0] = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, buf, 100000, 0));
		row[1] = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, buf, 1, 65536));
		row[2] = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, buf, 0, 65536));
		row[3] = outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, buf, 100, 0));
		close(fd);
		umount2("full", MNT_DETACH);
	}
	rmdir("full");
	obs("8.disk-full/short", "%s", row[0]);
	obs("8.disk-full/nothing", "%s", row[1]);
	obs("8.disk-full/length-0", "%s", row[2]);
	obs("8.disk-full/where-there-is-room", "%s", row[3]);
}

/* --- a listener that forbids reading --------------------------------------------------------- */

static _Atomic pid_t asked_for;

static void *denies(void *arg)
{
	struct fanotify_event_metadata event;

	while (read(*(int *)arg, &event, sizeof(event)) == sizeof(event)) {
		struct fanotify_response answer = { event.fd, FAN_DENY };

		asked_for = event.pid;
		need(write(*(int *)arg, &answer, sizeof(answer)) == sizeof(answer));
		close(event.fd);
	}
	return NULL;
}

static const char *denied_direct(void)
{
	int fd = open("watched", O_RDWR | O_DIRECT | O_CLOEXEC);
	const char *said = "no O_DIRECT";
	struct iocb cb;

	if (fd >= 0)
		said = outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, pages(1), PAGE, 0));
	close(fd);
	return said;
}

static void hook(void)
{
	static int listener;
	const char *denied = "no privilege", *allowed = "no privilege", *direct = "no privilege";
	int fd = open("watched", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	pthread_t thread;

	need(fd >= 0 && write(fd, "12345678", 8) == 8);
	close(fd);
	listener = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	if (listener >= 0 &&
	    !fanotify_mark(listener, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, "watched")) {
		need(!pthread_create(&thread, NULL, denies, &listener));
		fd = open("watched", O_RDWR | O_CLOEXEC);	/* those of before are not watched */
		need(fd >= 0);
		denied = with_flags(0, fd, 0);
		direct = denied_direct();
		need(!fanotify_mark(listener, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL));
		allowed = with_flags(0, fd, 0);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		close(fd);
	}
	obs("8.hook/denied", "%s", denied);
	obs("8.hook/denied-direct", "%s", direct);
	obs("8.hook/asked-for", "%s", asked_for == getpid() ? "this process" : "another");
	obs("8.hook/allowed", "%s", allowed);
	unlink("watched");
	close(listener);
}

/* --- a thread with descriptors of its own ---------------------------------------------------- */

static void *own_table(void *arg)
{
	int number = *(int *)arg, mine = tmp_open(O_RDWR);
	char back[6] = "";
	struct iocb cb;

	need(!unshare(CLONE_FILES) && dup2(mine, number) == number);
	obs("7.own-table/write", "%s", outcome(ctx, prep(&cb, 1, number, "mine!", 5, 0)));
	obs("7.own-table/content", "%s", pread(mine, back, 5, 0) == 5 ? back : "none");
	close(number);
	obs("7.own-table/closed-here", "%s", outcome(ctx, prep(&cb, 1, number, "mine!", 5, 0)));
	return NULL;
}

static void private_table(void)
{
	int fd = tmp_open(O_RDWR);
	pthread_t thread;
	struct iocb cb;

	need(!pthread_create(&thread, NULL, own_table, &fd));
	pthread_join(thread, NULL);
	obs_num("7.own-table/other-file-untouched", file_size(fd));
	obs("7.own-table/other-file-open", "%s", outcome(ctx, prep(&cb, 1, fd, "ours", 4, 0)));
	close(fd);
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	flags();
	append_only();
	no_iter();
	would_block();
	private_table();
	hook();
	disk_full();
	return victim_end();
}
