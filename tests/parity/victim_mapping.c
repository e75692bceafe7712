/* SPDX-License-Identifier: MIT */
/*
 * Section 4: what a program may do to the mapping of its ring, and what becomes of the handle then.
 * That the mapping is a memfd's shows in some places: D4.
 */
#include "victim.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

static int zero_fd;

static void produce(aio_context_t ctx, unsigned n)
{
	static struct iocb cbs[16], *list[16];
	static char byte;

	for (unsigned i = 0; i < n; i++) {
		list[i] = prep(&cbs[i], IOCB_CMD_PREAD, zero_fd, &byte, 1, 0);
		cbs[i].aio_data = i;
	}
	need(aio_submit(ctx, n, list) == n);
}

/* What the handle is good for: submit, getevents. */
static const char *works(aio_context_t ctx)
{
	static char text[4][64];
	static unsigned next;
	char *t = text[next++ % ARRAY_SIZE(text)];
	struct io_event ev;
	struct iocb cb, *list[] = { prep(&cb, IOCB_CMD_PREAD, zero_fd, &ev, 0, 0) };
	long submitted = aio_submit(ctx, 1, list);

	snprintf(t, sizeof(text[0]), "%s %s", num(submitted), num(reap_now(ctx, 1, &ev)));
	return t;
}

static long err(long ret)
{
	return ret ? -errno : 0;
}

static void *nowhere(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

/* --- what /proc says --------------------------------------------------------------------------- */

/* All but soft-dirty, which only some kernels know. */
static void vm_flags(const char *line)
{
	char text[512], known[512] = "";

	snprintf(text, sizeof(text), "%s", line);
	for (char *f = strtok(text, " \n"); f; f = strtok(NULL, " \n")) {
		if (strcmp(f, "sd"))
			snprintf(known + strlen(known), sizeof(known) - strlen(known), " %s", f);
	}
	obs("4.vmflags/flags", "%s", known + 1);
}

/* What the links of map_files lead to is for CAP_SYS_ADMIN to see. */
static void map_file(const char *path, int dumped)
{
	char link[128] = "";
	struct stat st;

	need(readlink(path, link, sizeof(link) - 1) > 0);
	obs("4.map-files/link", "%s", link);
	if (stat(path, &st)) {
		const char *why = num(-errno);

		obs("4.map-files/stat", "unseen (%s)", why);
		obs("4.map-files/open", "unseen (%s)", why);
		obs("4.core-dump/in-core-dump", "unseen (%s)", why);
		return;
	}
	obs("4.map-files/stat", "%o %lu", st.st_mode & 0777, (unsigned long)st.st_size);
	obs_num("4.map-files/open", open(path, O_RDWR | O_CLOEXEC) < 0 ? -errno : 0);
	/* MMF_DUMP_ANON_SHARED is on by default, MMF_DUMP_MAPPED_SHARED is not: core(5) */
	obs_yes("4.core-dump/in-core-dump", st.st_nlink == 0 && dumped);
}

static void proc_maps(void)
{
	aio_context_t ctx = aio_context(8);
	unsigned long start, end, offset;
	char line[512], perms[8], name[128], path[128];
	FILE *f = fopen("/proc/self/smaps", "re");
	int found = 0, dumped = 0;

	need(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %127[^\n]", &start, &end, perms, &offset,
			   name) == 5) {
			found = start == ctx;
			if (!found)
				continue;
			obs("4.maps/line", "%s %lx %s", perms, offset, name);
			snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", start, end);
		} else if (found && !strncmp(line, "VmFlags: ", 9)) {
			vm_flags(line + 9);
			dumped = !strstr(line, " dd");
		}
	}
	fclose(f);
	map_file(path, dumped);
	aio_destroy(ctx);
}

