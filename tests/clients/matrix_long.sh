#!/bin/sh
# SPDX-License-Identifier: MIT
# All clients on each engine and with each --submit: one line for each run, which is a test script of its own. If this
# fails, a program gets wrong data or stops where the default would have served it.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/conformance/engines.sh"
known=$(known_engines)

# one NAME: what its script found
one()
{
	for again in 1 2 3; do
		one_status=0
		sh "$srcdir/tests/clients/$1.sh" >"$tmp/one" 2>&1 || one_status=$?
		# by another program, for a moment
		grep -q "the host's AIO is used up" "$tmp/one" || break
	done
	case $(grep -m 1 '^1\.\.' "$tmp/one") in
	'1..0 # SKIP '*) skip "$1, $AIO_SANDBOX_FLAGS: $(sed -n 's/^1\.\.0 # SKIP //p' "$tmp/one")" ;;
	1..*)
		is "$1, $AIO_SANDBOX_FLAGS" "$one_status $(grep '^not ok' "$tmp/one" || :)" '0 '
		! grep -q '^not ok' "$tmp/one" || diag_file "$tmp/one"
		;;
	*)
		not_ok "$1, $AIO_SANDBOX_FLAGS: comes to its end"
		diag_file "$tmp/one"
		;;
	esac
}

for engine in $known; do
	for submit in auto async kernel; do
		AIO_SANDBOX_FLAGS="--engine=$engine --submit=$submit"
		export AIO_SANDBOX_FLAGS
		for script in "$srcdir"/tests/clients/*.sh; do
			case ${script##*/} in
			client.sh | *_long.sh) continue ;;
			# of the host, not of an engine: libaio cannot do without
			aio_max_nr.sh) continue ;;
			# relies on buffered writes being complete, which async is not
			sysbench.sh) [ "$submit" != async ] || continue ;;
			esac
			name=${script##*/}
			one "${name%.sh}"
		done
	done
done
skip_other_engines "$known"
done_testing
