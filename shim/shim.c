/* SPDX-License-Identifier: MIT */
/*
 * The interposed functions. Theory: this object is preloaded into programs that know nothing of it
 * and into every libc, so it needs none: no other object, no thread-local memory, no constructor, no
 * lock, no signal handler. Nothing happens in a program before its first io_setup.
 *
 * libaio's functions have libaio's symbol versions, none of them a default one, and no version of
 * ours is the first: so a reference binds here only if it was linked with libaio, never one of a
 * library that has an io_cancel() of its own, and dlsym(RTLD_DEFAULT, ...) finds what it found
 * before. They do what libaio 0.3.113 does: -errno comes back, errno stays as it is, the result is
 * an int, and an empty ring with a timeout of zero is seen without a system call.
 *
 * syscall() and prctl() have no version: they are there for every libc. Both go to the kernel with
 * the stack as it was, for a clone or vfork returns twice from here; but for the six calls, and for
 * those that install a seccomp filter. It may kill for system calls that the program does not make,
 * so from then on the shim makes none.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "calls.h"
#include "own.h"
#include "raw.h"

#define EXPORT __attribute__((visibility("default"), used))
#define HIDDEN __attribute__((visibility("hidden"), used))

_Static_assert(SYS_io_setup == 206 && SYS_io_cancel == 210 && SYS_io_pgetevents == 333 &&
		       SYS_seccomp == 317 && SYS_prctl == 157 && PR_SET_SECCOMP == 22,
	       "these numbers are in the code below too");

__asm__(".text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	lea	-206(%rdi), %eax\n"
	"	cmp	$4, %eax\n"
	"	jbe	shim_syscall\n"		/* its arguments are where ours are */
	"	cmp	$333, %edi\n"
	"	je	shim_syscall\n"
	"	cmp	$317, %edi\n"
	"	je	shim_syscall\n"
	"	mov	%rdi, %rax\n"
	"	mov	%rsi, %rdi\n"
	"	mov	%rdx, %rsi\n"
	"	mov	%rcx, %rdx\n"
	"	mov	%r8, %r10\n"
	"	mov	%r9, %r8\n"
	"	mov	8(%rsp), %r9\n"
	"	syscall\n"
	"	cmp	$-4095, %rax\n"
	"	jae	1f\n"
	"	ret\n"
	"1:	mov	%rax, %rdi\n"
	"	jmp	shim_fail\n"
	"	.cfi_endproc\n"
	".size syscall, .-syscall\n");

__asm__(".text\n"
	".globl prctl\n"
	".type prctl, @function\n"
	"prctl:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	cmp	$22, %edi\n"
	"	je	shim_prctl\n"
	"	mov	%rcx, %r10\n"
	"	mov	$157, %eax\n"
	"	syscall\n"
	"	cmp	$-4095, %rax\n"
	"	jae	1f\n"
	"	ret\n"
	"1:	mov	%rax, %rdi\n"
	"	jmp	shim_fail\n"
	"	.cfi_endproc\n"
	".size prctl, .-prctl\n");

int *__errno_location(void) __attribute__((weak));

HIDDEN long shim_fail(long result);
HIDDEN long shim_syscall(long nr, long a, long b, long c, long d, long e, long f);

HIDDEN long shim_prctl(long option, long b, long c, long d, long e);

long shim_fail(long result)
{
	if (__errno_location)
		*__errno_location() = (int)-result;
	return -1;
}

static long aio_call(long nr, const long args[6])
{
	switch (nr) {
	case SYS_io_setup:
		return aio_setup(args[0], args[1], args[2], args[3], args[4], args[5]);
	case SYS_io_destroy:
		return aio_destroy(args[0], args[1], args[2], args[3], args[4], args[5]);
	case SYS_io_submit:
		return aio_submit(args);
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		return aio_getevents(nr, args);
	case SYS_seccomp:
		own_restrict();
		return raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	default:
		return raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	}
}

long shim_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	const long args[6] = { a, b, c, d, e, f };
	const long result = aio_call((int)nr, args);

	return is_error(result) ? shim_fail(result) : result;
}

long shim_prctl(long option, long b, long c, long d, long e)
{
	long result;

	own_restrict();
	result = raw6(SYS_prctl, option, b, c, d, e, 0);
	return is_error(result) ? shim_fail(result) : result;
}

/* --- libaio --- */

