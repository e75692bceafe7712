/* SPDX-License-Identifier: MIT */
/*
 * What the parity victims share. A victim makes raw AIO calls and prints what it sees, one
 * observation per line, "RULE/name: value", where RULE is the id of the rule in docs/aio-abi.md
 * that it checks. Whatever depends on the machine (CPUs, addresses, time) is compared with the
 * document's formula here, so that a victim prints the same on every machine.
 *
 * Every AIO call goes through a wrapper that counts it. The counters live in a memfd that forked
 * and executed children share; victim_end() writes the sums to $VICTIM_COUNT for the harness. What
 * each call and each event has told goes to $VICTIM_TOLD, if there is one (self_fault_one.sh).
 */
#ifndef VICTIM_H
#define VICTIM_H

#include "victim_env.h"
#include <linux/aio_abi.h>

struct ring {
	uint32_t id, nr;
	_Atomic uint32_t head, tail;
	uint32_t magic, compat, incompat, header_length;
	struct io_event event[];
};

struct victim_count {
	_Atomic long calls, requests;
	_Atomic long broken;			/* calls that ended with EINTR: see parity.sh */
	_Atomic long killed;			/* requests whose io_submit did not return */
	_Atomic long setup_nr, setup_delta;	/* first io_setup: its nr, what aio-nr grew by */
};

static struct victim_count *victim_count;
static int victim_told = -1;

/* --- calls ----------------------------------------------------------------------------------- */

static inline void victim_tell(const char *what, long long value)
{
	char line[40];
	const int saved = errno, n = snprintf(line, sizeof(line), "%s %lld\n", what, value);

	need(victim_told < 0 || write(victim_told, line, n) == n);
	errno = saved;
}

static inline long victim_call(long ret)
{
	ret = ret < 0 ? -errno : ret;
	victim_tell("call", ret);
	victim_count->calls++;
	if (ret == -EINTR)
		victim_count->broken++;
	return ret;
}

static inline long aio_setup(unsigned nr, aio_context_t *ctx)
{
	long before = aio_nr();
	long ret = victim_call(syscall(SYS_io_setup, nr, ctx));

	if (!ret && !victim_count->setup_nr) {
		victim_count->setup_delta = aio_nr() - before;
		victim_count->setup_nr = nr;
	}
	return ret;
}

static inline long aio_destroy(aio_context_t ctx)
{
	return victim_call(syscall(SYS_io_destroy, ctx));
}

static inline long aio_submit(aio_context_t ctx, long nr, struct iocb **list)
{
	long ret = victim_call(syscall(SYS_io_submit, ctx, nr, list));

	if (ret > 0)
		victim_count->requests += ret;
	return ret;
}

/* An io_submit that ends the process: counted before, and its requests as accepted or not. */
static inline void aio_submit_deadly(aio_context_t ctx, long nr, struct iocb **list)
{
	victim_count->calls++;
	victim_count->requests += nr;
	victim_count->killed += nr;
	syscall(SYS_io_submit, ctx, nr, list);
}

static inline long aio_submit1(aio_context_t ctx, struct iocb *cb)
{
	return aio_submit(ctx, 1, &cb);
}

static inline long victim_events(long ret, const struct io_event *ev)
{
	ret = victim_call(ret);
	for (long i = 0; victim_told >= 0 && i < ret; i++)
		victim_tell("event", ev[i].res);
	return ret;
}

static inline long aio_getevents(aio_context_t ctx, long min, long nr, struct io_event *ev,
				 struct timespec *timeout)
{
	return victim_events(syscall(SYS_io_getevents, ctx, min, nr, ev, timeout), ev);
}

static inline long aio_pgetevents(aio_context_t ctx, long min, long nr, struct io_event *ev,
				  struct timespec *timeout, const void *usig)
{
	return victim_events(syscall(SYS_io_pgetevents, ctx, min, nr, ev, timeout, usig), ev);
}

static inline long aio_cancel(aio_context_t ctx, struct iocb *cb, struct io_event *result)
{
	return victim_call(syscall(SYS_io_cancel, ctx, cb, result));
}

static inline aio_context_t aio_context(unsigned nr)
{
	aio_context_t ctx = 0;

	need(!aio_setup(nr, &ctx));
	return ctx;
}

/* Takes all that the limit leaves, however much that is, in ever smaller contexts; how many. */
static inline unsigned fill_up(aio_context_t *ctx, unsigned n)
{
	unsigned used = 0;

	for (unsigned nr = read_number("/proc/sys/fs/aio-max-nr"); nr && used < n; ) {
		long ret;

		ctx[used] = 0;
		ret = aio_setup(nr, &ctx[used]);
		need(!ret || ret == -EAGAIN);
		if (ret)
			nr /= 2;
		else
			used++;
	}
	return used;
}

static inline struct ring *ring_of(aio_context_t ctx)
{
	return (struct ring *)ctx;
}

