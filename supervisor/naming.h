/* SPDX-License-Identifier: MIT */
/* Finds out what keys are made of: program and start of a process, path of a file. */
#ifndef NAMING_H
#define NAMING_H

#include "dispatch.h"

struct keys *naming_begin(void);	/* in PROGRAM's starting directory; NULL: ENOMEM */

/* NULL: no memory. Only where d->keys is set, as the rest. */
const struct key_process *naming_process(struct dispatch *d, struct process *p);
/* At acceptance; without memory the request has no key. Only where d->keys is set. */
void naming_name(struct dispatch *d, struct request *r, struct process *p);
void naming_count(struct dispatch *d, struct request *r);	/* soon afterwards (key.h) */

#endif
