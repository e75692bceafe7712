#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the sandbox costs: each job natively, through the trap, with the shim, and each of these with everything on one CPU,
# in turn on the same file; medians of the rounds, a verdict for each row, and one run of it whose data is verified.
#
# usage: AIO_SANDBOX=PATH bench.sh        ("make bench"; docs/performance.md tells how to read the result)
#   BENCH_ROWS=REGEX                      only rows whose name it matches, such as 'direct-d(1|32)$'; BENCH_ROWS=list lists them
#   BENCH_SIDES="native trap ..."         only these columns: native trap shim native-1cpu trap-1cpu shim-1cpu
#   BENCH_RUNS=5 BENCH_SECONDS=2          rounds, and seconds of each run
#   BENCH_LIMIT=62                        seconds after which a run is killed
#   BENCH_VERIFY=no                       no verified runs; "only": no others
#   BENCH_SIZE=1024                       MiB of the file on disk; a cold run should not reach its end
#   BENCH_DIR=. BENCH_TMPFS=/dev/shm      where the files are
#   BENCH_OUT=FILE                        tables and conditions as markdown
#   AIO_SANDBOX_FLAGS                     options for aio-sandbox
#
# p99 is fio's "clat", from the end of io_submit to the reaped completion, and its "lat", which begins before io_submit: what
# is done inside of it must not look free.
# CPU time: "program" is all of fio (user and system, as a shell around it sees it by wait4, start of fio included); the other
# figure is what everything that was started used more than that: guardian and supervisor.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
here=$(cd "$(dirname "$0")" && pwd)

# name | what it is | place | block KiB | target must | must of the trap alone | at most x native: p99 CPU | fio's options
# "against" and other options: its requests per second are compared with theirs on the same side, not with native ones
rows() {
	local batch='--iodepth_batch_submit=16 --iodepth_batch_complete_min=16 --iodepth_batch_complete_max=16'
	cat <<END
randread-direct-d1|4 KiB random read, O_DIRECT, depth 1|disk|4|1.0 0.9|-|1.5 3|--direct=1 --rw=randread --iodepth=1
randread-direct-d32|4 KiB random read, O_DIRECT, depth 32|disk|4|1.0 0.9|0.6|1.5 3|--direct=1 --rw=randread --iodepth=32
randread-direct-d32-b16|4 KiB random read, O_DIRECT, depth 32, batches of 16|disk|4|1.1 1.0|-|- -|--direct=1 --rw=randread --iodepth=32 $batch
randread-cold-d32|4 KiB random read, buffered, cold file, depth 32|disk|4|8 4|-|- -|--direct=0 --rw=randread --iodepth=32 --invalidate=1
randread-tmpfs-d1|4 KiB random read, tmpfs, depth 1|tmpfs|4|1.0 0.6|0.2|- -|--direct=0 --rw=randread --iodepth=1
randread-tmpfs-d32-b16|4 KiB random read, tmpfs, depth 32, batches of 16|tmpfs|4|1.2 0.8|-|- -|--direct=0 --rw=randread --iodepth=32 $batch
randwrite-cached-d1|4 KiB random write into the page cache, depth 1|cached|4|1.0 0.5|-|- -|--direct=0 --rw=randwrite --iodepth=1 --invalidate=0
randwrite-cached-d32|4 KiB random write into the page cache, depth 32|cached|4|1.0 0.5|-|- -|--direct=0 --rw=randwrite --iodepth=32 --invalidate=0
read-direct-128k-d16|128 KiB sequential read, O_DIRECT, depth 16|disk|128|1.0 0.95|-|- -|--direct=1 --rw=read --iodepth=16
randwrite-fdatasync-d32|4 KiB random write, O_DIRECT, depth 32, fdatasync every 32|disk|4|1.0 0.9|-|- -|--direct=1 --rw=randwrite --iodepth=32 --fdatasync=32
randread-direct-4procs-d16|4 KiB random read, O_DIRECT, four processes, depth 16|disk|4|1.0 0.9|-|- -|--direct=1 --rw=randread --iodepth=16 --numjobs=4
threads-tmpfs-d1|8 threads with a context each, tmpfs, depth 1, against one|tmpfs|4|1.0 0.95|-|- -|--direct=0 --rw=randread --iodepth=1 --thread --numjobs=8 against --direct=0 --rw=randread --iodepth=1 --thread
threads-tmpfs-d32-b16|8 threads with a context each, tmpfs, depth 32, batches of 16, against one|tmpfs|4|1.0 0.95|-|- -|--direct=0 --rw=randread --iodepth=32 --thread --numjobs=8 $batch against --direct=0 --rw=randread --iodepth=32 --thread $batch
mariadb|MariaDB, sysbench oltp_read_write, 8 threads, buffer pool a tenth of the data|mariadb|-|1.0 0.9|-|- -|
randread-tmpfs-d32|4 KiB random read, tmpfs, depth 32|tmpfs|4|- -|-|- -|--direct=0 --rw=randread --iodepth=32
libaio-direct-d32|with --engine=libaio: 4 KiB random read, O_DIRECT, depth 32|disk|4|- -|-|- -|--direct=1 --rw=randread --iodepth=32
null-direct-d1|with --engine=null, no I/O: 4 KiB random read, depth 1|disk|4|- -|-|- -|--direct=1 --rw=randread --iodepth=1
null-direct-d32-b16|with --engine=null, no I/O: 4 KiB random read, depth 32, batches of 16|disk|4|- -|-|- -|--direct=1 --rw=randread --iodepth=32 $batch
strace-direct-d32|strace -f in the place of aio-sandbox: random read, O_DIRECT, depth 32|disk|4|- -|-|- -|--direct=1 --rw=randread --iodepth=32
trace-direct-d32|4 KiB random read, O_DIRECT, depth 32|disk|4|- -|-|- -|--direct=1 --rw=randread --iodepth=32
trace-tmpfs-d1|4 KiB random read, tmpfs, depth 1|tmpfs|4|- -|-|- -|--direct=0 --rw=randread --iodepth=1
memory-idle|memory of the sandbox for one idle program|tmpfs|4|- -|-|- -|
END
}
idle_must=8192	# KiB

