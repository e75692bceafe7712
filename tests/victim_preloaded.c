/* SPDX-License-Identifier: MIT */
/*
 * Calls everything that the shim interposes and prints what it sees, errno too: tests/shim.sh
 * compares native runs with preloaded and sandboxed ones. With PLAIN it needs no libaio: then it is
 * built for other libcs, too.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ctx_id;

static int file;
static char data[4096];
static struct timespec no_time;

/* As it is after the call; it was 77 before. */
static void say(const char *what, long value)
{
	const int now = errno;

	printf("%s: %ld, errno %d\n", what, value, now);
	errno = 77;
}

static struct iocb read_at(long long offset)
{
	return (struct iocb){
		.aio_data = 5, .aio_fildes = (uint32_t)file, .aio_buf = (uintptr_t)data,
		.aio_nbytes = sizeof(data), .aio_offset = offset,
	};
}

/* --- syscall() --- */

static void plain_calls(void)
{
	struct iocb cb = read_at(0), *list[] = { &cb };
	struct io_event ev[4];
	ctx_id ctx = 0;

	say("io_setup, bad pointer", syscall(SYS_io_setup, 4, NULL));
	say("io_setup", syscall(SYS_io_setup, 4, &ctx));
	say("io_setup, full handle", syscall(SYS_io_setup, 4, &ctx));
	say("io_submit", syscall(SYS_io_submit, ctx, 1L, list));
	say("io_getevents", syscall(SYS_io_getevents, ctx, 1L, 4L, ev, NULL));
	printf("event: %lld %lld %d\n", (long long)ev[0].data, (long long)ev[0].res,
	       ev[0].obj == (uintptr_t)&cb);
	say("io_getevents, empty", syscall(SYS_io_getevents, ctx, 0L, 4L, ev, &no_time));
	say("io_submit", syscall(SYS_io_submit, ctx, 1L, list));
	say("io_pgetevents", syscall(SYS_io_pgetevents, ctx, 1L, 4L, ev, NULL, NULL));
	say("io_submit, nothing", syscall(SYS_io_submit, ctx, 0L, NULL));
	say("io_getevents, bad minimum", syscall(SYS_io_getevents, ctx, 5L, 4L, ev, NULL));
	say("io_cancel, nothing", syscall(SYS_io_cancel, ctx, NULL, NULL));
	say("io_cancel, done", syscall(SYS_io_cancel, ctx, &cb, ev));
	say("io_destroy", syscall(SYS_io_destroy, ctx));
	say("io_destroy, twice", syscall(SYS_io_destroy, ctx));
	say("64 bits of number", syscall((1L << 32) + SYS_io_destroy, ctx) < 0);
}

/* An event that is due before the call is in its result, although another one would do. */
static void due(void)
{
	struct iocb cb = read_at(0), poll = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = 1 };
	struct iocb *list[] = { &poll, &cb };
	struct io_event ev[4];
	ctx_id ctx = 0;
	int fds[2];

	if (pipe(fds))
		exit(1);
	poll.aio_fildes = (uint32_t)fds[0];
	say("io_setup", syscall(SYS_io_setup, 4, &ctx));
	say("io_submit", syscall(SYS_io_submit, ctx, 2L, list));
	say("write", write(fds[1], "x", 1));
	say("io_getevents, two are there", syscall(SYS_io_getevents, ctx, 1L, 4L, ev, NULL));
	say("io_destroy", syscall(SYS_io_destroy, ctx));
	close(fds[0]);
	close(fds[1]);
}

/* All six arguments, errors, and calls that return twice. */
static void other_calls(void)
{
	char *page;
	int status = 0;
	long pid;

	say("getppid", syscall(SYS_getppid) == getppid());
	say("no such call", syscall(-1L));
	say("close", syscall(SYS_close, -1L));
	page = (char *)syscall(SYS_mmap, 0L, 4096L, (long)PROT_READ, (long)MAP_PRIVATE,
			       (long)file, 4096L);
	say("mmap, the sixth is the offset", page[0]);
	pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
	if (!pid)
		_exit(7);
	say("waitpid", waitpid((pid_t)pid, &status, 0) == pid);
	say("status", WEXITSTATUS(status));
}

/* --- children, of whom no atfork handler hears --- */

static long read_in(ctx_id ctx)
{
	struct iocb cb = read_at(0), *list[] = { &cb };
	struct io_event ev[4];
	long ret = syscall(SYS_io_submit, ctx, 1L, list);

	return ret == 1 ? syscall(SYS_io_getevents, ctx, 1L, 4L, ev, NULL) : ret;
}

static void in_child(ctx_id parents)
{
	ctx_id ctx = 0;

	say("parent's context", read_in(parents));
	say("own io_setup", syscall(SYS_io_setup, 4, &ctx));
	say("own id", *(unsigned *)ctx);
	say("own context", read_in(ctx));
}

static void children(void)
{
	ctx_id ctx = 0, childs = 0;
	int status = 0;

	say("io_setup", syscall(SYS_io_setup, 4, &ctx));
	for (int i = 0; i < 2; i++) {
		const long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);

		if (!pid) {
			in_child(ctx);
			_exit(0);
		}
		say("waitpid", waitpid((pid_t)pid, &status, 0) == pid && !status);
		say("parent's context lives", read_in(ctx));
	}
	if (!vfork()) {
		syscall(SYS_io_setup, 4, &childs);
		_exit(read_in(ctx) == 1 ? 0 : 1);
	}
	say("wait", wait(&status) > 0 && !status);
	say("vfork child's context lives", read_in(childs));
	say("two ids", (long)*(unsigned *)childs - (long)*(unsigned *)ctx);
	say("io_destroy", syscall(SYS_io_destroy, childs));
	say("io_destroy", syscall(SYS_io_destroy, ctx));
}

