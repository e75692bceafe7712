# SPDX-License-Identifier: MIT
# Countdowns over the calls of the supervisor: see self_fault_one.sh for a single run and its verdicts.
AIO_SANDBOX=$top_builddir/tests/failing_sandbox
NORMAL=$disk/normal
self_fault_here=$(cd "$srcdir/tests" && pwd)
mkdir -p "$NORMAL"
LEASE_BREAK_TIME=$(cat /proc/sys/fs/lease-break-time)
export AIO_SANDBOX NORMAL LEASE_BREAK_TIME

# without_failure STEP OPTION...: leaves the places that are met in $disk/places
without_failure()
{
	free_step=$1 free_name=${1#parity/}
	shift
	free_dir=$disk/first
	rm -rf "$free_dir" "$disk/places"
	mkdir "$free_dir"
	if [ "$free_step" = "$free_name" ]; then
		set -- "$AIO_SANDBOX" "$@" "$top_builddir/tests/victim_accepted" "$free_step" "$free_dir"
	else
		set -- "$AIO_SANDBOX" "$@" "$top_builddir/tests/parity/victim_$free_name"
	fi
	[ "$free_name" != filesystems ] || set -- sh "$self_fault_here/parity/mounts.sh" "$free_dir" "$@"
	free_status=0
	echo run | tee -a "$NORMAL/$free_name.told" >>"$NORMAL/$free_name.out"
	(
		cd "$free_dir" || exit
		export AIO_SANDBOX_SELF_FAULT_LOG="$disk/places" VICTIM_TOLD="$NORMAL/$free_name.told"
		timeout 60 "$@"
	) >>"$NORMAL/$free_name.out" 2>"$disk/first.err" </dev/null || free_status=$?
	rm -rf "$free_dir"
	[ $free_status -eq 0 ] || diag "without a failure: $(tail "$NORMAL/$free_name.out" "$disk/first.err")"
	return $free_status
}

# places STEP OPTION...: one line for each place and error that the run meets, as self_fault_one.sh takes it
places()
{
	rm -f "$NORMAL/${1#parity/}".*
	[ "$1" = "${1#parity/}" ] || without_failure "$@" || return
	without_failure "$@" || return
	awk -v step="$1" '$1 == "place" {
		n = split($5, e, ",")
		for (i = 1; i <= n; i++)
			print $2, $3, $4, e[i], step
	}' "$disk/places"
}

# late_places STEP: of the run before, for each place that was met again, and error: "N PLACE+N ...", where N is the last
# power of two
late_places()
{
	awk -v step="$1" '
		$1 == "again" { calls[$2] = $3 }
		$1 == "place" { place[$2] = $3 " " $4; errors[$2] = $5 }
		END {
			for (p in calls) {
				n = split(errors[p], e, ",")
				for (i = 1; i <= n; i++)
					print calls[p], p "+" calls[p], place[p], e[i], step
			}
		}' "$disk/places"
}

# run_some JOBS LIST
run_some()
{
	nl -ba -w1 -s' ' "$2" | sed "s,^,$disk/run.," | xargs -P "$1" -L 1 sh "$srcdir/tests/self_fault_one.sh"
	rm -rf "$disk"/run.*
}

# runs LIST: some at a time, verdicts into $disk/verdicts. A victim of a busy machine may have come too late to see what it
# looks for: what nobody has told is tried again alone, and shown in the log.
runs()
{
	run_some "${SELF_FAULT_JOBS:-2}" "$1" >"$disk/together"
	grep '^untold ' "$disk/together" >"$disk/again" || :
	diag_file "$disk/again"
	cut -d' ' -f 2-6 "$disk/again" >"$disk/alone"
	grep -v '^untold ' "$disk/together" >"$disk/verdicts" || :
	[ ! -s "$disk/alone" ] || run_some 1 "$disk/alone" >>"$disk/verdicts"
}

# judge NAME VERDICTS
judge()
{
	diag "$1: $(cut -d' ' -f1 "$2" | sort | uniq -c | tr -s '\n ' ' ')"
	is "$1: $(grep -vc '^unmet ' "$2") failures, each survived or told" \
		"$(grep -v '^fine \|^told \|^unmet \|^refused ' "$2")" ""
}

# countdown NAME LIST: what only some runs come to is not met in the next one
countdown()
{
	runs "$2"
	judge "$1" "$disk/verdicts"
	is "$1: most calls were made" "$(awk '$1 == "unmet" { n++ } END { print (n > NR / 2) }' "$disk/verdicts")" 0
}
