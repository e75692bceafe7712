#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How cost grows with contexts, processes and depth: tests/bench/load natively, through the trap and with the shim, in turn.
#
# usage: AIO_SANDBOX=PATH scale.sh        ("make bench-scale"; docs/performance.md tells how to read the result)
#   BENCH_ROWS=REGEX                      only points whose name it matches, such as '^tmpfs-p1-c1-'; BENCH_ROWS=list lists them
#   BENCH_SIDES BENCH_RUNS=3 BENCH_SECONDS=1 BENCH_LIMIT BENCH_SIZE=256 BENCH_DIR BENCH_TMPFS BENCH_OUT AIO_SANDBOX_FLAGS
#                                         as for bench.sh
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${BENCH_RUNS:=3}" "${BENCH_SECONDS:=1}" "${BENCH_SIZE:=256}"

# place processes contexts depth block: contexts of each process, depth of each context
points() {
	local n
	# all of it in memory: what is seen is the price of the machinery
	for n in 1 10 100 1000; do echo "tmpfs 1 $n 1 4096"; done
	for n in 4 16 64; do echo "tmpfs $n 1 1 4096"; done
	for n in 8 64 512 4096; do echo "tmpfs 1 1 $n 4096"; done
	# all together, 4096 in flight
	echo "tmpfs 64 16 4 4096"
	echo "tmpfs 1 1000 4 4096"
	# O_DIRECT: requests wait for the device, so that memory is needed for each
	for n in 1 64 512 4096; do echo "disk 1 1 $n 4096"; done
	for n in 64 512 4096; do echo "disk 1 1 $n 65536"; done
	echo "disk 16 1 32 4096"
}
name_of() { echo "$1-p$2-c$3-d$4${5:+-$5}"; }
names=$(points | while read -r where p c d b; do name_of "$where" "$p" "$c" "$d" "$b"; done)
[ "${BENCH_ROWS-}" != list ] || { echo "$names"; exit 0; }
grep -qE -e "${BENCH_ROWS-}" <<<"$names" || { echo "scale: no point matches '$BENCH_ROWS'" >&2; exit 1; }

command -v fio >/dev/null || { echo "scale: skipped: fio is not installed, which lays out the files"; exit 0; }
. "$here/lib.sh"
load=${top_builddir:-.}/tests/bench/load
[ -x "$load" ] || die "$load does not exist; build it first"
find_sides
ticks=$(getconf CLK_TCK)
failed=0
: >"$tmp/table"
: >"$tmp/lines"
: >"$tmp/failures"

# CPU ticks of a process, or of a thread of it (PID/task/TID).
ticks_of() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
# KiB that the kernel itself has taken, on the whole machine.
kernel_kb() { awk '/^(SUnreclaim|Percpu|PageTables|KernelStack):/ { kb += $2 } END { print kb + 0 }' /proc/meminfo; }

# Waits for a line of the running program that begins with WORD; sets line.
hear() { # WORD
	while read -r -t "$limit" line <&6; do
		[[ "$line" != "$1"* ]] || return 0
	done
	return 1
}

