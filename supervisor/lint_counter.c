/* SPDX-License-Identifier: MIT */
/*
 * Eventfds that completions are counted in (aio_resfd): has the program ever read them? A counter
 * that is lower than what was added has been read. /proc tells counter and identity.
 */
#include <string.h>

#include "lint_impl.h"
#include "log.h"

/* Of a descriptor of ours: false if it is none that tells. */
static bool look_at(int fd, uint64_t *id, uint64_t *count)
{
	char path[64], line[128];
	unsigned long long value;
	unsigned found = 0;
	auto_file f = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "eventfd-count: %llx", &value) == 1) {
			*count = value;
			found |= 1;
		} else if (sscanf(line, "eventfd-id: %llu", &value) == 1) {
			*id = value;
			found |= 2;
		}
	}
	return found == 3;
}

static struct lint_counter *counter_of(struct lint *l, const struct mm *mm, uint64_t id)
{
	struct lint_counter *c;

	list_for_each(node, tmp, &l->counters) {
		c = list_entry(node, struct lint_counter, node);
		if (c->mm == mm && c->eventfd_id == id)
			return c;
	}
	c = lint_keep(l, sizeof(*c));
	if (!c)
		return NULL;
	c->mm = mm;
	c->eventfd_id = id;
	list_init(&c->node);
	list_add_tail(&l->counters, &c->node);
	return c;
}

/* Just before this completion is counted. */
void lint_counted(struct lint *l, const struct request *r)
{
	struct lint_counter *c;
	uint64_t id, count;

	if (!look_at(r->resfd->io.fd, &id, &count))
		return;
	c = counter_of(l, r->ctx->mm, id);
	if (!c)
		return;
	c->fd = r->resfd->tracee_fd;
	c->read |= count < c->told;
	c->told++;
	c->last_request = r->id;
}

static void judge(struct lint *l, struct call *call, struct lint_counter *c)
{
	auto_fd fd = tracee_get_fd(call->thread->source.pidfd, c->fd);
	uint64_t id, count;

	if (c->read || fd < 0 || !look_at(fd, &id, &count) || id != c->eventfd_id ||
	    count < c->told)
		return;
	if (lint_is_new(l, LINT_COUNTER, (uint64_t)c->fd, 0))
		log_say("lint: process %d never reads eventfd %d, in which %llu completions were "
			"counted (the last is #%llu)", call->thread->source.tgid, c->fd,
			(unsigned long long)c->told, (unsigned long long)c->last_request);
}

void lint_counters_end(struct lint *l, struct call *call)
{
	list_for_each(node, tmp, &l->counters) {
		struct lint_counter *c = list_entry(node, struct lint_counter, node);

		if (c->mm == call->mm)
			judge(l, call, c);
	}
	lint_counters_forget(l, call->mm);
}

void lint_counters_forget(struct lint *l, const struct mm *mm)
{
	list_for_each(node, tmp, &l->counters) {
		struct lint_counter *c = list_entry(node, struct lint_counter, node);

		if (c->mm == mm)
			lint_let_go(l, &c->node, c);
	}
}
