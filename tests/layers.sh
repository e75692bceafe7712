# SPDX-License-Identifier: MIT
# Layers call downwards only and each foreign header has one home (docs/design.md, 7).
# If this breaks, a module can no longer be tested or replaced alone.
. "$srcdir/tests/lib.sh"

# layer_of NAME: NAME is a file without its suffix. Every file of supervisor/ has a row here.
layer_of()
{
	case $1 in
	# base: no state of a run
	channel_abi | courtesy | fault | fault_* | format | histogram | io | label | list | log | opts | opts_* | plan | pulse | rwf | seccomp_flags | spin | timers | trace_config | trace_set | util) echo 0 ;;
	# host adapters: one foreign interface each
	breaker | buffer | creds | environment | eventfd | file | file_* | fs | hostaio | image | inherited | loop | mapping | notify | out | passed | poller | preload | remote | self) echo 1 ;;
	signals | tracee | tracee_* | trap | uts | worker | workers) echo 1 ;;
	# model: no foreign header, nothing blocks
	call | channel | context | filter | iocb | key | mm | record | request | ring | sink | sink_* | task) echo 2 ;;
	engine | engine_*) echo 3 ;;
	# application: joins model and engines, starts and ends processes
	batch | chain | complete | control | copy_out | ctl | dispatch | door | door_* | episode | errand | errand_* | faults | faults_* | feed | handle_* | inflight | kept | lookup | main | naming | observe | preload_guard | setup | submit | submit_* | submitter | supervise | trace | trace_fill | trace_impl | trace_ring | tracing | watch | writer) echo 4 ;;
	children | guardian | guardian_* | kill_tree | launch | life | lint | lint_*) echo 4 ;;
	doctor | probe | probe_*) echo 4 ;;
	*) echo none ;;
	esac
}

# home HEADER FILE...: only these may include it; none: nobody may
homes='
ev.h		loop.c
libaio.h	-
liburing.h	engine_uring.c
seccomp.h	trap.c
sys/ptrace.h	remote.c probe_host.c
'

cd "$srcdir/supervisor" || exit

# "file header" for each #include "header"
own_includes()
{
	sed -n 's/^[ 	]*#[ 	]*include "\(.*\)\.h".*/\1/p' "$1"
}

stem() { name=${1##*/}; echo "${name%.*}"; }

# Prints what is wrong with the includes of file $1.
wrong_includes()
{
	from=$(layer_of "$(stem "$1")")
	own_includes "$1" | while read -r header; do
		[ "$header" != config ] || continue
		to=$(layer_of "$header")
		if [ "$to" = none ]; then
			echo "$header.h is not in the table of layers"
		elif [ "$to" -gt "$from" ]; then
			echo "$1 (layer $from) includes $header.h (layer $to)"
		elif [ "$from" -eq 3 ] && [ "$to" -eq 2 ]; then
			echo "$1 is an engine and includes $header.h of the model"
		fi
	done
}

# verdict NAME FINDINGS
verdict()
{
	if [ -z "$2" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "$2"
	fi
}

unknown=$(for f in *.[ch]; do
	[ "$(layer_of "$(stem "$f")")" != none ] || echo "$f: add it to layer_of in tests/layers.sh"
done)
verdict 'every file has a layer' "$unknown"

if [ -z "$unknown" ]; then
	verdict 'calls go downwards' "$(for f in *.[ch]; do wrong_includes "$f"; done)"
fi

home_findings()
{
	grep -lE "^[ 	]*#[ 	]*include <$1>" ./*.[ch] | while read -r f; do
		case " $2 " in
		*" ${f#./} "*) ;;
		*) echo "<$1> belongs to $2, not to ${f#./}" ;;
		esac
	done
}
for header in $(echo "$homes" | awk 'NF { print $1 }'); do
	allowed=$(echo "$homes" | awk -v h="$header" '$1 == h { $1 = ""; print }')
	verdict "<$header> has one home" "$(home_findings "$header" "$allowed")"
done

# docs/design.md: a file opens with its theory; these are the outer limits of size
verdict 'no file over 400 lines' "$(find . ../shim ../tests -name '*.[ch]' -exec wc -l {} + |
	awk '$2 != "total" && $1 > 400 { print $2 ": " $1 }')"
verdict 'the shim includes nothing of the supervisor' "$(cd ../shim && for f in *.[ch]; do
	own_includes "$f" | while read -r header; do
		[ -e "$header.h" ] || echo "shim/$f includes $header.h"
	done
done)"
verdict 'licence in the first line' "$(for f in *.[ch] ../shim/*; do
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f"
done)"

done_testing
