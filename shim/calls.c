/* SPDX-License-Identifier: MIT */
/* The calls that the shim may shorten one day: they go through the trap as they are. */
#include "calls.h"

#include <sys/syscall.h>

#include "raw.h"

long aio_setup(long nr, long ctxp, long c, long d, long e, long f)
{
	return raw6(SYS_io_setup, nr, ctxp, c, d, e, f);
}

long aio_destroy(long ctx, long b, long c, long d, long e, long f)
{
	return raw6(SYS_io_destroy, ctx, b, c, d, e, f);
}

long aio_getevents(long nr, const long args[6])
{
	return raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}
