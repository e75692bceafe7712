/* SPDX-License-Identifier: MIT */
/*
 * Theory. The entries of an io_submit and the requests that an io_getevents reaps come before the
 * record of the call, which comes when it is answered; calls of several threads overlap. Until then
 * they wait in a batch of that call. Without a sink that wants both there are no batches.
 */
#include "writer.h"

#include <linux/aio_abi.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "batch.h"
#include "filter.h"

struct writer {
	const struct sink_run *run;
	struct feed *feed;
	struct sink **sinks;
	unsigned sink_count;
	unsigned wants;
	bool with_entries;		/* calls are put together with their entries */
	pthread_t thread;
	struct batches batches;
	struct sink_counts counts;
};

struct feed *writer_feed(const struct writer *w)
{
	return w->feed;
}

unsigned writer_wants(const struct writer *w)
{
	return w->wants;
}

bool writer_ids_only(const struct writer *w)
{
	return w->batches.ids_only;
}

bool writer_any_path(const struct writer *w)
{
	bool any = !w->run->cfg->path_count;

	for (unsigned i = 0; i < w->sink_count; i++)
		any = any && w->sinks[i]->ops->any_path;
	return any;
}

bool writer_names_callers(const struct writer *w)
{
	bool some = false;

	for (unsigned i = 0; i < w->sink_count; i++)
		some = some || w->sinks[i]->ops->names_callers;
	return some;
}

size_t writer_sample_bytes(const struct writer *w)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->wants_data)
			bytes = w->run->cfg->string_bytes;
	}
	return bytes;
}

/* --- records --- */

static void give_accepted(struct writer *w, const struct sink_call *c)
{
	for (unsigned n = 0; n < c->count - c->last_refused; n++) {
		if (!filter_accepted(w->run->cfg, &c->entries[n]))
			continue;
		for (unsigned i = 0; i < w->sink_count; i++) {
			if (w->sinks[i]->ops->accepted)
				w->sinks[i]->ops->accepted(w->sinks[i], &c->entries[n]);
		}
	}
}

static void give_call(struct writer *w, const struct record_call *call)
{
	const struct batch *b = batch_of(&w->batches, call->id);
	struct sink_call c = { .call = call };

	if (b) {
		c.entries = b->entries;
		c.ids = b->ids;
		c.count = b->count;
		c.last_refused = b->last_refused;
	}
	if (call->nr == SYS_io_submit && c.entries)
		give_accepted(w, &c);
	for (unsigned i = 0; i < w->sink_count && filter_call(w->run->cfg, &c); i++) {
		if (w->sinks[i]->ops->call)
			w->sinks[i]->ops->call(w->sinks[i], &c);
	}
	batch_done(&w->batches, call->id);
}

static void give_published(struct writer *w, const struct record_request *r)
{
	for (unsigned i = 0; i < w->sink_count && filter_request(w->run->cfg, r); i++) {
		if (w->sinks[i]->ops->published)
			w->sinks[i]->ops->published(w->sinks[i], r);
	}
}

static void give_request(struct writer *w, const struct record_request *r)
{
	w->counts.requests++;
	w->counts.reaped += r->reaped_ns != 0;
	w->counts.unreaped += r->published_ns && !r->reaped_ns;
	w->counts.unfinished += !r->published_ns;
	for (unsigned i = 0; i < w->sink_count && filter_request(w->run->cfg, r); i++) {
		if (w->sinks[i]->ops->request)
			w->sinks[i]->ops->request(w->sinks[i], r);
	}
}

/* Of a call: accepted, refused, ... */
static void take_entry(struct writer *w, struct record *r)
{
	const bool refused = r->kind == RECORD_REFUSED;
	const uint64_t id = r->id_only ? r->id.id : r->request.id;
	const uint64_t call = r->id_only ? r->id.call : r->request.call;

	if (r->kind == RECORD_TAKEN_BACK)
		batch_take_back(&w->batches, call, id);
	else if (w->with_entries && r->id_only)
		batch_note_id(&w->batches, call, id, refused);
	else if (w->with_entries)
		batch_note(&w->batches, call, &r->request, refused);
	if (!r->id_only)
		record_request_put(&r->request);
}

static void take(struct writer *w, struct record *r)
{
	switch ((enum record_kind)r->kind) {
	case RECORD_ACCEPTED:
	case RECORD_TAKEN_BACK:
	case RECORD_REFUSED:
	case RECORD_ADDRESSED:
		take_entry(w, r);
		break;
	case RECORD_PUBLISHED:
		give_published(w, &r->request);
		record_request_put(&r->request);
		break;
	case RECORD_REQUEST:
		if (w->with_entries && r->request.reap_call)
			batch_note(&w->batches, r->request.reap_call, &r->request, false);
		give_request(w, &r->request);
		record_request_put(&r->request);
		break;
	case RECORD_CALL:
		w->counts.calls++;
		give_call(w, &r->call);
		label_put(r->call.comm);
		break;
	}
}

static void idle(struct writer *w)
{
	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->idle)
			w->sinks[i]->ops->idle(w->sinks[i]);
		out_flush(w->sinks[i]->out);
	}
}

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->start)
			w->sinks[i]->ops->start(w->sinks[i]);
		out_flush(w->sinks[i]->out);
	}
	do {
		for (struct record *r; (r = feed_peek(w->feed));) {
			take(w, r);
			feed_pop(w->feed);
		}
		idle(w);
	} while (feed_wait(w->feed));
	return NULL;
}

/* --- the life --- */

/* Who wants calls only to count them is spared the entries, unless a path decides by them. */
static void want(struct writer *w)
{
	w->batches.ids_only = !w->run->cfg->path_count;
	for (unsigned i = 0; i < w->sink_count; i++) {
		const struct sink_ops *ops = w->sinks[i]->ops;

		w->wants |= ops->wants;
		w->batches.ids_only &= ops->ids_only || !(ops->wants & 1u << RECORD_ACCEPTED);
	}
	if (w->wants & 1u << RECORD_CALL && w->run->cfg->path_count)
		w->wants |= RECORD_ENTRIES | 1u << RECORD_REQUEST;
	w->with_entries = w->wants & 1u << RECORD_CALL && w->wants & 1u << RECORD_ACCEPTED;
}

static void writer_free(struct writer *w)
{
	batches_free(&w->batches);
	feed_destroy(w->feed);
	free(w);
}

struct writer *writer_create(const struct sink_run *run, struct sink **sinks, unsigned count)
{
	struct writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return NULL;
	w->run = run;
	w->sinks = sinks;
	w->sink_count = count;
	for (unsigned i = 0; i < count; i++)
		sinks[i]->run = run;
	want(w);
	/*
	 * In a program with threads each system call of libc that is a cancellation point marks the
	 * thread before and behind it, unless it is marked all the time. Nobody cancels anybody.
	 */
	(void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	w->feed = feed_create();
	err = w->feed ? pthread_create(&w->thread, NULL, writer_run, w) : errno;
	if (!err)
		return w;
	writer_free(w);
	errno = err;
	return NULL;
}

void writer_finish(struct writer *w, uint64_t unknown)
{
	feed_stop(w->feed);
	(void)pthread_join(w->thread, NULL);
	w->counts.unknown = unknown + w->batches.no_memory;
	w->counts.ended_ns = now_ns();
	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->end)
			w->sinks[i]->ops->end(w->sinks[i], &w->counts);
		sink_destroy(w->sinks[i]);
	}
	writer_free(w);
}
