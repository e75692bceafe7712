/* SPDX-License-Identifier: MIT */
/*
 * victim_tree FILE: a tree of four processes (PROGRAM, a child, a daemon, one that ignores signals
 * and waits) that make trapped calls without end. Each appends its pid to FILE when it has made its
 * first round; "ENOSYS" is appended when a call was ever answered so.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int report_fd;

static void report(const char *text)
{
	if (write(report_fd, text, strlen(text)) < 0)
		_exit(99);
}

static void report_pid(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	report(text);
}

static void need_no_enosys(long result)
{
	if (result < 0 && errno == ENOSYS)
		report("ENOSYS\n");
}

/* An _exit() whose calls are refused ends in a trap instruction. */
static void one_child(void)
{
	int wait_status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0 && waitpid(pid, &wait_status, 0) == pid && WIFSIGNALED(wait_status) &&
	    WTERMSIG(wait_status) != SIGKILL)
		report("ENOSYS\n");
}

static void one_round(void)
{
	char *argv[] = { NULL };

	need_no_enosys(syscall(SYS_io_destroy, 0L));
	need_no_enosys(syscall(SYS_io_submit, 0L, 0L, NULL));
	need_no_enosys(execve("/nonexistent/program", argv, argv));
	one_child();
}

static void *rounds(void *arg)
{
	for (;;)
		one_round();
	return arg;
}

static void live(void)
{
	pthread_t thread;

	one_round();
	pthread_create(&thread, NULL, rounds, NULL);
	report_pid();
	rounds(NULL);
}

static void make_daemon(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			live();
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 99;
	report_fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	make_daemon();
	if (fork() == 0)
		live();
	if (fork() == 0) {
		for (int signo = 1; signo < 32; signo++)
			signal(signo, SIG_IGN);
		report_pid();
		for (;;)
			pause();
	}
	live();
}
