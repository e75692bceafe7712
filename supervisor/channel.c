/* SPDX-License-Identifier: MIT */
#include "channel.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "util.h"

struct channel {
	int memfd;
	struct channel_page *page;
};

/* Sealed, so that the program cannot take the page away under us. */
static int channel_map(struct channel *ch)
{
	void *map;

	ch->memfd = memfd_create("aio-sandbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ch->memfd < 0)
		return neg_errno();
	if (ftruncate(ch->memfd, CHANNEL_BYTES) || fallocate(ch->memfd, 0, 0, CHANNEL_BYTES) ||
	    fcntl(ch->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return neg_errno();
	map = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ch->memfd, 0);
	if (map == MAP_FAILED)
		return neg_errno();
	ch->page = map;
	return 0;
}

struct channel *channel_create(void)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int err;

	if (!ch)
		return NULL;
	ch->memfd = -1;
	err = channel_map(ch);
	if (err) {
		channel_destroy(ch);
		errno = -err;
		return NULL;
	}
	ch->page->version = CHANNEL_VERSION;
	return ch;
}

void channel_destroy(struct channel *ch)
{
	if (!ch)
		return;
	if (ch->page)
		munmap(ch->page, CHANNEL_BYTES);
	close_fd(&ch->memfd);
	free(ch);
}

int channel_fd(const struct channel *ch)
{
	return ch->memfd;
}

void channel_given(struct channel *ch)
{
	close_fd(&ch->memfd);
}
