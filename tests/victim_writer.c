/* SPDX-License-Identifier: MIT */
/*
 * victim_writer SCENE [FILE]: one request and what came of it, as the caller's credentials have it.
 *
 *	write FILE	64 KiB at the end, buffered: bytes or error
 *	direct FILE	the same by O_DIRECT
 *	mode FILE	a write of 8 bytes, then the mode bits
 *	dropped FILE	opens it, becomes nobody; a write and a read of 8 bytes
 *	sender		who has written to a unix socket, as its receiver is told
 *	join FILE	moves itself by cgroup.procs of a control group, by "0", its number, its number in a pid
 *			namespace: has it moved, and which number is there?
 *	set-quota DEV	no AIO: gives nobody 32 KiB on that device
 */
#include "parity/victim_env.h"

#include <grp.h>
#include <libaio.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/quota.h>
#include <sys/socket.h>

#define BYTES 65536

static io_context_t ctx;
static char text[8] = "12345678";

static long one(struct iocb *cb)
{
	struct io_event ev;
	int ret = io_submit(ctx, 1, &cb);

	if (ret != 1)
		return ret;
	ret = io_getevents(ctx, 1, 1, &ev, NULL);
	return ret == 1 ? (long)ev.res : ret;
}

static void print(long value)
{
	if (value < 0)
		printf("%s\n", strerrorname_np((int)-value));
	else
		printf("%ld\n", value);
}

static void append(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
	char *data = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iocb cb;

	need(fd >= 0 && data != MAP_FAILED);
	memset(data, 'x', BYTES);
	io_prep_pwrite(&cb, fd, data, BYTES, file_size(fd));
	print(one(&cb));
}

static void mode(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct iocb cb;
	struct stat st;

	need(fd >= 0);
	io_prep_pwrite(&cb, fd, text, 8, 0);
	print(one(&cb));
	need(!fstat(fd, &st));
	printf("%#o\n", st.st_mode & 07777);
}

static void dropped(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct iocb cb;

	need(fd >= 0 && !setgroups(0, NULL) && !setgid(65534) && !setuid(65534));
	io_prep_pwrite(&cb, fd, text, 8, 0);
	print(one(&cb));
	io_prep_pread(&cb, fd, text, 8, 0);
	print(one(&cb));
}

static void set_quota(const char *device)
{
	struct dqblk limit = { .dqb_bhardlimit = 32, .dqb_valid = QIF_BLIMITS };

	need(!quotactl(QCMD(Q_SETQUOTA, USRQUOTA), device, 65534, (caddr_t)&limit));
}

/* Whom a receiver is told of; it asks before the data are sent, or after. */
static void sender(bool late)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char data[8];
	struct iovec into = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &into, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct ucred from = { 0 };
	struct iocb cb;
	int s[2], on = 1;

	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	need(late || !setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	io_prep_pwrite(&cb, s[1], text, 8, 0);
	print(one(&cb));
	need(!late || !setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	need(recvmsg(s[0], &msg, MSG_DONTWAIT) == 8 && CMSG_FIRSTHDR(&msg));
	memcpy(&from, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(from));
	if (!from.pid)
		printf("nobody\n");
	else
		printf("%s %s\n", from.pid == getpid() ? "this process" : "another process",
	       from.uid == getuid() ? "this user" : "another user");
}

/* A sysctl that is the reader's, by its namespace: whose does an AIO read give? */
static void host_name(void)
{
	char name[64] = "";
	struct iocb cb;
	int fd;

	need((!unshare(CLONE_NEWUTS) || !unshare(CLONE_NEWUSER | CLONE_NEWUTS)) &&
	     !sethostname("elsewhere", 9));
	fd = open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC);
	need(fd >= 0);
	io_prep_pread(&cb, fd, name, sizeof(name) - 1, 0);
	need(one(&cb) > 0);
	printf("%s\n", strcmp(name, "elsewhere\n") ? "another's" : "its own");
}

static bool is_in(const char *group)
{
	static char now[4096];
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, now, sizeof(now) - 1);

	need(n > 0);
	close(fd);
	now[n] = 0;
	return strstr(now, group) != NULL;
}

static int join(const char *path, const char *member)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char group[64], members[64] = "";
	struct iocb cb;

	need(fd >= 0 && sscanf(path, "/sys/fs/cgroup/%*[^/]/%63[^/]", group) == 1);
	io_prep_pwrite(&cb, fd, (void *)member, strlen(member), 0);
	print(one(&cb));
	printf("%s\n", is_in(group) ? "moved" : "where it was");
	io_prep_pread(&cb, fd, members, sizeof(members) - 1, 0);
	need(one(&cb) > 0);
	printf("%s\n", atoi(members) == (int)getpid() ? "its number" : "another number");
	fflush(stdout);
	return 0;
}

/* Children, so that nobody is left in the group; the last is number 1 of a pid namespace. */
static void joins(const char *path)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid;

		need(i < 2 || !unshare(CLONE_NEWPID));
		pid = victim_fork();
		if (!pid) {
			char number[16];

			snprintf(number, sizeof(number), "%d\n", (int)getpid());
			ctx = NULL;
			need(io_setup(4, &ctx) == 0);
			_exit(join(path, i ? number : "0"));
		}
		need(wait_child(pid) == 0);
	}
}

int main(int argc, char **argv)
{
	const char *scene = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";

	if (strcmp(scene, "set-quota") == 0) {
		set_quota(path);
		return 0;
	}
	need(io_setup(4, &ctx) == 0);
	if (strcmp(scene, "write") == 0)
		append(path, 0);
	else if (strcmp(scene, "direct") == 0)
		append(path, O_DIRECT);
	else if (strcmp(scene, "mode") == 0)
		mode(path);
	else if (strcmp(scene, "dropped") == 0)
		dropped(path);
	else if (strcmp(scene, "sender") == 0)
		sender(false);
	else if (strcmp(scene, "late") == 0)
		sender(true);
	else if (strcmp(scene, "join") == 0)
		joins(path);
	else if (strcmp(scene, "host-name") == 0)
		host_name();
	else
		need(!"scene");
	return 0;
}
