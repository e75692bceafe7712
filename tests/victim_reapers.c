/* SPDX-License-Identifier: MIT */
/*
 * victim_reapers KIND REQUESTS: each event is handed out exactly once, however many take them from
 * one context at the same time. Prints "KIND: N events, each once".
 *
 *	threads		by syscall(), where the shim takes part, a full ring at a time
 *	doors		half of them by the instruction itself, which is the trap
 *	handler		a timer's handler reaps in the middle of others' calls
 *	fork		a timer's handler forks a child that finds nothing in its parent's context
 *	destroyed	contexts come and go under the reapers
 *	killed		processes that share the memory are killed while they reap: at most what they
 *			had taken just then is missing
 *	hostile		the page that the shim and the supervisor share is full of nonsense
 */
#include "parity/victim_env.h"

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdbool.h>
#include <sched.h>
#include <sys/time.h>

#include "../shim/channel_abi.h"

#define THREADS 3
#define BATCH 16
#define PER_CONTEXT 64
#define EVENTS 7		/* at once */
#define STACK_BYTES 65536

static unsigned long requests;
static aio_context_t ctx;
static struct iocb *iocbs;		/* by number */
static unsigned char *seen;
static _Atomic unsigned long found, twice, odd, forks;
static bool by_trap, destroyed, forking, racing;
static _Atomic bool is_open;		/* racing: the ring is full, now all together */
static int file;
static char byte;

static long trapped_getevents(aio_context_t from, struct io_event *ev, long nr, struct timespec *ts)
{
	register long r10 __asm__("r10") = (long)ev, r8 __asm__("r8") = (long)ts;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_io_getevents), "D"(from), "S"(1L), "d"(nr), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

static void note(const struct io_event *ev)
{
	if (ev->data >= requests || ev->res != 1 || ev->obj != (uintptr_t)&iocbs[ev->data])
		odd++;
	else if (__atomic_exchange_n(&seen[ev->data], 1, __ATOMIC_SEQ_CST))
		twice++;
	else
		found++;
}

static void take(bool trapped, struct timespec *timeout)
{
	const aio_context_t from = __atomic_load_n(&ctx, __ATOMIC_SEQ_CST);
	struct io_event ev[EVENTS];
	const long n = trapped ? trapped_getevents(from, ev, EVENTS, timeout)
			       : syscall(SYS_io_getevents, from, 1L, (long)EVENTS, ev, timeout);

	for (long i = 0; i < n; i++)
		note(&ev[i]);
}

static void *reaper(void *arg)
{
	struct timespec wait = { 0, arg && !racing ? 1000000 : 0 };

	while (found < requests && !odd && !twice) {
		if (!racing || is_open)
			take(by_trap && arg, &wait);
		if (!arg)
			sched_yield();
	}
	return NULL;
}

static void handler(int signo)
{
	struct timespec none = { 0, 0 };
	const int saved = errno;

	if (!forking) {
		take(false, &none);
	} else if (!syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L)) {
		struct io_event ev;

		_exit(syscall(SYS_io_getevents, ctx, 0L, 1L, &ev, &none) != -1 || errno != EINVAL);
	} else {
		int status = 0;

		while (wait(&status) < 0 && errno == EINTR)
			;
		odd += status != 0;
		forks++;
	}
	errno = saved;
}

static void begin_timer(void)
{
	const struct itimerval often = { { 0, 300 }, { 0, 300 } };
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };

	need(!sigaction(SIGALRM, &act, NULL) && !setitimer(ITIMER_REAL, &often, NULL));
}

/* EINTR: the handler came before the call was received (docs/aio-abi.md, 19.no-restart). */
static long again(long ret)
{
	need(ret >= 0 || errno == EAGAIN || errno == EINTR);
	return ret < 0 ? 0 : ret;
}

static void submit_all(void)
{
	struct iocb *list[BATCH];
	unsigned long done = 0;

	while (done < requests && !odd && !twice) {
		const unsigned long most = requests - done < BATCH ? requests - done : BATCH;
		unsigned long n = 0;

		for (; n < most && n <= done % BATCH; n++)
			list[n] = &iocbs[done + n];
		n = (unsigned long)again(syscall(SYS_io_submit, ctx, n, list));
		done += n;
		is_open = !n || done == requests;
		while (racing && is_open && found < done && !odd && !twice)
			sched_yield();
		if (forking)
			take(false, &(struct timespec){ 0, 0 });
	}
}

/* Whoever reaps while it is destroyed is told EINVAL, or nothing. */
static void come_and_go(void)
{
	while (found < requests && !odd && !twice) {
		const unsigned long begin = found;
		struct iocb *list[1];
		aio_context_t new = 0;

		need(!syscall(SYS_io_setup, 1, &new));
		__atomic_store_n(&ctx, new, __ATOMIC_SEQ_CST);
		for (unsigned long i = begin; i < begin + PER_CONTEXT && i < requests; i++) {
			list[0] = &iocbs[i];
			need(syscall(SYS_io_submit, new, 1L, list) == 1);
		}
		while (found < begin + PER_CONTEXT && found < requests && !odd && !twice)
			sched_yield();
		need(!syscall(SYS_io_destroy, new));
	}
}

