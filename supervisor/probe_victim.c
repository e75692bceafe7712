/* SPDX-License-Identifier: MIT */
/* The tracee of a probe: a child of the probe's own child, bound to it for life. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "probe_impl.h"

static void victim_run(pid_t parent, int sock, victim_fn *fn, const void *arg)
	__attribute__((noreturn));

static void victim_run(pid_t parent, int sock, victim_fn *fn, const void *arg)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		fn(sock, arg);
	_exit(EXIT_SUCCESS);
}

int victim_start(struct victim *v, victim_fn *fn, const void *arg)
{
	pid_t parent = getpid();
	int ends[2];

	*v = (struct victim){ .sock = -1, .its_sock = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return neg_errno();

	auto_fd ours = ends[0];
	auto_fd its = ends[1];

	v->pid = fork();
	if (v->pid < 0) {
		v->pid = 0;
		return neg_errno();
	}
	if (v->pid == 0) {
		close_fd(&ours);
		victim_run(parent, its, fn, arg);
	}
	v->sock = steal_fd(&ours);
	v->its_sock = its;
	return 0;
}

int victim_wait(struct victim *v)
{
	int status = 0;

	while (waitpid(v->pid, &status, 0) < 0 && errno == EINTR)
		;
	v->pid = 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void victim_end(struct victim *v)
{
	if (v->pid > 0) {
		kill(v->pid, SIGKILL);
		victim_wait(v);
	}
	close_fd(&v->sock);
}

void victim_idle(int sock, const void *arg)
{
	char byte;

	while (recv(sock, &byte, sizeof(byte), 0) > 0)
		;
}
