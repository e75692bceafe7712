/* SPDX-License-Identifier: MIT */
/*
 * victim_lives SCENE FILE [ARGS]: births, executions and ends of processes and threads while AIO goes on.
 * Prints what went wrong; nothing when all is well. The scenes are the functions below.
 */
#include "parity/victim_env.h"

#include <dirent.h>
#include <libaio.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define BLOCK 4096u
#define DEPTH 32u

static const char *file;
static int fd;
static io_context_t ctx;
static char *memory;		/* DEPTH blocks */
static int failures;

#define expect(cond) expected(!!(cond), #cond, __func__, __LINE__)
static void expected(int good, const char *what, const char *func, int line)
{
	if (good)
		return;
	printf("%s, line %d: not so: %s\n", func, line, what);
	fflush(stdout);
	failures++;
}

static int done(void)
{
	return failures != 0;
}

static io_context_t setup(int depth)
{
	io_context_t made = NULL;
	int ret = io_setup(depth, &made);

	if (ret)
		printf("io_setup(%d): %s\n", depth, strerror(-ret));
	need(ret == 0);
	return made;
}

/* Writes n blocks of c from block `first` on; they are in flight afterwards. */
static int write_blocks(io_context_t in, unsigned first, unsigned n, char c)
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

/* 1 if n events came, all good. */
static int reap(io_context_t in, unsigned n)
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

static int file_is(unsigned first, unsigned n, char c)
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

static int round_trip(io_context_t in, unsigned first, unsigned n, char c)
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

/* --- sharers of the address space ------------------------------------------------------------- */

static char *stack_top(void)
{
	char *stack = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(stack != MAP_FAILED);
	return stack + 64 * PAGE;
}

static int sharer_submits(void *arg)
{
	return write_blocks(ctx, 0, DEPTH / 2, *(char *)arg) == DEPTH / 2 ? 7 : 8;
}

static int sharer_execs(void *arg)
{
	sharer_submits(arg);
	execl("/bin/true", "true", (char *)NULL);
	return 9;
}

static int sharer_waits(void *arg)
{
	sharer_submits(arg);
	while (getppid())
		pause();
	return 9;
}

/* However the child ends, what it has submitted belongs to the address space, which lives on. */
static void share(int (*child)(void *), int flags, int status, char c)
{
	pid_t pid = clone(child, stack_top(), CLONE_VM | CLONE_FILES | SIGCHLD | flags, &c);

	need(pid > 0);
	if (child == sharer_waits) {
		expect(reap(ctx, 1));
		kill(pid, SIGKILL);
	}
	expect(wait_child(pid) == status);
	expect(reap(ctx, DEPTH / 2 - (child == sharer_waits)));
	expect(file_is(0, DEPTH / 2, c));
	expect(round_trip(ctx, DEPTH, DEPTH / 2, c));
}

/* What a sharer has asked for belongs to the address space that it leaves, not to its new image. */
#define PLACE ((char *)0x100000000000)

static int pipe_to_read[2], image_ready[2], image_end[2];

