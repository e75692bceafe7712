/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the user gave us belong to PROGRAM: if guardian and supervisor kept them too, a
 * pipe would not end where PROGRAM closes it. All of our own are CLOEXEC, so that inherited ones
 * are those that are not. stderr stays open, for messages.
 */
#ifndef INHERITED_H
#define INHERITED_H

/*
 * At the very start: where 0, 1 or 2 is closed it becomes a /dev/null of our own, so that no other
 * descriptor of ours gets that number. PROGRAM finds it closed.
 */
void inherited_keep_std_closed(void);

/* After the fork that hands them on. */
void inherited_drop(void);

#endif
