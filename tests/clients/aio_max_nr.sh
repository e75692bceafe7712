#!/bin/sh
# SPDX-License-Identifier: MIT
# With fs.aio-max-nr at 0 the kernel gives no context to anybody: if this fails, the sandbox needs the kernel's AIO.
# It changes the whole machine for a few seconds, under the lock of all who look at it.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need_root
need fio
limit_file=/proc/sys/fs/aio-max-nr
[ -e $limit_file ] || skip_all "this kernel has no native AIO"
aio_nr_take
old_limit=$(cat $limit_file)	# under the lock, or another's 0 would be put back
[ "$old_limit" -gt 0 ] || skip_all "fs.aio-max-nr is 0"
client_cleanup() { echo "$old_limit" >$limit_file || :; }
(echo 0 >$limit_file) 2>/dev/null || skip_all "fs.aio-max-nr cannot be changed here"

fio_job() # NAME native|sandboxed
{
	"$2" "$1" fio --name=limit --filename="$disk/limit" --size=4m --bs=4k --ioengine=libaio --iodepth=32 --direct=1 \
		--rw=randwrite --verify=crc32c --verify_fatal=1 --verify_state_save=0 --output-format=json --output="$tmp/$1.json"
}
fio_job natively native
is "fio fails natively" "$([ "$status" -ne 0 ] && echo fails || echo works)" fails
check "and because of the limit (EAGAIN)" grep -q '"error" : 11,' "$tmp/natively.json"
fio_job fio sandboxed
ended fio 0
served fio 2048

victim=$top_builddir/tests/clients/victim_oracle
if [ -x "$victim" ]; then
	mkdir "$disk/oracle"
	native oracle-natively "$victim" run "$disk/oracle" 1
	is "eight contexts of 4096 fail natively" "$([ "$status" -ne 0 ] && echo fails || echo works)" fails
	check "and because of the limit" grep -q 'io_setup' "$tmp/oracle-natively.err"
	sandboxed oracle "$victim" run "$disk/oracle" 1
	ended oracle 0
	served oracle 1 "$any"
else
	skip "victim_oracle is not built"
fi

# what a POLL tells can come from the host's AIO only: here D3 holds, and is asserted
if [ -x "$top_builddir/tests/parity/victim_wake_keys" ]; then
	PARITY_LOCKED=1 VICTIM_DIR=$top_builddir/tests/parity sh "$srcdir/tests/parity/parity.sh" wake_keys >"$tmp/wake_keys.tap" 2>&1 || :
	is "POLL's wake keys are masked as listed" "$(grep -c '^ok .*(D3' "$tmp/wake_keys.tap") $(grep '^not ok' "$tmp/wake_keys.tap")" '14 '
else
	skip "victim_wake_keys is not built"
fi

if have qemu-img; then
	qemu-img create -q -f raw "$disk/image" 16M
	native qemu-natively qemu-img bench -f raw -t none -n -c 2000 -d 32 -s 4096 "$disk/image"
	# later versions take threads instead, and say so
	native_end=works
	[ "$status" -eq 0 ] || native_end=fails
	! grep -q 'falling back to thread pool' "$tmp/qemu-natively.err" || native_end=fails
	is "qemu-img cannot use native AIO natively" "$native_end" fails
	sandboxed qemu qemu-img bench -f raw -t none -n -c 2000 -d 32 -s 4096 "$disk/image"
	ended qemu 0
	served qemu 2000 2001		# version 10 first tries whether there is IOCB_CMD_FDSYNC
else
	skip "qemu-img is not installed"
fi
done_testing
