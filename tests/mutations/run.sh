#!/bin/sh
# SPDX-License-Identifier: MIT
# make check-mutations: is each behaviour tested? Every *.patch here is a small mistake that a good
# programmer could make. Each in turn is put into a copy of the source, which is built, and the tests
# that the patch names (Caught-by) must fail; without any they must pass. A mistake that nothing
# finds (survived) asks for a test; a patch that does not apply any more must be written anew.
#
# MUTATIONS	shell patterns of patches, from here or from the top: some only
# BY=differ	not these tests judge but the generator of random programs (tests/differ): it shall find
#		three quarters of the mistakes, each within TRIES (20000); those that it does not
#		find are listed as TODO
set -f
. "$srcdir/tests/lib.sh"

: "${MAKE:=make}"
: "${MUTATIONS:=*}"
: "${BY:=tests}"
: "${TRIES:=20000}"
limit=400	# seconds for one test without a mutation
patience=4	# with one, it may hang: so many times as long as without, and 15 seconds

need patch timeout
disk_dir
chmod 755 "$disk"
source=$disk/source build=$disk/build
cleanup() { sweep; }

# Whatever a mutated supervisor has left behind bears the mark.
sweep()
{
	sweep_left=50
	while [ $sweep_left -gt 0 ]; do
		sweep_pids=$(set +f; grep -lsaF "AIO_SANDBOX_MUTANT=$disk" /proc/[0-9]*/environ |
			sed 's,[^0-9],,g') || :
		[ -n "$sweep_pids" ] || return 0
		# shellcheck disable=SC2086
		kill -KILL $sweep_pids 2>/dev/null || :
		sweep_left=$((sweep_left - 1))
	done
	diag "cannot be killed: $sweep_pids"
}

caught_by() { sed -n '/^--- /q; s/^Caught-by: //p' "$1"; }
touched() { sed -n 's,^+++ b/\([^	]*\).*,\1,p' "$1"; }

# The patches that are to be tried, a line each.
selected()
{
	for selected_patch in $(set +f; ls "$source"/tests/mutations/*.patch); do
		for selected_pattern in $MUTATIONS; do
			selected_pattern=${selected_pattern##*/}
			# shellcheck disable=SC2254
			case ${selected_patch##*/} in
			$selected_pattern | $selected_pattern.patch)
				echo "$selected_patch"
				break
				;;
			esac
		done
	done
}

# Warnings are no errors: a mistake may leave something unused.
prepare()
{
	env -u MAKEFLAGS "$MAKE" -s -C "$top_builddir" distdir distdir="$source" || return
	mkdir "$build" || return
	config=$("$top_builddir/config.status" --config) || return
	(cd "$build" && eval "'$source/configure' -q $config --disable-werror") || return
	if [ "$BY" = differ ]; then
		make_here aio-sandbox tests/differ/differ
	else
		make_here all && make_here check TESTS=
	fi
}

make_here() { env -u MAKEFLAGS "$MAKE" -s -j"$(nproc)" -C "$build" "$@"; }

# What has to be built to try a patch.
programs()
{
	echo aio-sandbox shim/aio-sandbox-shim.so
	[ "$BY" = tests ] || return 0
	for program in $(caught_by "$1"); do
		case $program in
		*.sh) ;;
		*) echo "$program" ;;
		esac
	done
}

# run_test SECONDS TEST: its output is in $tmp/test.out; 0: passed, 1: failed, 2: skipped
run_test()
{
	test_command="$build/$2"
	[ "$2" = "${2%.sh}" ] || test_command="sh $source/$2"
	test_status=0
	(
		cd "$build" || exit
		srcdir=../source top_builddir=$build AIO_SANDBOX=$build/aio-sandbox
		AIO_SANDBOX_MUTANT=$disk MALLOC_PERTURB_=165 PARITY_LOCKED=1
		export srcdir top_builddir AIO_SANDBOX AIO_SANDBOX_MUTANT MALLOC_PERTURB_ PARITY_LOCKED
		exec 9</proc/sys/fs/aio-nr
		case $2 in		# these take turns: waiting for it does not count
		tests/parity*) flock 9 2>/dev/null || : ;;
		esac
		date +%s >"$tmp/began"
		# shellcheck disable=SC2086
		timeout -k 5 "$1" $test_command 9<&-
	) >"$tmp/test.out" 2>&1 </dev/null || test_status=$?
	sweep
	! grep -q '^1\.\.0 # SKIP' "$tmp/test.out" || return 2
	[ $test_status -eq 0 ] && grep -q '^1\.\.[1-9]' "$tmp/test.out" &&
		! grep -q '^not ok' "$tmp/test.out"
}

hangs() { [ "$test_status" -eq 124 ] || [ "$test_status" -eq 137 ]; }	# timeout(1) ended it

# Of the test that has just failed.
why_failed()
{
	why=$(sed -n 's/^not ok [0-9]* - *//p' "$tmp/test.out" | head -n 1 | sed 's,.*/tests/,,')
	! hangs || why='it hangs'
	[ -n "$why" ] || why="status $test_status: $(tail -n 1 "$tmp/test.out")"
	printf '%s' "$why" | cut -c 1-100
}

