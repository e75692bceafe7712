/* SPDX-License-Identifier: MIT */
/* AIO calls of i386 and x32 (docs/aio-abi.md, D8). */
#include "dispatch.h"
#include "log.h"

struct verdict handle_foreign(struct dispatch *d, struct call *call)
{
	log_warn_once("process %d makes AIO calls of a foreign architecture (i386 or x32): they "
		      "get ENOSYS", (int)call->notice.tid);
	return verdict_return(-ENOSYS);
}
