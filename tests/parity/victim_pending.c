/* SPDX-License-Identifier: MIT */
/*
 * Section 8: what a list does after one of its requests has raised a signal, or was interrupted by
 * one. It stays pending until io_submit returns.
 */
#include "victim.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <termios.h>

#define MUCH 10000

static aio_context_t ctx;
static volatile sig_atomic_t handled, from_self;
static char data[MUCH];
static int broken;		/* a pipe without a reader */
static int zero_fd;
static long patience_ns = 300000000;

static void handler(int sig, siginfo_t *info, void *uc)
{
	handled++;
	from_self = info->si_pid == getpid();
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	need(!sigaction(sig, &sa, NULL));
}

static int open_device(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	need(fd >= 0);
	return fd;
}

/*
 * Submits both; the results in the order of the list. What does not wait for anybody may still come a
 * moment later, from another thread (D1): nothing of it must be left for the next list.
 */
static void both(const char *tag, struct iocb *a, struct iocb *b)
{
	struct iocb *list[] = { a, b };
	const char *res[2] = { "waits", "waits" };
	struct timespec moment = { .tv_nsec = patience_ns };
	struct io_event ev[2];
	long ret, n;

	handled = 0;
	ret = aio_submit(ctx, 2, list);
	n = aio_getevents(ctx, ret > 0 ? ret : 0, 2, ev, &moment);
	for (long i = 0; i < n; i++)
		res[ev[i].obj == (uintptr_t)b] = num(ev[i].res);
	obs(tag, "%s accepted: %s %s, signals %d", num(ret), res[0], res[1], handled);
}

static void after_epipe(const char *tag, struct iocb *b)
{
	struct iocb a;

	both(tag, prep(&a, IOCB_CMD_PWRITE, broken, data, 1, 0), b);
}

static void reads_of_devices(void)
{
	const struct iovec v[] = { { data, 100 }, { data + 100, 8000 } };
	const int full = open_device("/dev/full"), random = open_device("/dev/urandom");
	const int null = open_device("/dev/null");
	char *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iocb b;

	need(edge != MAP_FAILED && !munmap(edge + PAGE, PAGE));
	after_epipe("8.pending/zero", prep(&b, IOCB_CMD_PREAD, zero_fd, data, MUCH, 0));
	after_epipe("8.pending/full", prep(&b, IOCB_CMD_PREAD, full, data, MUCH, 0));
	after_epipe("8.pending/urandom", prep(&b, IOCB_CMD_PREAD, random, data, MUCH, 0));
	after_epipe("8.pending/vector", prep(&b, IOCB_CMD_PREADV, zero_fd, v, 2, 0));
	after_epipe("8.pending/little", prep(&b, IOCB_CMD_PREAD, zero_fd, data, 100, 0));
	after_epipe("8.pending/at-an-edge",
		    prep(&b, IOCB_CMD_PREAD, zero_fd, edge + PAGE - 100, MUCH, 0));
	after_epipe("8.pending/nowhere", prep(&b, IOCB_CMD_PREAD, zero_fd, NULL, MUCH, 0));
	after_epipe("8.pending/null", prep(&b, IOCB_CMD_PREAD, null, data, MUCH, 0));
	close(null);
	close(random);
	close(full);
}

static void other_files(void)
{
	const int file = tmp_open(O_RDWR);
	struct iocb b;
	int p[2];

	after_epipe("8.pending/file-write", prep(&b, IOCB_CMD_PWRITE, file, data, MUCH, 0));
	after_epipe("8.pending/file-read", prep(&b, IOCB_CMD_PREAD, file, data, MUCH, 0));
	need(!pipe(p));
	after_epipe("8.pending/pipe-write", prep(&b, IOCB_CMD_PWRITE, p[1], data, MUCH, 0));
	after_epipe("8.pending/pipe-read", prep(&b, IOCB_CMD_PREAD, p[0], data, MUCH, 0));
	close(p[0]);
	close(p[1]);
	close(file);
}

static void not_pending(void)
{
	struct iocb b;
	sigset_t set;

	prep(&b, IOCB_CMD_PREAD, zero_fd, data, MUCH, 0);
	signal(SIGPIPE, SIG_IGN);
	after_epipe("8.pending/ignored", &b);
	handle(SIGPIPE);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	need(!sigprocmask(SIG_BLOCK, &set, NULL));
	after_epipe("8.pending/blocked", &b);
	need(!sigprocmask(SIG_UNBLOCK, &set, NULL));
}

static void size_limit(void)
{
	const int file = tmp_open(O_RDWR);
	struct rlimit limit, none;
	struct iocb a, b;

	need(!getrlimit(RLIMIT_FSIZE, &limit));
	none = limit;
	none.rlim_cur = MUCH;
	handle(SIGXFSZ);
	need(!setrlimit(RLIMIT_FSIZE, &none));
	both("8.pending/size-limit", prep(&a, IOCB_CMD_PWRITE, file, data, 1, MUCH),
	     prep(&b, IOCB_CMD_PREAD, zero_fd, data, MUCH, 0));
	need(!setrlimit(RLIMIT_FSIZE, &limit));
	close(file);
}

