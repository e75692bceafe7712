/* SPDX-License-Identifier: MIT */
/*
 * victim_leaving FUSE-FILE CONTROL LOG exit|exec: a child leaves its memory while a write of it waits
 * for the file system (victim_fuse), which is told to hold and to go on by CONTROL, and says in LOG
 * that it does. Says whether the end waits, whether the child's other threads run on meanwhile, and
 * whether their AIO calls return (D6).
 */
#include "parity/victim.h"

#include <pthread.h>

enum { STILL_MS = 300, LOOKS_MS = 500 };

static struct {
	_Atomic unsigned long ticks;
	_Atomic int is_open, held, leaves, call, called, returned;
} *shared;

static aio_context_t ctx;

static void await(_Atomic int *flag)
{
	while (!*flag)
		poll(NULL, 0, 1);	/* only memory is shared with who is about to be ended */
}

static void *ticks(void *arg)
{
	while (++shared->ticks)
		poll(NULL, 0, 1);	/* a rate, not a wait */
	return arg;
}

static void *calls(void *arg)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct iocb cb;
	char c;

	await(&shared->call);
	shared->called = 1;
	aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, zero, &c, 1, 0));
	shared->returned = 1;
	return NULL;
}

static void leave(const char *file, int by_exec)
{
	int fd = open(file, O_WRONLY | O_DIRECT | O_CLOEXEC);
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	struct iocb cb;

	need(fd >= 0 && page != MAP_FAILED);
	ctx = aio_context(8);
	need(!pthread_create(&thread, NULL, ticks, NULL));
	need(!pthread_create(&thread, NULL, calls, NULL));
	shared->is_open = 1;
	await(&shared->held);
	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, page, PAGE, 0)) == 1);
	shared->leaves = 1;
	if (by_exec)
		execl("/bin/true", "true", (char *)NULL);
	syscall(SYS_exit_group, 0);
}

/* Nothing tells that a thread has been ended before its process has. */
static int ticks_go_on(void)
{
	unsigned long last = shared->ticks;
	int still_ms = 0;

	for (int ms = 0; ms < LOOKS_MS && still_ms < STILL_MS; ms++) {
		poll(NULL, 0, 1);	/* the same */
		still_ms = shared->ticks == last ? still_ms + 1 : 0;
		last = shared->ticks;
	}
	return still_ms < STILL_MS;
}

static int has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0);
}

static void tell(int control, const char *line)
{
	need(write(control, line, strlen(line)) == (ssize_t)strlen(line));
}

static void hold(int control, int log)
{
	char text[4096] = "";

	tell(control, "hold\n");
	while (!strstr(text, "held\n")) {
		poll(NULL, 0, 1);	/* who writes it does not tell us */
		need(pread(log, text, sizeof(text) - 1, 0) >= 0);
	}
}

int main(int argc, char **argv)
{
	int control, log, pidfd, run_on;
	pid_t pid;

	need(argc == 5);
	victim_start();
	log = open(argv[3], O_RDONLY | O_CLOEXEC);
	control = open(argv[2], O_RDWR | O_CLOEXEC);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(control >= 0 && log >= 0 && shared != MAP_FAILED);
	pid = victim_fork();
	if (!pid)
		leave(argv[1], !strcmp(argv[4], "exec"));
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	await(&shared->is_open);
	hold(control, log);
	shared->held = 1;
	await(&shared->leaves);
	run_on = ticks_go_on();
	printf("%s\n", has_ended(pidfd) ? "it ends" : "it waits");
	printf("its threads %s\n", run_on ? "run on" : "have ended");
	if (run_on) {
		shared->call = 1;
		await(&shared->called);
		run_on = ticks_go_on();
		printf("a call %s\n", shared->returned ? "returns" : run_on ? "waits" : "ends them");
	}
	tell(control, "go\n");
	need(wait_child(pid) == 0);
	printf("%s\n", shared->returned ? "the call has returned" : "ended");
	return 0;
}
