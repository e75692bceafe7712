#!/bin/sh
# SPDX-License-Identifier: MIT
# tgtd, an iSCSI target with a backing store by libaio that waits on an eventfd: if this fails, a server whose only
# wake-up is the eventfd of its requests stalls, or serves wrong data. Initiators in user space, on 127.0.0.1 only.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
. "$srcdir/tests/conformance/fetch.sh"
need_root
PATH=$PATH:/usr/sbin:/sbin
need qemu-img qemu-io cmp
have tgtd || {
	fetch_program tgt
	PATH=$PATH:$program/usr/sbin
}
need_kernel_aio
mark

iqn=iqn.2000-01.test:aio-sandbox
control=$(($$ % 32768))	# in the name of the control socket, which is in a directory of ours
export TGT_IPC_SOCKET="$tmp/tgt"
target=
port=

admin() { tgtadm --control-port "$control" --lld iscsi "$@" 2>>"$tmp/admin.err"; }
client_cleanup() { [ -z "$target" ] || marked | xargs -r kill -9 2>/dev/null || :; }

# tgtd COMMAND...: the server as child, until it answers; 1 if it ends before (its port may be taken)
serve() # NAME [SANDBOX...]
{
	serve_name=$1
	shift
	for attempt in 1 2 3 4 5; do
		port=$((20000 + (control + attempt * 1009) % 12000))
		"$@" tgtd -D -C "$control" --iscsi portal=127.0.0.1:$port >"$tmp/$serve_name.out" 2>"$tmp/$serve_name.err" 7>&- &
		target=$!
		tries=0
		until admin --op show --mode portal 2>/dev/null | grep -q ":$port"; do
			tries=$((tries + 1))
			[ $tries -lt 200 ] || break
			kill -0 $target 2>/dev/null || break
			sleep 0.05	# the server gives no event
		done
		! kill -0 $target 2>/dev/null || break
	done
	kill -0 $target 2>/dev/null || {
		cat "$tmp/$serve_name.err" >&2
		return 1
	}
	admin --op new --mode target --tid 1 -T $iqn
	for lun in 1 2; do
		admin --op new --mode logicalunit --tid 1 --lun $lun --backing-store "$disk/lun$lun" --bstype aio || return
	done
	admin --op bind --mode target --tid 1 -I 127.0.0.1
}
url() { echo "iscsi://127.0.0.1:$port/$iqn/$1"; }

# Initiators stay connected for a moment, hence --force.
stop() # NAME
{
	admin --op unbind --mode target --tid 1 -I 127.0.0.1 || :
	admin --op delete --mode target --tid 1 --force || :
	tgtadm --control-port "$control" --op delete --mode system || :
	status=0
	wait $target || status=$?
	target=
	ended "$1" 0
}

# The verdicts of libiscsi's own tests of reading and writing, which compare data too.
suites='CompareAndWrite OrWrite Prefetch10 Read6 Read10 Read12 Read16 Verify10 Verify16 Write10 Write12 Write16
	WriteAtomic16 WriteVerify10 WriteVerify16'
scsi_tests() # NAME
{
	have iscsi-test-cu || return 0
	for suite in $suites; do
		timeout -k 5 60 iscsi-test-cu --dataloss --normal --test="SCSI.$suite" "$(url 2)" 2>&1 || echo "status $?"
	done | grep -v -e '^Elapsed' -e '^ *asserts' >"$tmp/$1.verdicts"
}

truncate -s 64M "$disk/lun1" "$disk/lun2"
head -c 67108864 /dev/urandom >"$disk/source"
aio_nr_take
if ! serve natively; then
	skip_all "tgtd cannot serve here: $(tail -n 1 "$tmp/natively.err")"
fi
qemu-img info "$(url 1)" >"$tmp/info" 2>&1 || {
	why=$(tail -n 1 "$tmp/info")
	stop natively >/dev/null
	skip_all "qemu-img has no iSCSI (qemu-block-extra): $why"
}
scsi_tests natively
stop natively
aio_nr_leave

watch_aio_nr sandboxed
# shellcheck disable=SC2086
check "the target serves" serve sandboxed "$AIO_SANDBOX" ${AIO_SANDBOX_FLAGS-} -v -- sh -c "$inside" "$tmp/sandboxed.inside"
if have iscsi-test-cu; then
	scsi_tests sandboxed
	check "libiscsi's tests end as natively" diff "$tmp/natively.verdicts" "$tmp/sandboxed.verdicts"
	check "libiscsi's tests ran" [ "$(grep -c '^ *tests  *[1-9]' "$tmp/natively.verdicts")" -gt 5 ]
else
	skip "iscsi-test-cu (libiscsi-bin) is not installed"
fi

# two initiators at once, both ways
for lun in 1 2; do
	qemu-img convert -n -W -m 16 -f raw -O raw "$disk/source" "$(url $lun)" >"$tmp/convert$lun" 2>&1 7>&- &
	eval "convert_$lun=\$!"
done
# shellcheck disable=SC2154
check "write: first unit" wait "$convert_1"
check "write: second unit" wait "$convert_2"
check "write: every byte is in the first backing file" cmp "$disk/source" "$disk/lun1"
check "write: every byte is in the second backing file" cmp "$disk/source" "$disk/lun2"
check "read: every byte" qemu-img compare -f raw -F raw "$disk/source" "$(url 1)"
check "read: every byte, many at a time" qemu-img convert -W -m 16 -f raw -O raw "$(url 2)" "$disk/back"
check "read: every byte came back" cmp "$disk/source" "$disk/back"

# flushed and forced writes, at depth
awk 'BEGIN {
	for (i = 0; i < 200; i++)
		print "aio_write -q", i % 3 ? "" : "-f", "-P", i + 1, (i * 77 % 200) * 65536, "16k"
	print "aio_flush\nflush"
	for (i = 0; i < 200; i++)
		print "aio_read -q -P", i + 1, (i * 77 % 200) * 65536, "16k"
	print "aio_flush\nquit"
}' >"$disk/commands"
timeout -k 5 60 qemu-io -f raw "$(url 1)" <"$disk/commands" >"$tmp/patterns" 2>&1 && status=0 || status=$?
is "patterns: written, flushed, read back" "$status $(grep -c fail "$tmp/patterns")" "0 0"
qemu-io -f raw -r "$disk/lun1" <"$disk/commands" >"$tmp/patterns" 2>&1 || :
is "patterns: they are in the backing file" "$(grep -c 'verification failed' "$tmp/patterns")" 0

stop sandboxed
unwatch_aio_nr sandboxed
served sandboxed 2000 "$any"
nothing_left
done_testing
