/* SPDX-License-Identifier: MIT */
/* Where a mapping begins and ends, by both ways that kernels tell; if wrong, reads lose data. */
#include "mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracee.h"
#include "unit.h"

#define PAGES 5

static char *base;
static int maps;

/* none, read-only, read and write, nothing at all, write-only */
static void set_up(void)
{
	base = mmap(NULL, PAGES * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(base, MAP_FAILED);
	ck_assert_int_eq(mprotect(base + PAGE_BYTES, PAGE_BYTES, PROT_READ), 0);
	ck_assert_int_eq(mprotect(base + 2 * PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(munmap(base + 3 * PAGE_BYTES, PAGE_BYTES), 0);
	ck_assert_int_eq(mprotect(base + 4 * PAGE_BYTES, PAGE_BYTES, PROT_WRITE), 0);
	maps = tracee_open(getpid(), "maps", O_RDONLY);
	ck_assert_int_ge(maps, 0);
}

static void check_pages(int (*ask)(int, uaddr, struct mapping *))
{
	static const bool readable[PAGES] = { false, true, true }, writable[PAGES] = { [2] = true, [4] = true };
	const uaddr at = (uaddr)(uintptr_t)base;
	struct mapping m;

	for (unsigned i = 0; i < PAGES; i++) {
		const int err = ask(maps, at + i * PAGE_BYTES + 17, &m);

		ck_assert_int_eq(err, i == 3 ? -ENOENT : 0);
		if (err)
			continue;
		ck_assert_uint_eq(m.readable, readable[i]);
		ck_assert_uint_eq(m.writable, writable[i]);
		ck_assert(m.start <= at + i * PAGE_BYTES && m.end >= at + (i + 1) * PAGE_BYTES);
		if (i == 1 || i == 2)
			ck_assert(m.start == at + i * PAGE_BYTES && m.end == m.start + PAGE_BYTES);
	}
}

START_TEST(pages_are_told)
{
	set_up();
	check_pages(mapping_at);
}
END_TEST

START_TEST(text_tells_the_same)
{
	set_up();
	check_pages(mapping_by_text);
	check_pages(mapping_by_text);
}
END_TEST

START_TEST(a_file_is_told)
{
	const int fd = memfd_create("here", MFD_CLOEXEC);
	struct mapping m[2];
	struct stat st;
	char *at;

	ck_assert(!ftruncate(fd, 3 * PAGE_BYTES) && !fstat(fd, &st));
	at = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 2 * PAGE_BYTES);
	ck_assert_ptr_ne(at, MAP_FAILED);
	maps = tracee_open(getpid(), "maps", O_RDONLY);
	ck_assert_int_eq(mapping_at(maps, (uaddr)(uintptr_t)at, &m[0]), 0);
	ck_assert_int_eq(mapping_by_text(maps, (uaddr)(uintptr_t)at, &m[1]), 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(m[i].ino, st.st_ino);
		ck_assert_uint_eq(m[i].dev, st.st_dev);
		ck_assert_uint_eq(m[i].offset, 2 * PAGE_BYTES);
	}
}
END_TEST

START_TEST(nobody_has_none)
{
	struct mapping m;

	ck_assert_int_eq(mapping_of(0x7ffffff0, 0, &m), -ENOENT);
	ck_assert_int_eq(mapping_of(getpid(), 0, &m), -ENOENT);
}
END_TEST

UNIT_MAIN("mapping", pages_are_told, text_tells_the_same, a_file_is_told, nobody_has_none)
