/* SPDX-License-Identifier: MIT */
/*
 * victim_lives SCENE FILE [ARGS]: births, executions and ends of processes and threads while AIO goes on.
 * Prints what went wrong; nothing when all is well. The scenes are the functions below and
 * those of lives_*.c.
 */
#include "lives.h"

const char *file;
char *memory;
static int fd;
static io_context_t ctx;

io_context_t setup(int depth)
{
	io_context_t made = NULL;
	int ret = io_setup(depth, &made);

	if (ret)
		printf("io_setup(%d): %s\n", depth, strerror(-ret));
	need(ret == 0);
	return made;
}

int write_blocks(io_context_t in, unsigned first, unsigned n, char c)
{
	static struct iocb cb[8][DEPTH];
	static _Atomic unsigned next_set;
	struct iocb *set = cb[next_set++ % ARRAY_SIZE(cb)], *list[DEPTH];
	char *from = mmap(NULL, n * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	need(from != MAP_FAILED && n <= DEPTH);
	memset(from, c, n * BLOCK);
	for (unsigned i = 0; i < n; i++) {
		io_prep_pwrite(&set[i], fd, from + i * BLOCK, BLOCK, (long long)(first + i) * BLOCK);
		list[i] = &set[i];
	}
	ret = io_submit(in, n, list);
	munmap(from, n * BLOCK);	/* the data were copied in */
	return ret;
}

int reap(io_context_t in, unsigned n)
{
	struct io_event ev[DEPTH];
	unsigned got = 0;

	while (got < n) {
		int ret = io_getevents(in, 1, (long)(n - got < DEPTH ? n - got : DEPTH), ev, NULL);

		if (ret < 1)
			return 0;
		for (int i = 0; i < ret; i++) {
			if (ev[i].res != BLOCK)
				return 0;
		}
		got += (unsigned)ret;
	}
	return 1;
}

int file_is(unsigned first, unsigned n, char c)
{
	char *back = memory;

	if (pread(fd, back, n * BLOCK, (off_t)first * BLOCK) != (ssize_t)(n * BLOCK))
		return 0;
	for (size_t i = 0; i < n * BLOCK; i++) {
		if (back[i] != c)
			return 0;
	}
	return 1;
}

int round_trip(io_context_t in, unsigned first, unsigned n, char c)
{
	return write_blocks(in, first, n, c) == (int)n && reap(in, n);
}

static int scene_fork(char **argv)
{
	pid_t pid;

	ctx = setup(DEPTH);
	expect(write_blocks(ctx, 0, DEPTH, 'p') == DEPTH);
	pid = victim_fork();
	if (!pid) {
		expect(write_blocks(ctx, DEPTH, 1, 'x') == -EINVAL);
		expect(io_destroy(ctx) == -EINVAL);
		for (int i = 0; i < 3; i++) {
			io_context_t own = setup(DEPTH);

			expect(round_trip(own, DEPTH, DEPTH, 'c'));
			expect(i == 1 || io_destroy(own) == 0);
		}
		_exit(done());
	}
	expect(wait_child(pid) == 0);
	expect(reap(ctx, DEPTH) && file_is(0, DEPTH, 'p') && file_is(DEPTH, DEPTH, 'c'));
	expect(round_trip(ctx, 0, DEPTH, 'q') && file_is(0, DEPTH, 'q'));
	return done();
}

/* --- threads ---------------------------------------------------------------------------------- */

static void *submits_and_ends(void *arg)
{
	return (void *)(long)write_blocks(ctx, 0, DEPTH / 2, *(char *)arg);
}

static void *goes_on_without_leader(void *leader)
{
	pthread_join(*(pthread_t *)leader, NULL);
	for (unsigned i = 0; i < 200 && !failures; i++)
		expect(round_trip(ctx, 0, DEPTH / 2, 'l') && file_is(0, DEPTH / 2, 'l'));
	expect(write_blocks(ctx, 0, DEPTH / 2, 'm') == DEPTH / 2);
	_exit(done());
}

static int scene_threads(char **argv)
{
	static pthread_t leader;
	pthread_t thread;
	void *ret;

	ctx = setup(DEPTH);
	for (char c = 'a'; c <= 'z'; c++) {
		need(!pthread_create(&thread, NULL, submits_and_ends, &c));
		need(!pthread_join(thread, &ret));
		expect((long)ret == DEPTH / 2 && reap(ctx, DEPTH / 2) && file_is(0, DEPTH / 2, c));
	}
	leader = pthread_self();
	need(!pthread_create(&thread, NULL, goes_on_without_leader, &leader));
	pthread_exit(NULL);
}

/* --- a daemon --------------------------------------------------------------------------------- */

/* ARGS: a FIFO; the daemon writes 'd' when it has been told to by that. */
static int scene_daemon(char **argv)
{
	char c;
	int fifo;

	if (fork())
		return 0;
	setsid();
	if (fork())
		_exit(0);
	fifo = open(argv[3], O_RDONLY | O_CLOEXEC);
	need(fifo >= 0 && read(fifo, &c, 1) == 1);
	ctx = setup(DEPTH);
	expect(write_blocks(ctx, 0, DEPTH, 'd') == DEPTH);
	return done();
}

static int scene_is(char **argv)
{
	expect(file_is(0, DEPTH, *argv[3]));
	return done();
}

/* One short-lived process, for shell loops. */
static int scene_once(char **argv)
{
	ctx = setup(DEPTH);
	expect(write_blocks(ctx, 0, DEPTH, 'o') == DEPTH);
	return done();
}

static const struct {
	const char *name;
	int (*run)(char **argv);
} scenes[] = {
	{ "fork", scene_fork },
	{ "share", scene_share },
	{ "image", scene_image },
	{ "failed-exec", scene_failed_exec },
	{ "exec", scene_exec },
	{ "exec-thread", scene_exec_thread },
	{ "threads", scene_threads },
	{ "daemon", scene_daemon },
	{ "is", scene_is },
	{ "many", scene_many },
	{ "once", scene_once },
};

int main(int argc, char **argv)
{
	need(argc > 2);
	alarm(3 * VICTIM_SECONDS);
	file = argv[2];
	fd = open(file, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	memory = mmap(NULL, DEPTH * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(fd >= 0 && memory != MAP_FAILED);
	for (unsigned i = 0; i < ARRAY_SIZE(scenes); i++) {
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].run(argv);
	}
	return 98;
}
