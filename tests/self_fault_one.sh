#!/bin/sh
# SPDX-License-Identifier: MIT
# self_fault_one.sh DIRECTORY PLACE PROCESS FUNCTION ERROR STEP: one run of victim_accepted in which one call
# fails. Prints a line: VERDICT PLACE PROCESS FUNCTION ERROR STEP TEXT. Verdicts:
#
#	fine		all that was said to be done is done
#	unmet		the call was not made this time
#	refused		PROGRAM was not started, and a message says why
#	gave-up		PROGRAM was ended by the sandbox, with a message
#	silent crash hang wrong lost other	must not be
#
# AIO_SANDBOX is the program, AIO_SANDBOX_FLAGS its options, VICTIM victim_accepted; the directory is made.
set -u
dir=$1 place=$2 process=$3 function=$4 error=$5 step=$6
mkdir -p "$dir/files" || exit

AIO_SANDBOX_SELF_FAULT=$place:$error AIO_SANDBOX_SELF_FAULT_LOG=$dir/log
export AIO_SANDBOX_SELF_FAULT AIO_SANDBOX_SELF_FAULT_LOG
# shellcheck disable=SC2086
timeout -k 2 "${SELF_FAULT_LIMIT:-15}" "$AIO_SANDBOX" ${AIO_SANDBOX_FLAGS:-} "$VICTIM" "$step" "$dir/files" \
	>"$dir/out" 2>"$dir/err" </dev/null
status=$?
unset AIO_SANDBOX_SELF_FAULT AIO_SANDBOX_SELF_FAULT_LOG

verdict()
{
	text=$(tail -n 2 "$2" 2>/dev/null | tr '\n' ' ' | cut -c 1-200)
	echo "$1 $place $process $function $error $step $status: $text"
	case $1 in
	fine | unmet | refused) rm -rf "$dir" ;;
	esac
	exit 0
}

if [ "$function" = any ]; then
	function=$(awk '$1 == "failed" { print $4; exit }' "$dir/log" 2>/dev/null)
fi
# an event that nobody has seen may have told of the error
case $function in
preadv2 | pwritev2 | fsync | fdatasync | process_vm_readv) any=1 ;;
*) any=0 ;;
esac

grep -q '^failed' "$dir/log" 2>/dev/null || verdict unmet "$dir/err"
if [ $status -eq 124 ] || [ $status -eq 137 ]; then
	verdict hang "$dir/err"
fi
if grep -qE 'Assertion|Sanitizer|runtime error|\(libev\)|was killed by signal|guardian process was killed' \
	"$dir/err" || [ $status -ge 128 ]; then
	verdict crash "$dir/err"
fi
if [ ! -e "$dir/files/started" ]; then
	[ -s "$dir/err" ] || verdict silent "$dir/err"
	verdict refused "$dir/err"
fi
case $status in
0) "$VICTIM" judge "$dir/files" $any >"$dir/out" 2>&1 || verdict lost "$dir/out" ;;
3) verdict wrong "$dir/out" ;;
125) verdict gave-up "$dir/err" ;;
*) verdict other "$dir/err" ;;
esac
verdict fine "$dir/err"
