# SPDX-License-Identifier: MIT
# For the scripts that run the whole parity suite in another mode: one TAP line for each victim.
. "$srcdir/tests/lib.sh"

# every MODE ENGINE: AIO_SANDBOX and AIO_SANDBOX_FLAGS make the mode; ENGINE is what -v must name
every()
{
	for every_expect in "$srcdir"/tests/parity/*.expect; do
		every_name=${every_expect##*/}
		every_name=${every_name%.expect}
		every_one "$1" "$2"
	done
}

every_one()
{
	sh "$srcdir/tests/parity/parity.sh" "$every_name" >"$tmp/every.out" 2>&1 || :
	case $(head -n 1 "$tmp/every.out") in
	'1..0 # SKIP '*)
		skip "$every_name: $(sed -n '1s/.*# SKIP //p' "$tmp/every.out")"
		return
		;;
	esac
	every_bad=$(grep -A 1 '^not ok' "$tmp/every.out" || :)
	grep -q '^1\.\.[1-9]' "$tmp/every.out" || every_bad="$every_bad it did not run to its end"
	grep -q "aio-sandbox: engine: $2" "$tmp/every.out" || every_bad="$every_bad engine is not $2"
	is "$every_name, $1" "$every_bad" ''
	[ -z "$every_bad" ] || diag_file "$tmp/every.out"
}
