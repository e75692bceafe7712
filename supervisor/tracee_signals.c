/* SPDX-License-Identifier: MIT */
/* What /proc says of a thread's signals, and who traces it. */
#include <string.h>
#include <sys/syscall.h>

#include "tracee.h"

static uint64_t status_mask(const char *status, const char *field)
{
	const char *at = strstr(status, field);

	return at ? strtoull(at + strlen(field), NULL, 16) : 0;
}

unsigned tracee_filters(pid_t tid)
{
	static const char field[] = "\nSeccomp_filters:\t";
	char buf[4096];
	const char *at;

	if (tracee_status(tid, buf, sizeof(buf)) < 0)
		return 0;
	at = strstr(buf, field);
	return at ? (unsigned)strtoul(at + strlen(field), NULL, 10) : 0;
}

bool tracee_is_traced_by_us(pid_t tid)
{
	char buf[4096];
	const ssize_t n = tracee_status(tid, buf, sizeof(buf));
	const char *state, *tracer;

	if (n < 0)
		return n != -ESRCH;	/* left now, it would stay stopped for ever */
	state = strstr(buf, "\nState:\t");
	tracer = strstr(buf, "\nTracerPid:");
	return state && tracer && !strchr("ZX", state[strlen("\nState:\t")]) &&
	       atoi(tracer + strlen("\nTracerPid:")) == getpid();
}

int tracee_signal_pending(pid_t tid, uint64_t mask)
{
	char buf[4096];
	const ssize_t n = tracee_status(tid, buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	return ((status_mask(buf, "\nSigPnd:") | status_mask(buf, "\nShdPnd:")) & ~mask) != 0;
}

bool tracee_signal_deliverable(pid_t tid)
{
	char buf[4096];

	if (tracee_status(tid, buf, sizeof(buf)) < 0)
		return false;
	return (status_mask(buf, "\nSigPnd:") | status_mask(buf, "\nShdPnd:")) &
	       ~status_mask(buf, "\nSigBlk:");
}

enum tracee_signal tracee_signal_effect(pid_t tid, int signo, const uint64_t *mask)
{
	const uint64_t bit = 1ull << (signo - 1);
	uint64_t blocked;
	char buf[4096];
	const ssize_t n = tracee_status(tid, buf, sizeof(buf));

	if (n < 0)
		return n == -ESRCH ? SIGNAL_NONE : SIGNAL_UNKNOWN;
	blocked = mask ? *mask : status_mask(buf, "\nSigBlk:");
	if ((blocked | status_mask(buf, "\nSigIgn:")) & bit)
		return SIGNAL_NONE;
	return status_mask(buf, "\nSigCgt:") & bit ? SIGNAL_HANDLED : SIGNAL_KILLS;
}

void tracee_signal_thread(pid_t tgid, pid_t tid, int signo)
{
	(void)syscall(SYS_tgkill, tgid, tid, signo);	/* gone: nobody left to tell */
}

void tracee_signal_process(int pidfd, int signo)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);	/* the same */
}