#ifndef PLAIN
/* --- libaio, every function in every version --- */

int io_setup(int, ctx_id *);
int io_destroy(ctx_id);
int io_submit(ctx_id, long, struct iocb **);
int io_cancel(ctx_id, struct iocb *, struct io_event *);
int io_getevents(ctx_id, long, long, struct io_event *, struct timespec *);
int io_pgetevents(ctx_id, long, long, struct io_event *, struct timespec *, sigset_t *);
int io_queue_init(int, ctx_id *);
int io_queue_release(ctx_id);
int io_queue_run(ctx_id);
int io_queue_wait(ctx_id, struct timespec *);

static void called_back(ctx_id ctx, struct iocb *cb, long res, long res2)
{
	printf("called back: %d %ld %ld\n", cb->aio_offset == 4096, res, res2);
}

static void queue_calls(void)
{
	struct iocb cb = read_at(4096), *list[] = { &cb };
	ctx_id ctx = 99;

	cb.aio_data = (uintptr_t)called_back;
	say("io_queue_init, none", io_queue_init(0, &ctx));
	say("io_queue_init", io_queue_init(4, &ctx));
	say("io_submit", io_submit(ctx, 1, list));
	say("io_queue_wait", io_queue_wait(ctx, NULL));
	say("io_queue_wait, no time", io_queue_wait(ctx, &no_time));
	say("io_queue_run", io_queue_run(ctx));
	say("io_queue_run, empty", io_queue_run(ctx));
	say("io_queue_release", io_queue_release(ctx));
	say("io_queue_release, twice", io_queue_release(ctx));
}

static void library_calls(void)
{
	struct iocb cb = read_at(0), *list[] = { &cb };
	struct io_event ev[4];
	ctx_id ctx = 0;
	sigset_t set;

	sigemptyset(&set);
	say("io_setup, too many", io_setup(-1, &ctx));
	say("io_setup", io_setup(4, &ctx));
	say("io_submit", io_submit(ctx, 1, list));
	say("io_getevents", io_getevents(ctx, 1, 4, ev, NULL));
	say("io_getevents, empty", io_getevents(ctx, 9, -1, NULL, &no_time));
	say("io_getevents, bad", io_getevents(ctx, 9, 1, NULL, NULL));
	say("io_submit", io_submit(ctx, 1, list));
	say("io_pgetevents", io_pgetevents(ctx, 1, 4, ev, NULL, NULL));
	say("io_submit", io_submit(ctx, 1, list));
	say("io_pgetevents, a set", io_pgetevents(ctx, 1, 4, ev, NULL, &set));
	say("io_pgetevents, empty", io_pgetevents(ctx, 9, -1, NULL, &no_time, &set));
	say("io_cancel", io_cancel(ctx, &cb, ev));
	say("io_destroy", io_destroy(ctx));
	say("io_destroy, twice", io_destroy(ctx));
	say("io_getevents, no context", io_getevents(0, 1, 1, ev, NULL));
}

static void old_versions(void)
{
	int (*cancel)(ctx_id, struct iocb *);
	int (*getevents)(ctx_id, long, struct io_event *, const struct timespec *);
	int (*queue_wait)(ctx_id, const struct timespec *);
	struct iocb cb = read_at(0), *list[] = { &cb };
	struct io_event ev[4];
	ctx_id ctx = 0;

	*(void **)&cancel = dlvsym(RTLD_DEFAULT, "io_cancel", "LIBAIO_0.1");
	*(void **)&getevents = dlvsym(RTLD_DEFAULT, "io_getevents", "LIBAIO_0.1");
	*(void **)&queue_wait = dlvsym(RTLD_DEFAULT, "io_queue_wait", "LIBAIO_0.1");
	say("all are there", cancel && getevents && queue_wait);
	say("io_setup", io_setup(4, &ctx));
	say("io_submit", io_submit(ctx, 1, list));
	say("io_queue_wait", queue_wait(ctx, NULL));
	say("io_getevents", getevents(ctx, 4, ev, NULL));
	say("io_getevents, no time", getevents(ctx, 4, ev, &no_time));
	say("io_cancel", cancel(ctx, &cb));
	say("io_destroy", io_destroy(ctx));
}

/* As a program sees it that loads libaio by itself: its own functions, not those that come first. */
static void loaded_calls(void)
{
	void *handle = dlopen("libaio.so.1", RTLD_NOW);
	int (*setup)(int, ctx_id *), (*destroy)(ctx_id);
	ctx_id ctx = 0;

	*(void **)&setup = dlsym(handle, "io_setup");
	*(void **)&destroy = dlsym(handle, "io_destroy");
	say("dlopen", handle && setup && destroy);
	say("io_setup", setup(4, &ctx));
	say("io_setup, full handle", setup(4, &ctx));
	say("read", read_in(ctx));
	say("io_destroy", destroy(ctx));
	say("io_destroy, twice", destroy(ctx));
}
#endif

int main(int argc, char **argv)
{
	char name[] = "preloaded.XXXXXX";

	setvbuf(stdout, NULL, _IONBF, 0);
	file = mkstemp(name);
	if (file < 0 || unlink(name) || ftruncate(file, 8192) || pwrite(file, "x", 1, 4096) != 1)
		return 1;
	errno = 77;
	plain_calls();
	due();
	other_calls();
	children();
#ifndef PLAIN
	say("io_setup by name", dlsym(RTLD_DEFAULT, "io_setup") != NULL);
	library_calls();
	queue_calls();
	old_versions();
	loaded_calls();
#else
	/* what nobody has brought must not be there: a weak reference would find it */
	say("io_setup by name", dlsym(RTLD_DEFAULT, "io_setup") != NULL);
#endif
	return 0;
}
