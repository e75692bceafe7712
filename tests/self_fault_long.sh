#!/bin/sh
# SPDX-License-Identifier: MIT
# As self_fault.sh, with a build of its own (address and undefined-behaviour sanitizers see what a failure
# breaks) and every call: the first at each place, for each error that it can have, in every kind of run. Then call
# by call through the shortest run, until nothing is left to fail.
. "$srcdir/tests/lib.sh"
need nm xargs make
disk_dir
mark

top_srcdir=$(cd "$srcdir" && pwd)
mkdir "$disk/build"
if ! (cd "$disk/build" && "$top_srcdir/configure" --enable-self-faults --enable-sanitizers \
	CFLAGS='-O1 -g' && make all tests/victim_accepted) >"$disk/build.log" 2>&1; then
	diag "$(tail -n 20 "$disk/build.log")"
	not_ok "a build with --enable-self-faults --enable-sanitizers"
	done_testing
	exit 1
fi
top_builddir=$disk/build
AIO_SANDBOX=$top_builddir/aio-sandbox
# a failure may cost memory; the frames of a fault point are not its own
ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0
export AIO_SANDBOX ASAN_OPTIONS
. "$srcdir/tests/self_fault_lib.sh"
check "the build has self-faults" has_self_faults

# kind NAME STEP OPTION...
kind()
{
	kind_name=$1
	shift
	AIO_SANDBOX_FLAGS=$(shift; echo "$@")
	export AIO_SANDBOX_FLAGS
	places "$@" >"$disk/list"
	countdown "$kind_name" "$disk/list"
}

for step in io large peers life; do
	kind "$step" $step --buffer-memory=1M
	kind "$step on threads, with keys" $step --engine=threads -vv
	# a read of an empty pipe blocks there, as in the kernel
	[ $step = peers ] || kind "$step, kernel mode" $step --submit=kernel
done

# call by call until 50 in a row are not made; 0 is the guardian, 1 the supervisor, 2 PROGRAM before its execve
AIO_SANDBOX_FLAGS=
for process in 0 1 2; do
	first=1
	while [ $first -lt 5000 ]; do
		awk -v p=$process -v n=$first 'BEGIN {
			for (last = n + 50; n < last; n++)
				print p "." n, p, "any", "ANY", "short"
		}' >"$disk/list"
		runs "$disk/list"
		cat "$disk/verdicts" >>"$disk/verdicts.$process"
		grep -qv '^unmet ' "$disk/verdicts" || break
		first=$((first + 50))
	done
	judge "call by call, process $process" "$disk/verdicts.$process"
done

nothing_left
done_testing
