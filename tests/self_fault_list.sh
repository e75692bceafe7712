#!/bin/sh
# SPDX-License-Identifier: MIT
# Every function of a library that the supervisor calls can be made to fail by a self-fault build, or is known
# not to. If this breaks, an error path has come that self_fault.sh does not walk.
. "$srcdir/tests/lib.sh"
need nm

nm -u "$AIO_SANDBOX" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u >"$tmp/used"
if grep -qE '^__(asan|tsan|ubsan|gcov)_' "$tmp/used"; then
	skip_all "an instrumented build calls the library of its instrumentation"
fi
sed -n 's/^SELF_FAULT(\([a-z0-9_]*\),.*/\1/p' "$srcdir/tests/self_fault_list.h" >"$tmp/failing"
sed '/^#/d' "$srcdir/tests/self_fault_exempt" | tr -s ' ' '\n' >"$tmp/exempt"

# is_known NAME
is_known()
{
	grep -qx "$1" "$tmp/failing" && return
	while read -r pattern; do
		# shellcheck disable=SC2254
		case $1 in
		$pattern) return 0 ;;
		esac
	done <"$tmp/exempt"
	return 1
}

unknown=
while read -r name; do
	is_known "$name" || unknown="$unknown $name"
done <"$tmp/used"
is "what can fail is in tests/self_fault_list.h, all else in tests/self_fault_exempt" "$unknown" ""
is "nothing is in both" "$(grep -cxFf "$tmp/exempt" "$tmp/failing")" 0
if grep -q '^io_uring_' "$tmp/used"; then
	is "what is listed is called" "$(grep -vxFf "$tmp/used" "$tmp/failing")" ""
else
	skip "what is listed is called: built without io_uring"
fi
check "the program's symbols have been read" grep -qx calloc "$tmp/used"

done_testing
