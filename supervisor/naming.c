/* SPDX-License-Identifier: MIT */
#include "naming.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "key.h"

#define FOUND_MAX KEY_PROCESSES_MAX

struct keys *naming_begin(void)
{
	auto_free char *dir = getcwd(NULL, 0);

	return keys_create(dir);
}

/* --- the process --- */

struct search {
	const char *program;
	struct key_process *found;
	unsigned count;
};

static int note_if_same_program(pid_t tgid, void *arg)
{
	struct search *s = arg;
	struct key_process *p = &s->found[s->count];
	char program[KEY_PROGRAM_BYTES];
	pid_t ppid;

	if (tracee_program(tgid, program, sizeof(program)) || strcmp(program, s->program) != 0)
		return 0;
	p->pid = tgid;
	if (tracee_ppid(tgid, &ppid, &p->start_ticks) == 0)
		s->count++;
	return s->count == FOUND_MAX;
}

static const struct key_process *find_process(struct dispatch *d, pid_t tgid)
{
	char program[KEY_PROGRAM_BYTES] = "?";
	struct search s = { .program = program };
	const struct key_process *known;
	uint64_t start_ticks = 0;
	pid_t ppid;

	(void)tracee_program(tgid, program, sizeof(program));
	(void)tracee_ppid(tgid, &ppid, &start_ticks);
	known = keys_find(d->keys, program, tgid, start_ticks);
	if (known)
		return known;
	s.found = calloc(FOUND_MAX, sizeof(*s.found));
	if (!s.found)
		return NULL;
	tracee_for_descendants(note_if_same_program, &s);
	known = keys_number(d->keys, program, s.found, s.count, tgid);
	free(s.found);
	return known;
}

/* --- the file --- */

/* Its path, or NULL: deleted, or it never had one, or it lies outside of what we see. */
static const char *path_of(const struct file *f, char *path, size_t size)
{
	char link[64];
	struct statx sx;
	ssize_t n;

	/* without asking the file system, which may be slow */
	if (statx(f->io.fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &sx) ||
	    !sx.stx_nlink)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", f->io.fd);
	n = readlink(link, path, size - 1);
	if (n <= 0 || path[0] != '/')
		return NULL;
	path[n] = '\0';
	return path;
}

static uint64_t asked_bytes(const struct request *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->user_count; i++)
		sum += r->user[i].length_bytes;
	return sum;
}

void naming_name(struct dispatch *d, struct request *r, struct process *p)
{
	char path[PATH_MAX], file[KEY_FILE_BYTES];

	if (!p->named)
		p->named = find_process(d, p->tgid);
	if (!p->named)
		return;
	keys_file(d->keys, path_of(r->file, path, sizeof(path)), r->file->io.dev, r->file->io.ino,
		  file, sizeof(file));
	r->key = key_create(d->keys, p->named, r->opcode, file, r->io.offset, asked_bytes(r));
}
