/* SPDX-License-Identifier: MIT */
/*
 * victim_idle sleeps COUNT	has COUNT contexts, and sleeps for ever
 * victim_idle waits COUNT	COUNT threads wait for ever, each in io_getevents on a context of its own
 *
 * Prints "ready" when that is so.
 */
#include "parity/victim_env.h"

#include <libaio.h>
#include <pthread.h>
#include <sched.h>

static io_context_t new_context(void)
{
	io_context_t ctx = NULL;

	need(io_setup(4, &ctx) == 0);
	return ctx;
}

static void *waits(void *tid)
{
	io_context_t ctx = new_context();
	struct io_event ev;

	__atomic_store_n((long *)tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	need(io_getevents(ctx, 1, 1, &ev, NULL) < 0);
	return NULL;
}

/* Until /proc says that it stands in io_getevents. */
static void await_waiting(const long *tid)
{
	long nr = -1;
	char path[64];
	FILE *f;

	while (nr != SYS_io_getevents) {
		sched_yield();
		snprintf(path, sizeof(path), "/proc/self/task/%ld/syscall",
			 __atomic_load_n(tid, __ATOMIC_SEQ_CST));
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%ld", &nr) != 1)
			nr = -1;
		fclose(f);
	}
}

int main(int argc, char **argv)
{
	const long count = argc == 3 ? atol(argv[2]) : 0;
	pthread_t thread;
	long *tids;

	need(count > 0);
	tids = calloc((size_t)count, sizeof(*tids));
	need(tids);
	for (long i = 0; i < count; i++) {
		if (strcmp(argv[1], "waits")) {
			new_context();
			continue;
		}
		need(!pthread_create(&thread, NULL, waits, &tids[i]));
		await_waiting(&tids[i]);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
