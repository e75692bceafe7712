#!/bin/sh
# SPDX-License-Identifier: MIT
# Requests in flight do not depend on their buffers: writes have been copied, reads say what was read.
# If this breaks, a program that frees a buffer early is told of an error that the kernel does not know,
# and one that cuts a file finds in it what it had written before.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/aio_nr.sh"
disk_dir

# scene NAME SCENE OUTPUT WARNINGS
scene()
{
	run timeout 60 "$AIO_SANDBOX" "$top_builddir/tests/victim_inflight" "$2" "$disk/file"
	is "$1" "$status $out" "0 $3"
	is "$2: warnings" "$(printf '%s\n' "$err" | grep -c 'has unmapped the buffer')" "$4"
}

two_lines='4
4'
both_there='4, and is there
4, and is there'
scene "a read whose buffer is unmapped in flight says what was read [D12]" unmapped "$two_lines" 1
scene "what is mapped there instead gets the data [D12]" replaced "$both_there" 0
scene "a buffer that was never there is a fault" absent EFAULT 0
scene "so is one of more than 4 MiB that has gone [D12]" large EFAULT 0
if dd if=/dev/zero of="$disk/file" bs=4096 count=1 oflag=direct 2>/dev/null; then
	scene "later changes of a buffer do not reach the file [D5] [8.4.in-flight]" changed "0 changed" 0
	# the kernel leaves it undefined whether they do
	run timeout 60 "$top_builddir/tests/victim_inflight" changed "$disk/file"
	case $status:$out in
	'0:0 changed' | [!0]*) skip "natively they cannot be seen to here: $status $out $err" ;;
	*) like "natively they do" "$out" "* changed" ;;
	esac
else
	skip "no O_DIRECT here"
fi

# cut NAME SCENE OUTPUT FLAGS...: the file is cut behind an io_submit of 64 O_DIRECT writes, ten times
cut()
{
	cut_name=$1 cut_scene=$2 cut_wanted=$3
	shift 3
	rm -f "$disk/file"
	run timeout 60 "$AIO_SANDBOX" -q "$@" "$top_builddir/tests/victim_inflight" "$cut_scene" "$disk/file"
	is "$cut_name${1:+, $*}" "$status $out" "0 $cut_wanted"
}

# natively SCENE
natively()
{
	rm -f "$disk/file"
	aio_nr_take
	run timeout 60 "$top_builddir/tests/victim_inflight" "$1" "$disk/file" 7<&-
	aio_nr_leave
}

natively secret
case $status:$out in
0:*)
	is "memory that others cannot look into is memory, natively" "$out" \
		"data ev:8, iocb 1, event 1, signal ev:128"
	scene "here too, by the thread itself" secret "data ev:8, iocb 1, event 1, signal ev:128" 0
	scene "not where that is not asked for [D15]" filtered \
		"data ev:EFAULT, iocb EFAULT, event EFAULT, signal S:EINVAL" 0
	;;
*)
	skip "memfd_secret: $err [D15]"
	;;
esac

natively overwritten
if [ "$(stat -f -c %T "$disk")" != ext2/ext3 ]; then
	skip "what a truncation waits for was seen on ext4, which this is not [D1]"
elif [ "$status" -ne 0 ]; then
	skip "natively: $err [D1]"
else
	is "a truncation waits for O_DIRECT writes, natively" "$out" "none overtaken"
	for engine in libaio uring; do
		if ! "$AIO_SANDBOX" -q --engine=$engine true 2>/dev/null; then
			skip "the host refuses what --engine=$engine needs"
			continue
		fi
		cut "it does in the sandbox" overwritten "none overtaken" --engine=$engine
		cut "it does in the sandbox" overwritten "none overtaken" --engine=$engine --submit=kernel
	done
	cut "not for what waits for a worker [D1]" overwritten overtaken --engine=threads
	cut "not even then [D1]" overwritten overtaken --engine=threads --submit=kernel
	natively extended
	is "it waits for writes that extend the file, natively" "$status $out" "0 none overtaken"
	cut "not in the sandbox [D1]" extended overtaken --submit=auto
	cut "unless the caller waits for them" extended "none overtaken" --submit=kernel
fi
done_testing
