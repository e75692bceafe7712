#!/bin/sh
# SPDX-License-Identifier: MIT
# The cases of libaio's harness that take long: 4 million calls (11), 100,000 contexts (18), 65,000 contexts at once (20),
# and with every engine those that move gigabytes (6, 14). If one is slower than 3 minutes and than 4 times the native
# run, programs of that kind cannot be used in the sandbox.
. "$srcdir/tests/lib.sh"
case_limit=600
. "$srcdir/tests/conformance/libaio_cases.sh"

known=$(known_engines)
case_check()
{
	check "$1: took $seconds s, natively $native_seconds s" \
		[ $((seconds < 180 || seconds < 4 * native_seconds)) -eq 1 ]
}
run_modes "$known" 11 18
# it counts what is left of a limit of the whole machine, and tells how much that is
any_output=yes
run_modes "$known" 20
any_output=no
if room_for 2048; then
	run_modes "$known" 6 14
else
	skip "case 6 and 14 need 2 GiB in $top_builddir"
fi
skip_other_engines "$known"
done_testing
