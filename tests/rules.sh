# SPDX-License-Identifier: MIT
# Every rule of docs/aio-abi.md has a test, every observation a rule, and Part 4 lists them.
# If this breaks, something that a program can see is promised and nobody looks.
# rules.sh --print: the document as it should be (`make rules`).
cd "${srcdir:-.}" || exit
LC_ALL=C
export LC_ALL

made()
{
	# shellcheck disable=SC2046
	"${AWK:-awk}" -v faults="$1" -f tests/rules.awk docs/aio-abi.md tests/parity/differences \
		tests/parity/*.expect $(find tests -name '*.sh' | LC_ALL=C sort) \
		tests/parity/compare.awk
}

if [ "${1-}" = --print ]; then
	made /dev/stderr
	exit
fi

srcdir=.
. tests/lib.sh

check 'the table can be made' made "$tmp/faults"
cp "$tmp/check.out" "$tmp/made"
is 'each rule has a test, each test a rule' "$(cat "$tmp/faults")" ''
check 'Part 4 is up to date (make rules)' cmp "$tmp/made" docs/aio-abi.md

diag "$(grep -c ': ' tests/parity/*.expect | awk -F: '{ n += $2 } END { print n }') observations"

# what the check itself must find
broken()
{
	mkdir -p "$tmp/tree/docs" "$tmp/tree/tests/parity"
	cp tests/rules.awk tests/rules.sh tests/lib.sh "$tmp/tree/tests"
	cp tests/parity/compare.awk "$tmp/tree/tests/parity"
	printf '%s\n' '{1.one} and {1.two, untested: why} {T1}' >"$tmp/tree/docs/aio-abi.md"
	: >"$tmp/tree/tests/parity/differences"
	printf '%s\n' "$@" >"$tmp/tree/tests/parity/victim.expect"
	(cd "$tmp/tree" && srcdir=. sh tests/rules.sh --print 2>"$tmp/broken" >/dev/null)
	cat "$tmp/broken"
}
like 'a rule without a test is found' "$(broken '1.x/a: 1')" '*{1.one} has no test*'
like 'a test without a rule is found' "$(broken '1.x/a: 1')" '*no rule {1.x}*victim 1.x/a*'
like 'a trap without a test is found' "$(broken '1.one/a: 1')" '*{T1} has no test*'
like 'a mark of untested that is stale is found' "$(broken '1.two/a: 1')" '*{1.two} is said to be untested*'
like 'too few observations are found' "$(broken '1.one/a: 1')" '*only 1 observations*'

done_testing
