/* SPDX-License-Identifier: MIT */
/*
 * What only the calling thread itself can be served with. Memory that no other process can look into
 * is memory as any for what io_submit and io_getevents copy; where there is none, ordinary memory
 * must do here. And a signalfd tells the signals of the thread that reads it.
 */
#include "victim.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { BYTES = 600 * 1024, READ = IOCB_CMD_PREAD, WRITE = IOCB_CMD_PWRITE };

static aio_context_t ctx;
static char *secret, plain[BYTES];
static int file;

static char *map_secret(void)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	char *p;

	if (fd < 0)
		fd = memfd_create("ordinary", MFD_CLOEXEC);
	need(fd >= 0 && !ftruncate(fd, BYTES + PAGE));
	p = mmap(NULL, BYTES + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(p != MAP_FAILED && !mprotect(p + BYTES, PAGE, PROT_NONE));
	close(fd);
	return p;
}

static void fill(char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 7 + i / 255 + seed);
}

static int is_filled(const char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != (char)(i * 7 + i / 255 + seed))
			return 0;
	}
	return 1;
}

static void data_of_files(void)
{
	struct iovec v[2] = { { plain, 100 }, { secret, 5000 } };
	struct iocb cb;

	fill(secret, BYTES, 1);
	obs("8.hidden/write", "%s", outcome(ctx, prep(&cb, WRITE, file, secret, 10000, 0)));
	obs_yes("8.hidden/written", pread(file, plain, 10000, 0) == 10000 && is_filled(plain, 10000, 1));
	obs("8.hidden/write-large", "%s", outcome(ctx, prep(&cb, WRITE, file, secret, BYTES, 0)));
	memset(secret, 0, BYTES);
	obs("8.hidden/read", "%s", outcome(ctx, prep(&cb, READ, file, secret, 10000, 0)));
	obs_yes("8.hidden/was-read", is_filled(secret, 10000, 1) && !secret[10001]);
	obs("8.hidden/read-large", "%s", outcome(ctx, prep(&cb, READ, file, secret, BYTES, 0)));
	obs_yes("8.hidden/was-read-large", is_filled(secret, BYTES, 1));
	memset(secret, 0, BYTES);
	obs("8.hidden/read-partly", "%s", outcome(ctx, prep(&cb, IOCB_CMD_PREADV, file, v, 2, 0)));
	obs_yes("8.hidden/was-read-partly", plain[99] == (char)(99 * 7 + 1) && secret[0] == (char)(100 * 7 + 1));
	obs("8.hidden/write-partly", "%s", outcome(ctx, prep(&cb, IOCB_CMD_PWRITEV, file, v, 2, 100)));
	obs("8.hidden/read-cut", "%s",
	    outcome(ctx, prep(&cb, READ, file, secret + BYTES - 100, 300, 0)));
	need(!posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
	obs("8.hidden/read-cold", "%s", outcome(ctx, prep(&cb, READ, file, secret, 10000, 0)));
}

static void data_of_others(void)
{
	struct iocb cb;
	int p[2], s[2], zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	need(!pipe2(p, O_CLOEXEC) && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) && zero >= 0);
	obs("8.hidden/zero", "%s", outcome(ctx, prep(&cb, READ, zero, secret, 5000, 0)));
	fill(secret, PAGE, 3);
	obs("8.hidden/pipe-write", "%s", outcome(ctx, prep(&cb, WRITE, p[1], secret, 100, 0)));
	obs("8.hidden/pipe-read", "%s", outcome(ctx, prep(&cb, READ, p[0], secret + PAGE, 200, 0)));
	obs_yes("8.hidden/pipe-data", is_filled(secret + PAGE, 100, 3));
	obs("8.hidden/socket-write", "%s", outcome(ctx, prep(&cb, WRITE, s[1], secret, 100, 0)));
	obs("8.hidden/socket-read", "%s", outcome(ctx, prep(&cb, READ, s[0], secret + PAGE, 50, 0)));
	need(!close(s[1]));
	need(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	obs("8.hidden/socket-closed", "%s", outcome(ctx, prep(&cb, WRITE, s[0], secret, 50, 0)));
	close(s[0]);
	close(p[0]);
	close(p[1]);
	close(zero);
}

static void *write_later(void *arg)
{
	char data[100];

	poll(NULL, 0, 100);
	memset(data, 'a', 50);
	memset(data + 50, 'b', 50);
	need(write(*(int *)arg, data, sizeof(data)) == sizeof(data));
	return NULL;
}

/* Two reads of a pipe that is empty yet: they wait one after the other. */
static void in_turn(void)
{
	struct iocb cb[2], *list[] = { &cb[0], &cb[1] };
	struct io_event ev[2];
	pthread_t thread;
	int p[2];

	need(!pipe2(p, O_CLOEXEC) && !pthread_create(&thread, NULL, write_later, &p[1]));
	prep(&cb[0], READ, p[0], plain, 50, 0);
	prep(&cb[1], READ, p[0], secret, 50, 0);
	obs_num("8.hidden/in-turn", aio_submit(ctx, 2, list));
	obs_num("8.hidden/in-turn-events", reap(ctx, 2, ev));
	obs("8.hidden/in-turn-data", "%c%c", plain[49], secret[0]);
	need(!pthread_join(thread, NULL));
	close(p[0]);
	close(p[1]);
}

/* Every third of a list. */
static void lists(void)
{
	enum { N = 12 };
	struct iocb **list = (struct iocb **)secret, *cb = (struct iocb *)(secret + PAGE);
	struct iovec *v = (struct iovec *)(secret + 2 * PAGE);
	struct io_event ev[N];
	struct iocb other[N];
	int in_order = 1;
	long n;

	for (int i = 0; i < N; i++) {
		list[i] = i % 3 ? &other[i] : &cb[i];
		prep(list[i], i % 2 ? READ : WRITE, file, i % 4 ? plain + 100 * i : secret + 5 * PAGE,
		     10 + i, 100 * i);
	}
	cb[3].aio_key = other[4].aio_key = 77;
	obs_num("8.hidden/list", aio_submit(ctx, N, list));
	n = reap_now(ctx, N, ev);
	for (int i = 0; i < n; i++)
		in_order &= ev[i].obj == (uintptr_t)list[i] && ev[i].res == 10 + i;
	obs("8.hidden/list-events", "%s%s", num(n), in_order ? ", in order" : "");
	obs_num("8.hidden/key", cb[3].aio_key);
	v[0] = (struct iovec){ plain, 10 };
	v[1] = (struct iovec){ plain + 50, 20 };
	obs("8.hidden/vector", "%s", outcome(ctx, prep(&cb[0], IOCB_CMD_PREADV, file, v, 2, 0)));
	v[1].iov_len = (size_t)-1;
	obs("8.hidden/vector-bad", "%s", outcome(ctx, prep(&cb[0], IOCB_CMD_PREADV, file, v, 2, 0)));
	obs("8.hidden/bad-opcode", "%s", outcome(ctx, prep(&cb[0], 77, file, v, 2, 0)));
	list = (struct iocb **)(secret + BYTES) - 1;
	list[0] = prep(&other[0], READ, file, plain, 10, 0);
	obs_num("8.hidden/list-ends", aio_submit(ctx, 2, list));
	obs_num("8.hidden/list-ends-event", reap_now(ctx, 1, ev));
	need(!mprotect(secret + PAGE, PAGE, PROT_READ));
	obs_num("8.hidden/key-read-only", aio_submit1(ctx, &cb[0]));
	need(!mprotect(secret + PAGE, PAGE, PROT_READ | PROT_WRITE));
}

static void *submit_later(void *arg)
{
	struct iocb *cb = arg;

	poll(NULL, 0, 100);
	need(aio_submit1(ctx, cb) == 1);
	return NULL;
}

static void events(void)
{
	struct io_event *ev = (struct io_event *)secret;
	struct timespec *limit = (struct timespec *)(secret + PAGE);
	struct { const sigset_t *set; size_t size; } *usig = (void *)(secret + PAGE + 64);
	sigset_t *set = (sigset_t *)(secret + PAGE + 128);
	pthread_t thread;
	struct io_event left;
	struct iocb cb[3];

	*limit = (struct timespec){ 0, 1000000 };
	for (int i = 0; i < 3; i++)
		need(aio_submit1(ctx, prep(&cb[i], READ, file, plain, 10 + i, 0)) == 1);
	memset(ev, 0, PAGE);
	obs_num("8.hidden/events", aio_getevents(ctx, 2, 2, ev, NULL));
	obs("8.hidden/events-are", "%lld %lld %lld", ev[0].res, ev[1].res, ev[2].res);
	obs_num("8.hidden/timeout", aio_getevents(ctx, 2, 2, ev + 2, limit));
	obs("8.hidden/timeout-event", "%lld", ev[2].res);
	obs_num("8.hidden/none", aio_getevents(ctx, 1, 2, ev, limit));
	*limit = (struct timespec){ 10, 0 };
	need(!pthread_create(&thread, NULL, submit_later, &cb[1]));
	obs_num("8.hidden/waits", aio_getevents(ctx, 1, 2, ev, limit));
	obs("8.hidden/waits-event", "%lld", ev[0].res);
	need(!pthread_join(thread, NULL));
	sigfillset(set);
	sigdelset(set, SIGALRM);
	usig->set = set;
	usig->size = 8;
	limit->tv_sec = 0;
	obs_num("8.hidden/mask", aio_pgetevents(ctx, 1, 1, ev, limit, usig));
	usig->size = 7;
	obs_num("8.hidden/mask-size", aio_pgetevents(ctx, 1, 1, ev, limit, usig));
	need(aio_submit1(ctx, &cb[0]) == 1);
	need(!mprotect(secret, PAGE, PROT_READ));
	obs_num("8.hidden/events-read-only", aio_getevents(ctx, 1, 1, ev, NULL));
	need(!mprotect(secret, PAGE, PROT_READ | PROT_WRITE));
	obs_num("8.hidden/events-left", aio_getevents(ctx, 1, 1, ev, NULL));
	(void)reap_now(ctx, 1, &left);		/* should it still be there */
}

static void handled(int signo)
{
}

struct target {
	pthread_t thread;
	int signo;
};

static void *signal_later(void *arg)
{
	const struct target *to = arg;

	poll(NULL, 0, 100);
	need(!pthread_kill(to->thread, to->signo));
	return NULL;
}

static const char *during(int signo, struct iocb *cb)
{
	struct target to = { pthread_self(), signo };
	pthread_t thread;
	const char *text;

	need(!pthread_create(&thread, NULL, signal_later, &to));
	text = outcome(ctx, cb);
	need(!pthread_join(thread, NULL));
	return text;
}

/* A signalfd's read takes the signals of the thread that submits, and waits for them in io_submit. */
static void signals(void)
{
	const struct sigaction action = { .sa_handler = handled, .sa_flags = SA_RESTART };
	struct signalfd_siginfo got[2], *hidden = (struct signalfd_siginfo *)secret;
	struct iocb cb, other, *list[] = { &other, &cb };
	struct io_event ev[2] = { 0 };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	need(!pthread_sigmask(SIG_BLOCK, &set, NULL) && !sigaction(SIGUSR2, &action, NULL));
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	need(fd >= 0 && !raise(SIGUSR1));
	obs("8.3.signalfd/pending", "%s", outcome(ctx, prep(&cb, READ, fd, got, sizeof(got), 0)));
	obs("8.3.signalfd/is", "%s", got[0].ssi_signo == SIGUSR1 ? "SIGUSR1" : "another");
	obs("8.3.signalfd/later", "%s", during(SIGUSR1, &cb));
	obs("8.3.signalfd/handler", "%s", during(SIGUSR2, &cb));
	cb.aio_rw_flags = 8;			/* RWF_NOWAIT */
	obs("8.3.signalfd/nowait", "%s", outcome(ctx, &cb));
	cb.aio_rw_flags = 0;
	need(!raise(SIGUSR1));
	prep(&other, READ, file, plain, 10, 0);
	obs_num("8.3.signalfd/second", aio_submit(ctx, 2, list));
	(void)reap_now(ctx, 2, ev);
	obs("8.3.signalfd/second-events", "%lld, %lld", ev[0].res, ev[1].res);
	need(!raise(SIGUSR1));
	obs("8.3.signalfd/hidden", "%s", outcome(ctx, prep(&cb, READ, fd, hidden, sizeof(*hidden), 0)));
	close(fd);
}

int main(int argc, char **argv)
{
	char path[] = "hidden.XXXXXX";

	victim_start();
	ctx = aio_context(32);
	file = mkstemp(path);
	need(file >= 0 && !unlink(path));
	secret = map_secret();
	data_of_files();
	data_of_others();
	in_turn();
	lists();
	events();
	signals();
	return victim_end();
}
