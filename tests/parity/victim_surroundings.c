/* SPDX-License-Identifier: MIT */
/*
 * Section 15: what surrounds a process does not matter to its AIO. The same few calls are made in
 * children that have given something up; "no privilege" stands where an ordinary user cannot.
 */
#include "victim.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

enum { NO_PRIVILEGE = 50, GOOD = 0 };

static int file, p[2];

/* setup, write, read back, POLL, wait, cancel, destroy: 0, or the step that failed. */
static int round_trip(void)
{
	struct iocb cb[3], *list[] = { &cb[0], &cb[1], &cb[2] };
	char back[9] = "";
	struct io_event ev[3];
	aio_context_t ctx = 0;
	int fd = fcntl(file, F_DUPFD, 0);

	if (victim_call(syscall(SYS_io_setup, 8, &ctx)))	/* aio_setup() looks into /proc */
		return 1;
	prep(&cb[0], IOCB_CMD_PWRITE, fd < 0 ? file : fd, "12345678", 8, 0);
	prep(&cb[1], IOCB_CMD_PREAD, fd < 0 ? file : fd, back, 8, 0);
	prep_poll(&cb[2], p[0], POLLIN);
	if (aio_submit(ctx, 3, list) != 3)
		return 2;
	if (reap(ctx, 2, ev) != 2 || ev[0].res != 8 || ev[1].res != 8)
		return 3;
	if (memcmp(back, "12345678", 8))
		return 4;
	if (aio_cancel(ctx, &cb[2], ev) != -EINPROGRESS || reap(ctx, 1, ev) != 1)
		return 5;
	if (ring_of(ctx)->head != ring_of(ctx)->tail)
		return 6;
	close(fd);
	return aio_destroy(ctx) ? 7 : GOOD;
}

static int nothing_special(void)
{
	return GOOD;
}

static int nobody(void)
{
	if (geteuid())
		return NO_PRIVILEGE;
	need(!setgid(65534) && !setuid(65534));
	return GOOD;
}

static int not_dumpable(void)
{
	if (geteuid())
		return NO_PRIVILEGE;	/* the supervisor's access would need CAP_SYS_PTRACE */
	need(!prctl(PR_SET_DUMPABLE, 0));
	return GOOD;
}

static int changed_root(void)
{
	if (mkdir("root", 0700) && errno != EEXIST)
		return 51;
	return chroot("root") || chdir("/") ? NO_PRIVILEGE : GOOD;
}

static int user_namespace(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) ?
	       NO_PRIVILEGE : GOOD;
}

/* The child of this child is process 1 of its own world. */
static int pid_namespace(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return NO_PRIVILEGE;
	pid = fork();
	need(pid >= 0);
	if (!pid) {
		need(getpid() == 1);
		return GOOD;
	}
	_exit(wait_child(pid));
}

static int no_proc(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return NO_PRIVILEGE;
	return umount2("/proc", MNT_DETACH) ? 51 : GOOD;
}

static int few_descriptors(void)
{
	struct rlimit limit;

	need(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 0;
	need(!setrlimit(RLIMIT_NOFILE, &limit));
	return GOOD;
}

static int all_locked(void)
{
	if (geteuid())
		return NO_PRIVILEGE;
	need(!mlockall(MCL_CURRENT | MCL_FUTURE));
	return GOOD;
}

static int no_randomization(void)
{
	need(personality(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT) != -1);
	return GOOD;
}

/* A filter of the program's own, which allows all. */
static int own_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	need(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	need(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	return GOOD;
}

/* One that refuses io_submit: the strictest filter wins, as everywhere. */
static int forbids_submit(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_submit, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOANO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	need(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	need(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	need(syscall(SYS_io_submit, 0, 0, NULL) == -1);
	_exit(errno == ENOANO ? GOOD : 52);
}

static void in_a_child(const char *tag, int (*prepare)(void))
{
	pid_t pid = victim_fork();
	int status;

	if (!pid) {
		status = prepare();
		_exit(status == GOOD ? round_trip() : status);
	}
	status = wait_child(pid);
	if (status == NO_PRIVILEGE)
		obs(tag, "no privilege");
	else
		obs(tag, status == GOOD ? "good" : "step %d", status);
}

/* What the limit of locked memory does not allow, io_setup has no memory for. */
static void locked_memory(void)
{
	aio_context_t ctx = 0;
	pid_t pid = victim_fork();

	if (!pid) {
		need(geteuid() || (!setgid(65534) && !setuid(65534)));
		need(!setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 65536, 65536 }));
		need(!mlockall(MCL_FUTURE));
		obs_num("2.5/no-locked-memory", aio_setup(65000, &ctx));
		obs_num("2.5/locked-memory-enough", aio_setup(8, &ctx));
		_exit(0);
	}
	need(!wait_child(pid));
}

int main(void)
{
	victim_start();
	file = tmp_open(O_RDWR);
	need(!pipe(p));
	aio_destroy(aio_context(1));
	in_a_child("15.surroundings/none", nothing_special);
	in_a_child("15.surroundings/nobody", nobody);
	in_a_child("15.surroundings/not-dumpable", not_dumpable);
	in_a_child("15.surroundings/chroot", changed_root);
	in_a_child("15.surroundings/user-namespace", user_namespace);
	in_a_child("15.surroundings/pid-namespace", pid_namespace);
	in_a_child("15.surroundings/no-proc", no_proc);
	in_a_child("15.surroundings/no-more-descriptors", few_descriptors);
	in_a_child("15.surroundings/mlockall", all_locked);
	in_a_child("15.surroundings/personality", no_randomization);
	in_a_child("15.surroundings/own-filter", own_filter);
	in_a_child("15.surroundings/filter-of-its-own-refuses", forbids_submit);
	rmdir("root");
	locked_memory();
	return victim_end();
}
