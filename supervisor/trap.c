/* SPDX-License-Identifier: MIT */
/*
 * libseccomp writes the BPF program; it is exported and installed by seccomp(2) itself, for flags
 * that libseccomp does not know or sets without being asked (TSYNC, LOG).
 *
 * The foreign architectures are in the program so that no kernel context arises behind our back: a
 * 64-bit process reaches io_setup through int 0x80 as well. An architecture that is not in the
 * program is allowed everything; libseccomp's own default for it is KILL.
 *
 * The program loads only `nr` and `arch`, so the kernel (5.11) runs it once for each number when it
 * is installed and then allows the others from a bitmap: calls that are not ours cost nothing.
 */
#include "trap.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "log.h"
#include "seccomp_flags.h"

struct trap {
	struct sock_fprog prog;
	struct sock_filter insns[BPF_MAXINSNS];
};

/* libseccomp translates the numbers for each architecture and leaves out what one lacks. */
static const struct trap_call {
	int nr;
	const char *name;
} trap_calls[] = {
	{ SCMP_SYS(io_setup), "io_setup" },
	{ SCMP_SYS(io_destroy), "io_destroy" },
	{ SCMP_SYS(io_getevents), "io_getevents" },
	{ SCMP_SYS(io_submit), "io_submit" },
	{ SCMP_SYS(io_cancel), "io_cancel" },
	{ SCMP_SYS(io_pgetevents), "io_pgetevents" },
	{ SCMP_SYS(io_pgetevents_time64), "io_pgetevents_time64" },
	{ SCMP_SYS(execve), "execve" },
	{ SCMP_SYS(execveat), "execveat" },
	{ SCMP_SYS(exit), "exit" },
	{ SCMP_SYS(exit_group), "exit_group" },
};

/* Architectures that one kernel runs besides its own. */
static const struct trap_arch {
	uint32_t token;
	const char *name;
} trap_arches[] = {
#ifdef __x86_64__
	{ SCMP_ARCH_X86, "i386" },
	{ SCMP_ARCH_X32, "x32" },
#endif
	{ 0, NULL },
};

static void trap_release_ctx(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static int trap_add_rules(scmp_filter_ctx ctx)
{
	for (const struct trap_arch *a = trap_arches; a->token; a++) {
		int rc = seccomp_arch_add(ctx, a->token);

		if (rc < 0 && rc != -EINVAL)
			return rc;
		if (rc < 0)
			log_warn("libseccomp cannot trap %s calls: install a newer one, or such "
				 "programs keep using the kernel's AIO", a->name);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(trap_calls); i++) {
		int rc = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, trap_calls[i].nr, 0);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * seccomp_export_bpf_mem() came with libseccomp 2.6: until then memory is reached by a descriptor.
 * RLIMIT_FSIZE counts for a memfd, but not for a pipe, which has room for a page at least.
 */
static int trap_export(scmp_filter_ctx ctx, struct trap *t)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return neg_errno();

	auto_fd in = fds[0], out = fds[1];
	int rc = seccomp_export_bpf(ctx, out);

	if (rc < 0)
		return rc;

	ssize_t got = read(in, t->insns, sizeof(t->insns));

	if (got < 0)
		return neg_errno();
	if (got == 0 || (size_t)got % sizeof(t->insns[0]))
		return -EIO;
	t->prog.len = (unsigned short)((size_t)got / sizeof(t->insns[0]));
	t->prog.filter = t->insns;
	return 0;
}

static int trap_compile(struct trap *t)
{
	/*
	 * libseccomp shall not ask this kernel for notification: what is refused shows at the
	 * installation
	 */
	seccomp_api_set(5);

	cleanup(trap_release_ctx) scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (!ctx)
		return -ENOMEM;

	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);

	if (rc == 0)
		rc = trap_add_rules(ctx);
	if (rc == 0)
		rc = trap_export(ctx, t);
	return rc;
}

struct trap *trap_build(void)
{
	struct trap *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;

	int rc = trap_compile(t);

	if (rc < 0) {
		free(t);
		errno = -rc;
		return NULL;
	}
	return t;
}

void trap_destroy(struct trap *t)
{
	free(t);
}

static int trap_set(const struct trap *t, unsigned long flags)
{
	/*
	 * SPEC_ALLOW: before 5.16 the kernel slows every process with a filter down (speculative
	 * store bypass), as if its code were not trusted. Ours confines nobody.
	 */
	flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &t->prog);

	/* only asked for when needed: it would take set-user-id programs their rights */
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &t->prog);
	return fd < 0 ? neg_errno() : (int)fd;
}

int trap_install(const struct trap *t, bool *wait_killable)
{
	int fd = trap_set(t, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	*wait_killable = fd != -EINVAL;
	if (fd == -EINVAL)
		fd = trap_set(t, 0);
	return fd;
}

const char *trap_call_name(unsigned nr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(trap_calls); i++) {
		if (trap_calls[i].nr >= 0 && (unsigned)trap_calls[i].nr == nr)
			return trap_calls[i].name;
	}
	return NULL;
}
