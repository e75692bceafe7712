/* SPDX-License-Identifier: MIT */
/*
 * Whose credentials a request is done with: those that the submitting thread has at the time of the
 * call, where they differ from the supervisor's in what the file may ask for. Nothing is looked up
 * where the supervisor is not privileged: then the kernel lets it trace only its likes.
 */
#ifndef SUBMITTER_H
#define SUBMITTER_H

struct request;
struct submission;

/* Sets who and sender of the request. 0 or -ENOMEM, -ESRCH, ...: they could not be found out. */
int submitter_take(struct submission *s, struct request *r);
/*
 * Around the start of a request whose file asks for a namespace of who uses it, where we may enter
 * that of the submitter; what enter() has given belongs to leave().
 */
int submitter_enter(const struct submission *s, const struct request *r);
void submitter_leave(int back);

#endif
