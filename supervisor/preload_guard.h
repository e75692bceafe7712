/* SPDX-License-Identifier: MIT */
/*
 * At each execve: would the loader of the new program complain of our object in LD_PRELOAD, or
 * refuse? Then it is taken out of the caller's environment before the call goes on.
 */
#ifndef PRELOAD_GUARD_H
#define PRELOAD_GUARD_H

#include <stdbool.h>

struct call;
struct dispatch;
struct preload_guard;
struct workers;

struct preload_guard *preload_guard_create(struct dispatch *d, struct workers *workers); /* NULL with errno */
/* Behind workers_destroy(), with d->notify still open. Accepts NULL. */
void preload_guard_destroy(struct preload_guard *g);

/*
 * An execve that has just come: true: somebody looks at its file, and dispatch_admit() has it
 * afterwards, or nobody when its caller is gone. Accepts NULL.
 */
bool preload_guard_takes(struct preload_guard *g, struct call *call);

#endif
