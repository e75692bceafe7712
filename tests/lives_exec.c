/* SPDX-License-Identifier: MIT */
/* Images that execute the next one, and executions that fail. */
#include "lives.h"

static io_context_t ctx;
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

int scene_failed_exec(char **argv)
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
int scene_exec(char **argv)
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

int scene_exec_thread(char **argv)
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
