/* SPDX-License-Identifier: MIT */
/* Data that can be known again, and calls that may be refused. */
#include "accepted.h"

void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

void fill(char *at, size_t bytes, uint32_t number)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (char)(number * 31 + i / 512 + i % 251 + 1);
}

int holds(const char *at, size_t bytes, size_t from, uint32_t number)
{
	for (size_t i = 0; i < bytes; i++) {
		if (at[i] != (char)(number * 31 + (from + i) / 512 + (from + i) % 251 + 1))
			return 0;
	}
	return 1;
}

int may_refuse(long rc)
{
	return rc == -EAGAIN || rc == -ENOMEM;
}

int setup(unsigned nr, io_context_t *ctx)
{
	int rc = -EAGAIN;

	for (int i = 0; i < 3 && rc; i++) {
		*ctx = NULL;
		rc = io_setup((int)nr, ctx);
		wrong_if(rc && !may_refuse(rc), "io_setup: %d", rc);
	}
	return rc;
}

unsigned submit(io_context_t ctx, unsigned count, struct iocb **list)
{
	unsigned done = 0;
	long rc;

	for (int refusals = 0; done < count && refusals < 3;) {
		rc = io_submit(ctx, count - done, list + done);
		wrong_if(rc == 0 || (rc < 0 && !may_refuse(rc)), "io_submit: %ld", rc);
		if (rc > 0)
			done += (unsigned)rc;
		else
			refusals++;
	}
	return done;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void reap(io_context_t ctx, struct iocb *cb, unsigned count, struct io_event *events)
{
	const double begin = now();
	struct io_event ev[DEPTH];
	unsigned char seen[DEPTH] = { 0 };
	unsigned got = 0;

	while (got < count && now() - begin < PATIENCE_SECONDS) {
		struct timespec limit = { .tv_nsec = 200000000 };
		int n = io_getevents(ctx, 1, DEPTH, ev, &limit);

		wrong_if(n < 0 && n != -EINTR && !may_refuse(n), "io_getevents: %d", n);
		for (int i = 0; i < n; i++, got++) {
			size_t index = (size_t)(ev[i].obj - cb);

			wrong_if(index >= count || seen[index % DEPTH]++, "event %zu unexpected", index);
			if (index < count)
				events[index] = ev[i];
		}
	}
	wrong_if(got != count, "%u events for %u requests", got, count);
	wrong |= got != count;
}

void destroy(io_context_t ctx)
{
	int rc = -EAGAIN;

	for (int i = 0; i < 3 && may_refuse(rc); i++)
		rc = io_destroy(ctx);
	wrong_if(rc, "io_destroy: %d", rc);
}

int is_plausible(long res)
{
	switch (-res) {
	case EIO:
	case ENOMEM:
	case EAGAIN:
	case EINTR:
	case ENOSPC:
		return 1;
	default:
		return 0;
	}
}
