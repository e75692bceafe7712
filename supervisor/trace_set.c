/* SPDX-License-Identifier: MIT */
#include "trace_set.h"

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "util.h"

#define CALL(kind) (1u << (CALL_SHIFT + (kind)))
#define CALL_SHIFT 16
#define OP(name) (1u << IOCB_CMD_##name)

/* the first five in the order of their numbers */
enum { SETUP, DESTROY, GETEVENTS, SUBMIT, CANCEL, PGETEVENTS };

#define CALLS \
	(CALL(SETUP) | CALL(DESTROY) | CALL(GETEVENTS) | CALL(SUBMIT) | CALL(CANCEL) | \
	 CALL(PGETEVENTS))
#define READS (OP(PREAD) | OP(PREADV))
#define WRITES (OP(PWRITE) | OP(PWRITEV))
#define SYNCS (OP(FSYNC) | OP(FDSYNC))

static const struct {
	const char *name;
	uint32_t bits;
} words[] = {
	{ "all", TRACE_SET_ALL },
	{ "none", 0 },
	{ "calls", CALLS },
	{ "requests", ~CALLS },
	{ "io_setup", CALL(SETUP) },
	{ "io_destroy", CALL(DESTROY) },
	{ "io_getevents", CALL(GETEVENTS) },
	{ "io_submit", CALL(SUBMIT) },
	{ "io_cancel", CALL(CANCEL) },
	{ "io_pgetevents", CALL(PGETEVENTS) },
	{ "read", READS },
	{ "write", WRITES },
	{ "sync", SYNCS },
	{ "pread", OP(PREAD) },
	{ "preadv", OP(PREADV) },
	{ "pwrite", OP(PWRITE) },
	{ "pwritev", OP(PWRITEV) },
	{ "fsync", OP(FSYNC) },
	{ "fdsync", OP(FDSYNC) },
	{ "poll", OP(POLL) },
	{ "noop", OP(NOOP) },
};

static int add_word(const char *word, size_t length, uint32_t *set)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) == length && !memcmp(words[i].name, word, length)) {
			*set |= words[i].bits;
			return 0;
		}
	}
	return -EINVAL;
}

const char *trace_set_parse(const char *text, uint32_t *set)
{
	const bool inverted = *text == '!';
	uint32_t found = 0;
	size_t length;

	for (text += inverted; ; text += length + 1) {
		length = strcspn(text, ",");
		if (add_word(text, length, &found))
			return text;
		if (!text[length])
			break;
	}
	*set = inverted ? ~found : found;
	return NULL;
}

uint32_t trace_set_op(unsigned opcode)
{
	return 1u << opcode % CALL_SHIFT;
}

uint32_t trace_set_call(unsigned nr)
{
	return nr == SYS_io_pgetevents ? CALL(PGETEVENTS) : CALL(nr - SYS_io_setup);
}
