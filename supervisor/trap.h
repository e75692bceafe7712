/* SPDX-License-Identifier: MIT */
/*
 * The trap: a BPF program by libseccomp that notifies for the six AIO calls and for execve,
 * execveat, exit and exit_group of every architecture, and allows all else. Decisions depend on the
 * number alone.
 */
#ifndef TRAP_H
#define TRAP_H

#include <stdbool.h>

struct trap;

struct trap *trap_build(void);		/* NULL with errno */
void trap_destroy(struct trap *t);	/* accepts NULL */

/*
 * Installs the filter in the calling thread for good; returns the listener's fd, or -errno: -EBUSY
 * where another listener is in place. Sets no_new_privs first unless the caller has CAP_SYS_ADMIN.
 * Allocates nothing: safe in a forked child. *wait_killable: the kernel (5.19) lets a call that was
 * received be broken off by SIGKILL only.
 */
int trap_install(const struct trap *t, bool *wait_killable);

/* "io_submit"; NULL for a call that the trap does not catch, or of a foreign architecture. */
const char *trap_call_name(unsigned nr);

#endif