static void protections(void)
{
	aio_context_t ctx = aio_context(8);
	void *ring = (void *)ctx;
	struct io_event ev;

	obs_num("4.mprotect-exec/exec", err(mprotect(ring, PAGE, PROT_READ | PROT_EXEC)));
	obs_num("4.mprotect-exec/all", err(mprotect(ring, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)));
	need(!mprotect(ring, PAGE, PROT_READ));
	obs("4.mprotect-read/calls", "%s", works(ctx));
	produce(ctx, 3);
	obs("4.mprotect-read/header", "head %u tail %u", ring_of(ctx)->head, ring_of(ctx)->tail);
	need(!mprotect(ring, PAGE, PROT_NONE));
	obs("4.mprotect-none/calls", "%s", works(ctx));
	obs_num("4.mprotect-none/cancel", aio_cancel(ctx, &(struct iocb){ 0 }, &ev));
	obs_num("4.mprotect-none/destroy", aio_destroy(ctx));
	need(!mprotect(ring, PAGE, PROT_READ | PROT_WRITE));
	obs_num("4.mprotect-none/restored", reap_now(ctx, 1, &ev));
	aio_destroy(ctx);
}

static void advice(void)
{
	static const struct { const char *name; int advice, refused; } rows[] = {
		{ "dontneed", MADV_DONTNEED, 0 }, { "cold", MADV_COLD, 0 },
		{ "pageout", MADV_PAGEOUT, 0 }, { "mergeable", MADV_MERGEABLE, 0 },
		{ "dontfork", MADV_DONTFORK, 0 }, { "dontdump", MADV_DONTDUMP, 0 },
		{ "willneed", MADV_WILLNEED, 0 }, { "free", MADV_FREE, 1 },
		{ "wipeonfork", MADV_WIPEONFORK, 1 }, { "dodump", MADV_DODUMP, 1 },
		{ "remove", MADV_REMOVE, 1 },
	};
	aio_context_t ctx = aio_context(8);
	void *ring = (void *)ctx;
	char tag[64];

	produce(ctx, 3);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(tag, sizeof(tag), "%s/%s", rows[i].refused ? "4.madvise-refused" : "4.madvise",
			 rows[i].name);
		obs_num(tag, err(madvise(ring, PAGE, rows[i].advice)));
	}
	need(!madvise(ring, PAGE, MADV_DONTFORK) && !madvise(ring, PAGE, MADV_DONTDUMP));
	obs("4.madvise/contents", "%u %u %#x", ring_of(ctx)->head, ring_of(ctx)->tail,
	    ring_of(ctx)->magic);
	obs_num("4.madvise-refused/msync-sync", err(msync(ring, PAGE, MS_SYNC)));
	obs_num("4.madvise/msync-async", err(msync(ring, PAGE, MS_ASYNC)));
	obs_num("4.madvise/mlock", err(mlock(ring, PAGE)));
	obs_num("4.madvise/munlock", err(munlock(ring, PAGE)));
	obs_num("4.madvise-refused/remap-file-pages", err(syscall(SYS_remap_file_pages, ring, PAGE, 0, 0, 0)));
	obs("4.madvise/afterwards", "%s", works(ctx));
	aio_destroy(ctx);
}

/* --- mremap ------------------------------------------------------------------------------------ */

/* Where the call succeeds after all the ring has moved, and is destroyed there. */
static void refused_one(const char *tag, size_t from, size_t bytes, int flags)
{
	aio_context_t ctx = aio_context(8);
	void *to = mremap((void *)ctx, from, bytes, flags);

	obs_num(tag, to == MAP_FAILED ? -errno : 0);
	if (aio_destroy(ctx))
		need(!aio_destroy((uintptr_t)to));
}

