/* SPDX-License-Identifier: MIT */
/*
 * Section 8 and trap 11: more people than anybody keeps records of, four requests of each in flight
 * with the next one's: every second one is allowed to keep the bits. Run as root.
 */
#include "victim.h"
#include "identity.h"

#define CROWD 800			/* 100 of them different */

static char data[PAGE] __attribute__((aligned(PAGE)));

int main(void)
{
	struct iocb cb[CROWD], *list[4];
	struct io_event ev[CROWD];
	int fd[CROWD], kept = 0, lost = 0;
	aio_context_t ctx;
	struct stat st;

	victim_start();
	umask(0);
	ctx = aio_context(CROWD);
	for (unsigned i = 0; i < CROWD; i++) {
		fd[i] = set_id_file(06777);
		need(!fcntl(fd[i], F_SETFL, O_DIRECT));
	}
	for (unsigned i = 0; i < CROWD; i += 4) {
		for (unsigned j = 0; j < 4; j++)
			list[j] = prep(&cb[i + j], IOCB_CMD_PWRITE, fd[i + j], data, PAGE, 0);
		syscall(SYS_setfsuid, i % 8 ? 1000 + i : 0);
		need(aio_submit(ctx, 4, list) == 4);
	}
	syscall(SYS_setfsuid, 0);
	need(reap(ctx, CROWD, ev) == CROWD);
	for (unsigned i = 0; i < CROWD; i++) {
		need(!fstat(fd[i], &st) && ev[i].res == PAGE);
		kept += i / 4 % 2 == 0 && (st.st_mode & 07777) == 06777;
		lost += i / 4 % 2 == 1 && (st.st_mode & 07777) == 0777;
	}
	obs("8.suid/crowd", "%d kept, %d lost", kept, lost);
	return victim_end();
}
