/* SPDX-License-Identifier: MIT */
/*
 * Probes and their texts. What a probe says depends on the host, so the host-dependent part is checked for
 * what must hold anywhere: the caller is unchanged, and something sensible is said. tests/doctor.sh checks
 * the answers themselves, under policies made for it.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "doctor.h"
#include "probe.h"
#include "unit.h"

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static const char *advice(enum probe_id id, struct probe_result r)
{
	return probe_advice(id, &r);
}

static bool one_line(const char *text)
{
	return text && *text && !strchr(text, '\n');
}

START_TEST(caller_unchanged)
{
	unsigned int fds = open_fds();
	const int seccomp = prctl(PR_GET_SECCOMP), no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	for (enum probe_id id = 0; id < PROBE_COUNT; id++) {
		struct probe_result r;

		ck_assert_int_eq(probe_run(id, &r), 0);
		ck_assert_msg(open_fds() == fds, "%s leaves a descriptor", probe_name(id));
		ck_assert_msg(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD,
			      "%s leaves a child", probe_name(id));
	}
	ck_assert_int_eq(prctl(PR_GET_SECCOMP), seccomp);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), no_new_privs);
}
END_TEST

START_TEST(sigchld_ignored)
{
	struct probe_result plain, ignored;

	ck_assert_int_eq(probe_run(PROBE_PTRACE, &plain), 0);
	signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(probe_run(PROBE_PTRACE, &ignored), 0);
	ck_assert_int_eq(ignored.state, plain.state);
	ck_assert_int_eq(ignored.error, plain.error);
}
END_TEST

START_TEST(every_result_has_a_text)
{
	for (enum probe_id id = 0; id < PROBE_COUNT; id++) {
		ck_assert(one_line(probe_name(id)));
		for (enum probe_state state = PROBE_YES; state <= PROBE_UNKNOWN; state++)
			for (int error = 0; error < 134; error++) {
				struct probe_result r = { .state = state, .error = error };

				ck_assert(one_line(probe_advice(id, &r)));
			}
	}
}
END_TEST

START_TEST(names_differ)
{
	for (enum probe_id a = 0; a < PROBE_COUNT; a++)
		for (enum probe_id b = a + 1; b < PROBE_COUNT; b++)
			ck_assert_str_ne(probe_name(a), probe_name(b));
}
END_TEST

START_TEST(refused_and_missing_differ)
{
	struct probe_result refused = { .state = PROBE_NO, .error = EPERM };
	struct probe_result missing = { .state = PROBE_NO, .error = ENOSYS };

	ck_assert_ptr_nonnull(strstr(advice(PROBE_PIDFD_GETFD, refused), "--cap-add SYS_PTRACE"));
	ck_assert_ptr_nonnull(strstr(advice(PROBE_PIDFD_GETFD, missing), "kernel older than 5.6"));
}
END_TEST

START_TEST(calls_are_named)
{
	struct probe_result r = { .state = PROBE_NO, .error = EPERM, .calls = 5 };
	const char *text = advice(PROBE_AIO_CALLS, r);

	ck_assert_ptr_nonnull(strstr(text, "answers io_setup, io_submit itself"));
	r.calls = ~0u;
	text = advice(PROBE_AIO_CALLS, r);
	ck_assert_ptr_nonnull(strstr(text, "io_cancel, io_pgetevents itself"));
}
END_TEST

START_TEST(yama_is_named)
{
	struct probe_result r = { .state = PROBE_NO, .error = EPERM, .sysctl = 2 };

	ck_assert_ptr_nonnull(strstr(advice(PROBE_PTRACE, r), "ptrace_scope is 2: run as root"));
	r.sysctl = 3;
	ck_assert_ptr_nonnull(strstr(advice(PROBE_PROCESS_VM, r), "ptrace_scope is 3"));
	r.sysctl = 1;	/* allows descendants, which all our tracees are: not the reason */
	ck_assert_ptr_nonnull(strstr(advice(PROBE_PTRACE, r), "container"));
	r.tracer = 1;
	ck_assert_ptr_nonnull(strstr(advice(PROBE_PTRACE, r), "traced already"));
}
END_TEST

START_TEST(io_uring_sysctl_is_named)
{
	struct probe_result r = { .state = PROBE_NO, .error = EPERM, .sysctl = 2 };

	ck_assert_ptr_nonnull(strstr(advice(PROBE_IO_URING, r), "kernel.io_uring_disabled is 2"));
	r.sysctl = 0;
	ck_assert_ptr_nonnull(strstr(advice(PROBE_IO_URING, r), "policy"));
}
END_TEST

START_TEST(aio_nr_in_numbers)
{
	struct probe_result r = { .state = PROBE_NO, .aio_nr = 12, .aio_max_nr = 13 };

	ck_assert_ptr_nonnull(strstr(advice(PROBE_AIO_NR, r), "12 of 13 in use"));
	ck_assert_ptr_nonnull(strstr(advice(PROBE_AIO_NR, r), "EAGAIN"));
	r.state = PROBE_YES;
	ck_assert_ptr_null(strstr(advice(PROBE_AIO_NR, r), "EAGAIN"));
}
END_TEST

/* What doctor_explain() says; the caller frees it. */
static char *explained(enum probe_id id, int error)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	doctor_explain(f, id, error);
	fclose(f);
	return text;
}

START_TEST(explains_in_one_line)
{
	char *text = explained(PROBE_LISTENER, EBUSY);

	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_ptr_eq(strstr(text, "aio-sandbox: cannot start: listener: EBUSY: another supervisor"), text);

	char *same = explained(PROBE_NOTIFY, EBUSY);

	ck_assert_str_eq(same, text);
	free(same);
	free(text);
}
END_TEST

START_TEST(explains_without_errno)
{
	char *text = explained(PROBE_KCMP, 0);

	ck_assert_ptr_eq(strstr(text, "aio-sandbox: cannot start: kcmp: exec and exit"), text);
	free(text);
}
END_TEST

UNIT_MAIN("probe", caller_unchanged, sigchld_ignored, every_result_has_a_text, names_differ,
	  refused_and_missing_differ, calls_are_named, yama_is_named, io_uring_sysctl_is_named,
	  aio_nr_in_numbers, explains_in_one_line, explains_without_errno)
