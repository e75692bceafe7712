#!/bin/sh
# SPDX-License-Identifier: MIT
# If one call of the supervisor to the kernel or to libc fails, no accepted write is lost and nothing is told that
# is not so. Here each function fails at one place only; self_fault_long.sh has all of them.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/self_fault_lib.sh"
need nm xargs
has_self_faults || skip_all "built without --enable-self-faults"
disk_dir
mark

for step in io peers life; do
	check "$step without a failure" places $step
	places $step --buffer-memory=1M | awk '!seen[$2 $3 $4]++' >"$disk/list"
	AIO_SANDBOX_FLAGS=--buffer-memory=1M countdown $step "$disk/list"
done

nothing_left
done_testing
