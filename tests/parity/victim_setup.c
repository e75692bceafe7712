/* SPDX-License-Identifier: MIT */
/* Section 2: io_setup's arguments, limits and the size of the ring. */
#include "victim.h"

#include <sys/resource.h>

static unsigned maps_lines(void)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	unsigned lines = 0;
	ssize_t n;

	need(fd >= 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

static void pointers(void)
{
	aio_context_t ctx = 0, *zero = (void *)pages(1), *hole = zero + PAGE / sizeof(*zero);
	unsigned lines;
	long nr;

	obs_num("2.1/ctxp-null", aio_setup(1, NULL));
	obs_num("2.1/ctxp-null-nr-0", aio_setup(0, NULL));
	obs_num("2.1/ctxp-kernel", aio_setup(1, (void *)KERNEL_ADDRESS));
	obs_num("2.1/ctxp-kernel-nr-minus-1", aio_setup(-1, (void *)KERNEL_ADDRESS));
	obs_num("2.1/ctxp-unmapped", aio_setup(1, hole));
	obs_num("2.1/ctxp-half-mapped", aio_setup(1, (void *)((char *)hole - 4)));

	ctx = 1;
	obs_num("2.2/ctxp-not-zero", aio_setup(1, &ctx));
	obs_num("2.2/ctxp-not-zero-too-many", aio_setup(-1, &ctx));
	obs_yes("2.2/ctxp-not-zero-kept", ctx == 1);
	ctx = 0;
	obs_num("2.2/nr-0", aio_setup(0, &ctx));
	obs_yes("2.2/ctxp-untouched-on-error", ctx == 0);
	obs_num("1.alignment/ctxp", aio_setup(1, (void *)((char *)zero + 3)));
	memcpy(&ctx, (char *)zero + 3, sizeof(ctx));
	obs_yes("2.in-range/handle-is-page-aligned", ctx && !(ctx % PAGE));
	obs_num("2.2/live-handle", aio_setup(1, &ctx));
	obs_num("2.in-range/destroy", aio_destroy(ctx));

	need(!mprotect(memset(zero, 0, PAGE), PAGE, PROT_READ));
	nr = aio_nr();
	lines = maps_lines();
	obs_num("2.8/ctxp-read-only", aio_setup(1, zero));
	obs_num("2.8/aio-nr-restored", aio_nr() - nr);
	obs_num("2.8/mappings-left", maps_lines() - lines);
}

static void destroy_all(const aio_context_t *ctx, unsigned n)
{
	while (n--)
		need(!aio_destroy(ctx[n]));
}

static void limits(void)
{
	static const struct { const char *tag; unsigned nr; } rows[] = {
		{ "2.3/nr-4194305", 4194305 },
		{ "2.too-large/nr-0x7fffffff", 0x7fffffff },
		{ "2.wraps/nr-0x80000000", 0x80000000 },
		{ "2.wraps/nr-0x80000001", 0x80000001 },
		{ "2.wraps/nr-0x80400000", 0x80400000 },
		{ "2.negative/nr-0x80400001", 0x80400001 },
		{ "2.negative/nr-minus-1000", -1000 },
		{ "2.negative/nr-minus-1", -1 },
	};
	long max = read_number("/proc/sys/fs/aio-max-nr");
	aio_context_t ctx = 0, more = 0, all[64];
	unsigned n;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		obs_num(rows[i].tag, aio_setup(rows[i].nr, &ctx));
		ctx = 0;
	}
	obs_num("2.4/above-max", aio_setup(max + 1, &ctx));
	n = fill_up(all, ARRAY_SIZE(all));
	obs_yes("2.6/all-that-is-left", n > 0);
	obs_num("2.6/one-more", aio_setup(1, &more));
	obs_yes("2.6/untouched", !more);
	obs_num("2.6/destroy", aio_destroy(all[0]));
	obs_num("2.6/one-after-destroy", aio_setup(1, &more));
	obs_num("2.6/destroy-one", aio_destroy(more));
	destroy_all(all + 1, n - 1);
}

static void no_memory(void)
{
	struct rlimit old, tight;
	long max = read_number("/proc/sys/fs/aio-max-nr");
	aio_context_t ctx = 0, all[64];
	long small, large, above, full;
	unsigned n;

	need(!getrlimit(RLIMIT_AS, &old));
	tight = old;
	tight.rlim_cur = 1 << 20;
	n = fill_up(all, ARRAY_SIZE(all));
	need(!setrlimit(RLIMIT_AS, &tight));
	full = aio_setup(1, &ctx);
	above = aio_setup(max + 1, &ctx);
	need(!setrlimit(RLIMIT_AS, &old));
	destroy_all(all, n);
	need(!setrlimit(RLIMIT_AS, &tight));
	small = aio_setup(1, &ctx);
	large = aio_setup(10000, &ctx);
	need(!setrlimit(RLIMIT_AS, &old));
	obs_num("2.5/no-address-space", small);
	obs_num("2.5/no-address-space-large", large);
	obs_num("2.order/no-address-space-before-aio-nr", full);
	obs_num("2.order/above-max-before-no-address-space", above);
	obs_num("2.5/afterwards", aio_setup(10000, &ctx));
	aio_destroy(ctx);
}

static void sizes(void)
{
	static const unsigned nr[] = {
		1, 2, 8, 62, 63, 126, 127, 190, 191, 254, 255, 256, 512, 1000, 1024, 4096, 10000
	};
	int pipe_fd[2];

	need(!pipe(pipe_fd));
	for (unsigned i = 0; i < ARRAY_SIZE(nr); i++) {
		aio_context_t ctx = aio_context(nr[i]);
		const struct ring *ring = ring_of(ctx);
		char tag[64];

		snprintf(tag, sizeof(tag), "2.ring-size/ring-nr-of-%u", nr[i]);
		obs_formula(tag, ring->nr, ring_size(nr[i]));
		snprintf(tag, sizeof(tag), "2.ring-size/last-slot-mapped-of-%u", nr[i]);
		obs_yes(tag, write(pipe_fd[1], &ring->event[ring->nr - 1],
				   sizeof(struct io_event)) == sizeof(struct io_event));
		aio_destroy(ctx);
	}
}

static int next_descriptor(void)
{
	int fd = dup(0);

	need(fd >= 0 && !close(fd));
	return fd;
}

static void many(void)
{
	const int next = next_descriptor();
	aio_context_t ctx[5] = { 0 };
	uint32_t first, second;

	for (unsigned i = 0; i < ARRAY_SIZE(ctx); i++)
		ctx[i] = aio_context(1);
	obs_num("2.in-range/descriptors-taken", next_descriptor() - next);
	obs("3.id/in-order", "%u %u %u %u %u", ring_of(ctx[0])->id, ring_of(ctx[1])->id,
	    ring_of(ctx[2])->id, ring_of(ctx[3])->id, ring_of(ctx[4])->id);
	aio_destroy(ctx[3]);
	aio_destroy(ctx[1]);
	ctx[1] = aio_context(1);
	ctx[3] = aio_context(1);
	first = ring_of(ctx[1])->id;
	second = ring_of(ctx[3])->id;
	obs("3.id/lowest-free-reused", "%u %u", first, second);
	for (unsigned i = 0; i < ARRAY_SIZE(ctx); i++)
		aio_destroy(ctx[i]);
	for (unsigned i = 0; i < 40; i++)
		aio_context(1);
	obs_num("3.id/after-forty-more", ring_of(aio_context(1))->id);
}

int main(void)
{
	victim_start();
	sizes();
	pointers();
	limits();
	no_memory();
	many();
	return victim_end();
}
