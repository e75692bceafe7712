#!/bin/sh
# SPDX-License-Identifier: MIT
# Requests in flight do not depend on their buffers: writes have been copied, reads say what was read.
# If this breaks, a program that frees a buffer early is told of an error that the kernel does not know.
. "$srcdir/tests/lib.sh"
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
done_testing
