/* SPDX-License-Identifier: MIT */
/*
 * victim_wait [-b SIGNAL]... [-i SIGNAL]... COMMAND [ARG]...: starts COMMAND with signals blocked
 * or ignored and says how it ended, which a shell cannot tell from its status: "exit 130" or
 * "signal 2".
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(uint64_t mask, uint64_t ignored, char **argv)
{
	for (int signo = 1; signo <= 64; signo++) {
		if (ignored & 1ull << (signo - 1))
			signal(signo, SIG_IGN);
	}
	/* not by libc, which leaves out 32 and 33 */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(99);
}

int main(int argc, char **argv)
{
	uint64_t mask = 0, ignored = 0;
	int opt, wait_status;

	while ((opt = getopt(argc, argv, "+b:i:")) != -1) {
		if (opt == 'b')
			mask |= 1ull << (atoi(optarg) - 1);
		else if (opt == 'i')
			ignored |= 1ull << (atoi(optarg) - 1);
		else
			return 99;
	}
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });

	/* a child of ours must not be reaped unseen, whatever COMMAND shall ignore and we have inherited */
	signal(SIGCHLD, SIG_DFL);

	pid_t pid = fork();

	if (pid == 0)
		run(mask, ignored, argv + optind);
	if (waitpid(pid, &wait_status, 0) != pid)
		return 99;
	if (WIFSIGNALED(wait_status))
		printf("signal %d\n", WTERMSIG(wait_status));
	else
		printf("exit %d\n", WEXITSTATUS(wait_status));
	return 0;
}
