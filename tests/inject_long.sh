#!/bin/sh
# SPDX-License-Identifier: MIT
# The faults of inject_*.sh with each engine, by each door and in each mode of io_submit. If this breaks, a fault
# depends on who does the I/O.
. "$srcdir/tests/lib.sh"

INJECT_OPTIONS='--engine=threads --engine=libaio --shim --submit=async'
export INJECT_OPTIONS
for part in io time calls; do
	run sh "$srcdir/tests/inject_$part.sh"
	is "inject_$part.sh" "$status $(printf '%s\n' "$out" | grep -A2 '^not ok')" '0 '
	like "inject_$part.sh: to its end" "$out" '*1..[1-9]*'
done
done_testing
