/* SPDX-License-Identifier: MIT */
/*
 * Theory. Of a name only a 64-bit fingerprint is kept with its count, in an open table that doubles
 * until it holds KEY_COUNTS_MAX names (24 MiB): two of them are mixed up once in tens of millions
 * of such runs. What is new then has no k. Counts are never removed, so that a probe ends at the
 * first free slot.
 */
#include "key.h"

#include <assert.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "label.h"
#include "log.h"
#include "util.h"

#ifndef IOCB_CMD_PREADV
#define IOCB_CMD_PREADV 7
#define IOCB_CMD_PWRITEV 8
#endif

#define SLOTS_FIRST 1024u
#define KNOWN_FILES 64u

struct count {
	uint64_t fingerprint;		/* 0: free */
	uint64_t seen;
};

struct known_file {
	struct label *path;		/* held, so that its address is nobody else's */
	struct label *name;
};

struct keys {
	char *start_dir;
	struct known_file files[KNOWN_FILES];	/* by address of the path; the newest wins */
	struct key_process *processes[KEY_PROCESSES_MAX];
	unsigned process_count;
	struct key_process nameless;	/* all that are too many */
	struct count *counts;
	unsigned slots;			/* a power of two */
	unsigned used;
};

struct keys *keys_create(const char *start_dir)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (!keys)
		return NULL;
	strcpy(keys->nameless.program, "?");
	keys->slots = SLOTS_FIRST;
	keys->counts = calloc(keys->slots, sizeof(*keys->counts));
	keys->start_dir = strdup(start_dir ? start_dir : "");
	if (keys->counts && keys->start_dir)
		return keys;
	keys_destroy(keys);
	return NULL;
}

void keys_destroy(struct keys *keys)
{
	if (!keys)
		return;
	for (unsigned i = 0; i < keys->process_count; i++)
		free(keys->processes[i]);
	for (unsigned i = 0; i < KNOWN_FILES; i++) {
		label_put(keys->files[i].path);
		label_put(keys->files[i].name);
	}
	free(keys->counts);
	free(keys->start_dir);
	free(keys);
}

/* --- processes --- */

/* As in /proc/mounts: what would end a word or a line is written as three octal digits. */
static void escape(const char *in, char *out, size_t size)
{
	size_t used = 0;

	for (; *in && used + 5 < size; in++) {
		const unsigned char c = (unsigned char)*in;

		if (c <= ' ' || c == '\\' || c == 0x7f)
			used += (size_t)snprintf(out + used, size - used, "\\%03o", c);
		else
			out[used++] = *in;
	}
	out[used] = '\0';
}

static const struct key_process *find_escaped(const struct keys *keys, const char *program,
					      pid_t pid, uint64_t start_ticks)
{
	for (unsigned i = 0; i < keys->process_count; i++) {
		const struct key_process *p = keys->processes[i];

		if (p->pid == pid && p->start_ticks == start_ticks && !strcmp(p->program, program))
			return p;
	}
	return NULL;
}

const struct key_process *keys_find(const struct keys *keys, const char *program, pid_t pid,
				    uint64_t start_ticks)
{
	char name[KEY_PROGRAM_BYTES];

	escape(program, name, sizeof(name));
	return find_escaped(keys, name, pid, start_ticks);
}

static int by_start(const void *a, const void *b)
{
	const struct key_process *p = a, *q = b;

	if (p->start_ticks != q->start_ticks)
		return p->start_ticks < q->start_ticks ? -1 : 1;
	return p->pid < q->pid ? -1 : p->pid > q->pid;	/* a tick is 10 ms long */
}

static const struct key_process *add(struct keys *keys, const char *program,
				     const struct key_process *found)
{
	struct key_process *p;
	unsigned number = 1;

	for (unsigned i = 0; i < keys->process_count; i++)
		number += !strcmp(keys->processes[i]->program, program);
	p = keys->process_count < KEY_PROCESSES_MAX ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		log_warn_once("more than %d processes make AIO calls: keys do not tell the later "
			      "ones apart",
			      KEY_PROCESSES_MAX);
		return &keys->nameless;
	}
	*p = (struct key_process){ .number = number,
				   .pid = found->pid,
				   .start_ticks = found->start_ticks };
	snprintf(p->program, sizeof(p->program), "%s", program);
	p->hash = hash_u64(hash_text(program, strlen(program)) ^ number);
	keys->processes[keys->process_count++] = p;
	return p;
}

const struct key_process *keys_number(struct keys *keys, const char *program,
				      struct key_process *found, unsigned count, pid_t pid)
{
	const struct key_process *p = &keys->nameless;
	char name[KEY_PROGRAM_BYTES];

	escape(program, name, sizeof(name));
	if (count)
		qsort(found, count, sizeof(*found), by_start);
	for (unsigned i = 0; i < count; i++) {
		p = find_escaped(keys, name, found[i].pid, found[i].start_ticks);
		if (!p)
			p = add(keys, name, &found[i]);
		if (found[i].pid == pid)
			return p;
	}
	return &keys->nameless;
}

void keys_file(const struct keys *keys, const char *path, uint64_t dev, uint64_t ino, char *out,
	       size_t size)
{
	const size_t dir = strlen(keys->start_dir);

	if (!path) {
		snprintf(out, size, "%llx:%llu", (unsigned long long)dev, (unsigned long long)ino);
		return;
	}
	if (dir && !strncmp(path, keys->start_dir, dir) && (path[dir] == '/' || !path[dir]))
		path = path[dir] ? path + dir + 1 : ".";
	escape(path, out, size);
}

