/* SPDX-License-Identifier: MIT */
/* Thousands of short lives of all kinds: does the supervisor grow? */
#include "lives.h"

#include <dirent.h>

static io_context_t ctx;

struct size {
	unsigned fds;
	long rss_kb;
};

static struct size size_of(pid_t pid)
{
	struct size s = { 0, 0 };
	char path[64], line[128];
	DIR *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	need(dir);
	while (readdir(dir))
		s.fds++;
	closedir(dir);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	need(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %ld", &s.rss_kb);
	fclose(f);
	return s;
}

static void *short_life(void *arg)
{
	io_context_t own = setup(1);

	if (arg)
		expect(round_trip(own, 0, 1, 't') && io_destroy(own) == 0);
	return NULL;
}

static int one_sharer(void *arg)
{
	return write_blocks(ctx, 0, 1, 's') == 1 ? 0 : 8;
}

static void one_child(unsigned kind)
{
	pthread_t thread;

	switch (kind) {
	case 0:
		_exit(0);
	case 1:
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	case 2:
		for (int i = 0; i < 3; i++) {
			need(!pthread_create(&thread, NULL, short_life, i ? &thread : NULL));
			pthread_join(thread, NULL);
		}
		_exit(done());
	case 3:
		ctx = setup(DEPTH);
		expect(write_blocks(ctx, 0, DEPTH, '3') == DEPTH);
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	case 4:
		ctx = setup(DEPTH);
		expect(write_blocks(ctx, 0, DEPTH, '4') == DEPTH);
		kill(getpid(), SIGKILL);
		_exit(99);
	case 5:
		ctx = setup(DEPTH);
		need(!pthread_create(&thread, NULL, short_life, NULL));
		pthread_exit(NULL);
	default:
		ctx = setup(DEPTH);
		need(wait_child(clone(one_sharer, stack_top(), CLONE_VM | SIGCHLD, NULL)) == 0);
		_exit(done());
	}
}

static void many(unsigned rounds)
{
	for (unsigned i = 0; i < rounds && !failures; i++) {
		pid_t pid = victim_fork();
		int status;

		if (!pid)
			one_child(i % 7);
		status = wait_child(pid);
		expect(status == (i % 7 == 4 ? 128 + SIGKILL : 0));
	}
}

/* Ends are seen by descriptors becoming readable, a moment later. */
static struct size settled(pid_t pid, unsigned fds)
{
	uint64_t until_ms = now_ms() + 5000;
	struct size s;

	do
		s = size_of(pid);
	while (s.fds > fds && now_ms() < until_ms);
	return s;
}

/* ARGS: how many, KiB that the supervisor may grow by. Directly under the supervisor: our parent. */
int scene_many(char **argv)
{
	pid_t supervisor = getppid();
	struct size before, after;

	many(140);
	before = settled(supervisor, 0);	/* the highest of what is usual */
	many((unsigned)atoi(argv[3]));
	after = settled(supervisor, before.fds);
	if (after.fds > before.fds)
		printf("%u descriptors before, %u after\n", before.fds, after.fds);
	if (after.rss_kb > before.rss_kb + atol(argv[4]))
		printf("%ld KiB before, %ld KiB after\n", before.rss_kb, after.rss_kb);
	return done();
}
