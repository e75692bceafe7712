#!/bin/sh
# SPDX-License-Identifier: MIT
# self_fault_one.sh DIRECTORY PLACE PROCESS FUNCTION ERROR STEP: one run of a victim in which one call
# fails. Prints a line: VERDICT PLACE PROCESS FUNCTION ERROR STEP STATUS: TEXT. Verdicts:
#
#	fine		all that was said to be done is done
#	told		something else was seen than without the failure, after an error was told
#	unmet		the call was not made this time
#	refused		PROGRAM was not started, and a message says why
#	gave-up		PROGRAM was ended by the sandbox, with a message
#	silent crash hang wrong lost untold other	must not be
#
# STEP is one of victim_accepted, or parity/NAME, a parity victim: $NORMAL/NAME.out and NAME.told are what that
# one printed and was told without a failure. AIO_SANDBOX is the program, AIO_SANDBOX_FLAGS its options; the
# directory is made, and kept if its verdict must not be.
set -u
dir=$1 place=$2 process=$3 function=$4 error=$5 step=$6
name=${step#parity/}
here=$(cd "$(dirname "$0")" && pwd)
accepted=$top_builddir/tests/victim_accepted
mkdir -p "$dir/files" || exit

# in_sandbox LIMIT COMMAND...
in_sandbox()
{
	limit=$1
	shift
	# shellcheck disable=SC2086
	set -- timeout -k 2 "${SELF_FAULT_LIMIT:-$limit}" "$AIO_SANDBOX" ${AIO_SANDBOX_FLAGS:-} "$@"
	[ "$name" != filesystems ] || set -- sh "$here/parity/mounts.sh" "$dir/files" "$@"
	AIO_SANDBOX_SELF_FAULT=$place:$error AIO_SANDBOX_SELF_FAULT_LOG=$dir/log \
		"$@" >"$dir/out" 2>"$dir/err" </dev/null
}

# What victims write to, and a short write may have changed.
put_back()
{
	case $name in
	creds | crowd) echo "$LEASE_BREAK_TIME" >/proc/sys/fs/lease-break-time ;;
	esac
}

status=0
if [ "$step" = "$name" ]; then
	in_sandbox 15 "$accepted" "$step" "$dir/files" || status=$?
else
	(
		cd "$dir/files" || exit
		export VICTIM_TOLD="$dir/told"
		in_sandbox 60 "$top_builddir/tests/parity/victim_$name"
	) || status=$?
	put_back
fi

verdict()
{
	text=$(tail -n 2 "$2" 2>/dev/null | tr '\n' ' ' | cut -c 1-400)
	echo "$1 $place $process $function $error $step $status: $text"
	case $1 in
	fine | told | unmet | refused) rm -rf "$dir" ;;
	esac
	exit 0
}

started()
{
	if [ "$step" = "$name" ]; then
		[ -e "$dir/files/started" ]
	else
		[ -e "$dir/told" ]
	fi
}

if [ "$function" = any ]; then
	function=$(awk '$1 == "failed" { print $4; exit }' "$dir/log" 2>/dev/null)
fi
grep -q '^failed' "$dir/log" 2>/dev/null || verdict unmet "$dir/err"
if [ $status -eq 124 ] || [ $status -eq 137 ]; then
	verdict hang "$dir/err"
fi
crash='Assertion|Sanitizer|runtime error|\(libev\)|was killed by signal'
started && crash="$crash|guardian process was killed"	# before, by itself: it cannot go on, and says so
if grep -qE "$crash" "$dir/err"; then
	verdict crash "$dir/err"
fi
if ! started; then
	[ -s "$dir/err" ] || verdict silent "$dir/err"
	verdict refused "$dir/err"
fi
[ $status -ne 125 ] || verdict gave-up "$dir/err"

judge_accepted()
{
	# an event that nobody has seen may have told of the error
	case $function in
	preadv2 | pwritev2 | fsync | fdatasync | process_vm_readv) any=1 ;;
	*) any=0 ;;
	esac
	case $status in
	0) "$accepted" judge "$dir/files" $any >"$dir/out" 2>&1 || verdict lost "$dir/out" ;;
	3) verdict wrong "$dir/out" ;;
	*)
		[ $status -lt 128 ] || verdict crash "$dir/err"
		verdict other "$dir/err"
		;;
	esac
	verdict fine "$dir/err"
}

judge_parity()
{
	gone=0
	[ "$function $error" != 'ptrace ESRCH' ] || gone=1
	awk -v status=$status -v error="$error" -v gone=$gone -f "$here/self_fault_judge.awk" \
		"$NORMAL/$name.told" "$dir/told" "$NORMAL/$name.out" "$dir/out" >"$dir/judged"
	read -r parity_verdict _ <"$dir/judged"
	tail -n 1 "$dir/err" | cat - "$dir/judged" >"$dir/text"
	verdict "$parity_verdict" "$dir/text"
}

if [ "$step" = "$name" ]; then
	judge_accepted
else
	judge_parity
fi
