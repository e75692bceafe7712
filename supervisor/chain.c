/* SPDX-License-Identifier: MIT */
/*
 * Theory. inline -> peer -> storage, where storage is the engine that was asked for. The threads
 * are there always, beside the chain or below storage: inline needs them for files that may block
 * without limit, libaio for what the host's AIO does not do well. The null engine takes the place
 * of inline, and lets only polls pass.
 */
#include "chain.h"

#include <string.h>

#include "engine_peer.h"
#include "log.h"
#include "opts.h"
#include "util.h"

#define URING_DEPTH 1024

static int open_uring(struct chain *c, const struct config *cfg, const struct chain_parts *p)
{
	c->storage = engine_uring_open(p->loop, URING_DEPTH, p->done, p->arg);
	if (c->storage)
		return 0;
	if (cfg->engine == CONFIG_ENGINE_URING) {
		log_error("--engine=uring: io_uring cannot be used here (%s); try --engine=auto",
			  strerror(errno));
		return -ECANCELED;
	}
	log_info(1, "io_uring cannot be used here (%s): requests run on threads", strerror(errno));
	c->storage = c->threads;
	return 0;
}

static int open_libaio(struct chain *c, const struct chain_parts *p)
{
	c->storage = engine_libaio_open(p->loop, p->workers, ENGINE_LIBAIO_DEPTH, c->threads,
					p->done, p->arg);
	if (c->storage)
		return 0;
	if (errno == EAGAIN)
		log_error("--engine=libaio: the host's AIO is used up: raise fs.aio-max-nr (it "
			  "takes %u of it), or try --engine=auto", (unsigned)ENGINE_LIBAIO_DEPTH);
	else
		log_error("--engine=libaio: the host's AIO cannot be used here (%s); try "
			  "--engine=auto", strerror(errno));
	return -ECANCELED;
}

static int open_storage(struct chain *c, const struct config *cfg, const struct chain_parts *p)
{
	switch (cfg->engine) {
	case CONFIG_ENGINE_AUTO:
	case CONFIG_ENGINE_URING:
		return open_uring(c, cfg, p);
	case CONFIG_ENGINE_LIBAIO:
		return open_libaio(c, p);
	case CONFIG_ENGINE_THREADS:
	case CONFIG_ENGINE_NULL:
		break;
	}
	c->storage = c->threads;
	return 0;
}

static int open_peer(struct chain *c, struct engine *next, const struct chain_parts *p)
{
	c->peer = engine_peer_open(p->loop, p->workers, next, p->done, p->arg);
	if (!c->peer)
		return neg_errno();
	/* Before PROGRAM starts, so that it never sees fs.aio-nr move. */
	engine_peer_open_host(c->peer);
	return 0;
}

static struct engine *open_top(struct chain *c, const struct config *cfg)
{
	if (cfg->engine != CONFIG_ENGINE_NULL)
		return engine_inline_open(c->peer, c->threads);
	log_warn("--engine=null: nothing is written, and reads give zeros");
	return engine_null_open(c->peer);
}

int chain_open(struct chain *c, const struct config *cfg, const struct chain_parts *p)
{
	int err;

	c->threads = engine_threads_open(p->loop, p->workers, p->done, p->arg);
	if (!c->threads)
		return neg_errno();
	err = open_storage(c, cfg, p);
	if (!err)
		err = open_peer(c, c->storage, p);
	if (err)
		return err;
	c->top = open_top(c, cfg);
	return c->top ? 0 : -ENOMEM;
}

void chain_close(struct chain *c)
{
	const bool below = c->storage && (c->storage == c->threads || c->storage->next);

	engine_close(c->top ? c->top : c->peer ? c->peer : c->storage);
	if (!below)
		engine_close(c->threads);
	memset(c, 0, sizeof(*c));
}

void chain_stamp(struct chain *c)
{
	c->threads->stamps = true;
	for (struct engine *e = c->top; e; e = e->next)
		e->stamps = true;
}

const char *chain_name(const struct chain *c, const struct config *cfg)
{
	return (cfg->engine == CONFIG_ENGINE_NULL ? c->top : c->storage)->ops->name;
}

void chain_tell(const struct chain *c, const struct config *cfg)
{
	const bool null = cfg->engine == CONFIG_ENGINE_NULL;

	log_info(1, "engine: %s%s", (null ? c->top : c->storage)->ops->name,
		 engine_peer_host_polls(c->peer) ? "; the host's AIO for polls" : "");
}
