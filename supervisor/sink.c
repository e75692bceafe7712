/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "trap.h"

struct sink *sink_create(size_t size_bytes, const struct sink_ops *ops)
{
	struct sink *s = calloc(1, size_bytes);

	if (s)
		s->ops = ops;
	return s;
}

void sink_destroy(struct sink *s)
{
	if (s && s->ops->release)
		s->ops->release(s);
	free(s);
}

const char *sink_call_name(unsigned nr)
{
	const char *name = trap_call_name(nr);

	return name ? name : "?";
}

const char *sink_op_name(unsigned opcode)
{
	static const char *const names[] = {
		[IOCB_CMD_PREAD] = "pread",   [IOCB_CMD_PWRITE] = "pwrite",
		[IOCB_CMD_FSYNC] = "fsync",   [IOCB_CMD_FDSYNC] = "fdsync",
		[IOCB_CMD_POLL] = "poll",     [IOCB_CMD_NOOP] = "noop",
		[IOCB_CMD_PREADV] = "preadv", [IOCB_CMD_PWRITEV] = "pwritev",
	};

	return opcode < ARRAY_SIZE(names) && names[opcode] ? names[opcode] : "?";
}

static void tell_bits(uint32_t bits, const char *const *names, unsigned count,
		      void (*fn)(void *arg, const char *name), void *arg)
{
	const uint32_t nameless = bits & ~((1u << count) - 1);
	char hex[16];

	for (unsigned i = 0; i < count; i++) {
		if (bits & 1u << i)
			fn(arg, names[i]);
	}
	if (!nameless)
		return;
	snprintf(hex, sizeof(hex), "0x%x", nameless);
	fn(arg, hex);
}

void sink_rw_flags(uint32_t flags, void (*fn)(void *arg, const char *name), void *arg)
{
	/* by value: the header may be older than the kernel */
	static const char *const names[] = { "HIPRI",  "DSYNC",	   "SYNC",     "NOWAIT",   "APPEND",
					     "NOAPPEND", "ATOMIC", "DONTCACHE", "NOSIGNAL" };

	tell_bits(flags, names, ARRAY_SIZE(names), fn, arg);
}

void sink_poll_events(uint32_t events, void (*fn)(void *arg, const char *name), void *arg)
{
	static const char *const names[] = { "IN",   "PRI",    "OUT",	 "ERR",	   "HUP",
					     "NVAL", "RDNORM", "RDBAND", "WRNORM", "WRBAND",
					     "MSG",  "0x800",  "REMOVE", "RDHUP" };

	tell_bits(events, names, ARRAY_SIZE(names), fn, arg);
}

const char *sink_errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "?";
}
