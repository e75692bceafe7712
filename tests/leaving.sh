#!/bin/sh
# SPDX-License-Identifier: MIT
# exit_group and exec wait for accepted writes; the process's other threads may run on until then, but none of their AIO
# calls returns. If this breaks, what they submit at the last moment is accepted and lost.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/fuse.sh"
. "$srcdir/tests/aio_nr.sh"

cleanup() { fuse_kill; }
[ "$(cat /proc/sys/fs/aio-max-nr)" -gt 0 ] || skip_all "fs.aio-max-nr is 0: nothing to compare with"
mark
victim=$top_builddir/tests/victim_leaving

# leaves NAME HOW LINES [COMMAND]...
leaves()
{
	leaves_name=$1 leaves_how=$2 leaves_wanted=$3
	shift 3
	fuse_mount || skip_all "$fuse_why"
	run timeout 60 "$@" "$victim" "$tmp/mnt/file" "$tmp/control" "$tmp/log" "$leaves_how" 7<&-
	is "$leaves_name" "$status $(printf %s "$out" | tr '\n' ';') $err" "0 $leaves_wanted "
	echo quit >"$tmp/control"
	fuse_ended
}

for how in exit exec; do
	aio_nr_take		# nobody changes the limit meanwhile
	leaves "$how waits for a write, the other threads have ended, natively [15.$how]" $how \
		'it waits;its threads have ended;ended'
	aio_nr_leave
	for options in '' --engine=threads --submit=kernel; do
		# shellcheck disable=SC2086
		leaves "$how: they run on, and their calls wait [D6]${options:+, $options}" $how \
			'it waits;its threads run on;a call waits;ended' "$AIO_SANDBOX" -q $options
	done
done

nothing_left
done_testing
