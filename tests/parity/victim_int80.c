/* SPDX-License-Identifier: MIT */
/*
 * Section 1 and D8: the calls of i386 by int 0x80 out of a 64-bit program, and those of x32. They
 * reach the kernel's AIO natively; in the sandbox they say ENOSYS and make no context. What ends a
 * program is treated the same by whichever way it comes: accepted writes are done first.
 * `victim_int80 probe` ends with 0 where this kernel takes int 0x80 at all.
 */
#include "victim.h"

#define X32 0x40000000l
#define BYTES (1 << 20)
#define MANY 20000		/* more than others' contexts come and go with */

/* What the compat calls want below 4 GiB. */
struct low {
	uint32_t ctx;
	uint32_t guard;
	uint32_t list[1];
	uint32_t argv[4];
	struct iocb cb;
	struct io_event ev;
	int32_t short_time[2];
	int64_t long_time[2];
	char data[PAGE];
	char text[3][128];
};

static struct low *low;

/* a: the number and six arguments. */
long int80(const uint32_t *a);
__asm__(".text\n"
	"int80:\n\t"
	"push %rbx\n\t"
	"push %rbp\n\t"
	"mov (%rdi), %eax\n\t"
	"mov 4(%rdi), %ebx\n\t"
	"mov 8(%rdi), %ecx\n\t"
	"mov 12(%rdi), %edx\n\t"
	"mov 16(%rdi), %esi\n\t"
	"mov 24(%rdi), %ebp\n\t"
	"mov 20(%rdi), %edi\n\t"
	"int $0x80\n\t"
	"cltq\n\t"
	"pop %rbp\n\t"
	"pop %rbx\n\t"
	"ret\n");

static uint32_t at(const void *p)
{
	need((uintptr_t)p == (uint32_t)(uintptr_t)p);
	return (uint32_t)(uintptr_t)p;
}

/* An AIO call, counted. */
static long aio80(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	const uint32_t args[] = { nr, a, b, c, d, e, 0 };
	const long ret = int80(args);

	victim_count->calls++;
	return ret;
}

static void calls_by_int80(void)
{
	const uint32_t no_time = at(low->short_time), no_time64 = at(low->long_time);
	struct iocb *cb64 = &low->cb;
	long before = aio_nr(), ret;
	int fd = tmp_open(O_RDWR);

	low->guard = 0x12345678;
	obs_num("1.int80/io_setup", aio80(245, MANY, at(&low->ctx), 0, 0, 0));
	obs_yes("D8/aio-nr-counts-it", aio_nr() - before > MANY / 2);
	obs_yes("1.int80/handle-is-4-bytes", low->guard == 0x12345678);
	obs_yes("D8/there-is-a-handle", low->ctx != 0);
	prep(&low->cb, IOCB_CMD_PWRITE, fd, low->data, 8, 0);
	low->list[0] = at(&low->cb);
	ret = aio80(248, low->ctx, 1, at(low->list), 0, 0);
	victim_count->requests += ret > 0 ? ret : 0;
	obs_num("1.int80/io_submit", ret);
	obs_num("1.int80/io_getevents", aio80(247, low->ctx, 1, 1, at(&low->ev), no_time));
	obs_num("1.int80/io_cancel", aio80(249, low->ctx, at(&low->cb), 0, 0, 0));
	obs_num("1.int80/io_pgetevents", aio80(385, low->ctx, 0, 1, at(&low->ev), no_time));
	obs_num("1.int80/io_pgetevents-64-bit-time",
		aio80(416, low->ctx, 0, 1, at(&low->ev), no_time64));
	obs_num("1.int80/used-by-64-bit-calls", aio_submit1(low->ctx, cb64));
	obs_num("1.int80/io_destroy", aio80(246, low->ctx, 0, 0, 0, 0));
	obs_num("D8/bytes-written", file_size(fd));
}

