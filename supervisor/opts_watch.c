/* SPDX-License-Identifier: MIT */
/* Options that tell what is in flight. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "log.h"
#include "opts_impl.h"
#include "opts_value.h"
#include "util.h"

#define STALL_MAX_SEC 86400u

static int set_control(struct config *cfg, const char *value)
{
	if (!*value)
		return -EINVAL;
	cfg->control = value;
	return 0;
}

static int set_stall(struct config *cfg, const char *value)
{
	uint64_t seconds;

	if (opts_value_number(value, 0, STALL_MAX_SEC, &seconds))
		return -EINVAL;
	cfg->stall_ns = seconds * NSEC_PER_SEC;
	return 0;
}

/* "USR1", "SIGUSR1" or "10"; 0: none of these. */
static int signal_named(const char *value)
{
	const char *name = strncmp(value, "SIG", 3) ? value : value + 3;
	uint64_t number;

	if (!opts_value_number(value, 1, (uint64_t)SIGRTMAX, &number))
		return (int)number;
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return 0;
}

/* What cannot be blocked, says something else to us, or would end the supervisor (self.c). */
static bool has_other_meaning(int signo)
{
	const int taken[] = { SIGKILL, SIGSTOP, SIGCONT, SIGCHLD, SIGSEGV, SIGBUS,
			      SIGILL,  SIGFPE,	SIGABRT, SIGTRAP, SIGSYS };
	sigset_t set;

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		if (signo == taken[i])
			return true;
	}
	sigemptyset(&set);
	return sigaddset(&set, signo) != 0;	/* libc's own */
}

static int set_list_signal(struct config *cfg, const char *value)
{
	const int signo = signal_named(value);

	if (!signo)
		return -EINVAL;
	if (has_other_meaning(signo)) {
		log_error("option '--list-signal': %s has another meaning; take one that PROGRAM "
			  "does not use, such as USR1", value);
		return -EPERM;
	}
	cfg->list_signal = signo;
	return 0;
}

static int set_lint(struct config *cfg, const char *value)
{
	cfg->lint = true;
	return 0;
}

const struct opt opts_watch_table[] = {
	{ 0, "control", "SOCKET", "the path of a socket to be made", set_control,
	  "answer aio-sandbox-ctl at SOCKET" },
	{ 0, "stall", "SEC", "seconds, at most a day; 0: never", set_stall,
	  "tell what is in flight if nothing completes for\n"
	  "SEC seconds while somebody waits (10); 0: never" },
	{ 0, "list-signal", "SIG", "the name of a signal, such as USR1", set_list_signal,
	  "tell what is in flight when SIG is sent to\n"
	  "aio-sandbox; PROGRAM does not get it" },
	{ 0, "lint", NULL, NULL, set_lint,
	  "tell likely mistakes in the use of AIO" },
	{ 0, NULL, NULL, NULL, NULL, NULL },
};
