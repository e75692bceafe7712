/* SPDX-License-Identifier: MIT */
/*
 * System calls without libc. The result is the kernel's own: -errno is a negative number, errno is
 * nobody's business here. Only x86-64; elsewhere the shim is not built.
 */
#ifndef RAW_H
#define RAW_H

#include <stdint.h>
#include <sys/syscall.h>

static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long raw4(long nr, long a, long b, long c, long d)
{
	return raw6(nr, a, b, c, d, 0, 0);
}

static inline long raw3(long nr, long a, long b, long c)
{
	return raw6(nr, a, b, c, 0, 0, 0);
}

static inline int is_error(long result)
{
	return (unsigned long)result > -4096ul;
}

static inline void signals_block(uint64_t *old)
{
	const uint64_t all = ~0ull;

	(void)raw4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)old, sizeof(all));
}

static inline void signals_restore(const uint64_t *old)
{
	(void)raw4(SYS_rt_sigprocmask, 2, (long)old, 0, sizeof(*old));
}

#endif
