/* SPDX-License-Identifier: MIT */
/*
 * A program whose trace is known in advance: victim_traced MODE FILE.
 *	requests	one of each kind, refused entries, what cancels and what is cancelled
 *	threads		another thread goes on where the first has left off
 *	unreaped	ends with a completion that nobody has taken
 *	errors		three reads to where no memory is
 *	replaced	20 files, each read, deleted, and its inode's number free for the next
 *	renamed		its file gets another name between two reads, and none before the third
 *	renamed_later	the same of files that nobody has changed for a while, open for reading, then
 *			their directory, DIR/a, gets another name
 *	killed		is killed while it waits for a read of an empty pipe
 */
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IOCB_FLAG_IOPRIO
#define IOCB_FLAG_IOPRIO 2
#endif
#define RWF_DSYNC_BIT 2

static io_context_t ctx;
static char text[64] = "one\ttwo\n\0011\0019\"\\ three four five six seven eight";
static char room[64];
static int fd;

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(2);
}

static long submit(long nr, struct iocb **list)
{
	return syscall(SYS_io_submit, ctx, nr, list);
}

static void submit_one(struct iocb *cb)
{
	need(submit(1, &cb) == 1, "io_submit");
}

static void reap(long nr)
{
	struct io_event ev[8];
	struct timespec ts = { .tv_sec = 5, .tv_nsec = 7 };

	need(syscall(SYS_io_getevents, ctx, nr, 8L, ev, &ts) == nr, "io_getevents");
}

static void reap_masked(long nr)
{
	unsigned long set = 1ul << (SIGINT - 1) | 1ul << (SIGUSR1 - 1);
	struct { unsigned long *set; unsigned long size; } mask = { &set, sizeof(set) };
	struct io_event ev[8];

	need(syscall(SYS_io_pgetevents, ctx, nr, 8L, ev, NULL, &mask) == nr, "io_pgetevents");
}

static void transfers(void)
{
	struct iovec iov[2] = { { text, 3 }, { text + 3, 4 } };
	struct iocb w, r, wv, rv, s;
	struct iocb *list[] = { &w, &r };
	const int counter = eventfd(0, 0);

	io_prep_pwrite(&w, fd, text, sizeof(text), 0);
	io_prep_pread(&r, fd, room, 10, 4);
	need(submit(2, list) == 2, "io_submit");
	reap(2);
	io_prep_pwritev(&wv, fd, iov, 2, 100);
	wv.aio_rw_flags = RWF_DSYNC_BIT;
	wv.u.c.flags |= IOCB_FLAG_IOPRIO;
	wv.aio_reqprio = 2 << 13 | 4;
	io_set_eventfd(&wv, counter);
	wv.u.c.flags |= IOCB_FLAG_IOPRIO;
	submit_one(&wv);
	reap_masked(1);
	iov[0].iov_base = room;
	iov[1].iov_base = room + 32;
	io_prep_preadv(&rv, fd, iov, 2, 100);
	submit_one(&rv);
	io_prep_fdsync(&s, fd);
	submit_one(&s);
	reap(2);
	close(counter);
}

static void refused(void)
{
	struct iocb good, bad, odd, late;
	struct iocb *list[] = { &good, &bad, &late }, *strange = &odd, *nowhere = (void *)8;

	io_prep_pread(&good, fd, room, 3, 0);
	io_prep_pread(&bad, 99, room, 3, 0);
	io_prep_pread(&late, fd, room, 3, 0);
	io_prep_pread(&odd, fd, room, 3, 0);
	odd.aio_lio_opcode = 42;
	need(submit(3, list) == 1, "io_submit of a list");
	need(submit(2, &list[1]) == -1 && errno == EBADF, "io_submit of a bad descriptor");
	need(submit(1, &strange) == -1 && errno == EINVAL, "io_submit of an opcode");
	need(submit(1, &nowhere) == -1 && errno == EFAULT, "io_submit of nothing");
	reap(1);
}

static void cancelled(void)
{
	struct io_event ev;
	struct iocb p;
	int ends[2];

	need(pipe(ends) == 0, "pipe");
	io_prep_poll(&p, ends[0], POLLIN | POLLPRI);
	submit_one(&p);
	need(syscall(SYS_io_cancel, ctx, &p, &ev) == -1 && errno == EINPROGRESS, "io_cancel");
	reap(1);
	need(syscall(SYS_io_cancel, ctx, &p, &ev) == -1 && errno == EINVAL, "io_cancel again");
	io_prep_poll(&p, ends[1], POLLOUT);
	submit_one(&p);
	reap(1);
}

static void *go_on(void *arg)
{
	reap(1);
	need(io_destroy(ctx) == 0, "io_destroy");
	return arg;
}

static void threads(void)
{
	struct iocb r;
	pthread_t other;

	io_prep_pread(&r, fd, room, 3, 0);
	submit_one(&r);
	need(pthread_create(&other, NULL, go_on, NULL) == 0, "pthread_create");
	pthread_join(other, NULL);
}

static void unreaped(void)
{
	struct iocb r;

	io_prep_pread(&r, fd, room, 3, 0);
	submit_one(&r);
}

