#!/bin/sh
# SPDX-License-Identifier: MIT
# On a busy machine completions are told in time: if not, each call costs a turn of everybody else.
. "$srcdir/tests/lib.sh"
mark

for engine in uring threads; do
	if ! "$AIO_SANDBOX" -q --engine=$engine true 2>/dev/null; then
		skip "$engine cannot be used here"
		continue
	fi
	run "$AIO_SANDBOX" -q --engine=$engine "$top_builddir/tests/victim_busy"
	is "$engine: a POLL among busy processes" "$status $out $err" "0 prompt "
done

nothing_left
done_testing
