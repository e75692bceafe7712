/* SPDX-License-Identifier: MIT */
/*
 * --control=SOCKET: a stream socket of mode 0600. A client sends a line, gets lines and an empty
 * line behind them, and may send the next. "list": what is in flight (inflight.h). Anything else: a
 * line that begins with "error: ".
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "dispatch.h"

struct control;

/* NULL after a message. */
struct control *control_open(struct dispatch *d, const char *path);
void control_close(struct control *c);	/* removes the socket; accepts NULL */

#endif
