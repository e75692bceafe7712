/* SPDX-License-Identifier: MIT */
/*
 * Every signal belongs to the program, so the guardian blocks them all and reads them. It has to
 * tell two kinds apart: what somebody sent to us with kill goes on to PROGRAM, what the terminal
 * sent to our process group has reached PROGRAM already. Only the second kind has si_code
 * SI_KERNEL, and only for the signals that terminals send; a SIGALRM of an alarm that was set
 * before we were executed has it too, and is PROGRAM's.
 *
 * Stopping is mirrored so that the shell sees its job stop: PROGRAM stops -> the supervisor tells
 * us -> we stop by the same signal -> SIGCONT wakes us -> PROGRAM gets it, unless it was sent to
 * the whole group and has it already.
 */
#include "guardian.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guardian_impl.h"
#include "inherited.h"
#include "log.h"
#include "tracee.h"

enum { PULSE_CHECK_MSEC = 1000 };

struct guardian {
	pid_t supervisor;
	int supervisor_pidfd;
	int link_fd;
	int signal_fd;
	int listener_fd;		/* only held: while it is open nobody gets ENOSYS */
	int program_pidfd;		/* -1: not started yet */
	int program_stat_fd;
	int own_signal;			/* the supervisor's; 0: none */
	struct pulse_watch pulse;
	bool mirrors_stop;		/* PROGRAM has stopped: a SIGCONT may have reached it */
	bool ended;
	int wait_status;		/* when ended */
	int failed_status;		/* 0: none was told */
	int supervisor_status;
};

/* --- signals --- */

static bool sent_by_terminal(const struct signalfd_siginfo *si)
{
	if (si->ssi_code != SI_KERNEL)
		return false;
	switch (si->ssi_signo) {
	case SIGHUP:
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGCONT:
	case SIGWINCH:
		return true;
	default:
		return false;
	}
}

/*
 * A kill(2) of a process group holds the lock of all tasks until its last member has the signal,
 * and setpgid(2) takes that lock, even for a group that cannot be: a kill that is under way, and
 * has reached us before PROGRAM, has reached both when this returns.
 */
static void await_group_kills(void)
{
	setpgid(0, INT_MAX);
}

static bool waits_for_stop(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGTSTP) == 1 || sigismember(&pending, SIGTTIN) == 1 ||
	       sigismember(&pending, SIGTTOU) == 1;
}

static bool link_tells_more(const struct guardian *g)
{
	struct pollfd link = { .fd = g->link_fd, .events = POLLIN };

	return poll(&link, 1, 0) > 0;
}

/*
 * A SIGCONT has come to us, who were stopped as PROGRAM was. If PROGRAM has not been continued
 * since, the signal was ours alone. A PROGRAM that got it too may already have been stopped anew:
 * by the terminal, which tells us too (what we find waiting is newer than the SIGCONT, because a
 * SIGCONT takes waiting stops away), or otherwise, which the supervisor tells.
 */
static bool program_was_left_out(const struct guardian *g)
{
	await_group_kills();
	if (tracee_state(g->program_stat_fd) != 'T')
		return false;
	await_group_kills();
	return !waits_for_stop() && !link_tells_more(g);
}

static bool is_for_program(const struct guardian *g, const struct signalfd_siginfo *si)
{
	if (sent_by_terminal(si))
		return false;
	switch (si->ssi_signo) {
	case SIGCHLD:
		return si->ssi_code <= 0;	/* CLD_*: of a child of ours */
	case SIGCONT:
		if ((pid_t)si->ssi_pid == g->supervisor)
			return false;
		return !g->mirrors_stop || program_was_left_out(g);
	default:
		return true;
	}
}

static void pass_on(const struct guardian *g, const struct signalfd_siginfo *si)
{
	siginfo_t info = {
		.si_signo = (int)si->ssi_signo,
		.si_code = si->ssi_code,
	};

	info.si_pid = (pid_t)si->ssi_pid;
	info.si_uid = si->ssi_uid;
	info.si_value.sival_ptr = (void *)(uintptr_t)si->ssi_ptr;
	/* the kernel lets nobody claim to be kill(2): these come from us */
	syscall(SYS_pidfd_send_signal, g->program_pidfd, (int)si->ssi_signo,
		si->ssi_code >= 0 || si->ssi_code == SI_TKILL ? NULL : &info, 0);
}

