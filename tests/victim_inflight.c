/* SPDX-License-Identifier: MIT */
/*
 * victim_inflight SCENE FILE: what becomes of a request whose buffer or file is changed while it is
 * in flight. Prints what it sees.
 *
 *	unmapped	a read's buffer is gone when the data come (D12)
 *	replaced	something else is mapped there by then (D12)
 *	absent		it was never there
 *	large		a buffer of 8 MiB is gone, which is said
 *	changed		a write's buffer is changed at once after io_submit (D5)
 *	overwritten	a file is truncated at once after O_DIRECT writes into it (D1)
 *	extended	the same with writes that make it longer (D1)
 *	secret		data, an iocb and events in memory that others cannot look into, a signalfd (D15)
 *	filtered	the same under a seccomp filter of its own
 */
#include "parity/victim.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define ROUNDS 100
#define BLOCK 4096u

static aio_context_t ctx;

static void *page_at(void *where)
{
	int fixed = where ? MAP_FIXED : 0;
	void *p = mmap(where, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed,
		       -1, 0);

	need(p != MAP_FAILED);
	return p;
}

/* Two reads of a pipe that is empty until both buffers are gone; what their events say. */
static void gone(void (*go)(void *page))
{
	struct iocb cb[2], *list[] = { &cb[0], &cb[1] };
	struct io_event ev[2];
	char *page[2];
	int p[2];

	need(!pipe(p));
	for (int i = 0; i < 2; i++) {
		page[i] = page_at(NULL);
		prep(&cb[i], IOCB_CMD_PREAD, p[0], page[i], 4, 0);
	}
	need(aio_submit(ctx, 2, list) == 2);
	go(page[0]);
	go(page[1]);
	for (int i = 0; i < 2; i++) {
		need(write(p[1], "data", 4) == 4 && reap(ctx, 1, &ev[i]) == 1);
		printf("%s%s\n", num(ev[i].res),
		       write(p[1], page[i], 4) == 4 && !memcmp(page[i], "data", 4) ?
		       ", and is there" : "");
		if (errno != EFAULT)
			need(read(p[0], page[i], 4) == 4);
		errno = 0;
	}
}

static void unmap(void *page)
{
	need(!munmap(page, BLOCK));
}

static void replace(void *page)
{
	need(page_at(page) == page);
}

static void absent(void)
{
	char *page = page_at(NULL);
	struct iocb cb;
	struct io_event ev;
	int p[2];

	unmap(page);
	need(!pipe(p));
	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, p[0], page, 4, 0)) == 1);
	need(write(p[1], "data", 4) == 4 && reap(ctx, 1, &ev) == 1);
	printf("%s\n", num(ev.res));
}

static void large(void)
{
	const size_t bytes = 8 << 20;
	char *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iocb cb;
	struct io_event ev;
	int p[2];

	need(page != MAP_FAILED && !pipe(p));
	need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PREAD, p[0], page, bytes, 0)) == 1);
	need(!munmap(page, bytes));
	need(write(p[1], "data", 4) == 4 && reap(ctx, 1, &ev) == 1);
	printf("%s\n", num(ev.res));
}

static void changed(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600), wrong = 0;
	char *page = page_at(NULL), *back = page_at(NULL);
	struct io_event ev;
	struct iocb cb;

	need(fd >= 0);
	for (int i = 0; i < ROUNDS; i++) {
		memset(page, 'a' + i % 26, BLOCK);
		need(aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, page, BLOCK, 0)) == 1);
		memset(page, '-', BLOCK);
		need(reap(ctx, 1, &ev) == 1 && ev.res == BLOCK);
		need(pread(fd, back, BLOCK, 0) == BLOCK);
		wrong += back[0] != 'a' + i % 26 || back[BLOCK - 1] != back[0];
	}
	printf("%d changed\n", wrong);
}

/* The kernel's truncation waits for writes that have begun (inode_dio_wait()): nothing is left. */
static void truncated(const char *path, bool extend)
{
	enum { WRITES = 64, WRITE_BYTES = 256 << 10, TIMES = 10 };
	static struct iocb cb[WRITES];
	static struct io_event ev[WRITES];
	struct iocb *list[WRITES];
	char *data = mmap(NULL, WRITE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	aio_context_t own = aio_context(WRITES);
	int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600), overtaken = 0;
	struct stat st;

	need(data != MAP_FAILED && fd >= 0);
	for (int i = 0; i < TIMES; i++) {
		for (long k = 0; k < WRITES; k++) {
			list[k] = prep(&cb[k], IOCB_CMD_PWRITE, fd, data, WRITE_BYTES,
				       k * WRITE_BYTES);
			need(extend || pwrite(fd, data, WRITE_BYTES, k * WRITE_BYTES) == WRITE_BYTES);
		}
		need(aio_submit(own, WRITES, list) == WRITES && !ftruncate(fd, 0));
		need(reap(own, WRITES, ev) == WRITES && !fstat(fd, &st));
		overtaken += st.st_size != 0;
		need(!ftruncate(fd, 0));
	}
	printf("%s\n", overtaken ? "overtaken" : "none overtaken");
}

static void signals(void)
{
	struct signalfd_siginfo got;
	struct io_event left[4];
	struct iocb cb;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	need(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	need(fd >= 0 && !raise(SIGUSR1) && reap_now(ctx, 4, left) >= 0);
	printf(", signal %s\n", outcome(ctx, prep(&cb, IOCB_CMD_PREAD, fd, &got, sizeof(got), 0)));
}

static void secret(void)
{
	int memory = (int)syscall(SYS_memfd_secret, O_CLOEXEC), zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	struct io_event *event, ev;
	struct iocb *cb, other;
	char *page;

	need(memory >= 0 && zero >= 0 && !ftruncate(memory, BLOCK));
	page = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	need(page != MAP_FAILED);
	cb = (struct iocb *)page;
	event = (struct io_event *)(page + 1024);
	printf("data %s", outcome(ctx, prep(&other, IOCB_CMD_PREAD, zero, page + 2048, 8, 0)));
	printf(", iocb %s", num(aio_submit1(ctx, prep(cb, IOCB_CMD_PREAD, zero, &ev, 8, 0))));
	need(aio_submit1(ctx, prep(&other, IOCB_CMD_PREAD, zero, &ev, 8, 0)) == 1);
	printf(", event %s", num(aio_getevents(ctx, 1, 1, event, NULL)));
	signals();
}

/* Who has one may have one that kills. */
static void filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = { 1, &allow };

	need(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	need(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

int main(int argc, char **argv)
{
	need(argc == 3);
	victim_start();
	ctx = aio_context(8);
	if (!strcmp(argv[1], "unmapped"))
		gone(unmap);
	else if (!strcmp(argv[1], "replaced"))
		gone(replace);
	else if (!strcmp(argv[1], "absent"))
		absent();
	else if (!strcmp(argv[1], "large"))
		large();
	else if (!strcmp(argv[1], "changed"))
		changed(argv[2]);
	else if (!strcmp(argv[1], "secret"))
		secret();
	else if (!strcmp(argv[1], "filtered")) {
		filter();
		secret();
	}
	else
		truncated(argv[2], !strcmp(argv[1], "extended"));
	return 0;
}
