#!/bin/sh
# SPDX-License-Identifier: MIT
# libaio's own harness: if a case ends or speaks otherwise than natively, the sandbox is not the kernel. The cases that
# take minutes are in libaio_long.sh.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/conformance/libaio_cases.sh"

known=$(known_engines)
run_modes "$known" 2 3 4 5 7 12 13 15 16 17 19 21 22 23

# the file system's own limits: an ext2 of 10 MB, and one that is full
for case_mounted in 8 10; do
	if [ "$(id -u)" -ne 0 ]; then
		skip "case $case_mounted mounts a file system, which needs root"
	elif [ ! -e "$source/ext2.img" ]; then
		skip "case $case_mounted: mke2fs (e2fsprogs) is not installed"
	elif ! (case_dir $case_mounted && case_end) >"$tmp/mount" 2>&1; then
		skip "case $case_mounted: $(tail -n 1 "$tmp/mount")"
	else
		run_modes "$known" $case_mounted
	fi
done

# 768 MiB at once
if room_for 2048; then
	run_modes auto 6 14
else
	skip "case 6 and 14 need 2 GiB in $top_builddir"
fi

skip_other_engines "$known"
done_testing
