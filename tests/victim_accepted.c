/* SPDX-License-Identifier: MIT */
/*
 * A program that believes nothing: for the runs of self_fault.sh, in which one call of the supervisor
 * fails. Any call may be refused as the kernel could refuse it; but what is said to be done is done, and
 * each accepted request has exactly one event.
 *
 *	victim_accepted STEP DIRECTORY		in the sandbox: STEP is short, io, large, peers or life
 *	victim_accepted judge DIRECTORY ANY	afterwards: is what was accepted by those that died in the
 *						file? ANY=1: an unseen event may have told of an error
 *
 * DIRECTORY/started exists once this program runs; DIRECTORY/told is the memory of what was accepted.
 */
#include "accepted.h"

#include <pthread.h>

#define TOLD_MAX 256u

struct told {
	_Atomic uint32_t accepted[TOLD_MAX];	/* is that block of the file? */
};

int wrong;
static const char *directory;
static struct told *told;

static char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

int file_open(const char *name, int flags)
{
	int fd = open(path_of(name), flags | O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	need(fd >= 0);
	return fd;
}

static void told_map(void)
{
	int fd = file_open("told", 0);

	need(ftruncate(fd, sizeof(*told)) == 0);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(told != MAP_FAILED);
	close(fd);
}

static void write_and_tell(const char *name, uint32_t first)
{
	struct iocb cb[8], *list[8];
	char *data = memory(8 * BLOCK);
	int fd = file_open(name, O_DIRECT);
	io_context_t ctx;
	unsigned n;

	if (setup(DEPTH, &ctx))
		return;
	for (unsigned i = 0; i < 8; i++) {
		fill(data + i * BLOCK, BLOCK, first + i);
		io_prep_pwrite(&cb[i], fd, data + i * BLOCK, BLOCK, (long long)(first + i) * BLOCK);
		list[i] = &cb[i];
	}
	n = submit(ctx, 8, list);
	for (unsigned i = 0; i < n; i++)
		told->accepted[first + i] = 1;
}

static void *thread_main(void *arg)
{
	write_and_tell("lives", (uint32_t)(uintptr_t)arg);
	return NULL;
}

enum death { BY_EXIT, BY_EXEC, BY_FAILED_EXEC, BY_KILL, BY_THREADS, BY_CHILD, DEATHS };

static void die_by(enum death death, uint32_t first)
{
	pthread_t thread;

	write_and_tell("lives", first);
	switch (death) {
	case BY_EXIT:
		break;
	case BY_FAILED_EXEC:
		execl("/nowhere", "nowhere", (char *)NULL);
		write_and_tell("lives", first + 8);
		break;
	case BY_EXEC:
		execl("/proc/self/exe", "victim_accepted", "nothing", directory, (char *)NULL);
		break;
	case BY_KILL:
		kill(getpid(), SIGKILL);
		break;
	case BY_THREADS:
		if (!pthread_create(&thread, NULL, thread_main, (void *)(uintptr_t)(first + 8)))
			pthread_exit(NULL);
		break;
	case BY_CHILD:
		if (vfork() == 0) {
			execl("/proc/self/exe", "victim_accepted", "nothing", directory, (char *)NULL);
			_exit(99);
		}
		break;
	case DEATHS:
		break;
	}
	_exit(0);
}

static void step_life(void)
{
	for (unsigned death = 0; death < DEATHS; death++) {
		pid_t pid = fork();

		need(pid >= 0);
		if (!pid)
			die_by(death, death * 16);
		need(waitpid(pid, NULL, 0) == pid);
	}
}

static int judge(int any)
{
	char *block = memory(BLOCK);
	int fd = file_open("lives", 0);

	for (uint32_t i = 0; i < TOLD_MAX; i++) {
		if (!told->accepted[i] || any)
			continue;
		wrong_if(pread(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK || !holds(block, BLOCK, 0, i),
			 "block %u was accepted, and is not in the file", i);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	need(argc >= 3);
	directory = argv[2];
	if (!strcmp(argv[1], "nothing"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	told_map();
	if (!strcmp(argv[1], "judge"))
		return judge(argc > 3 && argv[3][0] == '1');
	close(file_open("started", 0));
	if (!strcmp(argv[1], "io"))
		step_io();
	else if (!strcmp(argv[1], "short"))
		step_short();
	else if (!strcmp(argv[1], "large"))
		step_large();
	else if (!strcmp(argv[1], "peers"))
		step_peers();
	else if (!strcmp(argv[1], "life"))
		step_life();
	return wrong ? 3 : 0;
}
