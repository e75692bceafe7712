/* SPDX-License-Identifier: MIT */
/*
 * The supervisor may be privileged where its tracee is not. What that would change is done without
 * the privilege: a write to a set-user-ID file takes the bits away unless the writer has
 * CAP_FSETID.
 */
#ifndef CREDS_H
#define CREDS_H

#include <stdbool.h>

bool creds_have_fsetid(void);		/* this thread, now */
int creds_drop_fsetid(void); /* for this thread, until creds_take_fsetid(); 0 or -errno */
void creds_take_fsetid(void);

#endif
