/* SPDX-License-Identifier: MIT */
/*
 * Random reads by native AIO, kept at a constant depth, from many contexts and processes at once:
 *
 *	load FILE PROCESSES CONTEXTS DEPTH SECONDS [BLOCK [direct]]
 *
 * CONTEXTS for each process, DEPTH for each context. One thread of each process goes round its contexts: it takes what is
 * done, at least one, and submits as many again. It says "ready" when all contexts are there, starts at the first line of
 * its input, says "done REQUESTS WALL_NS CPU_NS" when the last request has been reaped, and keeps its contexts until its
 * input ends. SECONDS 0: each request once.
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 256, PROCESSES_MAX = 1024 };

struct job {
	const char *path;
	unsigned processes, contexts, depth;
	uint64_t run_ns;
	size_t block;
	bool direct;
};

struct part {
	uint64_t requests, cpu_ns;
};

struct lane {
	io_context_t ctx;
	struct iocb *iocbs, **free_list;
	unsigned free_count, outstanding;
};

/* a child's ends of the pipes: what it tells, a byte that lets it go, and nothing until the end */
static int told_fd = -1, go_fd = -1, end_fd = -1;

static void fail(const char *what, int error)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(error));
	if (told_fd >= 0 && write(told_fd, "e", 1) != 1)
		_exit(2);
	_exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		fail("calloc", errno);
	return p;
}