static struct known_file *known_slot(struct keys *keys, const struct label *path)
{
	return &keys->files[hash_u64((uintptr_t)path) % KNOWN_FILES];
}

struct label *keys_known_file(struct keys *keys, const struct label *path)
{
	const struct known_file *known = known_slot(keys, path);

	return path && known->path == path ? label_get(known->name) : NULL;
}

void keys_know_file(struct keys *keys, struct label *path, struct label *name)
{
	struct known_file *known = known_slot(keys, path);

	label_put(known->path);
	label_put(known->name);
	*known = (struct known_file){ label_get(path), label_get(name) };
}

/* --- counts --- */

static uint64_t fingerprint(const struct key *key)
{
	const uint64_t words[] = { label_hash(key->file), key->opcode, (uint64_t)key->offset,
				   key->length_bytes };
	uint64_t h = key->process->hash;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		h = hash_u64(h ^ words[i]) + 3;
	return h ? h : 1;
}

/* Where its slot is looked for. */
static struct count *home(struct count *counts, unsigned slots, uint64_t fingerprint)
{
	return &counts[(unsigned)fingerprint & (slots - 1)];
}

/* Its slot, or the free one where it belongs. */
static struct count *slot(struct count *counts, unsigned slots, uint64_t fingerprint)
{
	struct count *c = home(counts, slots, fingerprint);

	while (c->fingerprint && c->fingerprint != fingerprint)
		c = c + 1 < counts + slots ? c + 1 : counts;
	return c;
}

/* Two thirds full at most, which also ends every probe. */
static bool has_room(struct keys *keys)
{
	const unsigned slots = keys->slots * 2;
	struct count *counts;

	if (keys->used >= KEY_COUNTS_MAX)
		return false;
	if (keys->used < keys->slots / 3 * 2)
		return true;
	counts = calloc(slots, sizeof(*counts));
	if (!counts)
		return false;
	for (unsigned i = 0; i < keys->slots; i++) {
		if (keys->counts[i].fingerprint)
			*slot(counts, slots, keys->counts[i].fingerprint) = keys->counts[i];
	}
	free(keys->counts);
	keys->counts = counts;
	keys->slots = slots;
	return true;
}

static uint64_t count_one(struct keys *keys, uint64_t fingerprint)
{
	struct count *c = slot(keys->counts, keys->slots, fingerprint);

	if (!c->fingerprint) {
		if (!has_room(keys)) {
			log_warn_once("more than %d different requests: keys of further ones have "
				      "no number",
				      KEY_COUNTS_MAX);
			return KEY_UNCOUNTED;
		}
		c = slot(keys->counts, keys->slots, fingerprint);
		c->fingerprint = fingerprint;
		keys->used++;
	}
	return c->seen++;
}

/* --- keys --- */

struct key key_make(struct keys *keys, const struct key_process *process, uint16_t opcode,
		    struct label *file, int64_t offset, uint64_t length_bytes)
{
	struct key key = { .process = process,
			   .opcode = opcode,
			   .offset = offset,
			   .length_bytes = length_bytes,
			   .file = label_get(file) };

	key.k = fingerprint(&key);
	__builtin_prefetch(home(keys->counts, keys->slots, key.k), 1);
	return key;
}

void key_count(struct keys *keys, struct key *key)
{
	key->k = count_one(keys, key->k);
}

void key_put(struct key *key)
{
	label_put(key->file);
	*key = (struct key){ 0 };
}

void key_take_back(struct keys *keys, const struct key *key)
{
	if (key->process && key->k != KEY_UNCOUNTED)
		slot(keys->counts, keys->slots, fingerprint(key))->seen--;
}

static const char *op_name(uint16_t opcode)
{
	static const char *const names[] = {
		[IOCB_CMD_PREAD] = "pread",
		[IOCB_CMD_PWRITE] = "pwrite",
		[IOCB_CMD_FSYNC] = "fsync",
		[IOCB_CMD_FDSYNC] = "fdsync",
		[IOCB_CMD_POLL] = "poll",
		[IOCB_CMD_PREADV] = "preadv",
		[IOCB_CMD_PWRITEV] = "pwritev",
	};

	return opcode < ARRAY_SIZE(names) && names[opcode] ? names[opcode] : "?";
}

/* "?" for what was beyond a limit. */
static char *put_number(char *at, uint64_t n, bool known)
{
	return known ? format_u64(at, n) : format_literal(at, "?");
}

const char *key_text(const struct key *key, char *out, size_t size)
{
	char *at = format_text(out, key->process->program);

	assert(size >= KEY_TEXT_BYTES);
	at = format_literal(at, ":");
	at = put_number(at, key->process->number, key->process->number);
	at = format_text(format_literal(at, " "), op_name(key->opcode));
	at = format_literal(at, " ");
	at = format_bytes(at, key->file->text, key->file->length_bytes);
	at = format_i64(format_literal(at, " @"), key->offset);
	at = format_u64(format_literal(at, "+"), key->length_bytes);
	at = put_number(format_literal(at, " #"), key->k, key->k != KEY_UNCOUNTED);
	*at = '\0';
	return out;
}
