#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the sandbox costs: fio's libaio engine natively and sandboxed in turn on the same file, medians of several short runs.
#
# usage: AIO_SANDBOX=PATH bench.sh        ("make bench")
#   BENCH_RUNS=5 BENCH_SECONDS=3          runs per row and side, seconds per run
#   BENCH_ROWS="NAME..."                  only these rows
#   BENCH_SIZE=1024                       MiB of the file on disk; a cold run should not reach its end
#   BENCH_DIR=. BENCH_TMPFS=/dev/shm      where the files are
#   BENCH_PREFIX="taskset -c 0"           put before both sides
#   BENCH_OUT=FILE                        the table and its conditions as markdown
#   AIO_SANDBOX_FLAGS                     options for aio-sandbox
#
# p99 is fio's "lat", from before io_submit to the reaped completion: what is done inside io_submit must not look free.
# CPU time: "program" is all of fio (user and system, as a shell around it sees it by wait4, start of fio included);
# "supervisor" is what the whole sandboxed tree used more than that program.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
: "${AIO_SANDBOX:?path of the aio-sandbox binary}"
runs=${BENCH_RUNS:-5}
seconds=${BENCH_SECONDS:-3}
size=${BENCH_SIZE:-1024}
dir=${BENCH_DIR:-${builddir:-${top_builddir:-.}}}
shm=${BENCH_TMPFS:-/dev/shm}
export LC_ALL=C

die() { echo "bench: $*" >&2; exit 1; }
skip() { echo "bench: skipped: $*"; exit 0; }
[ -x "$(command -v "$AIO_SANDBOX")" ] || die "$AIO_SANDBOX does not exist; build it first"
command -v fio >/dev/null || skip "fio is not installed"

tmp=$(mktemp -d "$(cd "$dir" && pwd)/bench.XXXXXX") || exit 1
shm_tmp=
trap 'rm -rf "$tmp" ${shm_tmp:+"$shm_tmp"}' EXIT
trap 'exit 130' INT TERM HUP
disk=$tmp/disk
[ "$(stat -f -c %T "$shm" 2>/dev/null)" = tmpfs ] && shm_tmp=$(mktemp -d "$shm/bench.XXXXXX")

# name | what it is | file | block KiB | the rest of fio's options
rows=$(cat <<END
randread-direct-d1|4 KiB random read, O_DIRECT, depth 1|disk|4|--direct=1 --rw=randread --iodepth=1
randread-direct-d32|4 KiB random read, O_DIRECT, depth 32|disk|4|--direct=1 --rw=randread --iodepth=32
randread-direct-d32-b16|the same in batches of 16|disk|4|--direct=1 --rw=randread --iodepth=32 --iodepth_batch_submit=16 --iodepth_batch_complete_min=16 --iodepth_batch_complete_max=16
randread-cold-d32|4 KiB random read, buffered, cold file, depth 32|disk|4|--direct=0 --rw=randread --iodepth=32 --invalidate=1
randread-tmpfs-d1|4 KiB random read, tmpfs, depth 1|tmpfs|4|--direct=0 --rw=randread --iodepth=1
randread-tmpfs-d32|4 KiB random read, tmpfs, depth 32|tmpfs|4|--direct=0 --rw=randread --iodepth=32
randwrite-buffered-d32|4 KiB random write, buffered, depth 32|disk|4|--direct=0 --rw=randwrite --iodepth=32
read-direct-128k-d16|128 KiB sequential read, O_DIRECT, depth 16|disk|128|--direct=1 --rw=read --iodepth=16
randwrite-fdatasync-d32|4 KiB random write, O_DIRECT, depth 32, fdatasync every 32|disk|4|--direct=1 --rw=randwrite --iodepth=32 --fdatasync=32
randread-direct-4procs-d8|4 KiB random read, O_DIRECT, four processes, depth 8|disk|4|--direct=1 --rw=randread --iodepth=8 --numjobs=4
libaio-direct-d32|with --engine=libaio: 4 KiB random read, O_DIRECT, depth 32|disk|4|--direct=1 --rw=randread --iodepth=32
null-direct-d1|with --engine=null, no I/O: 4 KiB random read, depth 1|disk|4|--direct=1 --rw=randread --iodepth=1
null-direct-d32-b16|with --engine=null, no I/O: the same at depth 32 in batches of 16|disk|4|--direct=1 --rw=randread --iodepth=32 --iodepth_batch_submit=16 --iodepth_batch_complete_min=16 --iodepth_batch_complete_max=16
trace-direct-d32|traced: 4 KiB random read, O_DIRECT, depth 32|disk|4|--direct=1 --rw=randread --iodepth=32
trace-tmpfs-d1|traced: 4 KiB random read, tmpfs, depth 1|tmpfs|4|--direct=0 --rw=randread --iodepth=1
strace-direct-d32|strace -f instead of aio-sandbox: random read, O_DIRECT, depth 32|disk|4|--direct=1 --rw=randread --iodepth=32
END
)
names=$(cut -d'|' -f1 <<<"$rows")
for want in ${BENCH_ROWS:-}; do
	grep -qxF -- "$want" <<<"$names" || die "no row '$want'; rows: ${names//$'\n'/ }"
