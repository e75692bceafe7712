/* SPDX-License-Identifier: MIT */
/*
 * The trap's door: receives seccomp notifications and sends replies, by direct ioctls (libseccomp
 * folds their errors into one). -ENOENT means that the caller is gone, which is normal everywhere
 * here.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify;

/* One trapped system call, as the kernel reports it. */
struct notice {
	uint64_t cookie;	/* the kernel's id of the notification */
	uint32_t tid;		/* the calling thread, in our pid namespace */
	uint32_t arch;		/* AUDIT_ARCH_* */
	int nr;			/* number in that architecture */
	uint64_t ip;
	uint64_t args[6];
};

/* Takes the listener over; NULL with errno. Replies put callers on our CPU, and they us on theirs. */
struct notify *notify_open(int listener_fd);
void notify_close(struct notify *n);	/* accepts NULL */
/* Each side wakes the other on its own CPU, or leaves it where it is. Before 6.6 never. */
void notify_together(struct notify *n, bool together);
int notify_fd(const struct notify *n);	/* to watch for reading */

/*
 * 1 = *out is filled; -ENOENT = one waited and died; other errors as the ioctl's. Only after
 * notify_waits() has said 1: else it blocks (the end of the last tracee makes the descriptor
 * readable too).
 */
int notify_receive(struct notify *n, struct notice *out);

/* 1 = one waits; 0 = none; -EPIPE = the last tracee is gone. */
int notify_waits(const struct notify *n);

/* value: a result >= 0 or -errno. 0 or -ENOENT. */
int notify_reply(struct notify *n, uint64_t cookie, int64_t value);
int notify_continue(struct notify *n, uint64_t cookie);
bool notify_valid(struct notify *n, uint64_t cookie);

/* Gives the caller a duplicate of fd, CLOEXEC; returns its number there or -errno. */
int notify_addfd(struct notify *n, uint64_t cookie, int fd);
/* The same, and the answer: the call returns that number, or the error (EMFILE). 0 or -ENOENT. */
int notify_give_fd(struct notify *n, uint64_t cookie, int fd);

#endif
