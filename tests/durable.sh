#!/bin/sh
# SPDX-License-Identifier: MIT
# A write that io_submit accepted is in the file afterwards, whatever killed the program.
# shellcheck disable=SC2016
. "$srcdir/tests/lib.sh"
disk_dir
mark

victim=$top_builddir/tests/victim_durable
rounds=25

# --- processes of the tree die, the sandbox goes on ---

# drive NAME [OPTION]... HOW DEATH
drive()
{
	drive_name=$1
	shift
	drive_options=
	while [ $# -gt 2 ]; do
		drive_options="$drive_options $1"
		shift
	done
	# shellcheck disable=SC2086
	run "$AIO_SANDBOX" -q $drive_options "$victim" drive "$disk/file" "$1" "$2" $rounds
	is "$drive_name" "$status $out $err" "0 many accepted: 0 lost "
}

for how in direct buffered append sync; do
	for death in kill segv exit exec pthread thread; do
		drive "$how writes, death by $death: all that was accepted is there [T8]" $how $death
	done
done
for death in kill exit exec; do
	drive "on threads, death by $death" --engine=threads direct $death
	drive "--submit=async, death by $death" --submit=async buffered $death
	drive "little buffer memory, death by $death" --buffer-memory=1M direct $death
done

# --- PROGRAM itself dies, and the sandbox ends ---

for how in direct buffered append; do
	for death in kill segv exit exec thread; do
		run "$victim" whole "$disk/file" $how $death 10 \
			"$AIO_SANDBOX" -q "$victim" write "$disk/file" $how $death
		is "$how writes, PROGRAM ended by $death" "$status $out $err" "0 many accepted: 0 lost "
	done
done

# --- a program that is started again (D6) ---

restarted=$top_builddir/tests/victim_restart
run "$AIO_SANDBOX" -q sh -c 'n=0
	while [ $n -lt 40 ]; do
		"$0" old "$1"
		"$0" new "$1" && "$0" is-new "$1" || exit
		n=$((n + 1))
	done 2>/dev/null' "$restarted" "$disk/file"
is "no write of a dead predecessor lands after its successor's own [D6] [T8]" "$status $out" "0 "
check "nor later" "$restarted" is-new "$disk/file"

nothing_left
done_testing
