/* SPDX-License-Identifier: MIT */
/*
 * Runs a program under an outer seccomp policy, as a container or a service manager would install one.
 *
 *	victim_deny ACTION SYSCALL[,SYSCALL...] -- PROGRAM [ARGS]
 *
 * ACTION: an errno (EPERM or 1): the calls fail with it; KILL: they kill the process by SIGSYS; NOTIFY:
 * a listener that nobody serves is in place for them, so they hang (name calls that nobody makes).
 * SYSCALL may be a pseudo name for some uses of a call (uses[] below): EINVAL seccomp:wait_killable makes
 * the kernel look older than 5.19.
 * Also makes policies of several kinds by nesting: victim_deny ... -- victim_deny ... -- PROGRAM.
 * no_new_privs is set and stays. Exit status: 125 for an error here, 126 or 127 when PROGRAM cannot be
 * started, else PROGRAM's.
 */
#include <err.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_DENY = 125, ERRNO_LIMIT = 4096, WAIT_KILLABLE_RECV = 1 << 5 };

static const struct use {
	const char *name;
	int nr;
	struct scmp_arg_cmp args[2];
} uses[] = {
	{ "seccomp:wait_killable", SCMP_SYS(seccomp),
	  { SCMP_A0_64(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER, 0),
	    SCMP_A1_64(SCMP_CMP_MASKED_EQ, WAIT_KILLABLE_RECV, WAIT_KILLABLE_RECV) } },
};

static uint32_t action_errno(const char *text)
{
	for (int e = 1; e < ERRNO_LIMIT; e++) {
		const char *name = strerrorname_np(e);

		if ((name && !strcmp(name, text)) || atoi(text) == e)
			return SCMP_ACT_ERRNO((uint32_t)e);
	}
	errx(EXIT_DENY, "'%s' is neither an errno nor KILL nor NOTIFY", text);
}

static uint32_t action_parse(const char *text)
{
	if (!strcmp(text, "KILL"))
		return SCMP_ACT_KILL_PROCESS;
	if (!strcmp(text, "NOTIFY"))
		return SCMP_ACT_NOTIFY;
	return action_errno(text);
}

static const struct use *use_named(const char *name)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (!strcmp(uses[i].name, name))
			return &uses[i];
	}
	return NULL;
}

static void policy_add(scmp_filter_ctx policy, uint32_t action, const char *name)
{
	const struct use *use = use_named(name);
	int nr = use ? use->nr : seccomp_syscall_resolve_name(name);
	int ret;

	if (nr == __NR_SCMP_ERROR)
		errx(EXIT_DENY, "no system call is named '%s'", name);
	ret = use ? seccomp_rule_add_array(policy, action, nr, 2, use->args)
		  : seccomp_rule_add(policy, action, nr, 0);
	if (ret < 0)
		errx(EXIT_DENY, "%s: %s", name, strerror(-ret));
}

/* It must outlive our exec: without it the calls get ENOSYS, and a second listener is welcome. */
static void policy_keep_listener(scmp_filter_ctx policy)
{
	if (dup(seccomp_notify_fd(policy)) < 0)
		err(EXIT_DENY, "dup");
}

static void policy_install(uint32_t action, char *names)
{
	scmp_filter_ctx policy = seccomp_init(SCMP_ACT_ALLOW);
	char *rest = names, *name;
	int ret;

	if (!policy)
		errx(EXIT_DENY, "seccomp_init");
	/* not KILL for other architectures, which is the default */
	seccomp_attr_set(policy, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	while ((name = strsep(&rest, ",")))
		policy_add(policy, action, name);
	ret = seccomp_load(policy);
	if (ret < 0)
		errx(EXIT_DENY, "seccomp_load: %s", strerror(-ret));
	if (action == SCMP_ACT_NOTIFY)
		policy_keep_listener(policy);
}

int main(int argc, char **argv)
{
	if (argc < 5 || strcmp(argv[3], "--") != 0)
		errx(EXIT_DENY, "usage: victim_deny ACTION SYSCALL[,SYSCALL...] -- PROGRAM [ARGS]");
	policy_install(action_parse(argv[1]), argv[2]);
	execvp(argv[4], argv + 4);
	err(errno == ENOENT ? 127 : 126, "%s", argv[4]);
}
