/* SPDX-License-Identifier: MIT */
/*
 * Theory. A thread may change its credentials between two calls, and nothing tells; so each call
 * with a request whose file may judge them asks anew, as cheaply as the kernel lets: capget(2) by
 * the thread's number (0.1 us), PIDFD_GET_INFO for the ids (0.25 us) unless our own capabilities
 * and the thread's make them meaningless, and of a thread with capabilities the name of its user
 * namespace (0.3 us). All the same as last time: so is the record. Groups stand only in
 * /proc/PID/status (5 us), which is read again when something has changed, and each time for
 * threads that may change their groups unseen (CAP_SETGID and yet not like us).
 *
 * Capabilities in another user namespace count for nothing here: capable() asks for the first one,
 * or for ours.
 */
#include "submitter.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>

#include "submit.h"
#include "uts.h"

#define BIT(cap) (1ull << (cap))

/* With these the kernel asks for no ids when it judges a write to a file of a local file system. */
#define ABOVE_IDS (BIT(CAP_FSETID) | BIT(CAP_SYS_RESOURCE))

static bool has_all(uint64_t caps, uint64_t wanted)
{
	return (caps & wanted) == wanted;
}

static bool same_ids(const struct creds_ids *a, const struct creds_ids *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool judges(const struct request *r)
{
	if (r->file->can & FILE_JUDGES)
		return r->io.op != IO_POLL;
	return r->io.op == IO_WRITE && r->file->can & FILE_JUDGES_WRITE;
}

/* Capabilities that we do not have cannot be lent to us either. */
static bool like_us(const struct creds *own, const struct creds_seen *now)
{
	const struct creds_ids *a = &own->ids, *b = &now->ids;

	return has_all(now->effective, own->effective) && a->euid == b->euid &&
	       a->fsuid == b->fsuid && a->egid == b->egid && a->fsgid == b->fsgid &&
	       has_all(own->effective, BIT(CAP_FSETID));
}

/* All of it, into *seen. */
static int look_closely(struct creds_table *t, struct thread *th, struct creds_seen *now)
{
	const struct creds *own = creds_own(t);
	auto_free gid_t *groups = NULL;
	struct creds_seen here;
	unsigned group_count;
	int err = tracee_creds(th->source.tid, &now->ids, &groups, &group_count);

	if (err)
		return err;
	here = *now;
	err = tracee_in_our_user_ns(th->source.tid);
	if (err < 0)
		return err;
	if (!err)
		here.effective = 0;
	if (!like_us(own, &here)) {
		now->who = creds_get(t, &here.ids, here.effective, groups, group_count);
		if (!now->who)
			return -ENOMEM;
	}
	now->known = true;
	creds_unref(th->seen.who);
	th->seen = *now;
	return 0;
}

static uint64_t user_ns_of(struct thread *th)
{
	if (th->user_ns_fd < 0)
		th->user_ns_fd = tracee_open(th->source.tid, "ns/user", O_PATH | O_NOFOLLOW);
	return th->user_ns_fd < 0 ? 0 : tracee_user_ns(th->user_ns_fd);
}

/* Brings th->seen up to date. */
static int look(struct creds_table *t, struct thread *th, bool ids_matter)
{
	struct creds_seen now = { 0 }, *seen = &th->seen;
	const uint64_t ours = creds_own(t)->effective;
	int err = tracee_caps(th->source.tid, &now.effective, &now.permitted);
	bool same = seen->known;

	if (err)
		return err;
	if (now.effective)
		now.user_ns = user_ns_of(th);
	same = same && seen->effective == now.effective && seen->permitted == now.permitted;
	same = same && seen->user_ns == now.user_ns;
	if (ids_matter || !has_all(ours, ABOVE_IDS) || !has_all(now.effective, ours))
		same = same && !tracee_ids(th->source.pidfd, &now.ids) &&
		       same_ids(&seen->ids, &now.ids) &&
		       !(seen->who && has_all(now.permitted, BIT(CAP_SETGID)));
	return same ? 0 : look_closely(t, th, &now);
}

/* Only the thread itself changes what it is, and it stands in its call. */
static int look_once(struct submission *s, bool ids_matter)
{
	const int wanted = ids_matter ? WHO_BY_IDS : WHO_BY_CAPS;
	int err;

	if ((int)s->who >= wanted)
		return 0;
	err = look(s->d->creds, s->call->thread, ids_matter);
	if (!err)
		s->who = wanted;
	return err;
}

int submitter_take(struct submission *s, struct request *r)
{
	struct creds_table *t = s->d->creds;
	struct thread *th = s->call->thread;
	const bool sends = t && r->file->can & FILE_UNIX && r->io.op == IO_WRITE &&
			   has_all(creds_own(t)->effective, BIT(CAP_SYS_ADMIN));
	int err;

	if (!t || !(sends || judges(r)))
		return 0;
	err = look_once(s, sends || r->file->can & FILE_JUDGES);
	if (err)
		return err;
	if (sends)
		r->io.sender = (struct io_sender){ th->source.tgid, th->seen.ids.ruid,
						   th->seen.ids.rgid };
	if (judges(r)) {
		r->who = th->seen.who;
		r->io.who = r->who;
		creds_ref(r->who);
	}
	return 0;
}

int submitter_enter(const struct submission *s, const struct request *r)
{
	const struct file *f = r->file;

	if (!s->d->creds || f->io.class != FILE_INSTANT || !(f->can & FILE_JUDGES) || !f->fs ||
	    strcmp(f->fs->type, "proc"))
		return -1;
	return uts_enter(s->call->thread->source.tid);
}

void submitter_leave(int back)
{
	uts_leave(back);
}
