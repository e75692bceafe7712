/* SPDX-License-Identifier: MIT */
/* The text form of programs: a step a line, "kind name=value ...", defaults left out. */
#include "step.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct symbol {
	const char *name;
	int64_t value;
};

enum type { NUMBER, HEX, PLACE };

struct arg {
	const char *name;
	int64_t initial;
	enum type type;
	const struct symbol *symbols;
};

static const struct symbol contexts[] = {
	{ "null", C_NULL }, { "one", C_ONE }, { "minus1", C_MINUS1 }, { "kernel", C_KERNEL },
	{ "off4", C_OFF4 }, { "stale", C_STALE }, { 0 }
};
static const struct symbol fds[] = {
	{ "minus1", F_MINUS1 }, { "none", F_NONE }, { "huge", F_HUGE }, { 0 }
};
static const struct symbol ops[] = {
	{ "pread", 0 }, { "pwrite", 1 }, { "fsync", 2 }, { "fdsync", 3 }, { "preadx", 4 },
	{ "poll", 5 }, { "noop", 6 }, { "preadv", 7 }, { "pwritev", 8 }, { 0 }
};
static const struct symbol places[] = {
	{ "ok", AT_OK }, { "null", AT_NULL }, { "kernel", AT_KERNEL }, { "ro", AT_RO },
	{ "edge", AT_EDGE }, { "hole", AT_HOLE }, { "copy", AT_COPY }, { "nonzero", AT_NONZERO },
	{ 0 }
};
static const struct symbol numbers[] = { { "auto", NR_AUTO }, { 0 } };
static const struct symbol timeouts[] = {
	{ "none", T_NONE }, { "zero", T_ZERO }, { "short", T_SHORT }, { "long", T_LONG },
	{ "neg", T_NEG }, { "negns", T_NEGNS }, { "bigns", T_BIGNS }, { "bad", T_BAD },
	{ "wrap", T_WRAP }, { 0 }
};
static const struct symbol masks[] = {
	{ "none", MASK_NONE }, { "empty", MASK_EMPTY }, { "usr1", MASK_USR1 }, { "all", MASK_ALL },
	{ 0 }
};
static const struct symbol fields[] = {
	{ "id", FIELD_ID }, { "nr", FIELD_NR }, { "head", FIELD_HEAD }, { "tail", FIELD_TAIL },
	{ "magic", FIELD_MAGIC }, { 0 }
};
static const struct symbol memory[] = {
	{ "rw", MEM_RW }, { "ro", MEM_RO }, { "noaccess", MEM_NOACCESS }, { "unmap", MEM_UNMAP },
	{ "move", MEM_MOVE }, { "shrink", MEM_SHRINK }, { "dontneed", MEM_DONTNEED }, { 0 }
};
static const struct symbol actions[] = {
	{ "handle", DO_HANDLE }, { "restart", DO_RESTART }, { "ignore", DO_IGNORE },
	{ "default", DO_DEFAULT }, { "block", DO_BLOCK }, { "unblock", DO_UNBLOCK }, { 0 }
};
static const struct symbol signals[] = {
	{ "usr1", 10 }, { "usr2", 12 }, { "pipe", 13 }, { "xfsz", 25 }, { "winch", 28 }, { 0 }
};
static const struct symbol whats[] = {
	{ "file", W_FILE }, { "memfd", W_MEMFD }, { "shm", W_SHM }, { "pipe", W_PIPE },
	{ "sock", W_SOCK }, { "dgram", W_DGRAM }, { "eventfd", W_EVENTFD },
	{ "semaphore", W_SEMAPHORE }, { "timerfd", W_TIMERFD }, { "null", W_NULL },
	{ "zero", W_ZERO }, { "full", W_FULL }, { "dir", W_DIR }, { "status", W_STATUS },
	{ "version", W_VERSION }, { "epoll", W_EPOLL }, { "inotify", W_INOTIFY },
	{ "pidfd", W_PIDFD }, { "fifo", W_FIFO }, { "ostype", W_OSTYPE }, { "tcp", W_TCP },
	{ "udp", W_UDP }, { "pty", W_PTY }, { "path", W_PATH }, { 0 }
};
static const struct symbol modes[] = {
	{ "rdwr", M_RDWR }, { "rdonly", M_RDONLY }, { "wronly", M_WRONLY }, { "append", M_APPEND },
	{ "direct", M_DIRECT }, { "direct_rdonly", M_DIRECT_RDONLY }, { "dsync", M_DSYNC }, { 0 }
};
static const char *const bases[BASES] = {
	"rw", "edge", "ro", "roedge", "hole", "null", "kernel", "top", "wo"
};

