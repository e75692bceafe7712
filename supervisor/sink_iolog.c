/* SPDX-License-Identifier: MIT */
/*
 * fio's "version 3 iolog", which fio --read_iolog replays: requests in the order in which they were
 * accepted, with microseconds since the start. fio reads words of at most 256 bytes, so that files
 * whose paths it cannot read are left out, as is what has no path, no length or no counterpart
 * (poll); how many, is told at the end.
 */
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "log.h"
#include "sink.h"

#define PATH_MAX_BYTES 255u		/* fio's 256 with a 0 */
#define LINE_BYTES (PATH_MAX_BYTES + 128u)
#define SLOTS_FIRST 64u

struct iolog {
	struct sink sink;
	struct label **files;		/* an open table: those that have been added */
	unsigned slots;			/* a power of two */
	unsigned used;
	uint64_t left_out;
	uint64_t last_us;		/* of two threads the later may come first */
};

static const char *action(uint16_t opcode)
{
	static const char *const names[] = {
		[IOCB_CMD_PREAD] = "read",   [IOCB_CMD_PREADV] = "read",
		[IOCB_CMD_PWRITE] = "write", [IOCB_CMD_PWRITEV] = "write",
		[IOCB_CMD_FSYNC] = "sync",   [IOCB_CMD_FDSYNC] = "datasync",
	};

	return opcode < ARRAY_SIZE(names) ? names[opcode] : NULL;
}

static bool is_sync(const struct record_request *r)
{
	return r->opcode == IOCB_CMD_FSYNC || r->opcode == IOCB_CMD_FDSYNC;
}

static bool is_readable(const struct label *path)
{
	if (!path || path->text[0] != '/' || path->length_bytes > PATH_MAX_BYTES)
		return false;
	for (const char *c = path->text; *c; c++) {
		if (*c == ' ' || (*c >= '\t' && *c <= '\r'))
			return false;
	}
	return true;
}

/* --- files --- */

static struct label **slot(struct label **files, unsigned slots, const struct label *path)
{
	uint64_t h = path->length_bytes;
	unsigned i;

	for (const char *c = path->text; *c; c++)
		h = h * 31 + (unsigned char)*c;
	i = (unsigned)hash_u64(h) & (slots - 1);
	while (files[i] && strcmp(files[i]->text, path->text) != 0)
		i = (i + 1) & (slots - 1);
	return &files[i];
}

/* Two thirds full at most. */
static bool has_room(struct iolog *l)
{
	const unsigned slots = l->slots ? 2 * l->slots : SLOTS_FIRST;
	struct label **files;

	if (l->used < l->slots / 3 * 2)
		return true;
	files = calloc(slots, sizeof(struct label *));
	if (!files)
		return false;
	for (unsigned i = 0; i < l->slots; i++) {
		if (l->files[i])
			*slot(files, slots, l->files[i]) = l->files[i];
	}
	free(l->files);
	l->files = files;
	l->slots = slots;
	return true;
}

static void put_line(struct iolog *l, uint64_t ns, const struct label *path, const char *what,
		     const struct record_request *r)
{
	const uint64_t start_ns = l->sink.run->started_ns;
	char *at = out_reserve(l->sink.out, LINE_BYTES);

	if (!at)
		return;
	if (ns > start_ns)
		l->last_us = max_u64(l->last_us, (ns - start_ns) / NSEC_PER_USEC);
	at = format_u64(at, l->last_us);
	at = format_bytes(format_literal(at, " "), path->text, path->length_bytes);
	at = format_text(format_literal(at, " "), what);
	if (r) {
		at = format_i64(format_literal(at, " "), is_sync(r) ? 0 : r->offset);
		at = format_u64(format_literal(at, " "), is_sync(r) ? 0 : r->length_bytes);
	}
	out_advance(l->sink.out, format_literal(at, "\n"));
	out_end_line(l->sink.out);
}

/* False: no memory to remember it. */
static bool add_file(struct iolog *l, struct label *path, uint64_t ns)
{
	struct label **place;

	if (!has_room(l))
		return false;
	place = slot(l->files, l->slots, path);
	if (*place)
		return true;
	*place = label_get(path);
	l->used++;
	put_line(l, ns, path, "add", NULL);
	put_line(l, ns, path, "open", NULL);
	return true;
}

/* --- the sink --- */

static void iolog_start(struct sink *s)
{
	out_text(s->out, "fio version 3 iolog\n");
	out_end_line(s->out);
}

static void iolog_accepted(struct sink *s, const struct record_request *r)
{
	struct iolog *l = (struct iolog *)s;

	if (!action(r->opcode) || !is_readable(r->path) || (!r->length_bytes && !is_sync(r)) ||
	    !add_file(l, r->path, r->submitted_ns))
		l->left_out++;
	else
		put_line(l, r->submitted_ns, r->path, action(r->opcode), r);
}

static void iolog_end(struct sink *s, const struct sink_counts *counts)
{
	struct iolog *l = (struct iolog *)s;

	for (unsigned i = 0; i < l->slots; i++) {
		if (l->files[i])
			put_line(l, counts->ended_ns, l->files[i], "close", NULL);
	}
	if (l->left_out)
		log_warn("%llu requests are not in the fio-iolog: it has words only for reads, "
			 "writes and syncs of files whose path is short and without blanks",
			 (unsigned long long)l->left_out);
}

static void iolog_release(struct sink *s)
{
	struct iolog *l = (struct iolog *)s;

	for (unsigned i = 0; i < l->slots; i++)
		label_put(l->files[i]);
	free(l->files);
}

static const struct sink_ops iolog_ops = {
	.name = "fio-iolog",
	.wants = 1u << RECORD_ACCEPTED | 1u << RECORD_TAKEN_BACK | 1u << RECORD_CALL,
	.start = iolog_start,
	.accepted = iolog_accepted,
	.end = iolog_end,
	.release = iolog_release,
};

struct sink *sink_iolog_create(void)
{
	return sink_create(sizeof(struct iolog), &iolog_ops);
}
