#!/bin/sh
# SPDX-License-Identifier: MIT
# What make bench says of a row follows from its runs. If this breaks, a row that is too slow may pass as fast enough.
. "$srcdir/tests/lib.sh"

# judge MUSTS TRAP_MUST P99_MAX CPU_MAX: the runs on stdin
judge()
{
	"${AWK:-awk}" -v name=row -v title=Title -v sides="native trap shim native-1cpu trap-1cpu shim-1cpu" -v musts="$1" \
		-v trap_must="$2" -v p99_max="$3" -v cpu_max="$4" -f "$srcdir/tests/bench/judge.awk" >"$tmp/judged"
}
said() { sed -n "s/^$1|//p" "$tmp/judged"; }

# side, round, requests per second, p99 (clat, lat), CPU (program, others), requests per second to compare with
judge '1.0 0.65' 0.5 1.5 3 <<'END'
native 0 100 10 11 5 0 0
native 1 200 10 11 5 0 0
native 2 400 10 11 5 0 0
trap 0 60 15 16 6 9 0
trap 1 100 15 16 6 9 0
trap 2 280 15 16 6 9 0
END
is 'a ratio is the median of the rounds, and they spread' "$(said speed)" \
	'Title | 200 | 0.60 (0.50-0.70) | - | - | - | - | 1.0 0.65'
is 'what is missed, held and uncertain is said' "$(said verdict)" \
	'row: trap 0.60 (0.50-0.70), target 1.0 not reached, must 0.65 MISSED within the spread; trap alone 0.60 (0.50-0.70), must 0.5 held; p99 x1.50, must 1.5 held; CPU x3.00, must 3 held'
is 'CPU is that of the program and of the rest' "$(said cost)" 'Title | 10.0 / 15.0 | 11.0 / 16.0 | 5.0 / 6.0 + 9.0'
is 'a line for programs of each side that ran' "$(said line | sed 's/ iops.*//' | tr '\n' ' ')" \
	'row=row side=native row=row side=trap '

judge '1.0 0.9' - 1.5 3 <<'END'
native 0 100 10 10 5 0 0
trap 0 20 10 10 5 0 0
shim 0 110 10 16 8 8 0
native-1cpu 0 80 10 10 5 0 0
trap-1cpu 0 40 10 10 5 0 0
shim-1cpu 0 36 10 10 5 0 0
END
is 'with a shim the verdict is about it; p99 is the worse of both' "$(said verdict)" \
	'row: shim 1.10 (1.10-1.10), target 1.0 reached, must 0.9 held; on one CPU against the trap 0.90 (0.90-0.90), must 1 MISSED; p99 x1.60, must 1.5 MISSED; CPU x3.20, must 3 MISSED'
is 'on one CPU the native run on one CPU is the measure' "$(said speed)" \
	'Title | 100 | 0.20 (0.20-0.20) | 1.10 (1.10-1.10) | 80 | 0.50 (0.50-0.50) | 0.45 (0.45-0.45) | 1.0 0.9'

judge '1.0 0.95' - - - <<'END'
native 0 300 10 10 5 0 200
trap 0 90 10 10 5 0 100
END
is 'where a row is compared with another job, the same side ran that' "$(said speed)" \
	'Title | 300, 1.50 (1.50-1.50) | 0.90 (0.90-0.90) | - | - | - | - | 1.0 0.95'

judge '- -' - - - <<'END'
native 0 300 10 10 5 0 0
trap 0 90 10 10 5 0 0
END
is 'no verdict where nothing is wanted' "$(said verdict)" ''

# requests per second, CPU of the program and of all else, of each round
if have bash; then
	printf '%s\n' '100 5 10' '100 6 10' '100 5 12' >"$tmp/untraced.runs"
	printf '%s\n' '99 5 10' '80 6 10' '95 6 13' >"$tmp/summary.runs"
	printf '%s\n' '99 6 12.5' '80 6 11' '95 6 13.5' >"$tmp/json.runs"
	run bash -c 'have() { true; }; tmp=$1; . "$2/tests/bench/traced.sh"; traced_verdict trace-direct-d32; traced_verdict trace-tmpfs-d1
		traced_verdict trace-other' - "$tmp" "$srcdir"
	is 'what a trace costs is judged, too, and told' "$status $(cat "$tmp/verdicts")" '0 '"trace-direct-d32: summary 0.95 (0.80-0.99) of untraced, must 0.90 held within the spread; json 0.95 (0.80-0.99) of untraced, must 0.85 held within the spread
trace-tmpfs-d1: summary 0.95 (0.80-0.99) of untraced, must 0.75 held; json 2.50 (1.00-3.50) us of CPU more, must 2 MISSED within the spread"
else
	skip 'bash is not installed'
fi

done_testing
