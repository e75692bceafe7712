/* SPDX-License-Identifier: MIT */
/*
 * victim_frozen GROUP STATE_FILE FREEZE THAW: a child that is a member of the control group makes
 * and destroys contexts as fast as it can; the parent, who is none, freezes the group again and
 * again, and makes some of its own before it lets the child go on. Says how many rounds the parent
 * made, what went wrong in the child, and whether the child came on between any two rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 60
#define CONTEXTS 10

struct shared {
	_Atomic unsigned made, wrong;
	_Atomic int stop;
};

static void put(const char *dir, const char *file, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(path);
		exit(99);
	}
	close(fd);
}

/* Is everything as it should be? The id says that no two contexts got one slot. */
static int one_context(void)
{
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 8, &ctx))
		return 0;
	if (*(unsigned *)ctx != 0 || ((unsigned *)ctx)[1] < 8)
		return 0;
	return syscall(SYS_io_destroy, ctx) == 0;
}

static void child(struct shared *s, const char *group)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	put(group, "cgroup.procs", pid);
	while (!s->stop) {
		s->wrong += !one_context();
		s->made++;
	}
	_exit(0);
}

static void wait_for_more(const struct shared *s, unsigned than, pid_t pid)
{
	while (s->made <= than) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			exit(98);
		sched_yield();
	}
}

int main(int argc, char **argv)
{
	struct shared *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned rounds = 0, wrong = 0;
	int status = 0;
	pid_t pid;

	if (argc != 5 || s == MAP_FAILED)
		return 99;
	pid = fork();
	if (!pid)
		child(s, argv[1]);
	while (rounds < ROUNDS) {
		wait_for_more(s, s->made, pid);
		put(argv[1], argv[2], argv[3]);
		for (unsigned i = 0; i < CONTEXTS; i++)
			wrong += !one_context();
		put(argv[1], argv[2], argv[4]);
		rounds++;
	}
	s->stop = 1;
	waitpid(pid, &status, 0);
	printf("rounds %u, wrong %u, child: wrong %u, status %d\n", rounds, wrong, s->wrong, status);
	return 0;
}
