/* SPDX-License-Identifier: MIT */
/*
 * What the kernel refuses in io_submit, in the kernel's order (docs/aio-abi.md, 7 to 10). Pure:
 * facts in, 0 or -errno out.
 */
#ifndef IOCB_H
#define IOCB_H

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "tracee.h"

int iocb_check_fields(const struct iocb *cb);		/* before the slot: reserved2, overflow */
int iocb_check_opcode(const struct iocb *cb);		/* after aio_key was written */
int iocb_check_sync(const struct iocb *cb, unsigned file_can);
int iocb_check_poll(const struct iocb *cb);

struct iocb_rw {
	bool write;
	bool realtime_allowed; /* CAP_SYS_ADMIN or CAP_SYS_NICE; asked only if iocb_wants_realtime()
				*/
	unsigned file_can;		/* FILE_CAN_READ | ... */
	bool dontcache;			/* the file system knows RWF_DONTCACHE */
	bool atomic;
};

bool iocb_wants_realtime(const struct iocb *cb);
bool iocb_is_vector(const struct iocb *cb);
/* Priority, flags, mode, operations: tests 1 to 4 of docs/aio-abi.md, 8. */
int iocb_check_rw(const struct iocb *cb, const struct iocb_rw *facts);
/*
 * Test 5 for read segments; cuts the total to MAX_RW_COUNT and drops what lies behind. space_end:
 * see tracee_space_end().
 */
int iocb_check_segments(struct uvec *seg, unsigned *count, uint64_t *total, uaddr space_end);
int iocb_check_range(int64_t offset, uint64_t length);	/* test 6 */

#endif
