/* SPDX-License-Identifier: MIT */
/* Small things that every module needs: cleanup attributes, clocks, limits of types. */
#ifndef UTIL_H
#define UTIL_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull
#define PAGE_BYTES 4096u

/*
 * The kernel's own (include/linux/errno.h): EINTR if a handler runs, else the call is made again.
 */
#define ERESTARTNOHAND 514
/* What a system call ends with that a signal interrupts, for its way out to judge. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTART_RESTARTBLOCK 516

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define cleanup(fn) __attribute__((cleanup(fn)))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* An address in a tracee: a number, never to be dereferenced here. */
typedef uint64_t uaddr;

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define auto_fd cleanup(close_fd) int
#define auto_free cleanup(free_ptr)
#define auto_file cleanup(close_file) FILE *

/* Hands over an fd from a variable that would close it. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* For pthread_cond_timedwait() on a condition that runs on CLOCK_MONOTONIC. */
static inline struct timespec time_after(uint64_t delay_ns)
{
	uint64_t at = now_ns() + delay_ns;

	return (struct timespec){ (time_t)(at / NSEC_PER_SEC), (long)(at % NSEC_PER_SEC) };
}

/*
 * calloc(1, ...), but that one of glibc takes nothing that was freed lately, and locks among
 * threads. The compiler must not make it of this.
 */
static inline void *zeroed(size_t bytes)
{
	void *p = malloc(bytes);

	__asm__("" : "+r"(p));
	return p ? memset(p, 0, bytes) : NULL;
}

/* errno of a failed system call as a negative number; never 0. */
static inline int neg_errno(void)
{
	return errno ? -errno : -EIO;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ (x >> 33);
}

static inline uint64_t hash_text(const char *text, size_t bytes)
{
	uint64_t h = 1, word = 0;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		h = hash_u64(h ^ word) + 1;
	}
	word = bytes;
	memcpy((char *)&word + 1, text, bytes);
	return hash_u64(h ^ word);
}

#endif
