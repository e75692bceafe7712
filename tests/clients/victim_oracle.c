// SPDX-License-Identifier: MIT
/*
 * A stand-in for Oracle: eight processes, each with an AIO context of 4096, do O_DIRECT|O_DSYNC
 * block I/O on four shared files out of one buffer cache in shared memory, in batches, and wait
 * with io_getevents timeouts of 600 seconds. One of the writers is killed now and then and started
 * again by its parent.
 *
 * Every block names itself (file, block, version, writer, checksum), and a table in the mapped file
 * DIR/control says per block which version the file must hold. A block is latched while a request
 * is in flight, so its holder knows exactly what a read must find. Before io_submit a block's state
 * is INTENT, after it ACCEPTED: a killed writer's INTENT block may hold either version, its
 * ACCEPTED block must hold the new one. The successor, started by exec, settles that and goes on; a
 * write of the dead that arrived later would be found as a wrong version.
 *
 * run DIR SECONDS	all of it; a line "oracle: ok ... requests=N maybe=N" and status 0
 * crash DIR SECONDS	ends by killing all workers and itself with SIGKILL, amid the work
 * check DIR		plain reads: does every block hold what the table promises?
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oracle_blocks.h"
#include "oracle_worker.h"

#define EMERGENCY_S 60

static pid_t worker_fork(unsigned int id)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		worker_run(id, 0);
	return pid;
}

static pid_t worker_exec(unsigned int id, unsigned int life, const char *dir, int cache_fd)
{
	char id_text[16], life_text[16], fd_text[16];
	pid_t pid;

	snprintf(id_text, sizeof(id_text), "%u", id);
	snprintf(life_text, sizeof(life_text), "%u", life);
	snprintf(fd_text, sizeof(fd_text), "%d", cache_fd);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		execl("/proc/self/exe", "victim_oracle", "worker", dir, id_text, life_text, fd_text,
		      (char *)NULL);
		fail("exec: %s", strerror(errno));
	}
	return pid;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

/* Until a life is long enough, and between looks at memory that a worker writes: no event there. */
static void pause_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000l}, NULL);
}

/* In turn: it kills itself right after a batch was accepted, or is killed wherever it is. */
static void victim_kill(pid_t pid, unsigned int life)
{
	int status;

	if (life % 2) {
		control->die = 1;
	} else {	/* the writer is not to be held up by telling us */
		while (!control->inflight[VICTIM] && !control->failed)
			pause_ms(1);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("the killed writer ended with status %x", (unsigned int)status);
	control->maybe += atomic_exchange(&control->attempt[VICTIM], 0);
	control->inflight[VICTIM] = 0;
	control->kills++;
}

static void parent_crash(const pid_t *pids)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		kill(pids[i], SIGKILL);
	for (unsigned int i = 0; i < WORKERS; i++)
		waitpid(pids[i], NULL, 0);
	raise(SIGKILL);
}

static void check_blocks(void)
{
	void *memory;

	if (posix_memalign(&memory, 4096, BLOCK_BYTES))
		fail("no memory");
	for (unsigned int i = 0; i < BLOCKS; i++) {
		uint64_t must, may;

		entry_promise(&control->entries[i], &must, &may);
		read_block(memory, i);
		block_check(memory, i, must, may, "final check");
	}
	free(memory);
}

static int oracle_check(const char *dir)
{
	uint64_t before;

	control = map_control(dir, false);
	open_files(dir, O_DIRECT);
	before = control->checked;
	check_blocks();
	printf("oracle: check: %lu blocks hold what was promised\n", control->checked - before);
	return 0;
}

static int worker_main(char **argv)
{
	control = map_control(argv[2], false);
	map_cache(atoi(argv[5]));
	open_files(argv[2], O_DIRECT | O_DSYNC);
	worker_run((unsigned int)atoi(argv[3]), (unsigned int)atoi(argv[4]));
}

static void summary(void)
{
	uint64_t writes = 0;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		if (control->entries[i].state != IDLE || control->entries[i].latch)
			fail("block %u is still in use", i);
		writes += control->entries[i].version - 1;
	}
	for (unsigned int i = 0; i < BUFFERS; i++)
		if (control->buffer_owner[i])
			fail("buffer %u is still in use", i);
	if (!writes || !control->kills || !control->settled_new)
		fail("nothing was tested: %lu blocks written, %lu kills, %lu writes of the dead",
		     writes, control->kills, control->settled_new);
	printf("oracle: ok blocks_written=%lu blocks_checked=%lu kills=%lu", writes,
	       control->checked, control->kills);
	printf(" accepted_by_the_dead=%lu unsure=%lu requests=%lu maybe=%lu\n",
	       control->settled_new, control->settled_old, control->accepted, control->maybe);
}

static void parent_work(pid_t *pids, const char *dir, int cache_fd, unsigned int seconds)
{
	uint64_t end = now_ms() + seconds * 1000ull;
	unsigned int life = 1;

	while (now_ms() < end && !control->failed) {
		pause_ms(200 + 37 * (life % 5));
		victim_kill(pids[VICTIM], life);
		pids[VICTIM] = worker_exec(VICTIM, life++, dir, cache_fd);
	}
}

static int oracle_run(const char *dir, unsigned int seconds, bool crash)
{
	int cache_fd = memfd_create("buffer cache", 0);
	pid_t pids[WORKERS];

	alarm(EMERGENCY_S + seconds);
	control = map_control(dir, true);
	if (cache_fd < 0 || ftruncate(cache_fd, (off_t)BUFFERS * BLOCK_BYTES))
		fail("memfd: %s", strerror(errno));
	map_cache(cache_fd);
	open_files(dir, O_CREAT | O_TRUNC);
	create_blocks();
	open_files(dir, O_DIRECT | O_DSYNC);
	for (unsigned int i = 0; i < WORKERS; i++)
		pids[i] = worker_fork(i);
	parent_work(pids, dir, cache_fd, seconds);
	if (crash)
		parent_crash(pids);
	control->stop = 1;
	for (unsigned int i = 0; i < WORKERS; i++) {
		int status;

		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			fail("worker %u ended with status %x", i, (unsigned int)status);
	}
	if (control->failed)
		fail("a worker failed");
	check_blocks();
	summary();
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 6 && !strcmp(argv[1], "worker"))
		return worker_main(argv);
	if (argc == 3 && !strcmp(argv[1], "check"))
		return oracle_check(argv[2]);
	if (argc == 4 && (!strcmp(argv[1], "run") || !strcmp(argv[1], "crash")))
		return oracle_run(argv[2], (unsigned int)atoi(argv[3]), argv[1][0] == 'c');
	fprintf(stderr, "usage: victim_oracle run|crash DIR SECONDS | check DIR\n");
	return 2;
}