static void guardian_read_signals(struct guardian *g)
{
	struct signalfd_siginfo si;

	while (read(g->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (g->own_signal && (int)si.ssi_signo == g->own_signal)
			kill(g->supervisor, g->own_signal);
		else if (is_for_program(g, &si))
			pass_on(g, &si);
	}
}

static void guardian_mirror_stop(struct guardian *g, int signo)
{
	g->mirrors_stop = true;
	/* a stop that is generated takes a waiting SIGCONT away: pass that on first */
	guardian_read_signals(g);
	if (tracee_state(g->program_stat_fd) == 'T') {
		signals_take_default(signo);
		guardian_read_signals(g);
	}
	g->mirrors_stop = false;
}

/* --- messages --- */

static void guardian_started(struct guardian *g, struct guardian_message *m)
{
	g->program_pidfd = m->program_pidfd;
	g->listener_fd = m->listener_fd;
	g->program_stat_fd = tracee_open_stat(m->value, m->value);
}

static void guardian_status(struct guardian *g, int wait_status)
{
	if (WIFSTOPPED(wait_status)) {
		guardian_mirror_stop(g, WSTOPSIG(wait_status));
	} else if (!WIFCONTINUED(wait_status)) {
		g->ended = true;
		g->wait_status = wait_status;
	}
}

static void guardian_read_link(struct guardian *g)
{
	struct guardian_message m;
	int rc = 0;

	while (g->link_fd >= 0 && (rc = guardian_hear(g->link_fd, &m)) == 1) {
		switch (m.word) {
		case GUARDIAN_STARTED:
			guardian_started(g, &m);
			break;
		case GUARDIAN_STATUS:
			guardian_status(g, m.value);
			break;
		case GUARDIAN_FAILED:
			g->failed_status = m.value;
			break;
		}
	}
	if (rc < 0)
		close_fd(&g->link_fd);
}

/* --- the end --- */

static int die_by(int signo)
{
	/* PROGRAM has left its core; the limit alone would not keep a core handler away */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signals_take_default(signo);
	return 128 + signo;	/* the first process of a pid namespace cannot end itself */
}

static void say_supervisor_died(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		log_error("the supervisor was killed by signal %d (%s): all processes of the "
			  "program are killed", WTERMSIG(wait_status),
			  strsignal(WTERMSIG(wait_status)));
	else
		log_error("the supervisor gave up (status %d): all processes of the "
			  "program are killed", WEXITSTATUS(wait_status));
}

static int guardian_end(const struct guardian *g)
{
	bool started = g->program_pidfd >= 0;

	if (WIFSIGNALED(g->supervisor_status) || (started && !g->ended && !g->failed_status)) {
		say_supervisor_died(g->supervisor_status);
		guardian_kill_tree();
		return EXIT_SANDBOX;
	}
	if (g->failed_status)
		return g->failed_status;
	if (!started)
		return WEXITSTATUS(g->supervisor_status);
	return WIFSIGNALED(g->wait_status) ? die_by(WTERMSIG(g->wait_status))
					   : WEXITSTATUS(g->wait_status);
}

/* --- the life --- */

/* False when the supervisor is gone; its last messages have been read then. */
static bool guardian_turn(struct guardian *g)
{
	struct pollfd fds[] = {
		{ .fd = g->supervisor_pidfd, .events = POLLIN },
		{ .fd = g->link_fd, .events = POLLIN },
		/* before PROGRAM is there signals wait in the kernel */
		{ .fd = g->program_pidfd >= 0 ? g->signal_fd : -1, .events = POLLIN },
	};

	poll(fds, ARRAY_SIZE(fds), PULSE_CHECK_MSEC);
	/* messages first: whether PROGRAM was stopped decides what a SIGCONT means */
	guardian_read_link(g);
	if (fds[2].revents)
		guardian_read_signals(g);
	pulse_check(&g->pulse);
	return waitpid(g->supervisor, &g->supervisor_status, WNOHANG) != g->supervisor;
}

static void guardian_live(struct guardian *g)
{
	inherited_drop();
	while (guardian_turn(g))
		;
	guardian_read_link(g);
}

/* In the new process: the signals of the terminal and of our group are not for the supervisor. */
static int supervisor_live(supervise_fn *supervise, const struct guardian_link *link, void *arg)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);	/* but libc may have its own two */
	/* should anything ever unblock them */
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("cannot become the reaper of PROGRAM's children: %s", strerror(errno));
	return supervise(link, arg);
}

static struct pulse *pulse_create(void)
{
	void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			  0);

	if (page == MAP_FAILED)
		die("no memory for the shared page: %s", strerror(errno));
	return page;
}

static int need_fd(int fd, const char *what)
{
	if (fd < 0)
		die("cannot open %s: %s; see `aio-sandbox --doctor`", what, strerror(errno));
	return fd;
}

int guardian_run(supervise_fn *supervise, void *arg, const struct guardian_beside *beside)
{
	struct guardian_link link;
	int sock[2];

	inherited_keep_std_closed();
	signals_save(&link.caller);

	sigset_t all = signals_block_all();

	signal(SIGCHLD, SIG_DFL);	/* ignored, it would reap our children unseen */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("cannot become the reaper of the supervisor's children: %s", strerror(errno));
	need_fd(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), "a socket");
	link.fd = sock[1];
	link.guardian_pidfd = need_fd((int)syscall(SYS_pidfd_open, getpid(), 0), "a pidfd");
	link.guardian_stat_fd = need_fd(tracee_open_stat(getpid(), getpid()), "/proc/self/stat");
	link.pulse = pulse_create();
	kill_tree_spare_children();

	struct guardian g = {
		.signal_fd = need_fd(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), "a signalfd"),
		.link_fd = sock[0],
		.listener_fd = -1,
		.program_pidfd = -1,
		.program_stat_fd = -1,
		.own_signal = beside->own_signal,
	};

	g.supervisor = fork();
	if (g.supervisor < 0)
		die("cannot fork: %s; raise the limit of processes (ulimit -u)", strerror(errno));
	if (g.supervisor == 0) {
		close(g.signal_fd);
		close(g.link_fd);
		return supervisor_live(supervise, &link, arg);
	}
	close(link.fd);
	close(link.guardian_pidfd);
	close(link.guardian_stat_fd);
	if (beside->parted)
		beside->parted(beside->arg);
	/* PROGRAM may run already. Without a pidfd, SIGCHLD ends the wait, or the pulse's time does. */
	g.supervisor_pidfd = (int)syscall(SYS_pidfd_open, g.supervisor, 0);
	pulse_watch_init(&g.pulse, link.pulse, g.supervisor);
	guardian_live(&g);
	if (beside->ending) {
		signals_restore(&link.caller);
		beside->ending(beside->arg);
	}
	return guardian_end(&g);
}
