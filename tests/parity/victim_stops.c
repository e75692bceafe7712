/* SPDX-License-Identifier: MIT */
/*
 * Sections 11 and 12: a wait that something without a handler breaks off. io_getevents ends with
 * EINTR; io_pgetevents starts anew, with the whole timeout. All rows at the same time: a child waits,
 * its parent acts.
 */
#include "victim.h"

#include <sys/ptrace.h>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#define LATER_MS 300			/* of the timeout are to have passed when we act */
#define TIMEOUT_MS 800

enum how { GETEVENTS, NO_MASK, OPEN_MASK, FULL_MASK };

static void run_child(const char *tag, enum how how)
{
	struct timespec timeout = { .tv_nsec = TIMEOUT_MS * 1000000l };
	aio_context_t ctx = aio_context(1);
	uint64_t begin_ms = now_ms(), took_ms;
	struct io_event ev;
	sigset_t mask;
	struct { const sigset_t *set; size_t size; } usig = { &mask, 8 };
	long ret;

	sigemptyset(&mask);
	if (how == FULL_MASK)
		memset(&mask, 0xff, sizeof(mask));
	if (how == GETEVENTS)
		ret = aio_getevents(ctx, 1, 1, &ev, &timeout);
	else
		ret = aio_pgetevents(ctx, 1, 1, &ev, &timeout, how == NO_MASK ? NULL : &usig);
	took_ms = now_ms() - begin_ms;
	if (how != GETEVENTS) {		/* made again behind our back: seen twice, or once */
		victim_count->calls++;
		victim_count->broken++;
	}
	obs(tag, "%s, %s", num(ret), took_ms < TIMEOUT_MS ? "before the timeout" :
	    took_ms < LATER_MS + TIMEOUT_MS ? "with one timeout" : "with a timeout from anew");
	_exit(0);
}

static void stop_continue(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	need(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
}

static void trace(pid_t pid)
{
	int status;

	need(!ptrace(PTRACE_SEIZE, pid, NULL, NULL) && !ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	need(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	need(status >> 16 == PTRACE_EVENT_STOP);
	need(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

/* A handler does end it, whatever its flags, if the mask lets the signal in. */
static void handler(int sig)
{
}

static void handled(pid_t pid)
{
	kill(pid, SIGUSR1);
}

static const struct row {
	const char *tag;
	enum how how;
	void (*act)(pid_t pid);
} rows[] = {
	{ "11.stop/getevents", GETEVENTS, stop_continue },
	{ "11.ptrace/getevents", GETEVENTS, trace },
	{ "12.no-handler/stop-no-mask", NO_MASK, stop_continue },
	{ "12.no-handler/stop-open-mask", OPEN_MASK, stop_continue },
	{ "12.no-handler/stop-full-mask", FULL_MASK, stop_continue },
	{ "12.no-handler/ptrace-no-mask", NO_MASK, trace },
	{ "12.no-handler/ptrace-open-mask", OPEN_MASK, trace },
	{ "12.no-handler/ptrace-full-mask", FULL_MASK, trace },
	{ "12.arriving/no-mask", NO_MASK, handled },
	{ "12.arriving/open-mask", OPEN_MASK, handled },
	{ "12.blocked/full-mask", FULL_MASK, handled },
};

static int wait_and_act(const struct row *r)
{
	pid_t pid = victim_fork();

	if (!pid)
		run_child(r->tag, r->how);
	wait_blocked(pid, pid, r->how == GETEVENTS ? SYS_io_getevents : SYS_io_pgetevents);
	poll(NULL, 0, LATER_MS);	/* time is what is observed: is the timeout taken anew? */
	r->act(pid);
	return wait_child(pid);
}

int main(void)
{
	pid_t pid[ARRAY_SIZE(rows)];
	char tag[64];

	victim_start();
	aio_destroy(aio_context(1));
	on_signal(SIGUSR1, handler, SA_RESTART);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		pid[i] = victim_fork();
		if (!pid[i])
			_exit(wait_and_act(&rows[i]));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(tag, sizeof(tag), "%s-status", rows[i].tag);
		obs_num(tag, wait_child(pid[i]));
	}
	return victim_end();
}
