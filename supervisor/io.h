/* SPDX-License-Identifier: MIT */
/*
 * The part of a request that an engine sees: local memory only. No pid but the one that a socket
 * tells, no address of a tracee, no context. An io belongs to the submitter until engine submit()
 * has said QUEUED, to the engine until it comes back in the list of finished ios, and to a worker
 * thread only between take and done.
 */
#ifndef IO_H
#define IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "list.h"

enum io_op {
	IO_READ,	/* PREAD, PREADV */
	IO_WRITE,	/* PWRITE, PWRITEV */
	IO_FSYNC,
	IO_FDSYNC,
	IO_POLL,
};

/* How a file may block whoever uses it; decides which engine is allowed to touch it. */
enum file_class {
	FILE_LOCAL, /* regular, directory or block device on a file system known to be local */
	FILE_FOREIGN, /* the same on FUSE, NFS, ... : anything may block without limit */
	FILE_PEER, /* pipe, FIFO, socket, tty, eventfd, timerfd, ...: waits for somebody else */
	FILE_INSTANT, /* /dev/null, /dev/zero, procfs, sysfs: never waits for anybody */
};

/*
 * A superblock or pseudo file system, as far as engines care. Lives as long as a file refers to it.
 * Workers of one lane never take the threads of another: a dead NFS server stalls its own lane
 * only.
 */
struct lane;

/* The engines' view of an open file taken from a tracee. Constant while an io refers to it. */
struct io_file {
	int fd;			/* ours, CLOEXEC */
	enum file_class class;
	bool direct;		/* O_DIRECT */
	bool nonblock;		/* O_NONBLOCK at submission */
	bool seekable;		/* false: positional calls need offset -1 */
	bool nowait;		/* takes RWF_NOWAIT, as far as known */
	bool memory;		/* tmpfs and the like: never waits for storage, O_DIRECT or not */
	bool sync;		/* O_SYNC or O_DSYNC */
	bool counter;		/* an eventfd, or an epoll, which may be woken by one */
	uint64_t dev;		/* st_dev and st_ino: which peers may be the same open file */
	uint64_t ino;
	struct lane *lane;	/* where work that may block runs; never NULL */
};

struct creds;

/* Whom the receiver of a unix socket is to see as the sender; pid 0: whoever makes the call. */
struct io_sender {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

struct io {
	struct list node;	/* the engine's while queued; then the list of finished ios */
	enum io_op op;
	struct io_file *file;
	int64_t offset;
	struct iovec *iov;	/* local buffers, shape and alignment offsets as the tracee's */
	unsigned iov_count;
	size_t length_bytes;	/* sum of iov */
	uint32_t rw_flags;	/* RWF_* as asked, already validated */
	uint16_t poll_events;	/* IO_POLL: asked | POLLERR | POLLHUP */
	uint16_t ioprio;	/* valid when has_ioprio */
	bool has_ioprio;
	bool direct;		/* this transfer bypasses the page cache */
	const struct creds *who; /* whose credentials; NULL: ours, the submitter's do not matter */
	struct io_sender sender;

	bool refused; /* io_submit itself fails with result: no event (docs/aio-abi.md, 7) */
	int64_t result;		/* bytes, poll mask, or -errno; valid when finished */
	size_t done_bytes;	/* the engine's progress through a partly done transfer */
	uint64_t started_ns;	/* 0 unless somebody asked for stamps */
	uint64_t done_ns;

	void *engine_data;	/* of the engine that holds the io */
};

#endif
