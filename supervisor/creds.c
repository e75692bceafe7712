/* SPDX-License-Identifier: MIT */
/*
 * System calls, not libc's wrappers: those change all threads of a process.
 *
 * Going back needs the capabilities that were given up. They stay permitted, since real and saved
 * user id stay, or by PR_SET_KEEPCAPS where ours are not root's (cap_emulate_setxuid() of
 * security/commoncap.c, 6.18). What cannot be taken (a capability that we lack, ids without
 * CAP_SETUID and CAP_SETGID) stays as it is.
 */
#include "creds.h"

#include <assert.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "log.h"
#include "util.h"

#define CREDS_BUCKETS 64
#define SETS_IDS (1ull << CAP_SETUID | 1ull << CAP_SETGID)
#define KEEP ((uid_t)-1)
#define TURNS_BACK 8		/* each may want memory */

struct creds_table {
	struct creds *own;
	uint64_t last_number;
	struct list bucket[CREDS_BUCKETS];
};

/* What this thread acts as, and what of it must be undone. */
static _Thread_local struct {
	uint64_t number;
	const struct creds *own;
	bool keeps_caps;
	bool groups;
	bool gids;
	bool uids;
} me;

static struct creds *creds_alloc(unsigned group_count)
{
	struct creds *c = calloc(1, sizeof(*c) + group_count * sizeof(c->groups[0]));

	if (!c)
		return NULL;
	list_init(&c->node);
	c->refs = 1;
	c->group_count = group_count;
	return c;
}

static int caps_own(struct creds *c)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, d))
		return neg_errno();
	c->effective = d[0].effective | (uint64_t)d[1].effective << 32;
	c->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	c->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return 0;
}

static int caps_set(const struct creds *own, uint64_t effective)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		d[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(effective >> 32 * i),
			.permitted = (uint32_t)(own->permitted >> 32 * i),
			.inheritable = (uint32_t)(own->inheritable >> 32 * i),
		};
	return syscall(SYS_capset, &header, d) ? neg_errno() : 0;
}

/* --- taking --- */

static int take_groups(const struct creds *c)
{
	return syscall(SYS_setgroups, c->group_count, c->groups) ? neg_errno() : 0;
}

/* The file system id follows the effective one; setfsgid(2) and setfsuid(2) report nothing. */
static int take_gids(const struct creds_ids *ids)
{
	if (syscall(SYS_setresgid, KEEP, ids->egid, KEEP))
		return neg_errno();
	if (ids->fsgid != ids->egid)
		(void)syscall(SYS_setfsgid, ids->fsgid);
	return 0;
}

static int take_uids(const struct creds_ids *ids)
{
	if (syscall(SYS_setresuid, KEEP, ids->euid, KEEP))
		return neg_errno();
	if (ids->fsuid != ids->euid)
		(void)syscall(SYS_setfsuid, ids->fsuid);
	return 0;
}

static bool same_groups(const struct creds *a, const gid_t *groups, unsigned count)
{
	return a->group_count == count &&
	       (!count || !memcmp(a->groups, groups, count * sizeof(*groups)));
}

static int become(const struct creds *c)
{
	const struct creds *own = c->own;
	int err = 0;

	if (!me.keeps_caps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0)
		me.keeps_caps = true;
	me.own = own;
	me.number = c->number;
	me.groups = !same_groups(own, c->groups, c->group_count);
	me.gids = c->ids.egid != own->ids.egid || c->ids.fsgid != own->ids.fsgid;
	me.uids = c->ids.euid != own->ids.euid || c->ids.fsuid != own->ids.fsuid;
	if (me.groups)
		err = take_groups(c);
	if (!err && me.gids)
		err = take_gids(&c->ids);
	if (!err && me.uids)
		err = take_uids(&c->ids);
	return err ? err : caps_set(own, c->effective);
}

