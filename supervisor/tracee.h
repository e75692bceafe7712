/* SPDX-License-Identifier: MIT */
/*
 * What we read and write of other processes: memory, descriptors, /proc. A remote address is a
 * uaddr and never becomes a pointer. Everything here returns a count or 0, or -errno; -ESRCH: the
 * task is gone.
 */
#ifndef TRACEE_H
#define TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "util.h"

struct uvec {			/* a piece of a tracee's memory; layout of struct iovec */
	uaddr base;
	uint64_t length_bytes;
};

/*
 * Bytes copied (short at the first page that is not accessible, as the kernel's own copies are), or
 * -EFAULT when that is none, or another -errno. Page protection is respected.
 */
#define TRACEE_COPY_TRIES 4		/* want of kernel memory is not the tracee's fault */
ssize_t tracee_read(pid_t tid, uaddr from, void *to, size_t length_bytes);
ssize_t tracee_write(pid_t tid, uaddr to, const void *from, size_t length_bytes);
ssize_t tracee_readv(pid_t tid, const struct uvec *from, unsigned from_count,
		     const struct iovec *to, unsigned to_count);
ssize_t tracee_writev(pid_t tid, const struct uvec *to, unsigned to_count,
		      const struct iovec *from, unsigned from_count);

/*
 * Where the addresses end that this kernel takes for a user's at all (its access_ok()): by
 * page-table levels and version. Found by asking, once.
 */
uaddr tracee_space_end(void);

/* All or -EFAULT. */
int tracee_read_all(pid_t tid, uaddr from, void *to, size_t length_bytes);
int tracee_write_all(pid_t tid, uaddr to, const void *from, size_t length_bytes);
/*
 * Of memory that cannot be read or written from here: does it lie in a mapping where the program
 * itself may?
 */
bool tracee_hides(pid_t tid, uaddr at, bool write);
/* The same of the place in a vector where a copy of it ended; done < 0: at its begin. */
bool tracee_hides_from(pid_t tid, const struct uvec *v, unsigned count, ssize_t done, bool write);
/* Is it this file, by stat(2), that is mapped where a mapping begins at this address? */
bool tracee_has_mapped(pid_t tid, uaddr at, dev_t dev, ino_t ino);

/* Last part of the path of what it executes, cut to size: 0 or -errno. */
int tracee_program(pid_t tgid, char *name, size_t size);
enum { TRACEE_COMM_BYTES = 64 };
/* The thread's own name, any bytes; 0 or -errno. */
int tracee_comm(pid_t tid, char *name, size_t size);

pid_t tracee_tgid(pid_t tid);			/* of any thread; or -errno */
int tracee_ppid(pid_t tgid, pid_t *ppid, uint64_t *start_ticks);

/*
 * A pidfd for the thread (its own descriptor table), or for the process where the kernel has none
 * of that.
 */
int tracee_open_thread(pid_t tid, pid_t tgid);
int tracee_open_process(pid_t tgid);

/* A duplicate of the task's descriptor, CLOEXEC. -EBADF: not open there. */
int tracee_get_fd(int pidfd, int fd);

/* 1: same address space; 0: not; -errno: cannot be told (ENOSYS, EPERM) or ESRCH. */
int tracee_same_mm(pid_t a, pid_t b);

/* The same for a thread's descriptor and one of ours: the same open file description? */
int tracee_same_file(pid_t tid, int fd, int our_fd);

/*
 * A file of /proc/TID, or -errno. "mem" and "maps" stay bound to the address space that the task has
 * now, whatever it executes later.
 */
int tracee_open(pid_t tid, const char *name, int flags);
bool tracee_mem_alive(int mem_fd, uaddr known);	/* does that address space still have a user? */

int tracee_open_stat(pid_t tgid, pid_t tid);
char tracee_state(int stat_fd);			/* state letter; 'X': gone, '?': unknown */

int tracee_thread_count(int stat_fd);		/* of its process; or -errno */

/* Number of the system call that the thread is blocked in; -EAGAIN: it is running; -errno. */
int tracee_blocked_in(pid_t tgid, pid_t tid);

/* Calls fn for each thread of the process until it returns non-zero; that, 0, or -errno of a look. */
int tracee_for_threads(pid_t tgid, int (*fn)(pid_t tid, char state, void *arg), void *arg);

/* Calls fn for each process below the calling one until it returns non-zero; as above. */
int tracee_for_descendants(int (*fn)(pid_t tgid, void *arg), void *arg);

/* Soft RLIMIT_FSIZE of the process; UINT64_MAX: unlimited or unknown. */
uint64_t tracee_file_size_limit(pid_t tgid);

bool tracee_has_uring(pid_t tid);	/* is an io_uring open there? */

/* /proc/TID/status; its bytes or -errno, of which -ESRCH is a thread that has gone. */
ssize_t tracee_status(pid_t tid, char *buf, size_t size);

/* tracee_signals.c */
unsigned tracee_filters(pid_t tid);		/* seccomp filters; 0: unknown (before 5.9), or gone */
bool tracee_is_traced_by_us(pid_t tid);		/* and lives */

/* Is a signal pending for the thread that this mask (bit n - 1 = signal n) lets through? 1, 0, -errno */
int tracee_signal_pending(pid_t tid, uint64_t mask);
bool tracee_signal_deliverable(pid_t tid);	/* the same for its own mask */

/* What becomes of SIGPIPE or SIGXFSZ in this thread. */
enum tracee_signal {
	SIGNAL_NONE,		/* blocked or ignored, or the thread has gone */
	SIGNAL_HANDLED,
	SIGNAL_KILLS,
	SIGNAL_UNKNOWN,		/* /proc could not be read */
};

/* mask: the one that counts; NULL: the thread's own */
enum tracee_signal tracee_signal_effect(pid_t tid, int signo, const uint64_t *mask);
void tracee_signal_thread(pid_t tgid, pid_t tid, int signo);
void tracee_signal_process(int pidfd, int signo);

/* tracee_creds.c; capability n is bit n. -ENOTTY, ...: this kernel tells no ids by a pidfd. */
struct creds_ids;
int tracee_caps(pid_t tid, uint64_t *effective, uint64_t *permitted);
int tracee_ids(int pidfd, struct creds_ids *ids);
int tracee_creds(pid_t tid, struct creds_ids *ids, gid_t **groups, unsigned *group_count);
bool tracee_same_pid_namespace(pid_t tid);	/* its numbers are ours; false: unknown too */
bool tracee_sees_our_files(pid_t tid);	/* root and mount namespace are ours; false: unknown too */
bool tracee_space_unlimited(pid_t tgid);	/* RLIMIT_AS; false: unknown too */
bool tracee_same_time_namespace(pid_t tid);	/* its clock is ours */
int tracee_in_our_user_ns(pid_t tid);		/* 1; 0: not, or hidden from us; -errno */
/* The number of the thread's user namespace of now, by an O_PATH descriptor of ns/user; 0: unknown. */
uint64_t tracee_user_ns(int link_fd);

/* May the thread ask for real-time I/O priority (CAP_SYS_ADMIN or CAP_SYS_NICE)? */
bool tracee_may_realtime(pid_t tid);

#endif
