#!/bin/sh
# SPDX-License-Identifier: MIT
# qemu-io with aio=native: if this fails, QEMU's block layer gets wrong data, loses requests in flight or meets errors
# that the kernel would not give: vectors, hundreds at once, flushes, a crash behind a flush.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need qemu-io qemu-img cmp awk
mark
size=67108864
blocks=400	# of 64 KiB, every second one left alone

# The commands of a run: write blocks with a pattern each, all in flight at once, as vectors of different shapes, in a
# scattered order; then read each back and compare. qemu-io ends with status 1 when a pattern does not match.
commands()
{
	awk -v blocks=$blocks 'BEGIN {
		for (i = 0; i < blocks; i++) {
			n = i * 149 % blocks
			pattern = n % 250 + 1
			at = n * 131072
			shape = n % 4 == 0 ? "64k" : n % 4 == 1 ? "4k 60k" : n % 4 == 2 ? "512 1k 2k 28k 512 32k" : "32k 32k"
			print "aio_write -q -P", pattern, at, shape
			if (i % 100 == 99)
				print "aio_flush"
		}
		print "aio_flush"
		print "flush"
		for (n = 0; n < blocks; n++)
			print "aio_read -q -P", n % 250 + 1, n * 131072, n % 2 ? "64k" : "8k 24k 32k"
		print "aio_flush"
		for (n = 1; n < blocks; n += 7)
			print "read -P 0", n * 131072 - 65536, "64k"
		print "write -P 99 -f 60M 1M\nread -P 99 60M 1M"
		print "discard 61M 1M\nwrite -z 60M 4k\nread -P 0 60M 4k\nread -P 99 61444k 4k"
		print "quit"
	}'
}

commands >"$disk/commands"
requests=$((2 * blocks))	# at least: what qcow2 has not allocated is not read

# exercise NAME sandboxed|native FORMAT FILE OPTIONS: the run, its output without times
exercise()
{
	io_name=$1 how=$2 format=$3 file=$4
	shift 4
	# shellcheck disable=SC2016
	$how "$io_name" sh -c 'commands=$1 && shift && exec qemu-io "$@" <"$commands"' sh "$disk/commands" \
		-f "$format" "$@" -t none "$file"
	if [ "$status" -ne 0 ] && grep -qi "aio=native was specified, but is not supported" "$tmp/$io_name.err"; then
		skip_all "this qemu-io has no aio=native"
	fi
	ended "$io_name" 0
	sed 's/^qemu-io> //; /ops\/sec/d' "$tmp/$io_name.out" >"$tmp/$io_name.said"
}

for format in raw qcow2; do
	for run in expected image; do
		qemu-img create -q -f "$format" "$disk/$run.$format" $size
	done
	exercise "$format-by-threads" native "$format" "$disk/expected.$format" -i threads
	exercise "$format" sandboxed "$format" "$disk/image.$format" -i native
	served "$format" $requests "$any"
	check "$format: said the same as with threads" diff "$tmp/$format-by-threads.said" "$tmp/$format.said"
	check "$format: no pattern failed" [ "$(grep -c 'verification failed' "$tmp/$format.said")" -eq 0 ]
	check "$format: the same content" qemu-img compare -q -f "$format" -F "$format" "$disk/expected.$format" \
		"$disk/image.$format"
done
check "raw: every byte" cmp "$disk/expected.raw" "$disk/image.raw"
check "qcow2: the image is consistent" qemu-img check -q -f qcow2 "$disk/image.qcow2"

# the verification itself must be able to fail
dd if=/dev/zero of="$disk/image.raw" bs=512 seek=9 count=1 conv=notrunc,fsync 2>/dev/null
sandboxed corrupt qemu-io -f raw -i native -t none -c 'read -P 1 0 64k' "$disk/image.raw"
ended corrupt 1

# what was flushed is there after a crash; so is every write that was acknowledged
sandboxed crash qemu-io -f raw -i native -t none -c 'aio_write -q -P 77 0 1M' -c 'aio_flush' -c 'write -q -P 78 1M 4k' \
	-c 'sigraise 9' "$disk/image.raw"
ended crash 137
native after-crash qemu-io -f raw -r -i threads -c 'read -q -P 77 0 1M' -c 'read -q -P 78 1M 4k' "$disk/image.raw"
ended after-crash 0

# beyond the end, read-only, misaligned: the errors of a file without AIO
errors="-c 'read 64M 4k' -c 'read -q 67108352 512' -c 'write -q 1 513' -c 'read -q -P 78 1M 4k'"
for run in native sandboxed; do
	aio=native
	[ $run = sandboxed ] || aio=threads
	# shellcheck disable=SC2086
	eval $run errors-$run qemu-io -f raw -i $aio -t none $errors "$disk/image.raw"
	ended errors-$run 1
	sed '/ops\/sec/d' "$tmp/errors-$run.out" >"$tmp/errors-$run.said"
done
check "errors: said the same" diff "$tmp/errors-native.said" "$tmp/errors-sandboxed.said"
nothing_left
done_testing
