/* SPDX-License-Identifier: MIT */
/* The eventfd of a request, one of a tracee's. The loop thread only; never waits. */
#ifndef EVENTFD_H
#define EVENTFD_H

/*
 * Adds one as the kernel does for a completion: at 2^64-1 the count stays. 0; -EAGAIN: it stands at
 * 2^64-2, and this host lets nobody add the last one; another -errno of write(2).
 */
int eventfd_count(int fd);

#endif
