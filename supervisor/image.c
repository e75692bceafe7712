/* SPDX-License-Identifier: MIT */
/*
 * Theory. A file may hold anything: whatever it says of itself is bounded before it is used, and each
 * read is one of a fixed size. What has a program header PT_INTERP has a loader. A program of 32 bits
 * counts as one that refuses even if it is static, for what it executes has pointers of 32 bits in
 * its environment, which nobody looks into.
 */
#include "image.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"

enum { HEADERS_MAX = 64, DYNAMIC_MAX = 1024, NAME_BYTES = 32 };

/* They refuse to start if another object comes before them. */
static const char *const sanitizers[] = { "libasan.so",  "libtsan.so",	     "libhwasan.so",
					  "liblsan.so",  "libclang_rt.asan", "libclang_rt.tsan",
					  "libclang_rt.hwasan", "libclang_rt.lsan" };

static bool is_sanitizer(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sanitizers); i++) {
		if (!strncmp(name, sanitizers[i], strlen(sanitizers[i])))
			return true;
	}
	return false;
}

static size_t read_at(int fd, void *to, size_t bytes, uint64_t at)
{
	const ssize_t n = at > INT64_MAX ? -1 : pread(fd, to, bytes, (off_t)at);

	return n < 0 ? 0 : (size_t)n;
}

/* Where in the file this address comes from; UINT64_MAX: nowhere. */
static uint64_t file_offset(const Elf64_Phdr *ph, unsigned count, uint64_t address)
{
	for (unsigned i = 0; i < count; i++) {
		if (ph[i].p_type == PT_LOAD && address >= ph[i].p_vaddr &&
		    address - ph[i].p_vaddr < ph[i].p_filesz)
			return ph[i].p_offset + (address - ph[i].p_vaddr);
	}
	return UINT64_MAX;
}

static bool needs_sanitizer(int fd, const Elf64_Phdr *ph, unsigned count, const Elf64_Phdr *dynamic)
{
	static const size_t most = DYNAMIC_MAX * sizeof(Elf64_Dyn);
	auto_free Elf64_Dyn *entries = malloc(most);
	uint64_t strings = UINT64_MAX;
	size_t n;

	if (!entries)
		return false;
	n = read_at(fd, entries, min_u64(most, dynamic->p_filesz), dynamic->p_offset) /
	    sizeof(*entries);
	for (size_t i = 0; i < n && entries[i].d_tag != DT_NULL; i++) {
		if (entries[i].d_tag == DT_STRTAB)
			strings = file_offset(ph, count, entries[i].d_un.d_ptr);
	}
	for (size_t i = 0; i < n && entries[i].d_tag != DT_NULL && strings < INT64_MAX; i++) {
		char name[NAME_BYTES + 1] = "";

		if (entries[i].d_tag == DT_NEEDED && entries[i].d_un.d_val < INT32_MAX)
			read_at(fd, name, NAME_BYTES, strings + entries[i].d_un.d_val);
		if (is_sanitizer(name))
			return true;
	}
	return false;
}

static enum image_kind look_at_elf(int fd, const Elf64_Ehdr *head)
{
	Elf64_Phdr ph[HEADERS_MAX];
	const Elf64_Phdr *dynamic = NULL;
	bool has_loader = false;
	unsigned count;

	if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_machine != EM_X86_64)
		return IMAGE_REFUSES;
	count = (unsigned)min_u64(head->e_phnum, HEADERS_MAX);
	if (head->e_phentsize != sizeof(ph[0]))
		return IMAGE_OTHER;
	count = (unsigned)(read_at(fd, ph, count * sizeof(ph[0]), head->e_phoff) / sizeof(ph[0]));
	for (unsigned i = 0; i < count; i++) {
		has_loader |= ph[i].p_type == PT_INTERP;
		if (ph[i].p_type == PT_DYNAMIC)
			dynamic = &ph[i];
	}
	if (!has_loader)
		return IMAGE_STATIC;
	return dynamic && needs_sanitizer(fd, ph, count, dynamic) ? IMAGE_REFUSES : IMAGE_LOADS;
}

/* As load_script() of fs/binfmt_script.c: blanks, the path up to the next blank. */
static enum image_kind look_at_script(const char *line, struct image *out)
{
	line += 2 + strspn(line + 2, " \t");

	const size_t bytes = strcspn(line, " \t\n");

	if (!bytes)
		return IMAGE_OTHER;
	memcpy(out->interpreter, line, bytes);
	out->interpreter[bytes] = '\0';
	return IMAGE_SCRIPT;
}

static enum image_kind look(int fd, struct image *out)
{
	char begin[IMAGE_INTERPRETER_BYTES] = "";
	const size_t n = read_at(fd, begin, sizeof(begin) - 1, 0);
	Elf64_Ehdr head;

	if (!strncmp(begin, "#!", 2))
		return look_at_script(begin, out);
	if (n < sizeof(head) || memcmp(begin, ELFMAG, SELFMAG))
		return IMAGE_OTHER;
	memcpy(&head, begin, sizeof(head));
	return look_at_elf(fd, &head);
}

void image_look(int path_fd, struct image *out)
{
	char path[64];
	struct stat st;
	auto_fd fd = -1;

	*out = (struct image){ .kind = IMAGE_OTHER };
	if (fstat(path_fd, &st) || !S_ISREG(st.st_mode))
		return;			/* to open another one may do something */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	out->kind = fd < 0 ? IMAGE_UNKNOWN : look(fd, out);
}

enum image_kind image_of_path(const char *path)
{
	struct image image = { .kind = IMAGE_SCRIPT };
	char next[IMAGE_INTERPRETER_BYTES];

	for (unsigned hop = 0; hop <= IMAGE_HOPS && image.kind == IMAGE_SCRIPT; hop++) {
		auto_fd fd = open(path, O_PATH | O_CLOEXEC);

		if (fd < 0)
			return IMAGE_UNKNOWN;
		image_look(fd, &image);
		memcpy(next, image.interpreter, sizeof(next));
		path = next;
	}
	return image.kind == IMAGE_SCRIPT ? IMAGE_OTHER : image.kind;
}