# The tests must pass as things are. Those that do not go to $tmp/bad, skipped ones to $tmp/skipped.
unmutated()
{
	: >"$tmp/bad"
	: >"$tmp/skipped"
	for patch in $patches; do
		caught_by "$patch"
	done | tr ' ' '\n' | sort -u >"$tmp/tests"
	while read -r test; do
		# what others do on the machine can make one fail
		for _ in 1 2 3; do
			test_result=0
			run_test $limit "$test" || test_result=$?
			[ $test_result -eq 1 ] || break
		done
		echo "$test $((($(date +%s) - $(cat "$tmp/began") + 1) * patience + 15))" >>"$tmp/limits"
		case $test_result in
		0) ;;
		1)
			echo "$test" >>"$tmp/bad"
			not_ok "$test passes without a mutation"
			diag "$(grep -v '^ok' "$tmp/test.out")"
			;;
		2) echo "$test" >>"$tmp/skipped" ;;
		esac
	done <"$tmp/tests"
	is 'tests that fail without a mutation' "$(tr '\n' ' ' <"$tmp/bad")" ''
}

# fails TEST: twice, unless it hangs
fails()
{
	for _ in 1 2; do
		test_result=0
		run_test "$(sed -n "s,^$1 ,,p" "$tmp/limits")" "$1" || test_result=$?
		[ $test_result -eq 1 ] || return
		! hangs || return 0
	done
}

# try_tests NAME TEST...: every one of them must fail
try_tests()
{
	try_name=$1 found=
	shift
	for test; do
		if grep -qxF "$test" "$tmp/skipped" "$tmp/bad"; then
			skip "$try_name: $test cannot be run here, or fails anyway"
			return
		fi
		if ! fails "$test"; then
			not_ok "$try_name survived $test"
			return
		fi
		found="$found $test ($(why_failed))"
	done
	ok "$try_name caught by$found"
}

# --- by the generator ---

# differ FIRST LAST SANDBOX: $seed is the first program that differs, empty: none does
differ()
{
	(
		cd "$disk/room" || exit
		AIO_SANDBOX_MUTANT=$disk
		export AIO_SANDBOX_MUTANT
		exec timeout -k 5 3600 "$build/tests/differ/differ" --no-minimise --stop-at-first \
			--seeds="$1-$2" "$3" -q
	) >"$tmp/test.out" 2>&1 </dev/null || :
	sweep
	seed=$(sed -n 's/^### seed \([0-9]*\) differs$/\1/p' "$tmp/test.out" | tail -n 1)
	[ -n "$seed" ] || tail -n 1 "$tmp/test.out" | grep -q 'programs compared' || seed=$1
}

# does SEED SANDBOX: it differs, by itself
does()
{
	differ "$1" "$1" "$2"
	[ -n "$seed" ]
}

# find FIRST LAST: $found is a program that differs because of the mutation, each time; without it, never
find_program()
{
	found=$(($1 - 1))
	while [ "$found" -lt "$2" ]; do
		differ $((found + 1)) "$2" "$build/aio-sandbox"
		[ -n "$seed" ] || return 1
		found=$seed
		does "$found" "$build/aio-sandbox" || continue
		does "$found" "$disk/unmutated" && continue
		does "$found" "$disk/unmutated" && continue
		return 0
	done
	return 1
}

# Few at first: each of them may hang.
try_differ()
{
	if find_program 1 10 || find_program 11 100 || find_program 101 "$TRIES"; then
		found_count=$((found_count + 1))
		ok "$1: program $found"
	else
		tap_n=$((tap_n + 1))
		echo "not ok $tap_n - $1 # TODO not found by $TRIES programs"
	fi
}

try_mutation()
{
	name=${1##*/}
	name=${name%.patch}
	# shellcheck disable=SC2046
	if ! patch -s -f -F 0 -p 1 -d "$source" <"$1" >"$tmp/patch.out" 2>&1; then
		not_ok "$name does not apply"
		diag_file "$tmp/patch.out"
	elif ! make_here $(programs "$1") >"$tmp/make.out" 2>&1; then
		not_ok "$name does not build"
		diag_file "$tmp/make.out"
	elif [ "$BY" = differ ]; then
		try_differ "$name"
	else
		try_tests "$name" $(caught_by "$1")
	fi
}

# keep DIRECTORY PATCH, give_back DIRECTORY PATCH: the files that the patch changes
keep()
{
	touched "$2" | while read -r file; do
		mkdir -p "$1/${file%/*}" && cp -p "$source/$file" "$1/$file"
	done
}
give_back()
{
	touched "$2" | while read -r file; do
		cp "$1/$file" "$source/$file"	# newer than the objects made of the mutated file
	done
}

failures=0
not_ok()
{
	failures=$((failures + 1))
	tap_n=$((tap_n + 1))
	echo "not ok $tap_n - $*"
}

if ! prepare >"$tmp/prepare.out" 2>&1; then
	not_ok 'a copy of the source can be built'
	diag_file "$tmp/prepare.out"
	done_testing
	exit 1
fi
patches=$(selected)
[ -n "$patches" ] || { echo "Bail out! no mutation is named $MUTATIONS"; exit 1; }
case $BY in
tests) unmutated ;;
differ)
	found_count=0
	mkdir "$disk/room"
	cp "$build/aio-sandbox" "$disk/unmutated"
	;;
*)
	echo "Bail out! BY=$BY is neither tests nor differ"
	exit 1
	;;
esac
for patch in $patches; do
	keep "$disk/kept" "$patch"
	try_mutation "$patch"
	give_back "$disk/kept" "$patch"
done
if [ "$BY" = differ ]; then
	count=$(echo "$patches" | wc -l)
	check "$found_count of $count found: three quarters" test $((4 * found_count)) -ge $((3 * count))
fi
done_testing
[ $failures -eq 0 ]
