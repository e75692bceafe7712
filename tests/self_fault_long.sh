#!/bin/sh
# SPDX-License-Identifier: MIT
# As self_fault.sh, with a build of its own (address and undefined-behaviour sanitizers see what a failure
# breaks) and every call: the first at each place, for each error that it can have, in every kind of run. Then call
# by call through the shortest run, until nothing is left to fail; then, in the parity victims, the first and a late call at
# each place. SELF_FAULT_VICTIMS: in how many of the victims that come there (2; 1000: all).
. "$srcdir/tests/lib.sh"
need nm xargs make
disk_dir
mark

top_srcdir=$(cd "$srcdir" && pwd)
parity_victims=$(cd "$srcdir" && echo tests/parity/victim_*.c | sed 's/\.c\>//g')
mkdir "$disk/build"
# shellcheck disable=SC2086
if ! (cd "$disk/build" && "$top_srcdir/configure" --enable-sanitizers CFLAGS='-O1 -g' &&
	make tests/failing_sandbox tests/victim_accepted $parity_victims) >"$disk/build.log" 2>&1; then
	diag "$(tail -n 20 "$disk/build.log")"
	not_ok "a build with --enable-sanitizers"
	done_testing
	exit 1
fi
top_builddir=$disk/build
# a failure may cost memory; the frames of a fault point are not its own
ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0
export top_builddir ASAN_OPTIONS
. "$srcdir/tests/self_fault_lib.sh"

# flags OPTION...: of the runs that follow
flags()
{
	AIO_SANDBOX_FLAGS=$*
	export AIO_SANDBOX_FLAGS
}

# kind NAME STEP OPTION...
kind()
{
	kind_name=$1
	shift
	flags "$(shift; echo "$@")"
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
flags ''
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

# meet OPTION...: $disk/every has all places of all parity victims with these options, those of quick victims first;
# $disk/late a late call of each place and error, in the victim that comes there most often
meet()
{
	flags "$@"
	: >"$disk/costs"
	: >"$disk/lates"
	for victim in $parity_victims; do
		victim=parity/${victim#tests/parity/victim_}
		began=$(date +%s%N)
		places "$victim" "$@" >"$disk/list" || continue
		late_places "$victim" >>"$disk/lates"
		took_ms=$((($(date +%s%N) - began) / 1000000))
		sed "s/^/$took_ms /" "$disk/list" >>"$disk/costs"
	done
	sort -s -n -k 1,1 "$disk/costs" | cut -d' ' -f 2- >"$disk/every"
	sort -s -rn -k 1,1 "$disk/lates" | cut -d' ' -f 2- |
		awk '{ place = $1; sub(/[+].*/, "", place) } !((place $4) in seen) { seen[place $4]; print }' >"$disk/late"
}

# not_before: of a list on stdin the places and errors that no other mode has met
not_before()
{
	awk 'FILENAME == ARGV[1] { before[$1 $4]; next } { place = $1; sub(/[+].*/, "", place) }
		!((place $4) in before)' "$disk/before" -
}

# parity VICTIMS OPTION...: each new place and error in so many of the parity victims that come to it
parity()
{
	victims=$1
	shift
	meet "$@"
	not_before <"$disk/every" | awk -v victims="$victims" 'met[$1 $4]++ < victims' >"$disk/list"
	different=$(awk '{ print $1 $4 }' "$disk/every" | sort -u | wc -l)
	diag "$(wc -l <"$disk/every") places and errors of all victims, $different different"
	countdown "parity victims $*, first calls" "$disk/list"
	not_before <"$disk/late" >"$disk/list"
	countdown "parity victims $*, late calls" "$disk/list"
	cat "$disk/every" >>"$disk/before"
}

: >"$disk/before"
parity "${SELF_FAULT_VICTIMS:-2}"
for mode in --submit=kernel --engine=threads --engine=libaio; do
	parity "${SELF_FAULT_VICTIMS:-2}" $mode
done

nothing_left
done_testing