#define VERSIONED(name, own, version) \
	__asm__(".symver shim_" #own ", " #name "@LIBAIO_" version); \
	EXPORT int shim_##own

struct ring_header {
	uint32_t id, nr, head, tail, magic;
};

struct sigset_argument {
	long at;
	unsigned long size;
};

VERSIONED(io_setup, io_setup, "0.4")(int nr, long *ctxp);
VERSIONED(io_destroy, io_destroy, "0.4")(long ctx);
VERSIONED(io_submit, io_submit, "0.1")(long ctx, long nr, void **list);
VERSIONED(io_cancel, io_cancel, "0.4")(long ctx, void *iocb, void *event);
VERSIONED(io_cancel, io_cancel_old, "0.1")(long ctx, void *iocb);
VERSIONED(io_getevents, io_getevents, "0.4")(long ctx, long min, long nr, void *events,
					     struct timespec *timeout);
VERSIONED(io_getevents, io_getevents_old, "0.1")(long ctx, long nr, void *events,
						 const struct timespec *timeout);
VERSIONED(io_pgetevents, io_pgetevents, "0.5")(long ctx, long min, long nr, void *events,
					       struct timespec *timeout, void *sigmask);
VERSIONED(io_queue_init, io_queue_init, "0.1")(int nr, long *ctxp);
VERSIONED(io_queue_release, io_queue_release, "0.1")(long ctx);
VERSIONED(io_queue_run, io_queue_run, "0.1")(long ctx);
VERSIONED(io_queue_wait, io_queue_wait, "0.4")(long ctx, struct timespec *timeout);
VERSIONED(io_queue_wait, io_queue_wait_old, "0.1")(long ctx, const struct timespec *timeout);

int shim_io_setup(int nr, long *ctxp)
{
	return (int)aio_setup(nr, (long)ctxp, 0, 0, 0, 0);
}

int shim_io_destroy(long ctx)
{
	return (int)aio_destroy(ctx, 0, 0, 0, 0, 0);
}

int shim_io_submit(long ctx, long nr, void **list)
{
	const long args[6] = { ctx, nr, (long)list };

	return (int)aio_submit(args);
}

int shim_io_cancel(long ctx, void *iocb, void *event)
{
	return (int)raw3(SYS_io_cancel, ctx, (long)iocb, (long)event);
}

/* What it looks at may fault, and does so in libaio too. */
static int is_empty(long ctx, const struct timespec *timeout)
{
	const volatile struct ring_header *ring = (void *)ctx;

	if (!ring || ring->magic != 0xa10a10a1 || !timeout || timeout->tv_sec || timeout->tv_nsec)
		return 0;
	return ring->head == ring->tail;
}

int shim_io_getevents(long ctx, long min, long nr, void *events, struct timespec *timeout)
{
	const long args[6] = { ctx, min, nr, (long)events, (long)timeout, 0 };

	return is_empty(ctx, timeout) ? 0 : (int)aio_getevents(SYS_io_getevents, args);
}

int shim_io_pgetevents(long ctx, long min, long nr, void *events, struct timespec *timeout,
		       void *sigmask)
{
	const struct sigset_argument set = { (long)sigmask, 8 };
	const long args[6] = { ctx, min, nr, (long)events, (long)timeout,
			       sigmask ? (long)&set : 0 };

	return is_empty(ctx, timeout) ? 0 : (int)aio_getevents(SYS_io_pgetevents, args);
}

int shim_io_queue_init(int nr, long *ctxp)
{
	if (nr <= 0)
		return -22;		/* EINVAL */
	*ctxp = 0;
	return shim_io_setup(nr, ctxp);
}

int shim_io_queue_release(long ctx)
{
	return shim_io_destroy(ctx);
}

struct queue_event {		/* struct io_event, as io_queue_run() uses it */
	void (*callback)(long ctx, void *iocb, long res, long res2);
	void *iocb;
	long res, res2;
};

int shim_io_queue_run(long ctx)
{
	struct timespec none = { 0, 0 };
	struct queue_event event;
	int n;

	while ((n = shim_io_getevents(ctx, 0, 1, &event, &none)) == 1)
		event.callback(ctx, event.iocb, event.res, event.res2);
	return n;
}

int shim_io_queue_wait(long ctx, struct timespec *timeout)
{
	return shim_io_getevents(ctx, 0, 0, NULL, timeout);
}

/* libaio keeps what programs of its first version were linked with. */
int shim_io_cancel_old(long ctx, void *iocb)
{
	struct queue_event event;

	return shim_io_cancel(ctx, iocb, &event);
}

int shim_io_queue_wait_old(long ctx, const struct timespec *timeout)
{
	struct timespec copy = { 0, 0 };

	if (timeout)
		copy = *timeout;
	return shim_io_getevents(ctx, 0, 0, NULL, timeout ? &copy : NULL);
}

int shim_io_getevents_old(long ctx, long nr, void *events, const struct timespec *timeout)
{
	struct timespec copy = { 0, 0 };

	if (timeout)
		copy = *timeout;
	return shim_io_getevents(ctx, 1, nr, events, timeout ? &copy : NULL);
}