static int take_back(const struct creds *own)
{
	int err = caps_set(own, own->permitted);

	if (!err && me.uids)
		err = take_uids(&own->ids);
	if (!err && me.gids)
		err = take_gids(&own->ids);
	if (!err && me.groups)
		err = take_groups(own);
	if (!err && (own->ids.euid || own->effective != own->permitted))
		err = caps_set(own, own->effective);
	return err;
}

/* What it had before cannot be refused; for the moment the kernel may have no memory for it. */
static void come_back(void)
{
	int err = -ENOMEM;

	if (!me.number)
		return;
	me.number = 0;
	for (unsigned turn = 0; err && turn < TURNS_BACK; turn++)
		err = take_back(me.own);
	assert(!err);
}

int creds_be(const struct creds *c)
{
	int err;

	if (me.number == (c ? c->number : 0))
		return 0;
	come_back();
	if (!c)
		return 0;
	err = become(c);
	if (err)
		come_back();
	return err;
}

/* --- the table --- */

static struct creds *creds_read_own(void)
{
	int count = getgroups(0, NULL), err;
	struct creds *c = count < 0 ? NULL : creds_alloc((unsigned)count);

	if (!c)
		return NULL;
	getresuid(&c->ids.ruid, &c->ids.euid, &c->ids.suid);
	getresgid(&c->ids.rgid, &c->ids.egid, &c->ids.sgid);
	c->ids.fsuid = c->ids.euid;
	c->ids.fsgid = c->ids.egid;
	c->own = c;
	err = caps_own(c);
	if (!err && getgroups(count, c->groups) != count)
		err = neg_errno();
	if (!err)
		return c;
	free(c);
	errno = -err;
	return NULL;
}

struct creds_table *creds_table_create(void)
{
	struct creds_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	for (unsigned i = 0; i < CREDS_BUCKETS; i++)
		list_init(&t->bucket[i]);
	t->own = creds_read_own();
	if (t->own)
		return t;
	free(t);
	return NULL;
}

void creds_table_destroy(struct creds_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < CREDS_BUCKETS; i++)
		assert(list_empty(&t->bucket[i]));
	creds_unref(t->own);
	free(t);
}

const struct creds *creds_own(const struct creds_table *t)
{
	return t->own;
}

int creds_table_open(struct creds_table **out)
{
	struct creds_table *t = creds_table_create();

	*out = NULL;
	if (!t)
		return neg_errno();
	if (t->own->effective || !t->own->ids.euid)
		*out = t;
	else
		creds_table_destroy(t);
	return 0;
}

static bool same_ids(const struct creds_ids *a, const struct creds_ids *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct creds *creds_get(struct creds_table *t, const struct creds_ids *ids, uint64_t effective,
			const gid_t *groups, unsigned group_count)
{
	struct list *bucket;
	struct creds *c;

	effective &= t->own->permitted;
	if ((t->own->effective & SETS_IDS) != SETS_IDS) {
		log_warn_once("the program runs with other ids than aio-sandbox, which cannot take "
			      "them (no CAP_SETUID or CAP_SETGID): its I/O is done with ours");
		ids = &t->own->ids;
		groups = t->own->groups;
		group_count = t->own->group_count;
	}
	bucket = &t->bucket[hash_u64(effective ^ (uint64_t)ids->fsuid << 32 ^ ids->fsgid) %
			    CREDS_BUCKETS];
	list_for_each(node, tmp, bucket) {
		c = list_entry(node, struct creds, node);
		if (c->effective == effective && same_ids(&c->ids, ids) &&
		    same_groups(c, groups, group_count)) {
			creds_ref(c);
			return c;
		}
	}
	c = creds_alloc(group_count);
	if (!c)
		return NULL;
	c->own = t->own;
	c->number = ++t->last_number;
	c->ids = *ids;
	c->effective = effective;
	if (group_count)
		memcpy(c->groups, groups, group_count * sizeof(*groups));
	list_add(bucket, &c->node);
	return c;
}

void creds_ref(struct creds *c)
{
	if (c)
		c->refs++;
}

void creds_unref(struct creds *c)
{
	if (!c || --c->refs)
		return;
	list_del(&c->node);
	free(c);
}
