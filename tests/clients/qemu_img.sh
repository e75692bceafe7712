#!/bin/sh
# SPDX-License-Identifier: MIT
# qemu-img with aio=native: if this fails, a program that reaps from the ring itself, without io_getevents, loses
# completions or gets wrong data.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need qemu-img cmp
size=67108864

raw() { echo "driver=raw,file.driver=file,file.filename=$1,file.aio=native,file.cache.direct=on"; }
qcow2() { echo "driver=qcow2,file.driver=file,file.filename=$1,file.aio=native,file.cache.direct=on"; }
convert() # NAME SOURCE TARGET: between images given by options; the target exists
{
	sandboxed "$1" qemu-img convert -n --image-opts --target-image-opts "$2" "$3"
	if [ "$status" -ne 0 ] && grep -qi "aio=native was specified, but is not supported" "$tmp/$1.err"; then
		skip_all "this qemu-img has no aio=native"
	fi
	ended "$1" 0
	served "$1" 32 "$any"	# 32 MiB read and written, at most 2 MiB at a time
}

# half random, half zero: the zero half is skipped or written as zeroes
head -c $((size / 2)) /dev/urandom >"$disk/source.raw"
truncate -s $size "$disk/source.raw"
qemu-img create -q -f qcow2 "$disk/image.qcow2" $size
qemu-img create -q -f raw "$disk/back.raw" $size
qemu-img create -q -f raw "$disk/copy.raw" $size

convert raw-to-qcow2 "$(raw "$disk/source.raw")" "$(qcow2 "$disk/image.qcow2")"
check "raw-to-qcow2: the same natively" qemu-img compare -f raw -F qcow2 "$disk/source.raw" "$disk/image.qcow2"
check "raw-to-qcow2: the image is consistent" qemu-img check -q -f qcow2 "$disk/image.qcow2"
convert qcow2-to-raw "$(qcow2 "$disk/image.qcow2")" "$(raw "$disk/back.raw")"
check "qcow2-to-raw: every byte came back" cmp "$disk/source.raw" "$disk/back.raw"
convert raw-to-raw "$(raw "$disk/source.raw")" "$(raw "$disk/copy.raw")"
check "raw-to-raw: every byte came over [17.qemu]" cmp "$disk/source.raw" "$disk/copy.raw"

# bench makes exactly -c requests
bench() # NAME OPTIONS
{
	run_as=$1
	shift
	sandboxed "$run_as" qemu-img bench -f raw -t none -n "$@" "$disk/copy.raw"
	ended "$run_as" 0
}
bench bench-read -c 20000 -d 32 -s 4096
served bench-read 20000 20001	# version 10 asks once whether there is IOCB_CMD_FDSYNC, and flushes by it
bench bench-read-deep -c 20000 -d 128 -s 16384
served bench-read-deep 20000 20001
check "bench-read: nothing was written" cmp "$disk/source.raw" "$disk/copy.raw"

# 8192 writes of 4 KiB, one per 8 KiB, of a pattern: every second block changes, the others do not. The same with
# QEMU's own threads tells what must come out.
writes="-w -c 8192 -d 64 -s 4096 -S 8192 --pattern=165"
cp "$disk/source.raw" "$disk/expected.raw"
# shellcheck disable=SC2086
{
bench bench-write $writes
served bench-write 8192 8194
native bench-write-natively qemu-img bench -f raw -t none $writes "$disk/expected.raw"
}
ended bench-write-natively 0
check "bench-write: every byte as natively" cmp "$disk/copy.raw" "$disk/expected.raw"
is "bench-write: it did write" "$(cmp "$disk/copy.raw" "$disk/source.raw" >/dev/null && echo same || echo differs)" differs
done_testing
