/* SPDX-License-Identifier: MIT */
/* Address spaces, as task.c makes and finds them; what all others need is in task.h. */
#ifndef MM_H
#define MM_H

#include "task.h"

struct mm *mm_create(struct list *mms, pid_t tid);	/* NULL with errno */
/*
 * The living one that this task has, by a known user of it other than `but`; NULL: none of these.
 */
struct mm *mm_find(struct list *mms, pid_t tid, const struct process *but);
/* One of mm->processes: has it still this address space, if an execve may have succeeded? */
bool mm_has_process(const struct mm *mm, const struct process *p);

#endif
