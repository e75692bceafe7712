/* SPDX-License-Identifier: MIT */
/*
 * The main() of every unit test: run one suite, print TAP.
 *
 *	int main(void) { return unit_run("opts", unit_add(suite_create...)); }
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdlib.h>

static inline int unit_run(Suite *s)
{
	SRunner *r = srunner_create(s);

	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);

	int failed = srunner_ntests_failed(r);

	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A suite of one case. Each test: START_TEST(name) ... END_TEST, then listed here. */
#define UNIT_MAIN(name, ...)							\
	int main(void)								\
	{									\
		Suite *s_ = suite_create(name);					\
		TCase *c_ = tcase_create(name);					\
		tcase_set_timeout(c_, 30);	/* a busy machine takes its time */ \
		const TTest *tests_[] = { __VA_ARGS__ };			\
										\
		for (unsigned i_ = 0; i_ < sizeof(tests_) / sizeof(*tests_); i_++) \
			tcase_add_test(c_, tests_[i_]);				\
		suite_add_tcase(s_, c_);					\
		return unit_run(s_);						\
	}

#endif