[ "${BENCH_ROWS-}" != list ] || { rows | cut -d'|' -f1,2 | column -t -s'|'; exit 0; }
wanted() { [ -z "${BENCH_ROWS-}" ] || [[ $1 =~ $BENCH_ROWS ]]; }
names=$(rows | cut -d'|' -f1)
chosen=0
for name in $names; do ! wanted "$name" || chosen=$((chosen + 1)); done
[ $chosen -gt 0 ] || { echo "bench: no row matches '$BENCH_ROWS'; rows: ${names//$'\n'/ }" >&2; exit 1; }

command -v fio >/dev/null || { echo "bench: skipped: fio is not installed"; exit 0; }
. "$here/lib.sh"
. "$here/database.sh"
. "$here/traced.sh"
find_sides
failed=0

# Sets job: fio's arguments for the row's file.
job_of() { # NAME KB OPTIONS...
	job=(--name="$1" --ioengine=libaio --filename="$file" --size="${mib}m" --bs="${2}k" --time_based --runtime="$seconds"
		--group_reporting --clat_percentiles=1 --lat_percentiles=1 --percentile_list=99 --output-format=json "${@:3}")
}

# One run of fio under the launcher: sets iops, clat, lat (us), prog and sup (CPU us per request). Fails with $why.
one_run() { # SIDE FIO'S ARGUMENTS
	measured fio "${@:2}" && intercepted "$1" || return 1
	# fio's JSON, one "key" : value per line; one job by group_reporting; the idle direction has no requests
	sup=
	read -r iops clat lat prog sup < <(awk -v prog="$(cat "$tmp/prog")" -v tree="$(cat "$tmp/tree")" '
		$1 ~ /^"(read|write|trim|sync)"$/ && $3 == "{" { section = $1 }
		$1 ~ /^"[a-z]*lat_ns"$/ { lat = $1 }
		section !~ /read|write/ { next }
		$1 == "\"iops\"" { rate = $3 + 0 }
		$1 == "\"total_ios\"" && $3 + 0 { n = $3 + 0; iops = rate; busy = section }
		$1 == "\"99.000000\"" && section == busy { p99[lat] = $3 / 1000 }
		END {
			split(prog, a, " "); split(tree, t, " ")
			cpu = a[1] + a[2]; rest = t[1] + t[2] - cpu
			if (n > 0)
				printf "%.0f %.1f %.1f %.2f %.2f\n", iops, p99["\"clat_ns\""], p99["\"lat_ns\""], cpu * 1e6 / n,
					(rest > 0 ? rest : 0) * 1e6 / n
		}' "$tmp/out")
	[ -n "$sup" ] || { why="fio told nothing of its requests"; return 1; }
}

# The row cannot be measured, or not to its end.
give_up() { # NAME TITLE WHAT
	note "$1: $3"
	echo "$1: $3" >>"$tmp/verdicts"
	echo "row=$1 not_run=\"$3\"" >>"$tmp/lines"
}

# Appends a run of this side to $tmp/runs.
add_run() { # SIDE ROUND NAME KB OPTIONS AGAINST
	local job against=0
	[ "$file" = "$shm_tmp/file" ] || sync "$file"
	launcher_of "$1"
	if [ -n "$6" ]; then
		# shellcheck disable=SC2086 # a list of words
		job_of "$3" "$4" $6
		one_run "$1" "${job[@]}" || return 1
		against=$iops
	fi
	# shellcheck disable=SC2086
	job_of "$3" "$4" $5
	one_run "$1" "${job[@]}" || return 1
	echo "$1 $2 $iops $clat $lat $prog $sup $against" >>"$tmp/runs"
}

judge() { # NAME TITLE MUSTS TRAP_MUST P99_MAX CPU_MAX
	awk -v name="$1" -v title="$2" -v sides="${sides[*]}" -v musts="$3" -v trap_must="$4" -v p99_max="$5" -v cpu_max="$6" \
		-f "$here/judge.awk" "$tmp/runs" >"$tmp/judged"
	sed -n 's/^speed|/| /p' "$tmp/judged" | sed 's/$/ |/' >>"$tmp/speed"
	sed -n 's/^cost|/| /p' "$tmp/judged" | sed 's/$/ |/' >>"$tmp/cost"
	sed -n 's/^line|//p' "$tmp/judged" >>"$tmp/lines"
	sed -n 's/^verdict|//p' "$tmp/judged" >>"$tmp/verdicts"
	sed -n 's/^line|/# /p; s/^verdict|/# /p' "$tmp/judged" >&2
}

measure_row() { # NAME TITLE KB OPTIONS AGAINST SIDE...
	local round side
	: >"$tmp/runs"
	for ((round = 0; round < runs; round++)); do
		for side in $(in_turn $round "${@:6}"); do
			add_run "$side" $round "$1" "$3" "$4" "$5" && continue
			give_up "$1" "$2" "the run of $side failed: $why"
			return 1
		done
	done
}

# The same job over 32 MiB, all of whose data is checked; a write job reads what it has written.
verify_row() { # NAME KB OPTIONS
	local side job file=${file%/*}/data mib=32 jobs=1 requests result=
	[[ "$3" != *--numjobs=* ]] || { jobs=${3##*--numjobs=}; jobs=${jobs%% *}; }
	requests=$((mib * 1024 * jobs / $2))
	# shellcheck disable=SC2086 # a list of words
	set -- "$1" "$2" $3
	job=(--name="$1" --ioengine=libaio --filename="$file" --size="${mib}m" --bs="${2}k" --group_reporting --verify=crc32c
		--verify_fatal=1 --verify_state_save=0 "${@:3}")
	case "$*" in
	*--rw=randwrite*) requests=$((2 * requests)) ;;
	*) lay_out "$file" $mib --bs="${2}k" --verify=crc32c --do_verify=0 || { give_up "$1" "" "not verified: $why"; return 1; } ;;
	esac
	for side in trap shim; do
		[[ " ${sides[*]} " = *" $side "* ]] || continue
		launcher_of $side
		if ! measured fio "${job[@]}"; then
			give_up "$1" "" "data are wrong or the verified run of $side failed: $why"
			rm -f "$file"
			return 1
		fi
		if [ "$(requests_seen)" -lt $requests ]; then
			give_up "$1" "" "the supervisor saw $(requests_seen) requests of the verified run of $side, not $requests"
			rm -f "$file"
			return 1
		fi
		result="$result $side"
	done
	rm -f "$file"
	note "$1: verified:$result"
	[ -z "$result" ] || echo "$1$result" >>"$tmp/verified"
}

# Guardian and supervisor of a program that has done one request, has a context and sleeps.
memory_row() { # NAME TITLE
	local side pid load=${top_builddir:-.}/tests/bench/load pids rss pss line
	[ -x "$load" ] || { give_up "$1" "$2" "$load was not built"; return 1; }
	for side in trap shim; do
		[[ " ${sides[*]} " = *" $side "* ]] || continue
		launcher_of $side
		rm -f "$tmp/go" "$tmp/said"
		mkfifo "$tmp/go" "$tmp/said"
		timeout -k 5 "$limit" "${launcher[@]}" "$load" "$file" 1 1 1 0 <"$tmp/go" >"$tmp/said" 2>"$tmp/err" &
		pid=$!
		exec 5>"$tmp/go" 6<"$tmp/said"
		echo run >&5
		line=
		until [[ "$line" = done* ]] || ! read -r -t "$limit" line <&6; do :; done
		read -ra pids <<<"$(sandbox_of $pid | tr '\n' ' ')"
		if [[ "$line" != done* ]] || [ ${#pids[@]} -ne 2 ]; then
			exec 5>&- 6<&-
			wait $pid
			give_up "$1" "$2" "no idle program with guardian and supervisor ($side): $(tail -n 1 "$tmp/err")"
			return 1
		fi
		rss=$(memory_kb status VmRSS "${pids[@]}") pss=$(memory_kb smaps_rollup Pss "${pids[@]}")
		exec 5>&- 6<&-
		wait $pid || { give_up "$1" "$2" "the idle program ($side) failed: $(tail -n 1 "$tmp/err")"; return 1; }
		echo "row=$1 side=$side rss_kib=$rss pss_kib=$pss" >>"$tmp/lines"
		echo "$1: $side $rss KiB resident ($pss KiB with shared pages divided), must $idle_must $(
			[ "$rss" -le $idle_must ] && echo held || echo MISSED)" >>"$tmp/verdicts"
		tail -n 1 "$tmp/verdicts" | sed 's/^/# /' >&2
	done
}

bench_row() { # NAME TITLE PLACE KB MUSTS TRAP_MUST LIMITS OPTIONS
	local options=${8%% against *} against='' list=("${sides[@]}")
	[ "$options" = "$8" ] || against=${8##* against }
	extra=() instead=()
	case $1 in
	mariadb) database_row "$1" "$2" "$5" "$6"; return ;;
	esac
	place "$3" || { give_up "$1" "$2" "skipped: $why"; return 0; }
	case $1 in
	memory-*) memory_row "$1" "$2"; return ;;
	trace-*) trace_row "$1" "$2" "$4" "$options"; return ;;
	strace-*)
		have strace || { give_up "$1" "$2" "skipped: strace is not installed"; return 0; }
		instead=(strace -f -e 'trace=io_submit,io_getevents,io_setup' -o /dev/null)
		list=(native trap) ;;
	libaio-* | null-*) extra=(--engine="${1%%-*}") ;;
	esac
	[ "$5" != "- -" ] || [ ${#instead[@]} -gt 0 ] || list=("${free_sides[@]}")
	if [ "${BENCH_VERIFY-}" != only ]; then
		measure_row "$1" "$2" "$4" "$options" "$against" "${list[@]}" || return 1
		judge "$1" "$2" "$5" "$6" "${7% *}" "${7#* }"
	fi
	[ "${BENCH_VERIFY-}" = no ] || [[ "$1" = null-* || "$1" = strace-* ]] || verify_row "$1" "$4" "$options"
}

: >"$tmp/lines"
: >"$tmp/speed"
: >"$tmp/cost"
: >"$tmp/traced"
: >"$tmp/verdicts"
: >"$tmp/verified"
while IFS='|' read -r name title where kb musts trap_must limits options <&3; do
	wanted "$name" || continue
	bench_row "$name" "$title" "$where" "$kb" "$musts" "$trap_must" "$limits" "$options" 3<&- || failed=1
done 3< <(rows)

table() { # FILE HEADING...: a heading "WORD|WORD"
	[ -s "$1" ] || return 0
	echo "| ${2//|/ | } |"
	echo "$2" | sed 's/[^|]*/---/g; s/.*/|&|/'
	cat "$1"
	echo
}
free=${free_sides[*]}
result() {
	echo "$(conditions "$(fio --version)"); file of $size MiB on $(stat -f -c %T "$tmp"); $runs runs of $seconds s."
	echo
	table "$tmp/speed" "job|$(printf '%s|' "${sides[@]}")target and must"
	table "$tmp/cost" "job|p99 (clat) us, ${free// / / }|p99 (lat) us|CPU us per request, native / program + supervisor"
	table "$tmp/traced" "$traced_heading"
	sed 's/^/* /' "$tmp/verdicts"
	[ ! -s "$tmp/verified" ] || echo "* data verified: $(sed 's/ .*//' "$tmp/verified" | tr '\n' ' ')"
	echo "* musts missed: $(grep -o MISSED "$tmp/verdicts" | wc -l)"
	echo
	echo '```'
	cat "$tmp/lines"
	echo '```'
}
result | tee ${BENCH_OUT:+"$BENCH_OUT"}
exit "$failed"