done

lay_out() { # FILE MIB
	fio --name=layout --filename="$1" --size="$2m" --bs=1m --rw=write --ioengine=psync --end_fsync=1 >"$tmp/out" 2>&1 ||
		die "cannot write $1: $(tail -n 1 "$tmp/out")"
}

# The CPU seconds of the program and its children, as its own shell sees them, go to fd 8. Job control stays off.
timed='exec 8>"$0"; TIMEFORMAT="%U %S"; { time "$@" 2>&7 7>&-; } 7>&2 2>&8'

# One run of the job under $launcher: sets iops, p99 (us), prog and sup (CPU us per request).
one_run() { # fio's arguments
	local TIMEFORMAT='%U %S' status
	{ time "${launcher[@]}" bash -c "$timed" "$tmp/prog" fio "$@" >"$tmp/json" 2>"$tmp/err"; status=$?; } 2>"$tmp/tree"
	[ "$status" -eq 0 ] || { sed 's/^/# /' "$tmp/err" >&2; return 1; }
	# fio's JSON, one "key" : value per line; one job by group_reporting; the idle direction has no requests
	read -r iops p99 prog sup < <(awk -v prog="$(cat "$tmp/prog")" -v tree="$(cat "$tmp/tree")" '
		$1 ~ /^"(read|write|trim|sync)"$/ && $3 == "{" { section = $1 }
		$1 ~ /^"[a-z]*lat_ns"$/ { lat = $1 }
		section !~ /read|write/ { next }
		$1 == "\"iops\"" { rate = $3 + 0 }
		$1 == "\"total_ios\"" && $3 + 0 { n = $3 + 0; iops = rate; busy = section }
		$1 == "\"99.000000\"" && section == busy && lat == "\"lat_ns\"" { p99 = $3 / 1000 }
		END {
			split(prog, a, " "); split(tree, t, " ")
			cpu = a[1] + a[2]; rest = t[1] + t[2] - cpu
			if (n > 0)
				printf "%.0f %.1f %.2f %.2f\n", iops, p99, cpu * 1e6 / n, (rest > 0 ? rest : 0) * 1e6 / n
		}' "$tmp/json") && [ -n "${sup:-}" ]
}
# A run that the supervisor did not serve would measure the kernel.
intercepted() {
	grep -q '^aio-sandbox: AIO calls: [0-9]*, requests: [1-9]' "$tmp/err" && return
	echo "# the supervisor saw no request: $(tail -n 1 "$tmp/err")" >&2
	return 1
}
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
med() { cut -d' ' -f"$2" "$tmp/$1.runs" | median; }

# Sets file and job; fails if there is no such file.
lay_job() { # name file kb options
	case $2 in
	tmpfs)
		[ -n "$shm_tmp" ] || { echo "# $1: skipped, $shm is not a tmpfs"; return 1; }
		file=$shm_tmp/file ;;
	disk) file=$disk ;;
	esac
	# shellcheck disable=SC2206 # a list of words
	job=(--name="$1" --ioengine=libaio --filename="$file" --size="$(($(stat -c %s "$file") >> 20))m" --bs="${3}k"
		--time_based --runtime="$seconds" --group_reporting --lat_percentiles=1 --clat_percentiles=0 --output-format=json $4)
}