static void terminal(void)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;
	struct iocb b;
	int slave;

	need(master >= 0 && !unlockpt(master));
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(slave >= 0 && !tcgetattr(slave, &raw));
	cfmakeraw(&raw);
	need(!tcsetattr(slave, TCSANOW, &raw));
	after_epipe("8.pending/tty-write", prep(&b, IOCB_CMD_PWRITE, slave, data, 100, 0));
	need(!fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
	after_epipe("8.pending/tty-write-nonblock", prep(&b, IOCB_CMD_PWRITE, slave, data, 100, 0));
	after_epipe("8.pending/tty-write-fault", prep(&b, IOCB_CMD_PWRITE, slave, NULL, 100, 0));
	after_epipe("8.pending/tty-write-nothing", prep(&b, IOCB_CMD_PWRITE, slave, NULL, 0, 0));
	close(slave);
	close(master);
}

static void would_wait(void)
{
	const aio_context_t before = ctx;
	struct iocb b;
	int p[2];

	ctx = aio_context(8);
	need(!pipe(p));
	after_epipe("8.pending/would-wait", prep(&b, IOCB_CMD_PREAD, p[0], data, MUCH, 0));
	aio_destroy(ctx);
	close(p[0]);
	close(p[1]);
	ctx = before;
}

/* --- a wait that was interrupted ------------------------------------------------------------------ */

static void interrupted(void)
{
	const struct itimerval soon = { .it_value.tv_usec = 100000 };
	struct iocb a, b;
	int p[2];

	handle(SIGALRM);
	patience_ns = 0;	/* the signal is for io_submit */
	need(!pipe(p) && !setitimer(ITIMER_REAL, &soon, NULL));
	both("8.2.signal/then-zero", prep(&a, IOCB_CMD_PREAD, p[0], data, 1, 0),
	     prep(&b, IOCB_CMD_PREAD, zero_fd, data, MUCH, 0));
}

static _Atomic bool has_ended;		/* the write of reader_goes() */

/* In io_submit, or behind it in io_getevents; in neither where nothing is waited for. */
static void *close_when_blocked(void *fd)
{
	long nr = -1;

	while (!has_ended && nr != SYS_io_submit && nr != SYS_io_getevents) {
		poll(NULL, 0, 1);	/* falling asleep gives no event */
		nr = sleeps_in(getpid(), getpid());
	}
	close(*(int *)fd);
	return NULL;
}

/* The reader goes while io_submit waits for room. */
static void reader_goes(void)
{
	struct io_event ev = { 0 };
	struct iocb cb;
	pthread_t thread;
	long ret;
	int p[2];

	handle(SIGPIPE);
	need(!pipe2(p, O_CLOEXEC) && fcntl(p[1], F_SETPIPE_SZ, PAGE) == PAGE);
	need(write(p[1], data, PAGE) == PAGE);
	need(!pthread_create(&thread, NULL, close_when_blocked, &p[0]));
	handled = from_self = 0;
	ret = aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, p[1], data, 1, 0));
	need(ret == 1);
	/* kernels before 5.19: the handler ends this wait */
	while (reap(ctx, 1, &ev) != 1)
		need(handled == 1);
	has_ended = true;
	need(!pthread_join(thread, NULL));
	obs("8.sigpipe/while-waiting", "%s, signals %d%s", num(ev.res), handled,
	    from_self ? ", from itself" : "");
}

/* --- sockets that are no streams ------------------------------------------------------------------ */

static void packets(const char *tag, int type)
{
	struct iocb a, b;
	int s[2];

	handle(SIGPIPE);
	need(!socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s) && !shutdown(s[1], SHUT_RDWR));
	both(tag, prep(&a, IOCB_CMD_PWRITE, s[0], data, 1, 0),
	     prep(&b, IOCB_CMD_PREAD, zero_fd, data, MUCH, 0));
	close(s[0]);
	close(s[1]);
}

/* --- the signal kills ----------------------------------------------------------------------------- */

static void dies(int file, int to)
{
	struct iocb a, b, c, *list[] = { &a, &b, &c };

	signal(SIGPIPE, SIG_DFL);
	ctx = aio_context(8);
	prep(&a, IOCB_CMD_PWRITE, broken, data, 1, 0);
	prep(&b, IOCB_CMD_PWRITE, file, data, 100, 0);
	prep(&c, IOCB_CMD_PWRITE, to, data, 50, 0);
	aio_submit_deadly(ctx, ARRAY_SIZE(list), list);
	_exit(0);
}

static void death(void)
{
	const int file = tmp_open(O_RDWR);
	ssize_t got;
	pid_t pid;
	int p[2];

	need(!pipe(p));
	pid = victim_fork();
	if (!pid)
		dies(file, p[1]);
	obs_num("8.pending/killed", wait_child(pid));
	obs_num("8.pending/killed-file", file_size(file));
	need(!fcntl(p[0], F_SETFL, O_NONBLOCK));
	got = read(p[0], data, sizeof(data));
	obs_num("8.pending/killed-pipe", got < 0 ? -errno : got);
}

static void open_all(void)
{
	int p[2];

	ctx = aio_context(8);
	zero_fd = open_device("/dev/zero");
	need(!pipe(p) && !close(p[0]));
	broken = p[1];
}

int main(void)
{
	victim_start();
	open_all();
	handle(SIGPIPE);
	reads_of_devices();
	other_files();
	terminal();
	would_wait();
	not_pending();
	size_limit();
	packets("8.sigpipe/datagrams", SOCK_DGRAM);
	packets("8.sigpipe/packets", SOCK_SEQPACKET);
	death();
	reader_goes();
	interrupted();
	return victim_end();
}