static void refused(void)
{
	refused_one("4.mremap-grow/maymove", PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	refused_one("4.mremap-grow/old-size-0", 0, PAGE, MREMAP_MAYMOVE);
	refused_one("4.mremap-dontunmap/refused", PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
}

static void moved(void)
{
	aio_context_t ctx = aio_context(8), to = (uintptr_t)nowhere(PAGE);
	struct io_event ev[8];

	produce(ctx, 2);
	need(mremap((void *)ctx, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (void *)to);
	obs("4.mremap-move/moved-old", "%s", works(ctx));
	obs_num("4.mremap-move/moved-new-events", reap_now(to, 8, ev));
	obs("4.mremap-move/moved-new", "%s", works(to));
	need(mremap((void *)to, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, ctx) == (void *)ctx);
	obs("4.mremap-move/moved-back-from", "%s", works(to));
	obs("4.mremap-move/moved-back-to", "%s", works(ctx));
	obs_num("4.mremap-move/moved-back-destroy", aio_destroy(ctx));
}

static void shrunk(void)
{
	aio_context_t ctx = aio_context(1000);
	struct io_event ev[8];
	size_t bytes = (32 + 32ul * ring_of(ctx)->nr + PAGE - 1) / PAGE * PAGE;
	void *behind = (char *)ctx + PAGE;

	need(mremap((void *)ctx, bytes, PAGE, 0) == (void *)ctx);
	produce(ctx, 3);
	obs_num("4.mremap-shrink/shrunk-events", reap(ctx, 3, ev));
	need(mmap(behind, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	     behind);
	obs_num("4.mremap-shrink/shrunk-destroy", aio_destroy(ctx));
	obs_num("4.mremap-shrink/shrunk-what-came-behind", err(msync(behind, PAGE, MS_ASYNC)));
}

/* A piece moves: its address is the handle, and it must start with the id. */
static void piece(const char *name, unsigned page)
{
	aio_context_t ctx = aio_context(1000), to = (uintptr_t)nowhere(64 * PAGE);
	void *from = (char *)ctx + page * PAGE;
	uint32_t id = ring_of(ctx)->id;
	char tag[64];

	need(mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (void *)to);
	*(uint32_t *)to = id;
	snprintf(tag, sizeof(tag), "4.mremap-part/%s-new", name);
	obs(tag, "%s", works(to));
	snprintf(tag, sizeof(tag), "4.mremap-part/%s-old", name);
	obs(tag, "%s", works(ctx));
	snprintf(tag, sizeof(tag), "4.mremap-part/%s-new-again", name);
	obs(tag, "%s", works(to));
	snprintf(tag, sizeof(tag), "4.mremap-part/%s-destroy", name);
	obs_num(tag, aio_destroy(to));
	snprintf(tag, sizeof(tag), "4.mremap-part/%s-unmapped", name);
	obs_num(tag, err(msync((void *)to, PAGE, MS_ASYNC)));
}

/* --- unmapped and replaced --------------------------------------------------------------------- */

static void replaced(void)
{
	aio_context_t ctx = aio_context(8), large = aio_context(1000);
	void *fake = (void *)ctx, *second = (char *)large + PAGE;
	uint32_t id = ring_of(ctx)->id;
	struct io_event ev[4];

	produce(ctx, 2);
	need(!munmap(fake, PAGE));
	obs("4.munmap/calls", "%s", works(ctx));
	need(mmap(fake, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == fake);
	obs_num("4.munmap-replaced/id", id);
	obs("4.munmap-replaced/zeroes", "%s", works(ctx));
	*(uint32_t *)fake = id;
	produce(ctx, 1);
	obs("4.munmap-replaced/fake-header", "%u %u", ring_of(ctx)->head, ring_of(ctx)->tail);
	obs_num("4.munmap-replaced/fake-events", reap_now(ctx, 4, ev));
	obs_num("4.munmap-replaced/fake-head", ring_of(ctx)->head);
	obs_num("4.munmap-replaced/fake-destroy", aio_destroy(ctx));
	obs_num("4.munmap-replaced/fake-gone", err(msync(fake, PAGE, MS_ASYNC)));
	need(mmap(second, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == second);
	obs("4.second-page/second-page", "%s", works(large));
	obs_num("4.second-page/second-page-destroy", aio_destroy(large));
	obs_num("4.second-page/second-page-gone", err(msync(second, PAGE, MS_ASYNC)));
}

int main(void)
{
	victim_start();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	proc_maps();
	protections();
	advice();
	refused();
	moved();
	shrunk();
	piece("first-page", 0);
	piece("second-page", 1);
	replaced();
	return victim_end();
}
