/* SPDX-License-Identifier: MIT */
/*
 * victim_lint RULE bad|good: makes the mistake that the rule of --lint is about, or the same without it.
 * In the directory it is run in it makes a file "lint".
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 4096 };

static bool bad;
static io_context_t ctx;
static int file, pipes[2];
static char *data;

static void need(bool is)
{
	if (!is)
		err(2, "need");
}

static void submit(struct iocb *cb)
{
	need(io_submit(ctx, 1, &cb) == 1);
}

static long reap_one(void)
{
	struct io_event event;

	need(io_getevents(ctx, 1, 1, &event, NULL) == 1);
	return (long)event.res;
}

static void poll_pipe(struct iocb *cb)
{
	io_prep_poll(cb, pipes[0], 1);
	submit(cb);
}

static void reuse(void)
{
	struct iocb a, b;

	poll_pipe(&a);
	poll_pipe(bad ? &a : &b);
	need(write(pipes[1], "x", 1) == 1);
	reap_one();
	reap_one();
}

/* The same in the midst of many that are in flight, and what has come back is used again. */
static void crowd(void)
{
	enum { MANY = 4096 };
	struct iocb *all = calloc(MANY + 1, sizeof(*all));
	struct iocb *list[MANY];

	need(all && io_destroy(ctx) == 0);
	ctx = NULL;
	need(io_setup(MANY + 1, &ctx) == 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			io_prep_poll(&all[i], pipes[0], 1);
			list[i] = &all[i];
		}
		need(io_submit(ctx, MANY, list) == MANY);
		poll_pipe(&all[bad && round ? MANY - 1 : MANY]);
		need(write(pipes[1], "x", 1) == 1);
		for (int i = 0; i <= MANY; i++)
			reap_one();
		need(read(pipes[0], list, 1) == 1);
	}
	free(all);
}

/* A write into a full pipe is in flight until somebody reads. */
static void change(void)
{
	static char full[1 << 20];
	struct iocb cb;
	long filled;

	need(fcntl(pipes[1], F_SETFL, O_NONBLOCK) == 0);
	filled = write(pipes[1], full, sizeof(full));
	need(filled > 0 && fcntl(pipes[1], F_SETFL, 0) == 0);
	io_prep_pwrite(&cb, pipes[1], data, BYTES, 0);
	submit(&cb);
	if (bad)
		data[17]++;
	need(read(pipes[0], full, (size_t)filled) > 0);
	need(reap_one() == BYTES);
}

static void misalign(void)
{
	int fd = open("lint", O_RDWR | O_DIRECT);
	struct iocb cb, *list = &cb;

	need(fd >= 0);
	io_prep_pread(&cb, fd, data + bad, BYTES, 0);
	if (io_submit(ctx, 1, &list) == 1)
		reap_one();
}

static void hang(void)
{
	struct timespec soon = { 0, 1000000 };
	struct io_event events[2];
	struct iocb cb;

	poll_pipe(&cb);
	if (!bad) {
		need(io_getevents(ctx, 2, 2, events, &soon) == 0);
		return;
	}
	alarm(1);
	(void)io_getevents(ctx, 2, 2, events, NULL);
}

static void rest(void)
{
	struct iocb one, closed, three, *list[] = { &one, &closed, &three };

	io_prep_pread(&one, file, data, BYTES, 0);
	io_prep_pread(&closed, 99, data, BYTES, 0);
	io_prep_pread(&three, file, data, BYTES, 0);
	need(io_submit(ctx, 3, list) == 1);
	if (!bad) {		/* it learns why, and gives that one up */
		need(io_submit(ctx, 2, list + 1) == -EBADF);
		need(io_submit(ctx, 1, list + 2) == 1);
		reap_one();
	}
	reap_one();
}

/* A read beyond the end is short. */
static void result(void)
{
	struct iocb cb;

	io_prep_pread(&cb, file, data, BYTES, 1 << 20);
	submit(&cb);
	if (!bad)
		reap_one();
}

static void zero(void)
{
	io_context_t again = bad ? ctx : NULL;

	need((io_setup(1, &again) == 0) != bad);
	if (!bad)
		io_destroy(again);
}

static void counter(void)
{
	int fd = eventfd(0, 0);
	struct iocb cb;
	uint64_t count;

	need(fd >= 0);
	io_prep_pread(&cb, file, data, BYTES, 0);
	io_set_eventfd(&cb, fd);
	submit(&cb);
	reap_one();
	if (!bad)
		need(read(fd, &count, sizeof(count)) == sizeof(count));
}

static void child(void)
{
	struct iocb cb, *list = &cb;
	pid_t pid = fork();

	if (pid == 0) {
		io_prep_pread(&cb, file, data, BYTES, 0);
		if (!bad) {
			ctx = NULL;
			need(io_setup(1, &ctx) == 0);
		}
		(void)io_submit(ctx, 1, &list);
		if (!bad)
			need(reap_one() == BYTES && io_destroy(ctx) == 0);
		_exit(0);
	}
	need(waitpid(pid, NULL, 0) == pid);
}

static void leak(void)
{
}

static const struct {
	const char *name;
	void (*run)(void);
} rules[] = {
	{ "reuse", reuse },   { "crowd", crowd },   { "change", change }, { "misalign", misalign },
	{ "hang", hang },     { "rest", rest },     { "result", result }, { "zero", zero },
	{ "counter", counter }, { "child", child }, { "leak", leak },
};

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: victim_lint RULE bad|good");
	bad = !strcmp(argv[2], "bad");
	file = open("lint", O_RDWR | O_CREAT | O_TRUNC, 0600);
	need(file >= 0 && ftruncate(file, 2 * BYTES) == 0 && pipe(pipes) == 0);
	need(posix_memalign((void **)&data, BYTES, 2 * BYTES) == 0 && io_setup(8, &ctx) == 0);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].name, argv[1]))
			continue;
		rules[i].run();
		if (strcmp(argv[1], "leak") || !bad)
			need(io_destroy(ctx) == 0);
		return 0;
	}
	errx(2, "no such rule: %s", argv[1]);
}