# What tracing costs: the same job in the sandbox untraced, with a summary, two traces, and under strace.
trace_row() { # name title file kb options
	local name=$1 title=$2 where=$3 mode i file base cell cells=
	local -a job launcher modes=(untraced summary json text strace)
	# shellcheck disable=SC2206 # lists of words
	local -a prefix=(${BENCH_PREFIX-}) flags=(${AIO_SANDBOX_FLAGS-})
	lay_job "$name" "$where" "$4" "$5" || return 0
	command -v strace >/dev/null || modes=(untraced summary json text)
	for mode in "${modes[@]}"; do : >"$tmp/$mode.runs"; done
	for ((i = 0; i < runs; i++)); do
		# each time another one first
		for mode in "${modes[@]:i % ${#modes[@]}}" "${modes[@]:0:i % ${#modes[@]}}"; do
			[ "$where" = tmpfs ] || sync "$file"
			launcher=("${prefix[@]}" "$AIO_SANDBOX" -v "${flags[@]}")
			case $mode in
			untraced) launcher+=(--) ;;
			summary) launcher+=(-c -o /dev/null --) ;;
			json | text) launcher+=(-o "$mode:/dev/null" --) ;;
			strace) launcher=("${prefix[@]}" strace -f -e trace=io_submit,io_getevents,io_setup -o /dev/null) ;;
			esac
			if ! one_run "${job[@]}" || { [ "$mode" != strace ] && ! intercepted; }; then
				echo "row=$name mode=$mode failed=yes" >>"$tmp/lines"
				failed=1
				return 0
			fi
			echo "$iops $p99 $prog $sup" >>"$tmp/$mode.runs"
		done
	done
	base=$(med untraced 1)
	for mode in "${modes[@]}"; do
		awk -v name="$name" -v mode="$mode" -v base="$base" -v n="$(med "$mode" 1)" -v p="$(med "$mode" 3)" -v s="$(med "$mode" 4)" -v runs="$runs" 'BEGIN {
			printf "row=%s mode=%s iops=%.0f of_untraced=%.3f prog_cpu_us=%.2f sup_cpu_us=%.2f runs=%d\n", name, mode, n, n / base, p, s, runs
		}' | tee -a "$tmp/lines" | sed 's/^/# /' >&2
		cell=$(awk -v base="$base" -v n="$(med "$mode" 1)" -v p="$(med "$mode" 3)" -v s="$(med "$mode" 4)" 'BEGIN {
			printf "%.0f (%.2f), %.1f us", n, n / base, p + s }')
		cells="$cells | $cell"
	done
	echo "| $title$cells |" >>"$tmp/traced"
}

bench_row() { # name title file kb options
	local name=$1 title=$2 where=$3 file side i by=aio-sandbox
	local -a job other launcher
	lay_job "$name" "$where" "$4" "$5" || return 0
	# shellcheck disable=SC2086,SC2206 # lists of words
	{
	other=("$AIO_SANDBOX" -v ${AIO_SANDBOX_FLAGS-} --)
	case ${name%%-*} in
	strace)
		command -v strace >/dev/null || { echo "# $name: skipped, strace is not installed"; return 0; }
		by=strace
		other=(strace -f -e trace=io_submit,io_getevents,io_setup -o /dev/null) ;;
	libaio | null)
		other=("$AIO_SANDBOX" -v ${AIO_SANDBOX_FLAGS-} --engine="${name%%-*}" --) ;;
	esac
	}
	: >"$tmp/native.runs"
	: >"$tmp/sandbox.runs"
	# ABBA: neither side always comes first
	for ((i = 0; i < runs; i++)); do
		for side in $( ((i % 2)) && echo sandbox native || echo native sandbox); do
			[ "$where" = tmpfs ] || sync "$file"
			# shellcheck disable=SC2206
			launcher=(${BENCH_PREFIX-})
			[ "$side" = native ] || launcher+=("${other[@]}")
			if ! one_run "${job[@]}" || { [ "$side $by" = "sandbox aio-sandbox" ] && ! intercepted; }; then
				echo "row=$name by=$by failed=$side" >>"$tmp/lines"
				echo "| $title | $side run failed | | | | | |" >>"$tmp/table"
				failed=1
				return 0
			fi
			echo "$iops $p99 $prog $sup" >>"$tmp/$side.runs"
		done
	done
	local n s
	n=$(med native 1) s=$(med sandbox 1)
	awk -v name="$name" -v by=$by -v n="$n" -v s="$s" -v np="$(med native 2)" -v sp="$(med sandbox 2)" \
		-v nc="$(med native 3)" -v sc="$(med sandbox 3)" -v su="$(med sandbox 4)" -v runs="$runs" -v sec="$seconds" 'BEGIN {
		printf "row=%s by=%s native_iops=%.0f sandbox_iops=%.0f ratio=%.3f native_p99_us=%.1f sandbox_p99_us=%.1f", name, by, n, s, s / n, np, sp
		printf " native_cpu_us=%.2f prog_cpu_us=%.2f sup_cpu_us=%.2f runs=%d seconds=%s\n", nc, sc, su, runs, sec
	}' >>"$tmp/lines"
	awk -v title="$title" -v n="$n" -v s="$s" -v np="$(med native 2)" -v sp="$(med sandbox 2)" \
		-v nc="$(med native 3)" -v sc="$(med sandbox 3)" -v su="$(med sandbox 4)" 'BEGIN {
		printf "| %s | %.0f | %.0f | %.2f | %.1f / %.1f | %.1f | %.1f + %.1f |\n", title, n, s, s / n, np, sp, nc, sc, su
	}' >>"$tmp/table"
	tail -n 1 "$tmp/lines" | sed 's/^/# /' >&2
}

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
fs=$(stat -f -c %T "$tmp")
version=$("$AIO_SANDBOX" --version 2>/dev/null | head -n 1)
conditions="${version:-$AIO_SANDBOX}; $(fio --version); Linux $(uname -r); $(nproc) CPUs (${cpu:-$(uname -m)}); file of $size MiB on $fs; median of $runs runs of $seconds s"
[ -z "${AIO_SANDBOX_FLAGS-}" ] || conditions="$conditions; options $AIO_SANDBOX_FLAGS"
[ -z "${BENCH_PREFIX-}" ] || conditions="$conditions; under $BENCH_PREFIX"

