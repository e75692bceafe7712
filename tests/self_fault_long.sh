#!/bin/sh
# SPDX-License-Identifier: MIT
# As self_fault.sh, with a build of its own (address and undefined-behaviour sanitizers see what a failure
# breaks) and every call: the first at each place, for each error that it can have, in every kind of run. Then call
# by call through the shortest run, until nothing is left to fail; then in the parity victims.
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
	new_places <"$disk/list" >/dev/null
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

# parity OPTION...: in each parity victim the places that nothing before has met
parity()
{
	flags "$@"
	: >"$disk/parity.list"
	for victim in $parity_victims; do
		victim=parity/${victim#tests/parity/victim_}
		places "$victim" "$@" >"$disk/list" || continue
		new_places <"$disk/list" >>"$disk/parity.list"
		cat "$disk/list" >>"$disk/every"
	done
	countdown "parity victims $*" "$disk/parity.list"
}

: >"$disk/every"
parity
# of all the others some, by chance
: "${SELF_FAULT_SEED:=1}" "${SELF_FAULT_SHARE:=0.05}"
flags ''
awk -v seed="$SELF_FAULT_SEED" -v share="$SELF_FAULT_SHARE" 'BEGIN { srand(seed) }
	FILENAME == ARGV[1] { first[$0]; next }
	!($0 in first) && rand() < share' "$disk/parity.list" "$disk/every" >"$disk/list"
countdown "parity victims, SELF_FAULT_SHARE=$SELF_FAULT_SHARE of $(wc -l <"$disk/every") places, SELF_FAULT_SEED=$SELF_FAULT_SEED" \
	"$disk/list"
for mode in --engine=threads --submit=kernel --engine=libaio; do
	parity $mode
done

nothing_left
done_testing
