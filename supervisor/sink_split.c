/* SPDX-License-Identifier: MIT */
/*
 * -ff: a file for each process, NAME.PID, by a sink of its own. Files are open only while they are
 * written, so that their number has no limit.
 */
#include <stdlib.h>

#include "log.h"
#include "sink.h"

#define BUCKETS 64

struct part {
	struct part *next;
	pid_t pid;
	struct sink *sink;
};

struct split {
	struct sink sink;
	struct sink_ops ops;		/* with the wants of the parts */
	const char *name;
	struct sink *(*make)(void);
	struct part *parts[BUCKETS];
};

static struct part *part_create(struct split *s, pid_t pid)
{
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pid = pid;
	p->sink = s->make();
	if (p->sink)
		p->sink->out = out_open_part(s->name, pid);
	if (!p->sink || !p->sink->out) {
		sink_destroy(p->sink);
		free(p);
		return NULL;
	}
	p->sink->run = s->sink.run;
	if (p->sink->ops->start)
		p->sink->ops->start(p->sink);
	return p;
}

static struct sink *sink_of(struct sink *sink, pid_t pid)
{
	struct split *s = (struct split *)sink;
	struct part **place = &s->parts[(unsigned)pid % BUCKETS];

	while (*place && (*place)->pid != pid)
		place = &(*place)->next;
	if (!*place)
		*place = part_create(s, pid);
	if (*place)
		return (*place)->sink;
	log_warn_once("no memory for a file of process %d: '%s.%d' is not complete", (int)pid,
		      s->name, (int)pid);
	return NULL;
}

static void split_call(struct sink *s, const struct sink_call *c)
{
	struct sink *part = sink_of(s, c->call->pid);

	if (part && part->ops->call)
		part->ops->call(part, c);
}

static void split_accepted(struct sink *s, const struct record_request *r)
{
	struct sink *part = sink_of(s, r->pid);

	if (part && part->ops->accepted)
		part->ops->accepted(part, r);
}

static void split_published(struct sink *s, const struct record_request *r)
{
	struct sink *part = sink_of(s, r->pid);

	if (part && part->ops->published)
		part->ops->published(part, r);
}

static void split_request(struct sink *s, const struct record_request *r)
{
	struct sink *part = sink_of(s, r->pid);

	if (part && part->ops->request)
		part->ops->request(part, r);
}

static void split_idle(struct sink *sink)
{
	struct split *s = (struct split *)sink;

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct part *p = s->parts[i]; p; p = p->next) {
			if (p->sink->ops->idle)
				p->sink->ops->idle(p->sink);
			out_flush(p->sink->out);
		}
	}
}

static void split_end(struct sink *sink, const struct sink_counts *counts)
{
	struct split *s = (struct split *)sink;

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct part *p = s->parts[i]; p; p = p->next) {
			if (p->sink->ops->end)
				p->sink->ops->end(p->sink, counts);
		}
	}
}

static void part_destroy(struct part *p)
{
	struct out *out = p->sink->out;

	sink_destroy(p->sink);
	out_close(out);
	free(p);
}

static void split_release(struct sink *sink)
{
	struct split *s = (struct split *)sink;

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct part *p; (p = s->parts[i]);) {
			s->parts[i] = p->next;
			part_destroy(p);
		}
	}
}

struct sink *sink_split_create(const char *name, struct sink *(*make)(void))
{
	struct sink *one = make();
	struct split *s = one ? (struct split *)sink_create(sizeof(*s), NULL) : NULL;

	if (!s) {
		sink_destroy(one);
		return NULL;
	}
	s->ops = (struct sink_ops){
		.name = one->ops->name,
		.wants = one->ops->wants,
		.wants_data = one->ops->wants_data,
		.call = split_call,
		.accepted = split_accepted,
		.published = split_published,
		.request = split_request,
		.idle = split_idle,
		.end = split_end,
		.release = split_release,
	};
	sink_destroy(one);
	s->sink.ops = &s->ops;
	s->name = name;
	s->make = make;
	return &s->sink;
}
