# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What bench.sh and scale.sh share: the sides that are compared, files, one run with its CPU time and its limit.
#
# A side is a way to run the program: native, trap (the sandbox without its shim), shim, and each of them with everything
# on one CPU (native-1cpu, ...). Nothing can hang: a run that is not over after BENCH_LIMIT seconds is killed and counts as
# one that failed.
: "${AIO_SANDBOX:?path of the aio-sandbox binary}"
runs=${BENCH_RUNS:-5}
seconds=${BENCH_SECONDS:-2}
limit=${BENCH_LIMIT:-$((seconds + 60))}
size=${BENCH_SIZE:-1024}
dir=${BENCH_DIR:-${builddir:-${top_builddir:-.}}}
shm=${BENCH_TMPFS:-/dev/shm}
me=${0##*/} me=${me%.sh}
export LC_ALL=C

die() { echo "$me: $*" >&2; exit 1; }
note() { echo "# $*" >&2; }
have() { command -v "$1" >/dev/null; }

have "$AIO_SANDBOX" || die "$AIO_SANDBOX does not exist; build it first"
tmp=$(mktemp -d "$(cd "$dir" && pwd)/bench.XXXXXX") || exit 1
shm_tmp=
cleanup() { :; }	# a script may define its own
trap 'cleanup; rm -rf "$tmp" ${shm_tmp:+"$shm_tmp"}' EXIT
trap 'exit 130' INT TERM HUP
[ "$(stat -f -c %T "$shm" 2>/dev/null)" != tmpfs ] || shm_tmp=$(mktemp -d "$shm/bench.XXXXXX")

# Sets sides, free_sides (those of them on all CPUs), cpu, flags, trap_flags and shim_flags.
find_sides() {
	local help known=(native trap) side
	read -ra flags <<<"${AIO_SANDBOX_FLAGS-}"
	help=$("$AIO_SANDBOX" --help) || die "$AIO_SANDBOX --help failed"
	trap_flags=() shim_flags=()
	! grep -qw -e --no-shim <<<"$help" || trap_flags=(--no-shim)
	! grep -qw -e --shim <<<"$help" || shim_flags=(--shim)
	if [ $((${#trap_flags[@]} + ${#shim_flags[@]})) -gt 0 ]; then
		known+=(shim)
	else
		note "no column shim: $AIO_SANDBOX --help knows no --shim"
	fi
	cpu=$(taskset -pc $$ 2>/dev/null | sed 's/.*[^0-9]//')
	if [ -n "$cpu" ] && taskset -c "$cpu" true; then
		known+=("${known[@]/%/-1cpu}")
	else
		note "no columns for one CPU: taskset is not installed or not allowed"
	fi
	for side in ${BENCH_SIDES-}; do
		[[ " ${known[*]} " = *" $side "* ]] || die "no side '$side'; sides: ${known[*]}"
	done
	sides=() free_sides=()
	for side in "${known[@]}"; do
		[ -z "${BENCH_SIDES-}" ] || [[ " $BENCH_SIDES " = *" $side "* ]] || continue
		sides+=("$side")
		[[ "$side" = *-1cpu ]] || free_sides+=("$side")
	done
}

# Sets launcher: what is put before the program; instead: a command in the place of aio-sandbox; extra: options more.
extra=() instead=()
launcher_of() { # SIDE
	launcher=()
	[[ "$1" != *-1cpu ]] || launcher=(taskset -c "$cpu")
	case ${#instead[@]}$1 in
	*native*) ;;
	0trap*) launcher+=("$AIO_SANDBOX" -v "${flags[@]}" "${trap_flags[@]}" "${extra[@]}" --) ;;
	0shim*) launcher+=("$AIO_SANDBOX" -v "${flags[@]}" "${shim_flags[@]}" "${extra[@]}" --) ;;
	*) launcher+=("${instead[@]}") ;;
	esac
}

# The sides in another order each round, so that none always comes first or after the same one.
in_turn() { # ROUND SIDE...
	local round=$1 n=$(($# - 1)) i
	shift
	local list=("$@")
	for ((i = 0; i < n; i++)); do
		echo "${list[((round % 2 ? n - 1 - i : i) + round / 2) % n]}"
	done
}

# The CPU seconds of the program and its children, as its own shell sees them by wait4, go to fd 8. Job control stays off.
timed='exec 8>"$0"; TIMEFORMAT="%U %S"; { time "$@" 2>&7 7>&-; } 7>&2 2>&8'

# why_not STATUS: sets why from the status of a run and from what it wrote to $tmp/err
why_not() {
	case $1 in
	124 | 137) why="killed after $limit s" ;;
	*) why="status $1: $(grep -v '^aio-sandbox: AIO calls:' "$tmp/err" | tail -n 1)" ;;
	esac
}

# Runs a program under the launcher: its output goes to $tmp/out, what it says to $tmp/err, the CPU seconds of the program to
# $tmp/prog and those of all that was started to $tmp/tree. Fails with $why.
measured() { # PROGRAM ARGS
	local TIMEFORMAT='%U %S' status
	{ time timeout -k 5 "$limit" "${launcher[@]}" bash -c "$timed" "$tmp/prog" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
		status=$?; } 2>"$tmp/tree"
	[ "$status" -eq 0 ] || { why_not "$status"; return 1; }
}

# A run that the supervisor did not serve would measure the kernel.
requests_seen() { sed -n 's/^aio-sandbox: AIO calls: [0-9]*, requests: \([0-9]*\).*/\1/p' "$tmp/err" | tail -n 1; }
intercepted() { # SIDE
	[[ "$1" = native* ]] || [ ${#instead[@]} -gt 0 ] || [ "$(requests_seen)0" -gt 0 ] ||
		{ why="the supervisor saw no request"; return 1; }
}

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# room DIRECTORY MIB: fails with $why
room() {
	local free
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -gt $(($2 + 64)) ] || { why="$1 has only $free MiB free, not $2"; return 1; }
}

# lay_out FILE MIB OPTIONS: a file of that size with random data, written once; fails with $why
lay_out() {
	local file=$1 mib=$2
	shift 2
	[ ! -e "$file" ] || return 0
	room "${file%/*}" "$mib" || return 1
	timeout -k 5 600 fio --name=layout --filename="$file" --size="${mib}m" --rw=write --ioengine=psync --end_fsync=1 \
		"$@" >"$tmp/out" 2>&1 </dev/null && return
	why="cannot write $file: $(tail -n 1 "$tmp/out")"
	rm -f "$file"
	return 1
}

# place WHERE: sets file and mib, of the kind that the row wants, and makes it; fails with $why
place() {
	case $1 in
	tmpfs)
		[ -n "$shm_tmp" ] || { why="$shm is not a tmpfs"; return 1; }
		file=$shm_tmp/file mib=256 ;;
	cached) file=$tmp/cached mib=256 ;;
	disk) file=$tmp/disk mib=$size ;;
	*) die "no such place: $1" ;;
	esac
	lay_out "$file" "$mib" --bs=1m
}

conditions() { # VERSION OF THE PROGRAM
	local model
	model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	echo "$("$AIO_SANDBOX" --version 2>/dev/null | head -n 1)${1:+; $1}; Linux $(uname -r);" \
		"$(nproc) CPUs (${model:-$(uname -m)}); options ${flags[*]:-none}"
}

# Processes that descend from PID, with it.
tree_of() { # PID
	ps -e -o pid= -o ppid= | awk -v top="$1" '
		{ parent[$1] = $2 }
		END {
			for (pid in parent) {
				for (up = pid; up in parent && up != top && up > 1; up = parent[up])
					;
				if (up == top)
					print pid
			}
		}'
}
# Those of them that are aio-sandbox: guardian and supervisor.
sandbox_of() { # PID
	local pid
	for pid in $(tree_of "$1"); do
		[ ! "/proc/$pid/exe" -ef "$(command -v "$AIO_SANDBOX")" ] || echo "$pid"
	done
}
# KiB of memory of some processes, by a field of status or smaps_rollup.
memory_kb() { # FILE FIELD PID...
	local pid
	for pid in "${@:3}"; do
		cat "/proc/$pid/$1"
	done | awk -v field="$2:" '$1 == field { kb += $2 } END { print kb + 0 }'
}
