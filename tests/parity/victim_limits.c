/* SPDX-License-Identifier: MIT */
/* Section 8: signals, limits and credentials of a request are those of its submitting thread. */
#include "victim.h"
#include "rwf.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

static aio_context_t ctx;
static volatile sig_atomic_t handled, handler_tid, handler_code, handler_pid;
static char data[16384];

static void handler(int sig, siginfo_t *info, void *uc)
{
	handled++;
	handler_tid = gettid();
	handler_code = info->si_code;
	handler_pid = info->si_pid;
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	need(!sigaction(sig, &sa, NULL));
	handled = 0;
}

static void show_signal(const char *tag, const char *result)
{
	obs(tag, "%s, signals %d%s%s%s", result, handled,
	    handled && handler_tid == gettid() ? ", this thread" : "",
	    handled && handler_code == SI_USER ? ", SI_USER" : "",
	    handled && handler_pid == getpid() ? ", from itself" : "");
	handled = 0;
}

static const char *run(int op, int fd, const void *buf, size_t len, long offset)
{
	struct iocb cb;

	return outcome(ctx, prep(&cb, op, fd, buf, len, offset));
}

static int broken_pipe(void)
{
	int p[2];

	need(!pipe(p));
	close(p[0]);
	return p[1];
}

static void *broken_writes(void *arg)
{
	struct iocb cb;
	int s[2], fd = broken_pipe();

	handle(SIGPIPE);
	show_signal("8.signals/pipe", run(IOCB_CMD_PWRITE, fd, "x", 1, 0));
	prep(&cb, IOCB_CMD_PWRITE, fd, "x", 1, 0);
	cb.aio_rw_flags = RWF_NOSIGNAL;
	show_signal("8.sigpipe/nosignal", outcome(ctx, &cb));
	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	close(s[1]);
	show_signal("8.sigpipe/socket", run(IOCB_CMD_PWRITE, s[0], "x", 1, 0));
	signal(SIGPIPE, SIG_IGN);
	show_signal("8.sigpipe/ignored", run(IOCB_CMD_PWRITE, fd, "x", 1, 0));
	return NULL;
}

#if defined(__x86_64__)
/*
 * What lies below a small stack belongs to somebody else: a signal that nobody handles changes
 * nothing there. In one function, because each call would.
 */
static __attribute__((noinline)) void small_stack(void)
{
	struct iocb cb, *list[] = { &cb };
	volatile char *stack, *low, *high;
	long ret = SYS_io_submit;
	struct io_event ev;
	int changed = 0;

	prep(&cb, IOCB_CMD_PWRITE, broken_pipe(), "x", 1, 0);
	__asm__("mov %%rsp, %0" : "=r"(stack));
	low = stack - 4 * PAGE;
	high = stack - 512;
	for (volatile char *p = low; p < high; p++)
		*p = 'y';
	__asm__ volatile("syscall" : "+a"(ret) : "D"(ctx), "S"(1L), "d"(list)
			 : "rcx", "r11", "memory");
	for (volatile char *p = low; p < high; p++)
		changed += *p != 'y';
	victim_count->calls++;
	victim_count->requests++;
	need(ret == 1 && reap(ctx, 1, &ev) == 1);
	obs("8.signals/below-the-stack", "%s, %d bytes changed", num(ev.res), changed);
}
#endif

static void sigpipe(void)
{
	pthread_t thread;
	pid_t pid;

	need(!pthread_create(&thread, NULL, broken_writes, NULL));
	pthread_join(thread, NULL);
#if defined(__x86_64__)
	small_stack();
#endif
	signal(SIGPIPE, SIG_DFL);
	pid = victim_fork();
	if (!pid) {
		struct iocb cb, *list[] = { &cb };

		ctx = aio_context(1);
		prep(&cb, IOCB_CMD_PWRITE, broken_pipe(), "x", 1, 0);
		aio_submit_deadly(ctx, 1, list);
		_exit(0);
	}
	obs_num("8.signals/default-kills", wait_child(pid));
}

