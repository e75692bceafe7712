/* SPDX-License-Identifier: MIT */
/*
 * The trap, on the running kernel: one thread of the test is under it, the other serves it. If a
 * call is missed here, a kernel context arises behind our back, or a death goes unseen.
 */
#include "trap.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "notify.h"
#include "unit.h"
#include "util.h"

#define X32_BIT 0x40000000u

struct scene {
	struct trap *trap;
	void (*calls)(void);
	_Atomic int listener_fd;	/* 0: not there yet */
	int second_install;
	bool wait_killable;
	pthread_t thread;
};

struct seen {
	uint32_t arch;
	int nr;
};

static void *trapped_thread(void *arg)
{
	struct scene *s = arg;
	bool unused;

	s->listener_fd = trap_install(s->trap, &s->wait_killable);
	s->second_install = trap_install(s->trap, &unused);
	s->calls();
	return NULL;
}

static bool is_exit(const struct seccomp_notif *n)
{
	return n->data.arch == AUDIT_ARCH_X86_64 && n->data.nr == SYS_exit;
}

/* Answers all with 0 but the thread's own exit, which ends it. */
static unsigned serve(struct scene *s, struct seen *seen, unsigned seen_max)
{
	for (unsigned count = 0;; count++) {
		struct seccomp_notif n = { .id = 0 };
		struct seccomp_notif_resp r = { .id = 0 };

		ck_assert_int_eq(ioctl(s->listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
		r.id = n.id;
		r.flags = is_exit(&n) ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
		ck_assert_int_eq(ioctl(s->listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);
		if (is_exit(&n))
			return count;
		ck_assert_uint_lt(count, seen_max);
		seen[count] = (struct seen){ n.data.arch, n.data.nr };
	}
}

static unsigned run(struct scene *s, void (*calls)(void), struct seen *seen, unsigned seen_max)
{
	s->trap = trap_build();
	s->calls = calls;
	ck_assert_ptr_nonnull(s->trap);
	pthread_create(&s->thread, NULL, trapped_thread, s);
	while (!s->listener_fd)
		sched_yield();
	ck_assert_int_ge(s->listener_fd, 0);

	unsigned count = serve(s, seen, seen_max);

	pthread_join(s->thread, NULL);
	trap_destroy(s->trap);
	return count;
}

static const int native_calls[] = {
	SYS_io_setup, SYS_io_destroy, SYS_io_getevents, SYS_io_submit, SYS_io_cancel,
	SYS_io_pgetevents, SYS_execve, SYS_execveat, SYS_exit_group,
};

static void make_native_calls(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(native_calls); i++)
		syscall(native_calls[i], 0, 0, 0, 0, 0, 0);
}

START_TEST(the_calls_of_the_own_architecture_notify)
{
	struct scene s = { .listener_fd = 0 };
	struct seen seen[32];
	unsigned count = run(&s, make_native_calls, seen, ARRAY_SIZE(seen));

	ck_assert_uint_eq(count, ARRAY_SIZE(native_calls));
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(seen[i].nr, native_calls[i]);
	/* a listener inside a listener is refused by the kernel, and said so */
	ck_assert_int_eq(s.second_install, -EBUSY);
}
END_TEST

#ifdef __x86_64__
static const unsigned x32_calls[] = { 543, 207, 208, 544, 210, 333, 520, 545, 60, 231 };
static const int i386_calls[] = { 245, 246, 247, 248, 249, 385, 416, 11, 358, 1, 252 };

static long int80(long nr)
{
	__asm__ volatile("int $0x80"
			 : "+a"(nr) : "b"(0), "c"(0), "d"(0), "S"(0), "D"(0) : "memory");
	return nr;
}

static void make_x32_calls(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(x32_calls); i++)
		syscall((long)(X32_BIT | x32_calls[i]), 0, 0, 0, 0, 0, 0);
}

static void make_i386_calls(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(i386_calls); i++)
		int80(i386_calls[i]);
}

/* A kernel without 32-bit emulation kills who tries. */
static bool has_int80(void)
{
	int wait_status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(int80(20) <= 0);	/* getpid */
	waitpid(pid, &wait_status, 0);
	return wait_status == 0;
}

START_TEST(x32_calls_notify)
{
	struct scene s = { .listener_fd = 0 };
	struct seen seen[32];
	unsigned count = run(&s, make_x32_calls, seen, ARRAY_SIZE(seen));

	ck_assert_uint_eq(count, ARRAY_SIZE(x32_calls));
	for (unsigned i = 0; i < count; i++)
		ck_assert_uint_eq((unsigned)seen[i].nr, X32_BIT | x32_calls[i]);
}
END_TEST

START_TEST(i386_calls_notify)
{
	struct scene s = { .listener_fd = 0 };
	struct seen seen[32];

	if (!has_int80())
		return;

	unsigned count = run(&s, make_i386_calls, seen, ARRAY_SIZE(seen));

	ck_assert_uint_eq(count, ARRAY_SIZE(i386_calls));
	for (unsigned i = 0; i < count; i++) {
		ck_assert_uint_eq(seen[i].arch, AUDIT_ARCH_I386);
		ck_assert_int_eq(seen[i].nr, i386_calls[i]);
	}
}
END_TEST
#endif

/* Whatever else a program calls is the kernel's: numbers around ours, and all that need no care. */
static void make_other_calls(void)
{
	static const int others[] = {
		SYS_getpid, SYS_gettid, SYS_getppid, SYS_sched_yield, SYS_geteuid,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_int_ge(syscall(others[i]), 0);
	ck_assert_int_eq(syscall(SYS_read, -1, NULL, 0), -1);
	ck_assert_int_eq(errno, EBADF);
}

START_TEST(other_calls_do_not_notify)
{
	struct scene s = { .listener_fd = 0 };
	struct seen seen[1];

	ck_assert_uint_eq(run(&s, make_other_calls, seen, ARRAY_SIZE(seen)), 0);
}
END_TEST

START_TEST(names_are_those_of_the_native_numbers)
{
	ck_assert_str_eq(trap_call_name(SYS_io_submit), "io_submit");
	ck_assert_str_eq(trap_call_name(SYS_exit_group), "exit_group");
	ck_assert_ptr_null(trap_call_name(SYS_read));
	ck_assert_ptr_null(trap_call_name(UINT32_MAX - 10000));
}
END_TEST

/* Of a pipe that nobody reads poll(2) says POLLERR alone, as of a listener that could not be looked at. */
START_TEST(a_look_that_failed_is_not_the_end)
{
	struct notify *n;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	n = notify_open(ends[1]);
	ck_assert_ptr_nonnull(n);
	ck_assert_int_eq(notify_waits(n), 0);
	notify_close(n);
}
END_TEST

UNIT_MAIN("trap", the_calls_of_the_own_architecture_notify,
#ifdef __x86_64__
	  x32_calls_notify, i386_calls_notify,
#endif
	  other_calls_do_not_notify, names_are_those_of_the_native_numbers,
	  a_look_that_failed_is_not_the_end)
