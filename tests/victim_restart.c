/* SPDX-License-Identifier: MIT */
/*
 * A program that is killed and started again (D6), for durable.sh.
 *
 *	victim_restart old FILE		dies with all its writes in flight
 *	victim_restart new FILE		its successor: writes the same chunks without AIO
 *	victim_restart is-new FILE	are these still there?
 */
#include "parity/victim_env.h"

#include <libaio.h>

#define CHUNK (64u * 1024)
#define CHUNKS 64

static char *chunk(char c)
{
	char *memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED);
	memset(memory, c, CHUNK);
	return memory;
}

static int direct_open(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);

	need(fd >= 0);
	return fd;
}

static int old(const char *file)
{
	static struct iocb cb[CHUNKS], *list[CHUNKS];
	int fd = direct_open(file);
	char *memory = chunk('o');
	io_context_t ctx = NULL;

	need(io_setup(CHUNKS, &ctx) == 0);
	for (unsigned i = 0; i < CHUNKS; i++) {
		io_prep_pwrite(&cb[i], fd, memory, CHUNK, (long long)i * CHUNK);
		list[i] = &cb[i];
	}
	need(io_submit(ctx, CHUNKS, list) == CHUNKS);
	kill(getpid(), SIGKILL);
	return 99;
}

static int newer(const char *file)
{
	int fd = direct_open(file);
	char *memory = chunk('n');

	for (unsigned i = 0; i < CHUNKS; i++)
		need(pwrite(fd, memory, CHUNK, (off_t)i * CHUNK) == CHUNK);
	return 0;
}

static int is_new(const char *file)
{
	int fd = direct_open(file);
	char *memory = chunk(0), *wanted = chunk('n');

	for (unsigned i = 0; i < CHUNKS; i++) {
		need(pread(fd, memory, CHUNK, (off_t)i * CHUNK) == CHUNK);
		if (memcmp(memory, wanted, CHUNK)) {
			printf("chunk %u is not the new one\n", i);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	need(argc == 3);
	if (strcmp(argv[1], "old") == 0)
		return old(argv[2]);
	if (strcmp(argv[1], "new") == 0)
		return newer(argv[2]);
	need(strcmp(argv[1], "is-new") == 0);
	return is_new(argv[2]);
}
