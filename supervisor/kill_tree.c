/* SPDX-License-Identifier: MIT */
/*
 * The caller is a child subreaper, so everything below it stays below it: pass by pass all
 * descendants are killed and the dead reaped, until none is left. A process that is born, or moves
 * up to us, in the middle of a pass is found by the next one.
 */
#include "guardian.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "guardian_impl.h"
#include "log.h"
#include "tracee.h"

enum {
	SPARED_MAX = 64,
	IDLE_PASSES_MAX = 3,	/* passes that find nobody, though there are children */
	DEPTH_MAX = 1 << 16,
};

static struct {
	pid_t owner;
	unsigned count;
	pid_t pids[SPARED_MAX];
} spared;

static void close_listing(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static pid_t parent_of(pid_t pid)
{
	pid_t ppid;
	uint64_t start_ticks;

	return tracee_ppid(pid, &ppid, &start_ticks) < 0 ? 0 : ppid;
}

static bool is_spared(pid_t child)
{
	if (spared.owner != getpid())
		return false;
	for (unsigned i = 0; i < spared.count; i++) {
		if (spared.pids[i] == child)
			return true;
	}
	return false;
}

/* Up the line of ancestors until it is us; the last one before us decides. */
static bool is_in_tree(pid_t pid)
{
	pid_t self = getpid();

	for (unsigned depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
		pid_t ppid = parent_of(pid);

		if (ppid == self)
			return !is_spared(pid);
		pid = ppid;
	}
	return false;
}

/* Calls fn for every process of the host; false when /proc cannot be read now. */
static bool for_each_process(void (*fn)(pid_t pid, void *arg), void *arg)
{
	cleanup(close_listing) DIR *dir = opendir("/proc");

	if (!dir)
		return false;
	for (struct dirent *e; (e = readdir(dir));) {
		pid_t pid = (pid_t)atoi(e->d_name);

		if (pid > 1)
			fn(pid, arg);
	}
	return true;
}

static void spare_child(pid_t pid, void *arg)
{
	if (parent_of(pid) == getpid() && spared.count < SPARED_MAX)
		spared.pids[spared.count++] = pid;
}

void kill_tree_spare_children(void)
{
	spared.owner = getpid();
	spared.count = 0;
	for_each_process(spare_child, NULL);
}

static void kill_descendant(pid_t pid, void *arg)
{
	unsigned *killed = arg;

	if (is_in_tree(pid) && kill(pid, SIGKILL) == 0)
		++*killed;
}

/* How many were reaped, or -ECHILD: no child is left. */
static int reap_all(bool wait_for_one)
{
	int reaped = 0;
	int flags = wait_for_one ? 0 : WNOHANG;

	for (;;) {
		pid_t pid = waitpid(-1, NULL, flags);

		if (pid == 0)
			return reaped;
		if (pid < 0 && errno == ECHILD)
			return -ECHILD;
		if (pid > 0)
			reaped++;
		flags = WNOHANG;
	}
}

void guardian_kill_tree(void)
{
	for (unsigned idle = 0; idle < IDLE_PASSES_MAX;) {
		unsigned killed = 0;
		bool seen = for_each_process(kill_descendant, &killed);

		if (!seen) {
			/* out of descriptors or memory: what dies by itself gives some back */
			poll(NULL, 0, 10);
			continue;
		}

		int reaped = reap_all(killed > 0);

		if (reaped < 0)
			return;
		idle = killed || reaped ? 0 : idle + 1;
	}
}
