/* SPDX-License-Identifier: MIT */
/* Shared by the probe_*.c files only: the tracee of a probe, and the probes themselves. */
#ifndef PROBE_IMPL_H
#define PROBE_IMPL_H

#include <poll.h>
#include <stdbool.h>

#include "probe.h"
#include "util.h"

/* A step may take long on a loaded host; the whole probe is killed after PROBE_DEADLINE_MS. */
#define PROBE_STEP_MS 2000
#define PROBE_DEADLINE_MS 5000

/*
 * A forked child; `sock` is our end of a SOCK_SEQPACKET pair, whose other end has the number
 * its_sock there.
 */
struct victim {
	pid_t pid;		/* 0: none */
	int sock;
	int its_sock;
};

typedef void victim_fn(int sock, const void *arg);

/* Runs fn in a child, which exits when fn returns and dies with us. 0 or -errno. */
int victim_start(struct victim *v, victim_fn *fn, const void *arg);
int victim_wait(
	struct victim *v); /* until it has ended by itself; the signal that killed it, or 0 */
void victim_end(struct victim *v);	/* kills and reaps it; harmless when already gone */
void victim_idle(int sock, const void *arg);	/* a victim_fn: waits until we close our end */

#define auto_victim cleanup(victim_end) struct victim

/* poll() that survives signals: number of ready entries, -ETIMEDOUT or -errno. */
int probe_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int probe_read_number(const char *path, unsigned long *value);	/* 0 or -errno */

/*
 * A probe: 0 = yes, -errno = no; run in a child that ends afterwards, so it may leave descriptors
 * open. *out starts as PROBE_NO; it may be set to PROBE_UNKNOWN and filled with details.
 */
typedef int probe_fn(struct probe_result *out);

probe_fn probe_notify, probe_listener, probe_aio_calls, probe_aio_calls_more, probe_wait_killable,
	 probe_sync_wake_up, probe_addfd, probe_addfd_send;
probe_fn probe_pidfd_open, probe_pidfd_thread, probe_pidfd_getfd, probe_kcmp, probe_process_vm,
	 probe_ptrace;
probe_fn probe_io_uring, probe_native_aio, probe_libaio, probe_aio_nr;

#endif