/* --- requests -------------------------------------------------------------------------------- */

static inline struct iocb *prep(struct iocb *cb, int op, int fd, const void *buf, size_t len,
				long long offset)
{
	memset(cb, 0, sizeof(*cb));
	cb->aio_data = (uintptr_t)cb + 1;
	cb->aio_lio_opcode = op;
	cb->aio_fildes = fd;
	cb->aio_buf = (uintptr_t)buf;
	cb->aio_nbytes = len;
	cb->aio_offset = offset;
	return cb;
}

static inline struct iocb *prep_poll(struct iocb *cb, int fd, unsigned events)
{
	return prep(cb, IOCB_CMD_POLL, fd, (void *)(uintptr_t)events, 0, 0);
}

/* Waits for exactly n events; a lost one shows as fewer, a signal as EINTR. */
static inline long reap(aio_context_t ctx, long n, struct io_event *ev)
{
	struct timespec limit = { .tv_sec = 10 };

	return aio_getevents(ctx, n, n, ev, &limit);
}

static inline long reap_now(aio_context_t ctx, long n, struct io_event *ev)
{
	struct timespec now = { 0 };

	return aio_getevents(ctx, 0, n, ev, &now);
}

/* -errno as its name, everything else as a decimal number. */
static inline const char *num(long long v)
{
	static _Thread_local char text[8][32];
	static _Thread_local unsigned next;
	char *t = text[next++ % ARRAY_SIZE(text)];

	if (v < 0 && v > -4096 && strerrorname_np((int)-v))
		return strerrorname_np((int)-v);
	snprintf(t, sizeof(text[0]), "%lld", v);
	return t;
}

/* Submits one request alone: "S:EBADF" when refused, "ev:EFAULT" or "ev:512" when accepted. */
static inline const char *outcome(aio_context_t ctx, struct iocb *cb)
{
	static _Thread_local char text[8][64];
	static _Thread_local unsigned next;
	char *t = text[next++ % ARRAY_SIZE(text)];
	struct io_event ev = { 0 };
	uint64_t data = cb->aio_data;
	long ret = aio_submit1(ctx, cb), n = 0;

	/* SIGPIPE of a request that was not complete at once comes while we wait for it */
	while (ret == 1 && (n = reap(ctx, 1, &ev)) == -EINTR)
		;
	if (ret != 1)
		snprintf(t, sizeof(text[0]), "S:%s", num(ret));
	else if (n != 1)
		snprintf(t, sizeof(text[0]), "lost");
	else if (ev.obj != (uintptr_t)cb || ev.data != data || ev.res2)
		snprintf(t, sizeof(text[0]), "wrong event");
	else
		snprintf(t, sizeof(text[0]), "ev:%s", num(ev.res));
	return t;
}

/* --- observations ---------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static inline void obs(const char *tag, const char *format, ...)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s: ", tag);
	va_list args;

	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	va_end(args);
	line[n++] = '\n';
	need(write(STDOUT_FILENO, line, n) == n);
}

static inline void obs_num(const char *tag, long long value)
{
	obs(tag, "%s", num(value));
}

static inline void obs_yes(const char *tag, int yes)
{
	obs(tag, "%s", yes ? "yes" : "no");
}

/* For values that a formula of the document gives: the same text on every machine. */
static inline void obs_formula(const char *tag, long long value, long long expected)
{
	if (value == expected)
		obs(tag, "by the formula");
	else
		obs(tag, "%lld, not %lld", value, expected);
}

/* Above all descriptors that a victim counts. */
static inline void victim_told_open(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	need(fd >= 0);
	victim_told = fcntl(fd, F_DUPFD_CLOEXEC, 800);
	need(victim_told >= 0);
	close(fd);
}

static inline void victim_start(void)
{
	const char *told = getenv("VICTIM_TOLD");
	const char *inherited = getenv("VICTIM_COUNTER_FD");
	int fd = inherited ? atoi(inherited) : memfd_create("victim-count", 0);
	char text[16];

	if (told)
		victim_told_open(told);
	need(fd >= 0 && !ftruncate(fd, sizeof(struct victim_count)));
	victim_count = mmap(NULL, sizeof(*victim_count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(victim_count != MAP_FAILED);
	snprintf(text, sizeof(text), "%d", fd);
	setenv("VICTIM_COUNTER_FD", text, 1);
	alarm(VICTIM_SECONDS);
}

static inline int victim_end(void)
{
	const char *path = getenv("VICTIM_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return path ? 1 : 0;
	fprintf(f, "calls %ld\nrequests %ld\nbroken %ld\nkilled %ld\nsetup-nr %ld\n"
		"setup-delta %ld\n",
		victim_count->calls, victim_count->requests, victim_count->broken,
		victim_count->killed, victim_count->setup_nr, victim_count->setup_delta);
	return fclose(f) ? 1 : 0;
}

#endif
