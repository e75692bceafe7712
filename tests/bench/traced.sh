# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# What tracing costs: the same job in the sandbox untraced, with a summary, two kinds of trace, and under strace.
traced_modes=(untraced summary json text)
! have strace || traced_modes+=(strace)
# shellcheck disable=SC2034 # read by bench.sh
traced_heading="traced job, IOPS (of untraced), CPU us per request of everything|$(IFS='|'; echo "${traced_modes[*]}")"

# row | mode | speed: at least so much of untraced; cpu: at most so many us per request more, of everything
traced_musts='trace-direct-d32|summary|speed|0.90
trace-direct-d32|json|speed|0.85
trace-tmpfs-d1|summary|speed|0.75
trace-tmpfs-d1|json|cpu|2'

traced_launcher() { # MODE
	launcher=("$AIO_SANDBOX" -v "${flags[@]}")
	case $1 in
	untraced) launcher+=(--) ;;
	summary) launcher+=(-c -o /dev/null --) ;;
	json | text) launcher+=(-o "$1:/dev/null" --) ;;
	strace) launcher=(strace -f -e 'trace=io_submit,io_getevents,io_setup' -o /dev/null) ;;
	esac
}

traced_median() { cut -d' ' -f"$2" "$tmp/$1.runs" | median; }

# Each round's run against the untraced one of that round; what is said is the median, and the spread.
traced_judge() { # MODE WHAT MUST
	paste -d' ' "$tmp/untraced.runs" "$tmp/$1.runs" | awk -v what="$2" '{
		print what == "speed" ? $4 / $1 : $5 + $6 - $2 - $3
	}' | sort -n | awk -v mode="$1" -v what="$2" -v must="$3" '
		{ v[NR] = $1 }
		END {
			m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			ok = what == "speed" ? m >= must : m <= must
			printf "%s %.2f (%.2f-%.2f) %s, must %s %s%s", mode, m, v[1], v[NR],
				(what == "speed" ? "of untraced" : "us of CPU more"), must, (ok ? "held" : "MISSED"),
				(v[1] < must && v[NR] > must ? " within the spread" : "")
		}'
}

traced_verdict() { # NAME
	local row mode what must line=
	while IFS='|' read -r row mode what must; do
		[ "$row" != "$1" ] || line="$line${line:+; }$(traced_judge "$mode" "$what" "$must")"
	done <<<"$traced_musts"
	[ -z "$line" ] || echo "$1: $line" | tee -a "$tmp/verdicts" | sed 's/^/# /' >&2
}

trace_row() { # NAME TITLE KB OPTIONS
	local mode round job base cells=
	[ "${BENCH_VERIFY-}" != only ] || return 0
	# shellcheck disable=SC2086 # a list of words
	job_of "$1" "$3" $4
	for mode in "${traced_modes[@]}"; do : >"$tmp/$mode.runs"; done
	for ((round = 0; round < runs; round++)); do
		for mode in $(in_turn $round "${traced_modes[@]}"); do
			sync "$file"
			traced_launcher "$mode"
			# strace takes the calls from nobody
			if ! one_run "$([ "$mode" = strace ] && echo native || echo trap)" "${job[@]}"; then
				give_up "$1" "$2" "the run of $mode failed: $why"
				return 1
			fi
			echo "$iops $prog $sup" >>"$tmp/$mode.runs"
		done
	done
	base=$(traced_median untraced 1)
	for mode in "${traced_modes[@]}"; do
		awk -v name="$1" -v mode="$mode" -v base="$base" -v n="$(traced_median "$mode" 1)" -v p="$(traced_median "$mode" 2)" \
			-v s="$(traced_median "$mode" 3)" -v runs="$runs" 'BEGIN {
			printf "row=%s mode=%s iops=%.0f of_untraced=%.3f prog_cpu_us=%.2f other_cpu_us=%.2f runs=%d\n",
				name, mode, n, n / base, p, s, runs
		}' | tee -a "$tmp/lines" | sed 's/^/# /' >&2
		cells="$cells | $(awk -v base="$base" -v n="$(traced_median "$mode" 1)" -v p="$(traced_median "$mode" 2)" \
			-v s="$(traced_median "$mode" 3)" 'BEGIN { printf "%.0f (%.2f), %.1f us", n, n / base, p + s }')"
	done
	echo "| $2$cells |" >>"$tmp/traced"
	traced_verdict "$1"
}