static char *place(char c)
{
	char *at = mmap(PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	need(at == PLACE);
	memset(at, c, PAGE);
	return at;
}

static int sharer_reads_and_execs(void *arg)
{
	static struct iocb cb, *list = &cb;
	char ready[16], end[16];

	io_prep_pread(&cb, pipe_to_read[0], PLACE, 64, 0);
	if (io_submit(ctx, 1, &list) != 1)
		return 8;
	snprintf(ready, sizeof(ready), "%d", image_ready[1]);
	snprintf(end, sizeof(end), "%d", image_end[0]);
	execl("/proc/self/exe", "victim_lives", "image", file, ready, end, (char *)NULL);
	return 9;
}

static int scene_image(char **argv)
{
	char *at = place('i'), c;

	need(write(atoi(argv[3]), "x", 1) == 1 && read(atoi(argv[4]), &c, 1) == 1);
	for (unsigned i = 0; i < PAGE; i++)
		expect(at[i] == 'i');
	return done();
}

static void share_and_leave(int flags)
{
	char data[64], c, *at = place('p');
	struct io_event ev;
	pid_t pid;

	memset(data, 'd', sizeof(data));
	need(!pipe2(pipe_to_read, O_CLOEXEC) && !pipe(image_ready) && !pipe(image_end));
	pid = clone(sharer_reads_and_execs, stack_top(), CLONE_VM | SIGCHLD | flags, NULL);
	need(pid > 0 && read(image_ready[0], &c, 1) == 1);
	need(write(pipe_to_read[1], data, sizeof(data)) == sizeof(data));
	expect(io_getevents(ctx, 1, 1, &ev, NULL) == 1 && ev.res == sizeof(data));
	expect(memcmp(at, data, sizeof(data)) == 0);
	need(write(image_end[1], "x", 1) == 1);
	expect(wait_child(pid) == 0);
	for (int i = 0; i < 2; i++) {
		close(pipe_to_read[i]);
		close(image_ready[i]);
		close(image_end[i]);
	}
}

static int scene_share(char **argv)
{
	ctx = setup(DEPTH);
	share_and_leave(0);
	share_and_leave(CLONE_VFORK);
	for (int i = 0; i < 10; i++) {
		share(sharer_submits, CLONE_VFORK, 7, 'a');
		share(sharer_execs, CLONE_VFORK, 0, 'b');
		share(sharer_submits, 0, 7, 'c');
		share(sharer_execs, 0, 0, 'd');
		share(sharer_waits, 0, 128 + SIGKILL, 'e');
	}
	return done();
}

/* --- exec ------------------------------------------------------------------------------------- */

static _Atomic int stop;

static void *submits_all_the_time(void *arg)
{
	unsigned first = *(unsigned *)arg, rounds = 0;
	io_context_t own = setup(DEPTH);

	while (!stop) {
		expect(round_trip(own, first, DEPTH / 2, 'a' + (char)(rounds++ % 20)));
		if (failures)
			return NULL;
	}
	expect(rounds > 0 && io_destroy(own) == 0);
	return NULL;
}

static void exec_fails(const char *path, int error)
{
	char *none[] = { NULL };

	expect(execve(path, none, none) == -1 && errno == error);
}

static int scene_failed_exec(char **argv)
{
	static unsigned firsts[] = { DEPTH, 2 * DEPTH };
	pthread_t threads[ARRAY_SIZE(firsts)];

	ctx = setup(DEPTH);
	for (unsigned i = 0; i < ARRAY_SIZE(firsts); i++)
		need(!pthread_create(&threads[i], NULL, submits_all_the_time, &firsts[i]));
	for (unsigned i = 0; i < 100 && !failures; i++) {
		expect(write_blocks(ctx, 0, DEPTH / 2, 'f') == DEPTH / 2);
		exec_fails("/nonexistent", ENOENT);
		exec_fails("/proc/self/mem", EACCES);
		expect(reap(ctx, DEPTH / 2) && file_is(0, DEPTH / 2, 'f'));
	}
	stop = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(firsts); i++)
		pthread_join(threads[i], NULL);
	return done();
}

static void exec_self(const char *scene, long left)
{
	char text[24], handle[24];

	snprintf(text, sizeof(text), "%ld", left);
	snprintf(handle, sizeof(handle), "%lu", (unsigned long)ctx);
	execl("/proc/self/exe", "victim_lives", scene, file, text, handle, (char *)NULL);
	_exit(99);
}

/* ARGS: how often; each image takes the whole of --max-nr, and finds what its predecessor has written. */
static int scene_exec(char **argv)
{
	long left = atol(argv[3]);
	io_context_t old = argv[4] ? (io_context_t)strtoul(argv[4], NULL, 10) : NULL;

	if (old) {
		expect(file_is(0, DEPTH, 'a' + (char)((left + 1) % 20)));
		expect(write_blocks(old, 0, 1, '!') == -EINVAL);
	}
	ctx = setup(DEPTH);
	expect(write_blocks(ctx, 0, DEPTH, 'a' + (char)(left % 20)) == DEPTH);
	if (left && !failures)
		exec_self("exec", left - 1);
	return done();
}

static void *execs(void *left)
{
	expect(write_blocks(ctx, DEPTH / 2, DEPTH / 2, 'a' + (char)(*(long *)left % 20)) == DEPTH / 2);
	if (!failures)
		exec_self("exec-thread", *(long *)left - 1);
	return NULL;
}

/* The same by a thread that is not the leader, while others sleep in io_getevents or submit. */
static void *waits_for_ever(void *arg)
{
	static struct iocb cb, *list = &cb;
	struct io_event ev;
	int fds[2];

	need(!pipe2(fds, O_CLOEXEC));
	io_prep_pread(&cb, fds[0], memory, 1, 0);
	need(io_submit(ctx, 1, &list) == 1);
	io_getevents(*(io_context_t *)arg, 1, 1, &ev, NULL);
	return NULL;
}

static int scene_exec_thread(char **argv)
{
	long left = atol(argv[3]);
	io_context_t other;
	pthread_t thread;

	if (argv[4])
		expect(file_is(0, DEPTH, 'a' + (char)((left + 1) % 20)));
	ctx = setup(DEPTH + 1);
	other = setup(1);
	if (!left || failures)
		return done();
	expect(write_blocks(ctx, 0, DEPTH / 2, 'a' + (char)(left % 20)) == DEPTH / 2);
	need(!pthread_create(&thread, NULL, waits_for_ever, &other));
	need(!pthread_create(&thread, NULL, execs, &left));
	for (;;)
		pause();
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

/* --- thousands -------------------------------------------------------------------------------- */

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
static int scene_many(char **argv)
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