# The supervisor: the child of the guardian. Sets guardian and supervisor; none natively.
find_sandbox() { # SIDE PID
	local found=()
	guardian='' supervisor=''
	[[ "$1" != native* ]] || return 0
	read -ra found <<<"$(sandbox_of "$2" | sort -n | tr '\n' ' ')"
	[ ${#found[@]} -eq 2 ] || { why="guardian and supervisor are not there, but ${#found[@]} processes"; return 1; }
	guardian=${found[0]} supervisor=${found[1]}
	[ "$(ps -o ppid= -p "$supervisor" | tr -d ' ')" = "$guardian" ] || {
		supervisor=${found[0]}
		guardian=${found[1]}
	}
}

# What the run took, from two looks at the processes; sets result: wall, program's CPU and others' CPU, ns per request; the share
# of a CPU that the loop thread had, KiB of the supervisor with all contexts and nothing in flight, KiB of it at most, KiB of everything.
conclude() { # LOOP_BEFORE OTHER_BEFORE REST KERNEL_BEFORE PID
	local requests wall cpu loop=0 other=0 peak=0 everything
	read -r _ requests wall cpu <<<"$line"
	if [ -n "$supervisor" ]; then
		loop=$(($(ticks_of "$supervisor/task/$supervisor") - $1))
		other=$(($(ticks_of "$supervisor") + $(ticks_of "$guardian") - $2))
		peak=$(memory_kb status VmHWM "$supervisor")
	fi
	# shellcheck disable=SC2046 # a list of words
	everything=$(($(memory_kb smaps_rollup Pss $(tree_of "$5")) + $(kernel_kb) - $4))
	result=$(awk -v n="$requests" -v wall="$wall" -v cpu="$cpu" -v loop=$loop -v other=$other -v hz="$ticks" \
		-v rest="$3" -v peak="$peak" -v all="$everything" 'BEGIN {
		if (n > 0)
			printf "%.1f %.1f %.1f %.3f %d %d %d\n", wall / n, cpu / n, other / hz * 1e9 / n, loop / hz * 1e9 / wall, rest, peak, all
	}')
	[ -n "$result" ] || { why="no requests: $line"; return 1; }
}

# One run in the background: it says when it stands ready and when it is done, and lives until it is told to end.
run_point() { # SIDE LOAD'S ARGUMENTS
	local pid status=0 loop=0 other=0 rest=0 kernel
	result=
	kernel=$(kernel_kb)
	launcher_of "$1"
	rm -f "$tmp/go" "$tmp/said"
	mkfifo "$tmp/go" "$tmp/said"
	timeout -k 5 "$limit" "${launcher[@]}" "$load" "${@:2}" <"$tmp/go" >"$tmp/said" 2>"$tmp/err" &
	pid=$!
	exec 5>"$tmp/go" 6<"$tmp/said"
	why="it did not start"
	if hear ready && find_sandbox "$1" $pid; then
		[ -z "$supervisor" ] || {
			loop=$(ticks_of "$supervisor/task/$supervisor")
			other=$(($(ticks_of "$supervisor") + $(ticks_of "$guardian")))
			rest=$(memory_kb status VmRSS "$supervisor")
		}
		why="it did not come to its end"
		echo run >&5
		! hear 'done' || ! conclude "$loop" "$other" "$rest" "$kernel" $pid || why=
	fi
	exec 5>&- 6<&-
	wait $pid || status=$?
	[ $status -eq 0 ] || why_not $status
	[ $status -eq 0 ] && [ -z "$why" ] && intercepted "$1"
}

# medians of column N of the runs of a side
column() { awk -v side="$1" -v n="$2" '$1 == side { print $(n + 1) }' "$tmp/runs" | median; }

point_row() { # PLACE PROCESSES CONTEXTS DEPTH BLOCK
	local name side round i direct=''
	name=$(name_of "$@")
	place "$1" || { note "$name: skipped: $why"; echo "* $name: skipped: $why" >>"$tmp/failures"; return 0; }
	[ "$1" = tmpfs ] || direct=direct
	: >"$tmp/runs"
	for ((round = 0; round < runs; round++)); do
		for side in $(in_turn $round "${free_sides[@]}"); do
			if ! run_point "$side" "$file" "$2" "$3" "$4" "$seconds" "$5" $direct; then
				note "$name: the run of $side failed: $why"
				echo "* $name: the run of $side failed: $why" >>"$tmp/failures"
				return 1
			fi
			echo "$side $result" >>"$tmp/runs"
		done
	done
	for side in "${free_sides[@]}"; do
		echo "$side $(for i in 1 2 3 4 5 6 7; do column "$side" $i; done | tr '\n' ' ')"
	done >"$tmp/medians"
	awk -v name="$name" -v runs="$runs" -v flight=$(($2 * $3 * $4)) -v head="$1, $(($5 / 1024)) KiB | $2 | $3 | $4" '
		function cell(old, new) { return old (old == "" ? "" : " / ") new }
		{
			wall = cell(wall, sprintf("%.2f", $2 / 1000))
			cpu = cell(cpu, sprintf("%.1f", ($3 + $4) / 1000))
			all = cell(all, sprintf("%.1f", $8 / 1024))
			each = ($7 - $6) / flight
			printf "line|point=%s side=%s wall_us=%.3f prog_cpu_us=%.3f other_cpu_us=%.3f loop_busy=%.2f", name, $1, $2 / 1000, $3 / 1000,
				$4 / 1000, $5
			printf " rest_kib=%d peak_kib=%d kib_per_request=%.3f all_kib=%d runs=%d\n", $6, $7, each, $8, runs
		}
		$1 != "native" {
			busy = cell(busy, sprintf("%.0f", $5 * 100))
			memory = cell(memory, sprintf("%.1f-%.1f", $6 / 1024, $7 / 1024))
			growth = cell(growth, sprintf("%.2f", each))
		}
		END { print "row|| " head " | " wall " | " cpu " | " busy " | " memory " | " growth " | " all " |" }' "$tmp/medians" >"$tmp/said_of"
	sed -n 's/^row|//p' "$tmp/said_of" >>"$tmp/table"
	sed -n 's/^line|//p' "$tmp/said_of" | tee -a "$tmp/lines" | sed 's/^/# /' >&2
}

while read -r where p c d b <&3; do
	grep -qE -e "${BENCH_ROWS-}" <<<"$(name_of "$where" "$p" "$c" "$d" "$b")" || continue
	point_row "$where" "$p" "$c" "$d" "$b" 3<&- || failed=1
done 3< <(points)

all_sides=${free_sides[*]} all_sides=${all_sides// / \/ }
boxes=${all_sides#native} boxes=${boxes# / }
result() {
	echo "$(conditions ""); files on tmpfs and $(stat -f -c %T "$tmp") (O_DIRECT); $runs runs of $seconds s."
	echo
	echo "| random reads of | processes | contexts each | depth each | us per request, $all_sides | CPU us per request | loop busy %, $boxes |" \
		"supervisor MiB, rest-most | KiB of it per request in flight | everything MiB, $all_sides |"
	echo "|---|---|---|---|---|---|---|---|---|---|"
	cat "$tmp/table"
	echo
	cat "$tmp/failures"
	echo '```'
	cat "$tmp/lines"
	echo '```'
}
result | tee ${BENCH_OUT:+"$BENCH_OUT"}
exit "$failed"
