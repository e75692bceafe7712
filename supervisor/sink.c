/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <string.h>

#include "trap.h"

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

void sink_rw_flags(uint32_t flags, void (*fn)(void *arg, const char *name), void *arg)
{
	/* by value: the header may be older than the kernel */
	static const char *const names[] = { "HIPRI",  "DSYNC",	   "SYNC",     "NOWAIT",   "APPEND",
					     "NOAPPEND", "ATOMIC", "DONTCACHE", "NOSIGNAL" };
	char rest[16];

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & 1u << i)
			fn(arg, names[i]);
	}
	flags &= ~((1u << ARRAY_SIZE(names)) - 1);
	snprintf(rest, sizeof(rest), "0x%x", flags);
	if (flags)
		fn(arg, rest);
}

const char *sink_errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "?";
}
