# SPDX-License-Identifier: MIT
# The patches of `make check-mutations` fit the source and name tests that exist. If this breaks, it
# can no longer tell whether the tests find mistakes: write the patch anew that does not apply.
. "$srcdir/tests/lib.sh"
need patch

least=40
head_of() { sed '/^--- /,$d' "$1"; }
caught_by() { head_of "$1" | sed -n 's/^Caught-by: //p'; }

# A unit test is there by its source, a script itself.
exists()
{
	case $1 in
	tests/*.sh) test -f "$srcdir/$1" ;;
	tests/*_t) test -f "$srcdir/$1.c" ;;
	*) false ;;
	esac
}

# The header: licence, one line that says what is wrong, the tests.
header_findings()
{
	head_of "$1" | head -n 1 | grep -qx 'SPDX-License-Identifier: MIT' || echo 'no licence'
	[ "$(head_of "$1" | wc -l)" -eq 3 ] || echo 'header is not three lines'
	[ -n "$(caught_by "$1")" ] || echo 'names no test'
	for header_test in $(caught_by "$1"); do
		exists "$header_test" || echo "$header_test does not exist"
	done
	! grep '^+++ ' "$1" | grep -vE '^[+]{3} b/(shim|supervisor)/' || echo 'changes more than shim and supervisor'
}

count=0
for patch in "$srcdir"/tests/mutations/*.patch; do
	count=$((count + 1))
	name=${patch##*/}
	findings=$(header_findings "$patch")
	patch -f -F 0 -p 1 --dry-run -d "$srcdir" <"$patch" >"$tmp/patch.out" 2>&1 ||
		findings="$findings $(cat "$tmp/patch.out")"
	is "$name" "$findings" ''
done
check "at least $least mutations" test $count -ge $least
done_testing
