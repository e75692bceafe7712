/* SPDX-License-Identifier: MIT */
#include "record.h"

void record_request_copy(struct record_request *to, const struct record_request *from)
{
	*to = *from;
	to->key = (struct key){ 0 };
	(void)label_get(to->path);
	(void)label_get(to->comm);
	(void)label_get(to->sample);
}

void record_request_put(struct record_request *r)
{
	label_put(r->path);
	label_put(r->comm);
	label_put(r->sample);
	key_put(&r->key);
}