lay_out "$disk" "$size"
[ -z "$shm_tmp" ] || lay_out "$shm_tmp/file" 256
failed=0
: >"$tmp/lines"
: >"$tmp/table"
: >"$tmp/traced"
while IFS='|' read -r name title where kb options <&3; do
	[ -z "${BENCH_ROWS:-}" ] || grep -qxF -- "$name" <<<"${BENCH_ROWS// /$'\n'}" || continue
	case $name in
	trace-*) trace_row "$name" "${title#traced: }" "$where" "$kb" "$options" 3<&- ;;
	*) bench_row "$name" "$title" "$where" "$kb" "$options" 3<&- ;;
	esac
done 3<<<"$rows"

header='| job | native IOPS | sandbox IOPS | ratio | p99 us, native / sandbox | CPU us per request, native | sandboxed: program + supervisor |
|---|---|---|---|---|---|---|'
echo "$conditions"
echo
printf '%s\n' "$header" | cat - "$tmp/table" | column -t -s'|' -o'|' 2>/dev/null || printf '%s\n' "$header" | cat - "$tmp/table"
echo
traced='| job, IOPS (of untraced), CPU us per request of everything | untraced | -c | json | text | strace -f |
|---|---|---|---|---|---|'
if [ -s "$tmp/traced" ]; then
	printf '%s\n' "$traced" | cat - "$tmp/traced"
	echo
fi
cat "$tmp/lines"
if [ -n "${BENCH_OUT:-}" ]; then
	{
		echo "# Performance"
		echo
		echo "Written by \`make bench\` (tests/bench/bench.sh); rerun it rather than believe it."
		echo
		echo "$conditions."
		echo
		printf '%s\n' "$header"
		cat "$tmp/table"
		echo
		echo "ratio: sandboxed over native IOPS. p99: latency from submission to completion. CPU: user and system time of the whole program and, in the sandbox,"
		echo "of all that is not the program. The rows of --engine=null do no I/O in the sandbox: their supervisor's CPU time per request is what the sandbox"
		echo "itself costs, and their ratio means nothing. The last row puts \`strace -f\` in the place of aio-sandbox."
		echo
		if [ -s "$tmp/traced" ]; then
			printf '%s\n' "$traced" | cat - "$tmp/traced"
			echo
			echo "Traces go to /dev/null; what a disk takes comes on top."
			echo
		fi
		echo '```'
		cat "$tmp/lines"
		echo '```'
	} >"$BENCH_OUT"
fi
exit "$failed"