/* Of a file of 12000 bytes that is open O_APPEND, the limit being 8192. */
static const char *append(int fd, int rw_flags, size_t len, long offset)
{
	struct iocb cb;

	prep(&cb, IOCB_CMD_PWRITE, fd, data, len, offset);
	cb.aio_rw_flags = rw_flags;
	return outcome(ctx, &cb);
}

static void file_size_limit_append(int fd)
{
	show_signal("8.fsize/o-append", append(fd, 0, 8, 0));
	show_signal("8.fsize/noappend-below", append(fd, RWF_NOAPPEND, 8, 0));
	show_signal("8.fsize/noappend-across", append(fd, RWF_NOAPPEND, 400, 8000));
	show_signal("8.fsize/noappend-at", append(fd, RWF_NOAPPEND, 1, 8192));
	obs_num("8.fsize/append-size", file_size(fd));
	need(!ftruncate(fd, 8000));
	show_signal("8.fsize/append-across", append(fd, 0, 400, 0));
	show_signal("8.fsize/append-offset-beyond", append(fd, RWF_APPEND, 1, 100));
	close(fd);
}

static void file_size_limit(void)
{
	struct rlimit old, limit;
	struct iovec across[] = { { data, 8000 }, { data, 400 } };
	int fd = tmp_open(O_RDWR), append_fd = tmp_open(O_RDWR | O_APPEND);

	need(!ftruncate(append_fd, 12000));	/* cannot be had below the limit */
	handle(SIGXFSZ);
	need(!getrlimit(RLIMIT_FSIZE, &old));
	limit = old;
	limit.rlim_cur = 8192;
	need(!setrlimit(RLIMIT_FSIZE, &limit));
	show_signal("8.fsize/below", run(IOCB_CMD_PWRITE, fd, data, 512, 0));
	show_signal("8.fsize/across", run(IOCB_CMD_PWRITE, fd, data, 400, 8000));
	show_signal("8.fsize/at", run(IOCB_CMD_PWRITE, fd, data, 1, 8192));
	show_signal("8.fsize/beyond", run(IOCB_CMD_PWRITE, fd, data, 9, 100000));
	show_signal("8.fsize/length-0", run(IOCB_CMD_PWRITE, fd, data, 0, 8192));
	show_signal("8.fsize/vector", run(IOCB_CMD_PWRITEV, fd, across, 2, 0));
	show_signal("8.fsize/append-flag", append(fd, RWF_APPEND, 1, 100));
	show_signal("8.fsize/read", run(IOCB_CMD_PREAD, fd, data, 9000, 0));
	file_size_limit_append(append_fd);
	need(!setrlimit(RLIMIT_FSIZE, &old));
	obs_num("8.fsize/size", file_size(fd));
	obs("8.fsize/lifted", "%s", run(IOCB_CMD_PWRITE, fd, data, 1, 8192));
	signal(SIGXFSZ, SIG_DFL);
}

/* In a child without privileges; as an ordinary user nothing has to be given up. */
static void unprivileged(void)
{
	int fd = tmp_open(O_RDWR);
	struct stat st;
	pid_t pid;

	need(!fchmod(fd, 06777));
	pid = victim_fork();
	if (!pid) {
		struct iocb cb;

		if (!geteuid())
			need(!setgid(65534) && !setuid(65534));
		ctx = aio_context(1);
		prep(&cb, IOCB_CMD_PREAD, fd, data, 8, 0);
		cb.aio_flags = IOCB_FLAG_IOPRIO;
		cb.aio_reqprio = 1 << 13;
		obs("8.ioprio-rt/unprivileged", "%s", outcome(ctx, &cb));
		cb.aio_fildes = broken_pipe();
		obs("8.pairs/rt-and-mode", "%s", outcome(ctx, &cb));
		obs("8.suid/write", "%s", outcome(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, data, 8, 0)));
		_exit(0);
	}
	obs_num("8.suid/child", wait_child(pid));
	need(!fstat(fd, &st));
	obs("8.suid/mode", "%#o", st.st_mode & 07777);
}

int main(void)
{
	victim_start();
	ctx = aio_context(8);
	sigpipe();
	file_size_limit();
	unprivileged();
	return victim_end();
}
