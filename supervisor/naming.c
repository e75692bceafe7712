/* SPDX-License-Identifier: MIT */
#include "naming.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "key.h"
#include "label.h"

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

/* What /proc puts behind the path of a file that is gone, and what may be its name. */
static bool looks_deleted(const struct label *path)
{
	static const char mark[] = " (deleted)";
	const size_t bytes = sizeof(mark) - 1;

	return path->length_bytes >= bytes &&
	       !memcmp(path->text + path->length_bytes - bytes, mark, bytes);
}

/* Its path, or NULL: deleted, or it never had one, or it lies outside of what we see. */
static const char *path_of(struct file *f)
{
	const struct label *path = file_path(f);
	struct statx sx;

	if (!path || path->text[0] != '/')
		return NULL;
	if (!looks_deleted(path))
		return path->text;
	/* without asking the file system, which may be slow */
	if (statx(f->io.fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &sx))
		return NULL;
	return sx.stx_nlink ? path->text : NULL;
}

static struct label *name_of(struct dispatch *d, struct file *f)
{
	char text[KEY_FILE_BYTES];
	const char *path;

	if (!f->name)
		f->name = keys_known_file(d->keys, file_path(f));
	if (f->name)
		return f->name;
	path = path_of(f);
	keys_file(d->keys, path, f->io.dev, f->io.ino, text, sizeof(text));
	f->name = label_create(text, strlen(text));
	if (path && !looks_deleted(f->path))
		keys_know_file(d->keys, f->path, f->name);
	return f->name;
}

const struct key_process *naming_process(struct dispatch *d, struct process *p)
{
	if (!p->named)
		p->named = find_process(d, p->tgid);
	return p->named;
}

void naming_name(struct dispatch *d, struct request *r, struct process *p)
{
	struct label *file;

	file = naming_process(d, p) ? name_of(d, r->file) : NULL;
	if (file)
		r->key = key_make(d->keys, p->named, r->opcode, file, r->io.offset,
				  request_asked_bytes(r));
}

void naming_count(struct dispatch *d, struct request *r)
{
	if (r->key.process)
		key_count(d->keys, &r->key);
}