/* An argument names what of it is not 0, which clang takes for an oversight. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define GETEV_ARGS \
	[GETEV_C] = { "c", 0, NUMBER, contexts }, [GETEV_MIN] = { "min", 0 }, \
	[GETEV_NR] = { "nr", 8 }, [GETEV_AT] = { "at", AT_OK, NUMBER, places }, \
	[GETEV_ROOM] = { "room", 0 }, [GETEV_T] = { "t", T_ZERO, NUMBER, timeouts }, \
	[GETEV_ALARM] = { "alarm", 0 }

static const struct kind_info {
	const char *name;
	struct arg arg[ARGS_MAX];
} kinds[KINDS] = {
	[K_SETUP] = { "setup", { { "c" }, { "nr", 1, NUMBER },
				 { "at", AT_OK, NUMBER, places } } },
	[K_DESTROY] = { "destroy", { { "c", 0, NUMBER, contexts } } },
	[K_CB] = { "cb", {
		[CB_ID] = { "id" }, [CB_OP] = { "op", 0, NUMBER, ops },
		[CB_FD] = { "fd", 0, NUMBER, fds }, [CB_BUF] = { "buf", 0, PLACE },
		[CB_LEN] = { "len", 512 }, [CB_OFF] = { "off", 0 }, [CB_RWF] = { "rwf", 0, HEX },
		[CB_FLAGS] = { "flags", 0, HEX }, [CB_RESFD] = { "resfd", 0, NUMBER, fds },
		[CB_PRIO] = { "prio", 0, HEX }, [CB_RSV] = { "rsv", 0, HEX },
		[CB_AT] = { "at", AT_OK, NUMBER, places }, [CB_REP] = { "rep", 1 },
		[CB_VAT] = { "vat", AT_OK, NUMBER, places },
		[CB_S0] = { "s0", 0, PLACE }, [CB_L0] = { "l0", 0 },
		[CB_S1] = { "s1", 0, PLACE }, [CB_L1] = { "l1", 0 },
		[CB_S2] = { "s2", 0, PLACE }, [CB_L2] = { "l2", 0 },
		[CB_S3] = { "s3", 0, PLACE }, [CB_L3] = { "l3", 0 },
		[CB_VREP] = { "vrep" } } },
	[K_SUBMIT] = { "submit", {
		[SUBMIT_C] = { "c", 0, NUMBER, contexts },
		[SUBMIT_NR] = { "nr", NR_AUTO, NUMBER, numbers },
		[SUBMIT_AT] = { "at", AT_OK, NUMBER, places }, [SUBMIT_ALARM] = { "alarm" },
		[SUBMIT_LATE] = { "late" } } },
	[K_GETEV] = { "getev", { GETEV_ARGS } },
	[K_PGETEV] = { "pgetev", {
		GETEV_ARGS, [GETEV_MASK] = { "mask", MASK_NONE, NUMBER, masks },
		[GETEV_MAT] = { "mat", AT_OK, NUMBER, places }, [GETEV_MSIZE] = { "msize", 8 } } },
	[K_CANCEL] = { "cancel", {
		[CANCEL_C] = { "c", 0, NUMBER, contexts }, [CANCEL_ID] = { "id" },
		[CANCEL_AT] = { "at", AT_OK, NUMBER, places } } },
	[K_REAP] = { "reap", { { "c" }, { "n", 1 } } },
	[K_POKE] = { "poke", {
		[POKE_C] = { "c" }, [POKE_FIELD] = { "field", FIELD_HEAD, NUMBER, fields },
		[POKE_ADD] = { "add" }, [POKE_V] = { "v" } } },
	[K_RINGMEM] = { "ringmem", { { "c" }, { "do", MEM_RW, NUMBER, memory } } },
	[K_OPEN] = { "open", {
		[OPEN_F] = { "f" }, [OPEN_WHAT] = { "what", W_FILE, NUMBER, whats },
		[OPEN_NAME] = { "name" }, [OPEN_MODE] = { "mode", M_RDWR, NUMBER, modes } } },
	[K_CLOSE] = { "close", { { "f" } } },
	[K_DUP] = { "dup", { { "f" }, { "to", 1 } } },
	[K_TRUNC] = { "trunc", { { "f" }, { "size" } } },
	[K_PUT] = { "put", { { "f" }, { "n", 8 } } },
	[K_GET] = { "get", { { "f" }, { "n", 8 } } },
	[K_ARM] = { "arm", { { "f" }, { "us", 1 } } },
	[K_FLAG] = { "flag", { { "f" }, { "set", 0, HEX } } },
	[K_SHUT] = { "shut", { { "f" }, { "how" } } },
	[K_FSIZE] = { "fsize", { { "v" } } },
	[K_MEM] = { "mem", { { "page" }, { "do", MEM_RW, NUMBER, memory } } },
	[K_ACTION] = { "action", { { "sig", 10, NUMBER, signals },
				   { "do", DO_HANDLE, NUMBER, actions } } },
	[K_RAISE] = { "raise", { { "sig", 10, NUMBER, signals } } },
	[K_USER] = { "user", { { 0 } } },
	[K_FORK] = { "fork", { { 0 } } },
	[K_THREAD] = { "thread", { { 0 } } },
	[K_VFORK] = { "vfork", { { 0 } } },
	[K_END] = { "end", { { 0 } } },
	[K_BG] = { "bg", { { 0 } } },
	[K_JOIN] = { "join", { { 0 } } },
	[K_KICK] = { "kick", { { "sig", 10, NUMBER, signals } } },
	[K_SPIN] = { "spin", { { "c" }, { "f" }, { "n", 1 } } },
	[K_EXIT] = { "exit", { { "how" } } },
	[K_EXEC] = { "exec", { { "how" } } },
	[K_CAPS] = { "caps", { { "keep", 0, HEX } } },
	[K_CHMOD] = { "chmod", { { "f" }, { "mode", 0644, HEX } } },
	[K_COLD] = { "cold", { { "f" } } },
};

unsigned step_args(enum kind kind)
{
	unsigned n = 0;

	while (n < ARGS_MAX && kinds[kind].arg[n].name)
		n++;
	return n;
}

int64_t step_default(enum kind kind, unsigned arg)
{
	return kinds[kind].arg[arg].initial;
}

const char *step_name(enum kind kind)
{
	return kinds[kind].name;
}

struct step step_new(enum kind kind)
{
	struct step s = { .kind = kind };

	for (unsigned i = 0; i < step_args(kind); i++)
		s.v[i] = step_default(kind, i);
	return s;
}

const char *symbol_of(enum kind kind, unsigned arg, int64_t value)
{
	const struct symbol *sym = kinds[kind].arg[arg].symbols;

	while (sym && sym->name && sym->value != value)
		sym++;
	return sym ? sym->name : NULL;
}

static void print_value(FILE *out, const struct arg *arg, const char *symbol, int64_t v)
{
	if (symbol)
		fprintf(out, " %s=%s", arg->name, symbol);
	else if (arg->type == PLACE)
		fprintf(out, " %s=%s%+" PRId64, arg->name, bases[BUF_BASE(v) % BASES], BUF_OFF(v));
	else if (arg->type == HEX)
		fprintf(out, " %s=0x%" PRIx64, arg->name, (uint64_t)v);
	else
		fprintf(out, " %s=%" PRId64, arg->name, v);
}

void step_print(FILE *out, const struct step *s)
{
	fputs(step_name(s->kind), out);
	for (unsigned i = 0; i < step_args(s->kind); i++) {
		if (s->v[i] != step_default(s->kind, i))
			print_value(out, &kinds[s->kind].arg[i], symbol_of(s->kind, i, s->v[i]),
				    s->v[i]);
	}
	putc('\n', out);
}

void program_print(FILE *out, const struct program *p)
{
	for (unsigned i = 0; i < p->count; i++)
		step_print(out, &p->step[i]);
}

static bool parse_place(const char *text, int64_t *v)
{
	for (unsigned b = 0; b < BASES; b++) {
		const size_t n = strlen(bases[b]);
		char *end;

		if (strncmp(text, bases[b], n) || (text[n] != '+' && text[n] != '-'))
			continue;
		*v = BUF(b, strtoll(text + n, &end, 10));
		return !*end;
	}
	return false;
}

static bool parse_value(const struct arg *arg, const char *text, int64_t *v)
{
	char *end;

	for (const struct symbol *sym = arg->symbols; sym && sym->name; sym++) {
		if (!strcmp(sym->name, text)) {
			*v = sym->value;
			return true;
		}
	}
	if (arg->type == PLACE)
		return parse_place(text, v);
	*v = arg->type == HEX ? (int64_t)strtoull(text, &end, 0) : strtoll(text, &end, 0);
	return end != text && !*end;
}

static bool parse_assignment(struct step *s, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return false;
	*value++ = 0;
	for (unsigned i = 0; i < step_args(s->kind); i++) {
		if (!strcmp(kinds[s->kind].arg[i].name, word))
			return parse_value(&kinds[s->kind].arg[i], value, &s->v[i]);
	}
	return false;
}

static bool parse_step(char *line, struct step *s)
{
	char *rest = NULL, *word = strtok_r(line, " \t\n", &rest);
	unsigned kind = 0;

	while (kind < KINDS && strcmp(step_name(kind), word))
		kind++;
	if (kind == KINDS)
		return false;
	*s = step_new(kind);
	while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL) {
		if (!parse_assignment(s, word))
			return false;
	}
	return true;
}

unsigned program_parse(FILE *in, struct program *p)
{
	char line[1024];

	p->count = 0;
	for (unsigned n = 1; fgets(line, sizeof(line), in); n++) {
		if (line[0] == '#' || strspn(line, " \t\n") == strlen(line))
			continue;
		if (p->count == STEPS_MAX || !parse_step(line, &p->step[p->count]))
			return n;
		p->count++;
	}
	return 0;
}

bool step_opens_block(const struct step *s)
{
	return s->kind == K_FORK || s->kind == K_THREAD || s->kind == K_VFORK || s->kind == K_BG;
}

unsigned program_block_end(const struct program *p, unsigned i)
{
	unsigned depth = 0;

	for (; i < p->count; i++) {
		if (step_opens_block(&p->step[i]))
			depth++;
		else if (p->step[i].kind == K_END && --depth == 0)
			return i + 1;
	}
	return i;
}
