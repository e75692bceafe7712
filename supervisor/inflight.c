/* SPDX-License-Identifier: MIT */
/*
 * Theory of stalls. A timer that runs only while requests are in flight compares the number of
 * completed ones with that of a quarter of the time before; it costs the path of a request nothing.
 * Only what waits for storage counts: a POLL, or a read of a pipe, may wait for ever and be right.
 */
#include "inflight.h"

#include <limits.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "label.h"
#include "log.h"
#include "sink.h"

#define LINE_BYTES (PATH_MAX + 512)
#define WARN_LINES_MAX 32
#define LOOKS_PER_STALL 4

struct listing {
	struct dispatch *d;
	void (*line)(void *arg, const char *text);
	void *arg;
	uint64_t now_ns;
	unsigned count;
};

static const char *phase_of(const struct request *r)
{
	if (r->withheld)
		return "withheld";
	if (r->stalled)
		return "queued";
	return r->ctx->mm->exec == MM_EXEC_RUNNING ? "held" : "running";
}

static void clean(char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	}
}

static void tell(struct listing *l, const struct request *r)
{
	const struct label *path = file_path(r->file);
	char text[LINE_BYTES];

	snprintf(text, sizeof(text),
		 "id=%llu pid=%d tid=%d ctx=%u op=%s fd=%d offset=%lld length=%llu age_ms=%llu "
		 "phase=%s path=%s", (unsigned long long)r->id, r->tgid, r->tid, r->ctx->number,
		 sink_op_name(r->opcode), r->file->tracee_fd, (long long)r->io.offset,
		 (unsigned long long)request_asked_bytes(r),
		 (unsigned long long)((l->now_ns - min_u64(r->submitted_ns, l->now_ns)) /
				      NSEC_PER_MSEC),
		 phase_of(r), path ? path->text : "?");
	clean(text);
	l->line(l->arg, text);
	l->count++;
}

static int list_mm(struct mm *mm, void *arg)
{
	list_for_each(node, tmp, &mm->contexts) {
		struct context *ctx = list_entry(node, struct context, node);

		list_for_each(at, next, &ctx->requests)
			tell(arg, list_entry(at, struct request, node));
	}
	return 0;
}

unsigned inflight_list(struct dispatch *d, void (*line)(void *arg, const char *text), void *arg)
{
	struct listing l = { .d = d, .line = line, .arg = arg, .now_ns = now_ns() };

	(void)tasks_for_mms(d->tasks, list_mm, &l);
	return l.count;
}

static void warn_line(void *arg, const char *text)
{
	unsigned *lines = arg;

	if ((*lines)++ < WARN_LINES_MAX)
		log_say("%s", text);
}

static void warn(struct dispatch *d, const char *why)
{
	unsigned lines = 0;

	log_say("%s; in flight: %u", why, d->outstanding);
	(void)inflight_list(d, warn_line, &lines);
	if (lines > WARN_LINES_MAX)
		log_say("... and %u more", lines - WARN_LINES_MAX);
}

/* --- the signal --- */

static void signalled(void *arg, unsigned events)
{
	struct dispatch *d = arg;
	struct signalfd_siginfo si;
	bool came = false;

	while (read(d->list_signal_fd, &si, sizeof(si)) == sizeof(si))
		came = true;
	if (came)
		warn(d, "asked by a signal");
}

int inflight_on_signal(struct dispatch *d, int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	d->list_signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->list_signal_fd < 0)
		return neg_errno();
	d->list_signal_watch =
		loop_watch(d->loop, d->list_signal_fd, LOOP_READ, signalled, d);
	return d->list_signal_watch ? 0 : -ENOMEM;
}

void inflight_end(struct dispatch *d)
{
	loop_timer_stop(d->loop, &d->stall.timer);
	loop_unwatch(d->list_signal_watch);
	d->list_signal_watch = NULL;
	close_fd(&d->list_signal_fd);
}

/* --- stalls --- */

static int waits_for_storage(struct mm *mm, void *arg)
{
	return mm->storage_requests > 0;
}

bool inflight_storage(struct dispatch *d)
{
	return tasks_for_mms(d->tasks, waits_for_storage, NULL) != 0;
}

static void arm(struct dispatch *d)
{
	(void)loop_timer_start(d->loop, &d->stall.timer,
			       now_ns() + d->cfg->stall_ns / LOOKS_PER_STALL);
}

static void look(void *arg)
{
	struct dispatch *d = arg;
	struct stall *s = &d->stall;
	char why[64];

	if (!inflight_storage(d)) {
		s->looks = 0;
		return;
	}
	if (s->completed != d->completed || list_empty(&d->parked))
		s->looks = 0;
	else
		s->looks++;
	s->completed = d->completed;
	if (s->looks == LOOKS_PER_STALL) {
		snprintf(why, sizeof(why), "nothing has been completed for %llu s",
			 (unsigned long long)(d->cfg->stall_ns / NSEC_PER_SEC));
		warn(d, why);
	}
	arm(d);
}

void inflight_init(struct dispatch *d)
{
	d->stall.timer = (struct loop_timer){ .fn = look, .arg = d };
	d->list_signal_fd = -1;
}

void inflight_watch(struct dispatch *d)
{
	struct stall *s = &d->stall;

	if (!d->cfg->stall_ns || loop_timer_armed(&s->timer))
		return;
	s->completed = d->completed;
	s->looks = 0;
	arm(d);
}
