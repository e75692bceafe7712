/* SPDX-License-Identifier: MIT */
/*
 * --lint: what a program does with AIO that is a mistake in all likelihood, told once per kind,
 * place in the program and file. An observer: it changes nothing. Where the dispatch has none each
 * function is one test of a pointer.
 */
#ifndef LINT_H
#define LINT_H

#include "dispatch.h"

struct lint *lint_create(void);		/* NULL: ENOMEM */
void lint_destroy(struct lint *l);	/* says what there was no room for; accepts NULL */

void lint_accepted(struct lint *l, struct call *call, struct request *r);
/* It is about to be answered: io_setup, handles, partial io_submit. */
void lint_answers(struct dispatch *d, struct call *call, int64_t value);
/* Parked without a deadline. */
void lint_waits(struct lint *l, struct call *call, struct context *ctx);
/* Its result is known, its data are still there; the event is about to be stored. */
void lint_published(struct lint *l, struct request *r);
/* The caller destroys it. */
void lint_destroyed(struct lint *l, struct call *call, struct context *ctx);
/* They are about to be freed: nothing of them may be remembered. */
void lint_context_over(struct lint *l, const struct context *ctx);
void lint_mm_over(struct lint *l, const struct mm *mm);
/* The caller's address space is about to end by exit. */
void lint_exit(struct lint *l, struct call *call);

#endif
