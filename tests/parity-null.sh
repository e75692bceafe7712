# SPDX-License-Identifier: MIT
# The null engine does no I/O, and everything that does not depend on data is as natively all the same:
# exactly what tests/parity/null.differs lists is not. If this breaks, it measures something else than the sandbox.
. "$srcdir/tests/lib.sh"

AIO_SANDBOX_FLAGS=--engine=null
export AIO_SANDBOX_FLAGS
list=$srcdir/tests/parity/null.differs

# wrong VICTIM: what differs and is not listed, and what is listed and does not differ
wrong()
{
	sed -n 's/^not ok [0-9]* - //p' "$tmp/out" | sed 's/ (D[0-9]*: .*//' | awk -F '\t' -v name="$1" '
		function covers(entry, tag)
		{
			return entry ~ /\*$/ ? index(tag, substr(entry, 1, length(entry) - 1)) == 1 : tag == entry
		}
		FILENAME != "-" {
			if (!/^#/ && $1 == name)
				class[$2] = $3
			next
		}
		{
			known = 0
			for (entry in class)
				if (covers(entry, $0))
					known = used[entry] = 1
			if (!known)
				print "differs, and is not listed: " $0
		}
		END {
			for (entry in class)
				if (!used[entry] && class[entry] != "host")
					print "listed, but does not differ: " entry
		}' "$list" -
}

one()
{
	sh "$srcdir/tests/parity/parity.sh" "$1" >"$tmp/out" 2>&1 || :
	case $(head -n 1 "$tmp/out") in
	'1..0 # SKIP '*)
		skip "$1: $(sed -n '1s/.*# SKIP //p' "$tmp/out")"
		return
		;;
	esac
	bad=$(wrong "$1")
	grep -q '^1\.\.[1-9]' "$tmp/out" || bad="$bad it did not run to its end"
	grep -q 'aio-sandbox: engine: null' "$tmp/out" || bad="$bad engine is not null"
	is "$1, --engine=null" "$bad" ''
	[ -z "$bad" ] || diag "$(grep -A 1 '^not ok' "$tmp/out")"
}

for expect in "$srcdir"/tests/parity/*.expect; do
	name=${expect##*/}
	one "${name%.expect}"
done
is "null.differs has only victims and classes that there are" "$(grep -v '^#' "$list" |
	while IFS='	' read -r name tag class; do
		case $class in
		data | end | file | host | time) ;;
		*) echo "$name $tag: $class" ;;
		esac
		[ -e "$srcdir/tests/parity/$name.expect" ] || echo "$name"
	done)" ''
done_testing
