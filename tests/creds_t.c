/* SPDX-License-Identifier: MIT */
/* If these fail, a thread of ours does I/O as somebody else than it should, or stays somebody else. */
#include "creds.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracee.h"
#include "unit.h"

#define NOBODY 65534
#define TEAM 4242

static const struct creds_ids nobody = {
	NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY
};
static const gid_t teams[] = { TEAM, TEAM + 1 };

struct seen {
	struct creds_ids ids;
	uint64_t effective, permitted;
	gid_t groups[8];
	int group_count;
};

/* As the kernel has the calling thread. */
static struct seen look(void)
{
	struct seen s = { 0 };
	gid_t *groups;
	unsigned count;

	ck_assert_int_eq(tracee_caps(gettid(), &s.effective, &s.permitted), 0);
	ck_assert_int_eq(tracee_creds(gettid(), &s.ids, &groups, &count), 0);
	s.group_count = (int)count;
	for (unsigned i = 0; i < count && i < 8; i++)
		s.groups[i] = groups[i];
	free(groups);
	return s;
}

static void assert_same(const struct seen *a, const struct seen *b)
{
	ck_assert_mem_eq(&a->ids, &b->ids, sizeof(a->ids));
	ck_assert_uint_eq(a->effective, b->effective);
	ck_assert_uint_eq(a->permitted, b->permitted);
	ck_assert_int_eq(a->group_count, b->group_count);
	ck_assert_mem_eq(a->groups, b->groups, sizeof(a->groups));
}

START_TEST(equal_ones_are_one_record)
{
	struct creds_table *t;
	struct creds *a, *b, *c;
	uint64_t number;

	if (geteuid())
		return;			/* only who can take them keeps them apart */
	t = creds_table_create();
	a = creds_get(t, &nobody, 0, teams, 2);
	b = creds_get(t, &nobody, 0, teams, 2);
	c = creds_get(t, &nobody, 0, teams, 1);
	number = c->number;

	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
	ck_assert_uint_ne(a->number, c->number);
	creds_unref(c);
	c = creds_get(t, &nobody, 0, NULL, 0);
	ck_assert_uint_ne(c->number, number);
	creds_unref(a);
	creds_unref(b);
	creds_unref(c);
	creds_table_destroy(t);
}
END_TEST

START_TEST(there_and_back)
{
	struct creds_table *t = creds_table_create();
	struct creds *c = creds_get(t, &nobody, 1ull << CAP_FSETID, teams, 2);
	const struct seen before = look();
	struct seen there, back;

	if (geteuid())
		return;		/* nothing to give up */
	ck_assert_int_eq(creds_be(c), 0);
	there = look();
	ck_assert_uint_eq(there.ids.euid, NOBODY);
	ck_assert_uint_eq(there.ids.fsuid, NOBODY);
	ck_assert_uint_eq(there.ids.egid, NOBODY);
	ck_assert_uint_eq(there.ids.fsgid, NOBODY);
	ck_assert_uint_eq(there.effective, 1ull << CAP_FSETID);
	ck_assert_int_eq(there.group_count, 2);
	ck_assert_uint_eq(there.groups[1], TEAM + 1);
	/* nobody else may signal it, and it can come back */
	ck_assert_uint_eq(there.ids.ruid, before.ids.ruid);
	ck_assert_uint_eq(there.ids.suid, before.ids.suid);
	ck_assert_uint_eq(there.permitted, before.permitted);
	ck_assert_int_eq(creds_be(NULL), 0);
	back = look();
	assert_same(&before, &back);
	creds_unref(c);
	creds_table_destroy(t);
}
END_TEST

static pthread_barrier_t meet;

static void *other_thread(void *arg)
{
	struct seen s;

	pthread_barrier_wait(&meet);
	s = look();
	*(uid_t *)arg = s.ids.euid;
	pthread_barrier_wait(&meet);
	return NULL;
}

START_TEST(of_this_thread_only)
{
	struct creds_table *t = creds_table_create();
	struct creds *c = creds_get(t, &nobody, 0, NULL, 0);
	struct creds_ids file_only = creds_own(t)->ids;
	struct creds *d;
	struct seen s;
	pthread_t thread;
	uid_t uid = 1;

	if (geteuid())
		return;
	ck_assert_int_eq(pthread_barrier_init(&meet, NULL, 2), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, &uid), 0);
	ck_assert_int_eq(creds_be(c), 0);
	pthread_barrier_wait(&meet);
	pthread_barrier_wait(&meet);
	ck_assert_uint_eq(uid, 0);
	pthread_join(thread, NULL);
	/* from one to the next without being ourselves in between */
	file_only.fsuid = NOBODY;
	d = creds_get(t, &file_only, creds_own(t)->effective, NULL, 0);
	ck_assert_int_eq(creds_be(d), 0);
	s = look();
	ck_assert_uint_eq(s.ids.euid, 0);
	ck_assert_uint_eq(s.ids.fsuid, NOBODY);
	ck_assert_int_eq(creds_be(NULL), 0);
	creds_unref(c);
	creds_unref(d);
	creds_table_destroy(t);
}
END_TEST

UNIT_MAIN("creds", equal_ones_are_one_record, there_and_back, of_this_thread_only)
