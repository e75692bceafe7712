#!/bin/sh
# SPDX-License-Identifier: MIT
# sysbench fileio in asynchronous mode. It looks at the data of a read, and fills the buffer of a write anew, as soon as
# io_submit has returned: right for buffered files, as the kernel is done with them by then. If this fails, so does every
# program that relies on it, without a word.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need sysbench
sysbench fileio help 2>/dev/null | grep -q 'file-io-mode.*async' || skip_all "this sysbench has no asynchronous mode"
need_kernel_aio
mark
events=4096	# of 16 KiB: as many as there are blocks
common="fileio --file-num=4 --file-total-size=64M --threads=2 --time=50 --events=$events --file-async-backlog=32"
checked=--validate=on	# a checksum and its offset in each block

# bench NAME sandboxed|native|native_aio sync|async MODE [OPTIONS]
bench()
{
	run_as=$1 how=$2 io=$3 mode=$4
	shift 4
	# shellcheck disable=SC2016,SC2086
	$how "$run_as" sh -c 'cd "$1" && shift && exec "$@"' sh "$disk" \
		sysbench $common --file-io-mode="$io" --file-test-mode="$mode" "$@" run
}
all() # NAME: it ended well, having done everything
{
	ended "$1" 0
	is "$1: every request" "$(sed -n 's/.*total number of events: *//p' "$tmp/$1.out")" $events
}
forget() { for file in "$disk"/test_file.*; do dd of="$file" oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null; done; }

# shellcheck disable=SC2086
(cd "$disk" && sysbench $common $checked prepare) >"$tmp/prepare" 2>&1
bench natively native_aio async seqrd $checked
all natively

# Written in the sandbox, checked without AIO. The kernel waits in io_submit for what is not in memory, and so does
# --submit=kernel; without it a busy host makes its check fail.
AIO_SANDBOX_FLAGS="${AIO_SANDBOX_FLAGS-} --submit=kernel"
for test in rndwr rndrw seqrd rndrd; do
	bench $test sandboxed async $test $checked
	all $test
	served $test 2000 "$any"	# some of the events are fsync
	bench $test-checked native sync seqrd $checked
	all $test-checked
done

# cold: it waits for the disk
forget
bench cold sandboxed async seqrd $checked
all cold
served cold 2000 "$any"

# the check itself must be able to fail
dd if=/dev/zero of="$disk/test_file.2" bs=16k seek=40 count=2 conv=notrunc 2>/dev/null
bench corrupt sandboxed async seqrd $checked
ended corrupt 1
check "corrupt: the block is named" grep -q 'Validation failed on file 2, block offset 6' "$tmp/corrupt.out"

# O_DIRECT is asynchronous, and then its check is wrong natively too
for test in rndwr rndrd; do
	bench direct-$test sandboxed async $test --file-extra-flags=direct
	all direct-$test
	served direct-$test 2000 "$any"
done
nothing_left
done_testing
