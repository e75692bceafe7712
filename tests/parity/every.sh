# SPDX-License-Identifier: MIT
# For the scripts that run the whole parity suite in another mode: one TAP line for each victim.
. "$srcdir/tests/lib.sh"

differs=	# tags, a line each, whose values may differ in this mode
left_out=	# victims that have nothing to see in it

# without_differs: stdin without those tags
without_differs()
{
	echo "$differs" | tr -d ' \t' | sed '/^$/d' >"$tmp/every.differs"
	grep -vxF -f "$tmp/every.differs" || :
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
	every_bad=$(sed -n 's/^not ok [0-9]* - //p' "$tmp/every.out" | without_differs)
	grep -q '^1\.\.[1-9]' "$tmp/every.out" || every_bad="$every_bad it did not run to its end"
	grep -q "aio-sandbox: engine: $2" "$tmp/every.out" || every_bad="$every_bad engine is not $2"
	is "$every_name, $1" "$every_bad" ''
	[ -z "$every_bad" ] || diag "$(grep -A 1 '^not ok' "$tmp/every.out")"
}

# every MODE ENGINE: AIO_SANDBOX and AIO_SANDBOX_FLAGS make the mode; ENGINE is what -v must name
every()
{
	for every_expect in "$srcdir"/tests/parity/*.expect; do
		every_name=${every_expect##*/}
		every_name=${every_name%.expect}
		case " $left_out " in
		*" $every_name "*) ;;
		*) every_one "$1" "$2" ;;
		esac
	done
}

# all_good SCRIPT MODE: a whole script in one line
all_good()
{
	timeout 1800 sh "$srcdir/tests/$1.sh" >"$tmp/script.out" 2>&1 || echo "not ok - exit status $?" >>"$tmp/script.out"
	if grep -q '^1\.\.0 # SKIP' "$tmp/script.out"; then
		skip "$1, $2: $(sed -n 's/^1\.\.0 # SKIP //p' "$tmp/script.out")"
		return
	fi
	grep -q '^1\.\.[1-9]' "$tmp/script.out" || echo 'not ok - it did not run to its end' >>"$tmp/script.out"
	is "$1, $2" "$(grep '^not ok' "$tmp/script.out" || :)" ''
	! grep -q '^not ok' "$tmp/script.out" || diag_file "$tmp/script.out"
}

# through ACTION SYSCALL: AIO_SANDBOX becomes itself under an outer policy
through()
{
	{
		echo '#!/bin/sh'
		echo "exec '$top_builddir/tests/victim_deny' $1 $2 -- '$AIO_SANDBOX' \"\$@\""
	} >"$tmp/aio-sandbox"
	chmod +x "$tmp/aio-sandbox"
	AIO_SANDBOX=$tmp/aio-sandbox
	export AIO_SANDBOX
}