static void replaced(const char *name)
{
	char each[4096];

	for (int i = 0; i < 20; i++) {
		snprintf(each, sizeof(each), "%s.%d", name, i);
		close(fd);
		fd = open(each, O_RDWR | O_CREAT, 0600);
		need(fd >= 0, each);
		unreaped();
		reap(1);
		need(unlink(each) == 0, each);
	}
}

static void renamed(const char *name)
{
	char other[4096];

	snprintf(other, sizeof(other), "%s.new", name);
	for (int i = 0; i < 2; i++) {
		unreaped();
		reap(1);
		need(i ? unlink(other) == 0 : rename(name, other) == 0, other);
	}
	unreaped();
	reap(1);
}

static void open_file(const char *dir, int i, int flags, char *name, size_t size)
{
	snprintf(name, size, "%s/a/%d", dir, i);
	close(fd);
	fd = open(name, flags, 0600);
	need(fd >= 0, name);
}

/* What is changed from now on has a later second than what has been changed so far. */
static void await_next_second(void)
{
	struct timespec now, next;

	clock_gettime(CLOCK_REALTIME, &now);
	next = (struct timespec){ .tv_sec = now.tv_sec + 1 };
	do {
		need(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &next, NULL) == 0, "sleep");
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		next.tv_nsec += 1000000;
	} while (now.tv_sec < next.tv_sec);
}

static void await_tick(void)
{
	struct timespec then, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &then);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec == then.tv_sec && now.tv_nsec == then.tv_nsec);
}

static void renamed_later(const char *dir)
{
	char name[4096], other[4096 + 8];

	snprintf(other, sizeof(other), "%s/a", dir);
	need(mkdir(other, 0700) == 0, other);
	for (int i = 0; i < 8; i++)
		open_file(dir, i, O_RDWR | O_CREAT, name, sizeof(name));
	await_next_second();
	for (int i = 0; i < 8; i++) {
		open_file(dir, i, O_RDONLY, name, sizeof(name));
		unreaped();
		reap(1);
		unreaped();
		reap(1);
		snprintf(other, sizeof(other), "%s.new", name);
		need(i % 2 ? unlink(name) == 0 : rename(name, other) == 0, name);
		unreaped();
		reap(1);
	}
	open_file(dir, 9, O_RDWR | O_CREAT, name, sizeof(name));
	await_next_second();
	open_file(dir, 9, O_RDONLY, name, sizeof(name));
	unreaped();
	reap(1);
	snprintf(name, sizeof(name), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
	need(rename(name, other) == 0, name);
	await_tick();
	unreaped();
	reap(1);
}

static void errors(void)
{
	struct iocb r[3];
	struct iocb *list[] = { &r[0], &r[1], &r[2] };

	for (int i = 0; i < 3; i++)
		io_prep_pread(&r[i], fd, (void *)8, 3, 0);
	need(submit(3, list) == 3, "io_submit");
	reap(3);
}

static char state_of(pid_t pid)
{
	char path[64], line[512] = "", *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		return '?';
	fclose(f);
	state = strrchr(line, ')');
	return state ? state[2] : '?';
}

/* A call of our own is answered behind those that came before it. */
static void kill_parent_in_its_call(int begun)
{
	io_context_t own = 0;
	char c;

	need(read(begun, &c, 1) == 0, "read");
	while (state_of(getppid()) != 'S')
		;
	need(io_setup(0, &own) < 0, "io_setup of nothing");
	kill(getppid(), SIGKILL);
	_exit(0);
}

static void killed(void)
{
	struct io_event ev;
	struct iocb r;
	int ends[2], begun[2];

	need(pipe(ends) == 0 && pipe(begun) == 0, "pipe");
	io_prep_pread(&r, ends[0], room, 5, 0);
	submit_one(&r);
	if (fork() == 0) {
		close(begun[1]);
		kill_parent_in_its_call(begun[0]);
	}
	close(begun[1]);
	(void)syscall(SYS_io_getevents, ctx, 1L, 1L, &ev, NULL);
}

int main(int argc, char **argv)
{
	need(argc == 3, "usage: victim_traced MODE FILE");
	(void)syscall(SYS_close_range, 3, ~0u, 0);	/* numbers that are known in advance */
	fd = open(argv[2], strcmp(argv[1], "renamed_later") ? O_RDWR | O_CREAT : O_RDONLY, 0600);
	need(fd >= 0, argv[2]);
	need(io_setup(8, &ctx) == 0, "io_setup");
	if (!strcmp(argv[1], "requests")) {
		transfers();
		refused();
		cancelled();
		need(io_destroy(ctx) == 0, "io_destroy");
		need(io_destroy(ctx) < 0, "io_destroy of nothing");
	} else if (!strcmp(argv[1], "threads")) {
		threads();
	} else if (!strcmp(argv[1], "unreaped")) {
		unreaped();
	} else if (!strcmp(argv[1], "errors")) {
		errors();
	} else if (!strcmp(argv[1], "replaced")) {
		replaced(argv[2]);
	} else if (!strcmp(argv[1], "renamed")) {
		renamed(argv[2]);
	} else if (!strcmp(argv[1], "renamed_later")) {
		renamed_later(argv[2]);
	} else {
		killed();
	}
	return 0;
}