/* A context of 64-bit calls has a handle that int 0x80 cannot even name; its truth stays as it is. */
static void real_context_untouched(void)
{
	aio_context_t ctx = aio_context(4);
	struct io_event ev;
	struct iocb cb;
	int fd = tmp_open(O_RDWR);

	(void)aio80(246, (uint32_t)ctx, 0, 0, 0, 0);
	obs_num("D8/64-bit-submit", aio_submit1(ctx, prep(&cb, IOCB_CMD_PWRITE, fd, "x", 1, 0)));
	obs_num("D8/64-bit-getevents", reap(ctx, 1, &ev));
	obs_num("D8/64-bit-destroy", aio_destroy(ctx));
}

static void calls_of_x32(void)
{
	static const struct {
		const char *tag;
		long nr;
	} calls[] = {
		{ "1.x32/io_setup", X32 | 543 },	{ "1.x32/io_destroy", X32 | 207 },
		{ "1.x32/io_getevents", X32 | 208 },	{ "1.x32/io_submit", X32 | 544 },
		{ "1.x32/io_cancel", X32 | 210 },	{ "1.x32/io_pgetevents", X32 | 333 },
	};
	aio_context_t ctx = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		obs_num(calls[i].tag, victim_call(syscall(calls[i].nr, 1, &ctx, 0, 0, 0, 0)));
	obs_num("1.x32/io_setup-without-the-bit", syscall(543, 1, &ctx) ? -errno : 0);
	obs_num("1.x32/io_submit-without-the-bit", syscall(544, ctx, 0, NULL) ? -errno : 0);
	obs_yes("1.x32/no-context", ctx == 0);
}

/* --- the ends ---------------------------------------------------------------------------------- */

/* An O_DIRECT write is under way; path names the file. */
static void start_write(const char *path)
{
	char *data = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
	struct iocb cb;

	need(fd >= 0 && data != MAP_FAILED);
	memset(data, 'w', BYTES);
	need(aio_submit1(aio_context(1), prep(&cb, IOCB_CMD_PWRITE, fd, data, BYTES, 0)) == 1);
}

/* Whether all of it is there, looked at once. */
static int written(const char *path)
{
	static char data[BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	need(fd >= 0);
	if (read(fd, data, BYTES) != BYTES)
		return 0;
	for (unsigned i = 0; i < BYTES; i++)
		if (data[i] != 'w')
			return 0;
	return 1;
}

static void end_by(const char *tag, uint32_t nr)
{
	const uint32_t args[] = { nr, 7, 0, 0, 0, 0, 0 };
	pid_t pid = victim_fork();
	int status;

	if (!pid) {
		start_write("int80.file");
		int80(args);
		_exit(1);
	}
	status = wait_child(pid);
	obs(tag, "status %d, written %s", status, written("int80.file") ? "yes" : "no");
	unlink("int80.file");
}

/* The new image looks whether the write is there. */
static void exec_by(const char *tag, const char *self, const char *path, int fails)
{
	pid_t pid = victim_fork();

	if (!pid) {
		const uint32_t args[] = { 11, at(low->text[0]), at(low->argv), 0, 0, 0, 0 };

		strcpy(low->text[0], path);
		strcpy(low->text[1], self);
		strcpy(low->text[2], "look");
		low->argv[0] = at(low->text[1]);
		low->argv[1] = at(low->text[2]);
		low->argv[2] = 0;
		start_write("int80.file");
		_exit(int80(args) == -ENOENT && fails ? 9 : 1);
	}
	obs_num(tag, wait_child(pid));
	unlink("int80.file");
}

static int takes_int80(void)
{
	const uint32_t getpid80[] = { 20, 0, 0, 0, 0, 0, 0 };
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(int80(getpid80) == getpid() ? 0 : 1);
	}
	return wait_child(pid) == 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "look") == 0)
		return written("int80.file") ? 5 : 6;
	if (argc > 1)
		return takes_int80() ? 0 : 1;
	victim_start();
	aio_destroy(aio_context(1));	/* the one whose aio-nr is looked at */
	low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	need(low != MAP_FAILED);
	calls_by_int80();
	real_context_untouched();
	calls_of_x32();
	end_by("D8/exit-by-int80", 1);
	end_by("D8/exit-group-by-int80", 252);
	exec_by("D8/exec-by-int80", argv[0], argv[0], 0);
	exec_by("D8/exec-by-int80-fails", argv[0], "/nonexistent", 1);
	return victim_end();
}