static uint64_t random_next(void)
{
	static uint64_t x;

	if (!x)
		x = (uint64_t)getpid() * 0x9e3779b97f4a7c15u;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* All that one process reads with. */
struct reader {
	const struct job *job;
	int fd;
	uint64_t blocks;
	char *buffers;
	struct lane *lanes;
	struct io_event *events;
};

static void reader_open(struct reader *r, const struct job *job)
{
	struct stat st;

	r->job = job;
	r->fd = open(job->path, O_RDONLY | O_CLOEXEC | (job->direct ? O_DIRECT : 0));
	if (r->fd < 0 || fstat(r->fd, &st))
		fail(job->path, errno);
	r->blocks = (uint64_t)st.st_size / job->block;
	if (!r->blocks)
		fail(job->path, EINVAL);
	r->buffers = mmap(NULL, BUFFERS * job->block, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->buffers == MAP_FAILED)
		fail("mmap", errno);
	r->lanes = zeroed(job->contexts, sizeof(*r->lanes));
	r->events = zeroed(job->depth, sizeof(*r->events));
}

static void lane_open(struct lane *lane, unsigned depth)
{
	int ret = io_setup((int)depth, &lane->ctx);

	if (ret)
		fail("io_setup", -ret);
	lane->iocbs = zeroed(depth, sizeof(*lane->iocbs));
	lane->free_list = zeroed(depth, sizeof(*lane->free_list));
	for (unsigned i = 0; i < depth; i++)
		lane->free_list[i] = &lane->iocbs[i];
	lane->free_count = depth;
}

static void lane_submit(struct reader *r, struct lane *lane)
{
	size_t block = r->job->block;
	unsigned sent = 0;

	for (unsigned i = 0; i < lane->free_count; i++) {
		struct iocb *iocb = lane->free_list[i];
		size_t slot = (size_t)(iocb - lane->iocbs) % BUFFERS;

		io_prep_pread(iocb, r->fd, r->buffers + slot * block, block,
			      (long long)(random_next() % r->blocks * block));
	}
	while (sent < lane->free_count) {
		int ret = io_submit(lane->ctx, lane->free_count - sent, lane->free_list + sent);

		if (ret <= 0)
			fail("io_submit", ret ? -ret : EIO);
		sent += (unsigned)ret;
	}
	lane->outstanding += sent;
	lane->free_count = 0;
}

static unsigned lane_reap(struct reader *r, struct lane *lane)
{
	int n = io_getevents(lane->ctx, 1, (long)r->job->depth, r->events, NULL);

	if (n <= 0)
		fail("io_getevents", n ? -n : EIO);
	for (int i = 0; i < n; i++) {
		if (r->events[i].res != r->job->block)
			fail("a request", -(int)(long)r->events[i].res);
		lane->free_list[lane->free_count++] = r->events[i].obj;
	}
	lane->outstanding -= (unsigned)n;
	return (unsigned)n;
}

static void reader_run(struct reader *r, struct part *part)
{
	uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + r->job->run_ns;
	unsigned contexts = r->job->contexts;

	for (unsigned c = 0; c < contexts; c++)
		lane_submit(r, &r->lanes[c]);
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		for (unsigned c = 0; c < contexts; c++) {
			part->requests += lane_reap(r, &r->lanes[c]);
			lane_submit(r, &r->lanes[c]);
		}
	}
	for (unsigned c = 0; c < contexts; c++)
		while (r->lanes[c].outstanding)
			part->requests += lane_reap(r, &r->lanes[c]);
	part->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

static void tell(void)
{
	if (write(told_fd, "k", 1) != 1)
		_exit(2);
}

static void child(const struct job *job, struct part *part)
{
	struct reader r;
	char c;

	reader_open(&r, job);
	for (unsigned i = 0; i < job->contexts; i++)
		lane_open(&r.lanes[i], job->depth);
	tell();
	if (read(go_fd, &c, 1) != 1)
		_exit(0);
	reader_run(&r, part);
	tell();
	if (read(end_fd, &c, 1) < 0)
		_exit(2);
	for (unsigned i = 0; i < job->contexts; i++)
		io_destroy(r.lanes[i].ctx);
	_exit(0);
}

/* Waits until each child has told once. The others end with the pipes. */
static void hear(int fd, unsigned count)
{
	char c;

	for (; count; count--)
		if (read(fd, &c, 1) != 1 || c != 'k')
			exit(1);
}

static int wait_for(const pid_t *pids, unsigned count)
{
	int status, bad = 0;

	for (unsigned i = 0; i < count; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			bad = 1;
	return bad;
}

static int lead(const struct job *job, const struct part *parts, const pid_t *pids, int told,
		int go, int end)
{
	static const char bytes[PROCESSES_MAX];
	uint64_t start, wall, requests = 0, cpu = 0;
	char line[16];

	hear(told, job->processes);
	puts("ready");
	if (fgets(line, sizeof(line), stdin)) {
		start = clock_ns(CLOCK_MONOTONIC);
		if (write(go, bytes, job->processes) != (ssize_t)job->processes)
			return 1;
		hear(told, job->processes);
		wall = clock_ns(CLOCK_MONOTONIC) - start;
		for (unsigned i = 0; i < job->processes; i++) {
			requests += parts[i].requests;
			cpu += parts[i].cpu_ns;
		}
		printf("done %ju %ju %ju\n", (uintmax_t)requests, (uintmax_t)wall, (uintmax_t)cpu);
		while (fgets(line, sizeof(line), stdin))
			;
	}
	close(go);
	close(end);
	return wait_for(pids, job->processes);
}

static int start(const struct job *job)
{
	struct part *parts = mmap(NULL, job->processes * sizeof(*parts), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t *pids = zeroed(job->processes, sizeof(*pids));
	int told[2], go[2], end[2];

	if (parts == MAP_FAILED || pipe(told) || pipe(go) || pipe(end))
		fail("pipe", errno);
	for (unsigned i = 0; i < job->processes; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			fail("fork", errno);
		if (!pids[i]) {
			close(go[1]);
			close(end[1]);
			close(told[0]);
			told_fd = told[1];
			go_fd = go[0];
			end_fd = end[0];
			child(job, &parts[i]);
		}
	}
	close(told[1]);
	close(go[0]);
	close(end[0]);
	return lead(job, parts, pids, told[0], go[1], end[1]);
}

int main(int argc, char **argv)
{
	struct job job = { .block = 4096 };

	if (argc < 6) {
		fputs("usage: load FILE PROCESSES CONTEXTS DEPTH SECONDS [BLOCK [direct]]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	job.path = argv[1];
	job.processes = (unsigned)strtoul(argv[2], NULL, 10);
	job.contexts = (unsigned)strtoul(argv[3], NULL, 10);
	job.depth = (unsigned)strtoul(argv[4], NULL, 10);
	job.run_ns = (uint64_t)(strtod(argv[5], NULL) * 1e9);
	if (argc > 6)
		job.block = strtoul(argv[6], NULL, 10);
	job.direct = argc > 7 && !strcmp(argv[7], "direct");
	if (!job.processes || job.processes > PROCESSES_MAX || !job.contexts || !job.depth ||
	    job.block < 512) {
		fputs("load: out of range\n", stderr);
		return 2;
	}
	return start(&job);
}
