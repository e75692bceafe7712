#!/bin/sh
# SPDX-License-Identifier: MIT
# The cases of libaio's harness that take long: 4 million calls (11), 100,000 contexts (18), 65,000 contexts at once (20),
# and with every engine those that move gigabytes (6, 14). If one is slower than 3 minutes and than 4 times the native
# run, programs of that kind cannot be used in the sandbox.
. "$srcdir/tests/lib.sh"
case_limit=600
. "$srcdir/tests/conformance/libaio_cases.sh"

known=$(known_engines)
case_check()
{
	check "$1: took $seconds s, natively $native_seconds s" \
		[ $((seconds < 180 || seconds < 4 * native_seconds)) -eq 1 ]
}
run_modes "$known" 11 18

# Case 20 fills what is left of a limit of the whole machine, which other programs use too: again if that is little, or
# if less was left natively than the case has read there.
fill() # NAME [COMMAND...]
{
	fill_name=$1
	shift
	for again in 1 2 3 4 5; do
		run_case "$fill_name" 20 "$@"
		created=$(sed -n '0,/^Successfully created/s/^Successfully created \([0-9]*\) .*/\1/p' "$tmp/$fill_name.err")
		[ "${created:-0}" -lt $wanted ] || [ "$status" -ne 0 ] || break
	done
	diag "case 20, $fill_name: exit status $status, $created contexts of one request, all in $seconds s"
}
fill_limit()
{
	wanted=$(($(cat /proc/sys/fs/aio-max-nr) / 2))
	[ $wanted -lt 30000 ] || wanted=30000
	fill native
	native_status=$status native_seconds=$seconds
	if [ "${created:-0}" -lt $wanted ] || [ "$status" -ne 0 ]; then
		skip "case 20: other programs hold what fs.aio-max-nr allows"
		return
	fi
	for engine in $known; do
		for submit in auto kernel; do
			fill sandboxed "$AIO_SANDBOX" --engine="$engine" --submit="$submit"
			is "case 20, $engine, --submit=$submit" "$(tail -n 2 "$tmp/sandboxed")" "$(tail -n 2 "$tmp/native")"
			check "case 20, $engine, --submit=$submit: $created contexts" [ "${created:-0}" -ge $wanted ]
			case_check "case 20, $engine, --submit=$submit"
		done
	done
}
aio_nr_take
fill_limit
aio_nr_leave

if room_for 2048; then
	run_modes "$known" 6 14
else
	skip "case 6 and 14 need 2 GiB in $top_builddir"
fi
skip_other_engines "$known"
done_testing
