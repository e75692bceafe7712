/* SPDX-License-Identifier: MIT */
/* What the interposed functions call. Results are the kernel's: a count or -errno. */
#ifndef CALLS_H
#define CALLS_H

long aio_setup(long nr, long ctxp, long c, long d, long e, long f);
long aio_destroy(long ctx, long b, long c, long d, long e, long f);
long aio_submit(const long args[6]);
void pass_descriptors(const long args[6]);	/* of io_submit */
long aio_getevents(long nr, const long args[6]);	/* io_getevents, io_pgetevents */

#endif
