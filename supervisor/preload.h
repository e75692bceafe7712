/* SPDX-License-Identifier: MIT */
/*
 * The shim in PROGRAM's environment: LD_PRELOAD. Beside the running program if it is there (the
 * build tree), else where `make install` puts it.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

/*
 * In the child that becomes PROGRAM, as the user that it is then. What LD_PRELOAD holds already
 * stays, before the shim: others, such as a sanitizer, may have to be the first. 0, or -errno, and
 * the environment is as it was: -ENOENT: there is none that this user can read; -EINVAL: its path
 * has a space or a colon, which LD_PRELOAD cannot say.
 */
int preload_shim(void);

#endif
