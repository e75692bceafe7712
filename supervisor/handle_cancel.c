/* SPDX-License-Identifier: MIT */
/*
 * io_cancel (docs/aio-abi.md, 13): only a POLL that waits can be cancelled; success is EINPROGRESS,
 * and the event comes through the ring. The key is looked at before the context.
 */
#include <linux/aio_abi.h>
#include <stddef.h>

#include "complete.h"
#include "errand.h"
#include "trace.h"

static struct request *find_poll(struct dispatch *d, struct call *call, struct context *ctx,
				 uaddr obj)
{
	list_for_each(node, tmp, &ctx->requests) {
		struct request *r = list_entry(node, struct request, node);

		if (r->obj != obj)
			continue;
		trace_addressed(d->trace, call, r);
		if (r->io.op == IO_POLL && !r->cancelled && r->withheld != WITHHELD_EVENT)
			return r;
	}
	return NULL;
}

struct verdict handle_cancel(struct dispatch *d, struct call *call)
{
	const uaddr obj = call->notice.args[1];
	struct context *ctx;
	struct request *r;
	uint32_t key;
	int err;

	err = errand_read_argument(call, obj + offsetof(struct iocb, aio_key), &key, sizeof(key));
	if (err)
		return errand_wanted(call) ? verdict_park(NULL) : verdict_return(err);
	if (key)
		return verdict_return(-EINVAL);
	ctx = context_lookup(call, call->notice.args[0], &err);
	if (!ctx)
		return verdict_return(err);
	r = find_poll(d, call, ctx, obj);
	if (!r)
		return verdict_return(-EINVAL);
	request_cancel(d, r);
	complete_finished(d);
	return verdict_return(-EINPROGRESS);
}