static int reap_until_killed(void *arg)
{
	struct timespec none = { 0, 0 };

	for (;;)
		take(false, &none);
	return 0;
}

static void say(const char *kind)
{
	if (odd || twice)
		printf("%s: %lu events twice, %lu that nobody asked for\n", kind, twice, odd);
	else
		printf("%s: %lu events, each once\n", kind, found);
}

/* A ring full, somebody who takes some of it, and the rest, which nobody holds. */
static void reap_with_the_dying(void)
{
	char *stack = malloc(STACK_BYTES);
	struct timespec none = { 0, 0 };
	unsigned long done = 0, kills = 0;

	need(stack);
	while (done < requests && !odd && !twice) {
		const unsigned long before = found, begin = done;
		struct iocb *list[1];
		pid_t pid;

		for (long n = 1; n == 1 && done < requests; done += (unsigned long)n) {
			list[0] = &iocbs[done];
			n = again(syscall(SYS_io_submit, ctx, 1L, list));
		}
		pid = clone(reap_until_killed, stack + STACK_BYTES, CLONE_VM | SIGCHLD, NULL);
		need(pid > 0);
		while (found == before)
			sched_yield();
		need(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
		kills++;
		for (unsigned long last = ~0ul; last != found;) {
			last = found;
			take(false, &none);
		}
		odd += done - begin - (found - before) > EVENTS;
	}
	if (found + kills * EVENTS >= requests && !odd && !twice)
		found = requests;
}

/* What a trace could take for the truth. */
static void lie(struct channel_page *page)
{
	for (unsigned i = 0; i < CHANNEL_NOTES; i++) {
		struct channel_note *note = &page->notes[i];

		note->number = 1;
		note->published = (uint64_t)(rand() % 300);
		note->head = (uint32_t)(rand() % 100);
		note->count = (uint32_t)(rand() % 4 ? rand() % 4 : rand());
		note->state = rand() % 4 ? NOTE_TOLD : NOTE_TRYING;
	}
	page->told++;
}

/* Natively and without the shim there is no such page. */
static void scribble(void)
{
	unsigned long start, end;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");

	need(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "/memfd:aio-sandbox") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		for (unsigned char *p = (void *)start; p < (unsigned char *)end; p++)
			*p = (unsigned char)(rand() % 4 ? rand() : 0xff);
		if (end - start == CHANNEL_BYTES)
			lie((void *)start);
	}
	fclose(f);
}

/* The shim may do anything now, so the calls are instructions. */
static void reap_from_the_hostile(void)
{
	for (unsigned long i = 0; i < requests; i++) {
		struct iocb *list[] = { &iocbs[i] };
		long ret;

		scribble();
		__asm__ volatile("syscall"
				 : "=a"(ret)
				 : "a"(SYS_io_submit), "D"(ctx), "S"(1L), "d"(list)
				 : "rcx", "r11", "memory");
		need(ret == 1);
		take(true, NULL);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	char name[] = "reapers.XXXXXX";

	need(argc == 3);
	requests = strtoul(argv[2], NULL, 10);
	iocbs = calloc(requests, sizeof(*iocbs));
	seen = calloc(requests, 1);
	file = mkstemp(name);
	need(iocbs && seen && file >= 0 && !unlink(name) && write(file, "x", 1) == 1);
	for (unsigned long i = 0; i < requests; i++)
		iocbs[i] = (struct iocb){ .aio_data = i, .aio_fildes = (unsigned)file,
					  .aio_buf = (uintptr_t)&byte, .aio_nbytes = 1 };
	by_trap = !strcmp(argv[1], "doors");
	destroyed = !strcmp(argv[1], "destroyed");
	forking = !strcmp(argv[1], "fork");
	racing = !strcmp(argv[1], "threads");
	need(destroyed || !syscall(SYS_io_setup, 1, &ctx));
	if (!strcmp(argv[1], "killed") || !strcmp(argv[1], "hostile")) {
		if (argv[1][0] == 'k')
			reap_with_the_dying();
		else
			reap_from_the_hostile();
		say(argv[1]);
		return odd || twice;
	}
	if (forking || !strcmp(argv[1], "handler"))
		begin_timer();
	for (long i = 0; i < THREADS; i++)
		need(!pthread_create(&thread[i], NULL, reaper, (void *)(i & 1)));
	if (destroyed)
		come_and_go();
	else
		submit_all();
	for (long i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	need(!forking || forks);
	say(argv[1]);
	return odd || twice;
}
