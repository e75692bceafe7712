/* SPDX-License-Identifier: MIT */
/*
 * What the shim and the supervisor agree upon: the only header that both include.
 *
 * The shim speaks through the trap, by calls that mean nothing natively: an io_cancel that names an
 * iocb in the kernel's half of memory (EFAULT, before anything else is looked at), and registers
 * behind the last argument of io_setup and io_destroy, which nobody reads.
 *
 *	io_cancel(CHANNEL_HELLO_CTX, CHANNEL_HELLO_IOCB, CHANNEL_VERSION)
 *		the descriptor of the channel, close-on-exec; -EBUSY: this address space has one
 *		already; any other error: there is nobody, or the shim is not wanted
 *	io_setup(nr, ctxp, CHANNEL_MAGIC, CHANNEL_STEP_RING)
 *		the descriptor of a ring for these arguments; on any error the call is made plainly
 *	io_setup(nr, ctxp, CHANNEL_MAGIC, CHANNEL_STEP_ENTER, address)
 *		the ring stands there (0: it could not be mapped): io_setup's result
 *	io_destroy(ctx, CHANNEL_MAGIC, &bytes)
 *		io_destroy's result; if it stored something in bytes, the shim unmaps as much
 *
 * The channel is one page, shared. Only the supervisor writes to it, and reads nothing back that it
 * relies on.
 */
#ifndef CHANNEL_ABI_H
#define CHANNEL_ABI_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_VERSION 1
#define CHANNEL_HELLO_CTX 0xa10a5a9d48454c4cull
#define CHANNEL_HELLO_IOCB 0xffffa10a5a9d0000ull
#define CHANNEL_MAGIC 0xa10a5a9d53484d31ull
#define CHANNEL_BYTES 4096

enum channel_step {
	CHANNEL_STEP_RING = 1,
	CHANNEL_STEP_ENTER = 2,
};

struct channel_page {
	uint32_t version;
	uint8_t unused[CHANNEL_BYTES - 4];
};

_Static_assert(sizeof(struct channel_page) == CHANNEL_BYTES, "one page");

#endif
