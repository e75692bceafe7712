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

#endif
