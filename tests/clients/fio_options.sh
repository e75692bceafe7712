#!/bin/sh
# SPDX-License-Identifier: MIT
# What fio's libaio engine can ask for beyond plain requests: priorities in the iocb, RWF_NOWAIT, requests from a thread of
# their own, synchronous and growing files, odd sizes and buffers. If this fails, a field of the iocb or a kind of buffer
# is not served as the kernel does. Each run verifies what it wrote, natively too where only the kernel can tell.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need fio
fio --enghelp=libaio >"$tmp/engine" 2>/dev/null || skip_all "this fio has no libaio engine"
need_kernel_aio
mark

verify="--verify=crc32c --verify_fatal=1 --verify_state_save=0"

# job NAME sandboxed|native|native_aio OPTIONS
job()
{
	job_name=$1 how=$2
	shift 2
	# shellcheck disable=SC2086
	$how "$job_name" fio --name=job --directory="$disk" --size=8m --bs=4k --thread=0 --ioengine=libaio --iodepth=32 \
		--output-format=json --output="$tmp/$job_name.json" $verify "$@"
}
ios() # NAME
{
	awk '$1 ~ /^"(read|write|trim|sync)"$/ && $3 == "{" { gsub(/"/, "", $1); section = $1 }
		$1 == "\"total_ios\"" && section ~ /read|write/ { sum += $3 }
		END { print sum + 0 }' "$tmp/$1.json"
}
no_error() { awk '$1 == "\"error\"" { n++; bad += $3 + 0 != 0 } END { exit !n || bad }' "$tmp/$1.json"; }

# good NAME OPTIONS: written and verified in the sandbox, and again without AIO
good()
{
	good_name=$1
	shift
	rm -f "$disk"/job.*
	job "$good_name" sandboxed --do_verify=1 "$@"
	was_good
}
was_good()
{
	ended "$good_name" 0
	check "$good_name: no error" no_error "$good_name"
	served "$good_name" "$(ios "$good_name")" "$any"
	check "$good_name: it did something" between "$(ios "$good_name")" 500 "$any"
}
# a verification without AIO of what the last one wrote
again()
{
	job "$good_name-again" native "$@" --verify_only --ioengine=psync
	ended "$good_name-again" 0
	check "$good_name-again: no error" no_error "$good_name-again"
}
kill_fio()
{
	for pid in $(marked); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != fio ] || kill -KILL "$pid" || :
	done
}
knows() { grep -qw "$1" "$tmp/engine"; }

# IOCB_FLAG_IOPRIO; class 1 only for those who may
if knows cmdprio_percentage; then
	good cmdprio --rw=randwrite --direct=1 --cmdprio_percentage=50 --cmdprio_class=2 --cmdprio=3
	again --rw=randwrite --direct=1
	good cmdprio-idle --rw=randwrite --cmdprio_percentage=30 --cmdprio_class=3
	for side in native_aio sandboxed; do
		rm -f "$disk"/job.*
		job realtime-$side $side --rw=randwrite --direct=1 --do_verify=1 --cmdprio_percentage=50 --cmdprio_class=1
		eval "realtime_$side=\$status"
	done
	# shellcheck disable=SC2154
	is "cmdprio-realtime: ends as natively" "$realtime_sandboxed" "$realtime_native_aio"
else
	skip "this fio has no cmdprio_percentage"
fi
if knows cmdprio_bssplit; then
	good cmdprio-bssplit --rw=randwrite --direct=1 --bssplit=4k/50:16k/50 --blockalign=4k \
		--cmdprio_bssplit=4k/100:16k/0 --cmdprio_class=2 --size=16m
fi

# One run after another on each side, leaving its ends in $status_native_aio and $status_sandboxed.
nowait() # NAME RW OPTIONS
{
	nowait_name=$1 rw=$2
	shift 2
	for side in native_aio sandboxed; do
		rm -f "$disk"/job.*
		job prepare-$side native --rw=write --ioengine=psync --do_verify=0 --end_fsync=1
		job "$nowait_name-$side" $side --rw="$rw" --nowait=1 "$@"
		eval "status_$side=\$status"
	done
}

# RWF_NOWAIT: fio tries again what gets EAGAIN, or gives up where the file system has none. That what was read before is
# still in the page cache is no promise of the kernel's (memory reclaim of a busy or small machine takes pages at any
# time, and then EAGAIN is right on either side): what ends differently on the two sides is run again, at most four times.
if knows nowait; then
	for test in "direct randwrite --direct=1" "direct-read randread --direct=1" "cached randread --pre_read=1"; do
		# shellcheck disable=SC2086
		set -- $test
		name=nowait-$1
		shift
		for run in 1 2 3 4 5; do
			nowait "$name" "$@"
			[ "$status_sandboxed" != "$status_native_aio" ] || break
			echo "# $name, run $run: native $status_native_aio, sandboxed $status_sandboxed"
		done
		is "$name: ends as natively" "$status_sandboxed" "$status_native_aio"
		is "$name: as many requests" "$(ios "$name-sandboxed")" "$(ios "$name-native_aio")"
	done
else
	skip "this fio has no nowait"
fi

good reap --rw=randrw --direct=1 --userspace_reap --iodepth=128 --iodepth_batch=32
# Not both together: natively fio 3.33 itself hangs then, now and then (its threads reap without a lock). And when it has
# begun its threads it may wait for ever for the last of them (workqueue_init), natively too, before its first request: such
# a run is ended, and another one tried.
good_name=offload
for run in 1 2 3 4 5; do
	rm -f "$disk"/job.*
	{ job offload sandboxed --do_verify=1 --rw=randrw --io_submit_mode=offload; echo "$status" >"$tmp/offload.status"; } &
	tenths=0
	while sleep 0.1; kill -0 $! 2>/dev/null; do	# its threads give no event
		tenths=$((tenths + 1))
		[ $tenths -lt 250 ] || kill_fio
	done
	wait $!
	status=$(cat "$tmp/offload.status")
	if [ "$status" -eq 0 ] || [ "$(requests_of offload)" != 0 ]; then
		break
	fi
	echo "# offload, run $run: fio waits for its own threads"
done
was_good
good o-sync --rw=randwrite --sync=1 --size=4m
again --rw=randwrite --size=4m
good o-dsync-direct --rw=randwrite --sync=dsync --direct=1 --size=4m
good growing --rw=write --direct=1 --fallocate=none
again --rw=write --direct=1
good sectors --rw=randwrite --direct=1 --bs=512 --size=1m
good odd --rw=randwrite --bs=1k-13k --bs_unaligned=1
good many-files --rw=randwrite --nrfiles=64 --openfiles=8 --file_service_type=random --direct=1
good verify-threads --rw=randwrite --direct=1 --verify_async=2 --verify_backlog=64
for memory in mmap mmapshared shm; do
	good "memory-$memory" --rw=randwrite --direct=1 --mem=$memory
done
nothing_left
done_testing
