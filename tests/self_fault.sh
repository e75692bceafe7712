#!/bin/sh
# SPDX-License-Identifier: MIT
# If one call of the supervisor to the kernel or to libc fails, no accepted write is lost and nothing is told that
# is not so. Here each function fails at one place only; self_fault_long.sh has all of them.
. "$srcdir/tests/lib.sh"
need nm xargs
disk_dir
mark
. "$srcdir/tests/self_fault_lib.sh"

# first_places: of a list on stdin one place for each process, function and error, unless another step had it
first_places()
{
	awk -v met="$disk/functions" '
		BEGIN { while ((getline line <met) > 0) seen[line] }
		!(($2 $3 $4) in seen) { seen[$2 $3 $4]; print $2 $3 $4 >>met; print }'
}

# first_of NAME OPTIONS STEP...: the steps with these options
first_of()
{
	first_name=$1 AIO_SANDBOX_FLAGS=$2
	export AIO_SANDBOX_FLAGS
	shift 2
	rm -f "$disk/functions"
	: >"$disk/list"
	for step; do
		# shellcheck disable=SC2086
		check "$step without a failure" places "$step" $AIO_SANDBOX_FLAGS
		first_places <"$tmp/check.out" >>"$disk/list"
	done
	countdown "$first_name" "$disk/list"
}

first_of 'accepted writes' --buffer-memory=1M io peers life
root_only=
[ "$(id -u)" -ne 0 ] || root_only=parity/creds	# it gives credentials up
first_of 'parity victims' '' parity/filetypes parity/limits parity/destroy parity/pgetevents $root_only

# try_these NAME: the places and errors of $disk/list
try_these()
{
	runs "$disk/list"
	judge "$1" "$disk/verdicts"
	check "some calls were made" grep -qv '^unmet ' "$disk/verdicts"
}

# these_of STEP FUNCTION...: of these functions only
these_of()
{
	these_step=$1
	shift
	check "$these_step without a failure" places "$these_step"
	awk -v functions=" $* " 'index(functions, " " $3 " ")' "$tmp/check.out" >"$disk/list"
	try_these "$these_step: $*"
}

# below STEP CALLER: what this function of the supervisor calls, the first time and a late one
below()
{
	check "$1 without a failure" places "$1"
	late_places "$1" | cut -d' ' -f 2- >>"$tmp/check.out"
	# shellcheck disable=SC2046
	set -- "$1" "$2" $(nm -S "$AIO_SANDBOX" | sed -n "s/^\([0-9a-f]*\) \([0-9a-f]*\) [tT] $2\$/\1 \2/p")
	awk -v first="$3" -v end="$(printf '%016x' $((0x$3 + 0x$4)))" -v list="$tmp/check.out" '
		$1 == "place" {
			for (i = 6; i <= NF; i++) {
				at = sprintf("%16s", $i)
				gsub(/ /, "0", at)
				if (at >= first && at < end)
					wanted[$2]
			}
		}
		END {
			while ((getline line <list) > 0) {
				place = substr(line, 1, 16)
				if (place in wanted)
					print line
			}
		}' "$disk/places" >"$disk/list"
	try_these "$1: below $2()"
}

AIO_SANDBOX_FLAGS=
# what is in a list behind a signal that nobody can look for
these_of parity/pending tcgetattr
below parity/pending submit_raise
below parity/devices submit_poll_signals
is "a poll of a signal that is there never waits" "$(grep -c 'signalfd/poll: ev:1 -> waits' "$disk/verdicts")" 0
# what exits by another gate is only seen by its exit(1), whose last thread waits for what was accepted
if "$top_builddir/tests/parity/victim_int80" probe 2>/dev/null; then
	these_of parity/int80 opendir readdir seccomp_arch_add
else
	skip "exits by int 0x80: this kernel takes none (CONFIG_IA32_EMULATION)"
fi
# who may keep set-ID bits, and what a write of nothing says
if [ "$(id -u)" -eq 0 ]; then
	these_of parity/crowd stat
	these_of parity/filesystems pwritev2
fi

# PROGRAM may run already when the guardian asks for a descriptor of the supervisor, after all else
places short >"$disk/list"
last=$(awk '$2 == 0 && $3 == "syscall" && $4 == "EMFILE" { place = $1 } END { print place }' "$disk/list")
status=0
AIO_SANDBOX_SELF_FAULT=$last:EMFILE AIO_SANDBOX_SELF_FAULT_LOG=$disk/log "$AIO_SANDBOX" -q sh -c 'exit 7' 2>"$tmp/err" ||
	status=$?
is "a guardian without a descriptor of the supervisor" "$status $(cat "$tmp/err") $(cut -d' ' -f 1,3- "$disk/log")" \
	'7  failed 0 syscall EMFILE'

nothing_left
done_testing
