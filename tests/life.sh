#!/bin/sh
# SPDX-License-Identifier: MIT
# Contexts and requests through fork, vfork, exec and the ends of threads and processes, and nothing is kept of the dead.
# shellcheck disable=SC2016
. "$srcdir/tests/lib.sh"
disk_dir
mark

victim=$top_builddir/tests/victim_lives
depth=34			# of the victim, and what the tree may have, where that is told
ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64
export ASAN_OPTIONS		# what was freed must not look like a leak

# scene NAME MAX-NR SCENE [ARG]...
scene()
{
	scene_name=$1 scene_max=$2 scene_what=$3
	shift 3
	run timeout 60 "$AIO_SANDBOX" -q --max-nr="$scene_max" "$victim" "$scene_what" "$disk/file" "$@"
	is "$scene_name" "$status $out $err" "0  "
}

scene "a forked child gets EINVAL for its parent's contexts, and has its own" 1000 fork
scene "vfork and CLONE_VM children share contexts; requests outlive them, and stay out of their new images [T8]" \
	1000 share
scene "a failed execve changes nothing, also for threads that submit meanwhile" 1000 failed-exec
scene "an execve frees the contexts, and its image finds what was written" $depth exec 100
scene "so does one by a thread that is not the leader" 100 exec-thread 50
scene "the end of a thread changes nothing, nor does the leader's" $depth threads
scene "thousands of short lives leave nothing in the supervisor" 1000 many 1400 1024

# --- a daemon is awaited ---

mkfifo "$tmp/fifo"
timeout 60 "$AIO_SANDBOX" -q "$victim" daemon "$disk/file" "$tmp/fifo" &
us=$!
exec 9>"$tmp/fifo"		# opens when the daemon listens: PROGRAM is gone by now, or will be
check "aio-sandbox stays for a daemon" kill -0 $us
echo go >&9
exec 9>&-
wait_status=0
wait $us || wait_status=$?
is "and ends with PROGRAM's status" $wait_status 0
check "when the daemon's writes are done" "$victim" is "$disk/file" d

# --- like make -j ---

run timeout 60 "$AIO_SANDBOX" -q sh -c 'n=0
	while [ $n -lt 60 ]; do
		for job in 1 2 3 4; do
			("$0" once "$1.$job" || echo "job $job failed") &
		done
		wait
		n=$((n + 1))
	done' "$victim" "$disk/file"
is "a shell with jobs in the background" "$status $out $err" "0  "

nothing_left
done_testing
