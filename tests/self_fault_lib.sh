# SPDX-License-Identifier: MIT
# Countdowns over the calls of the supervisor: see self_fault_one.sh for a single run and its verdicts.
# AIO_SANDBOX is a program built with --enable-self-faults.
VICTIM=$top_builddir/tests/victim_accepted
export VICTIM

has_self_faults() { nm "$AIO_SANDBOX" 2>/dev/null | grep -q ' __wrap_calloc$'; }

# places STEP OPTION...: one line for each place and error that the run meets, as self_fault_one.sh takes it.
# $disk is used.
places()
{
	step=$1
	shift
	rm -rf "$disk/first"
	mkdir "$disk/first"
	AIO_SANDBOX_SELF_FAULT_LOG=$disk/places timeout 60 "$AIO_SANDBOX" "$@" "$VICTIM" "$step" "$disk/first" \
		>"$disk/first.out" 2>&1 </dev/null || {
		diag "without a fault: $(cat "$disk/first.out")"
		return 1
	}
	awk -v step="$step" '$1 == "place" {
		n = split($5, e, ",")
		for (i = 1; i <= n; i++)
			print $2, $3, $4, e[i], step
	}' "$disk/places"
	rm -rf "$disk/first" "$disk/places"
}

# runs LIST: two at a time, verdicts into $disk/verdicts
runs()
{
	nl -ba -w1 -s' ' "$1" | sed "s,^,$disk/run.," |
		xargs -P "${SELF_FAULT_JOBS:-2}" -L 1 sh "$srcdir/tests/self_fault_one.sh" >"$disk/verdicts"
	rm -rf "$disk"/run.*
}

# judge NAME VERDICTS
judge()
{
	diag "$1: $(cut -d' ' -f1 "$2" | sort | uniq -c | tr -s '\n ' ' ')"
	is "$1: $(grep -vc '^unmet ' "$2") failures, each survived or told" \
		"$(grep -v '^fine \|^unmet \|^refused ' "$2")" ""
}

# countdown NAME LIST
countdown()
{
	runs "$2"
	judge "$1" "$disk/verdicts"
	is "$1: most calls were made" "$(awk '$1 == "unmet" { n++ } END { print (n > NR / 4) }' "$disk/verdicts")" 0
}
