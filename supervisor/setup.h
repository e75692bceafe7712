/* SPDX-License-Identifier: MIT */
/* What the two ways of io_setup share: by ptrace (handle_setup.c) and by the shim (handle_shim.c). */
#ifndef SETUP_H
#define SETUP_H

#include "dispatch.h"

/* Tests 1 to 4 of docs/aio-abi.md, 2: 0 or -errno. */
int setup_check(struct dispatch *d, struct call *call);
/* Tests 6 and 8, which the kernel makes when the mapping stands; it is a context afterwards. */
int64_t setup_enter(struct dispatch *d, struct call *call, struct context *ctx, int64_t at);

/* handle_shim.c: the thread has mapped the ring that it was given. */
bool shim_sets_up(const struct call *call);
struct verdict shim_enter(struct dispatch *d, struct call *call);
/* It will unmap the ring, of so many bytes, by itself. */
bool shim_unmaps(const struct call *call, uint64_t bytes);

#endif
