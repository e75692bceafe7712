#!/bin/sh
# SPDX-License-Identifier: MIT
# fio's libaio engine: if this fails, the sandbox moves wrong data, loses requests, or breaks a way of using libaio.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need fio
fio --enghelp 2>/dev/null | grep -qw libaio || skip_all "this fio has no libaio engine"

size_mb=16
blocks=$((size_mb * 256))	# of 4 KiB
common="--directory=$disk --size=${size_mb}m --bs=4k --thread=0 --output-format=json"
aio="--ioengine=libaio --iodepth=32"
verify="--verify=crc32c --verify_fatal=1 --verify_state_save=0"

# fio's JSON, one "key" : value per line: a section (read, write, trim, sync) per job, each with its total_ios
total_ios() # NAME SECTION...: summed over all jobs
{
	json=$tmp/$1.json
	shift
	awk -v want=" $* " '
		$1 ~ /^"(read|write|trim|sync)"$/ && $3 == "{" { gsub(/"/, "", $1); section = $1 }
		$1 == "\"total_ios\"" && index(want, " " section " ") { sum += $3 }
		END { print sum + 0 }' "$json"
}
no_error() # NAME JOBS
{
	awk -v jobs="$2" '$1 == "\"error\"" { n++; bad += $3 + 0 != 0 } END { exit !(n == jobs && !bad) }' "$tmp/$1.json"
}
report() # NAME JOBS
{
	ended "$1" 0
	check "$1: $2 job(s), none with an error" no_error "$1" "$2"
}

# fio does its syncs by fsync(2), once nothing is in flight; with verify_only it counts the writes that it leaves out.
in_sandbox() # NAME JOBS OPTIONS
{
	job_name=$1 jobs=$2
	shift 2
	# shellcheck disable=SC2086
	sandboxed "$job_name" fio $common $aio --output="$tmp/$job_name.json" "$@"
	report "$job_name" "$jobs"
	case " $* " in
	*" --verify_only "*) served "$job_name" "$(total_ios "$job_name" read)" ;;
	*) served "$job_name" "$(total_ios "$job_name" read write)" ;;
	esac
}
# The native side does plain preads: it also works on kernels without AIO.
natively() # NAME OPTIONS
{
	job_name=$1
	shift
	# shellcheck disable=SC2086
	native "$job_name" fio $common --ioengine=psync --output="$tmp/$job_name.json" "$@"
	report "$job_name" 1
}

# Written here, verified there, and all kinds of jobs.
for direct in 1 0; do
	case $direct in 1) how=direct ;; 0) how=buffered ;; esac
	mode="--name=$how --direct=$direct"
	write="$mode --rw=randwrite $verify"
	mixed="$mode --rw=randrw $verify"
	# shellcheck disable=SC2086
	{
	in_sandbox $how-write 1 $write --do_verify=1
	is "$how-write: every block written and read back" "$(total_ios $how-write read write)" $((2 * blocks))
	natively $how-verified-natively $write --verify_only
	is "$how-verified-natively: every block" "$(total_ios $how-verified-natively read)" $blocks
	rm -f "$disk/$how".*

	natively $how-written-natively $write --do_verify=0 --end_fsync=1
	in_sandbox $how-verify 1 $write --verify_only
	is "$how-verify: every block verified" "$(total_ios $how-verify read)" $blocks

	# the verification itself must be able to fail
	dd if=/dev/zero of="$disk/$how.0.0" bs=4096 seek=777 count=1 conv=notrunc,fsync 2>/dev/null
	sandboxed $how-corrupt fio $common $aio --output="$tmp/$how-corrupt.json" $write --verify_only
	check "$how-corrupt: a block changed on disk is noticed" between "$status" 1 123
	rm -f "$disk/$how".*

	in_sandbox $how-randrw 1 $mixed
	is "$how-randrw: reads and verify reads" "$(total_ios $how-randrw read)" $blocks
	in_sandbox $how-threads 4 $mixed --numjobs=4 --thread=1
	is "$how-threads: reads and verify reads" "$(total_ios $how-threads read)" $((4 * blocks))
	in_sandbox $how-processes 4 $mixed --numjobs=4
	is "$how-processes: reads and verify reads" "$(total_ios $how-processes read)" $((4 * blocks))
	rm -f "$disk/$how".*

	# userspace_reap takes completions from the ring without a call
	in_sandbox $how-userspace-reap 1 $mixed --userspace_reap
	is "$how-userspace-reap: reads and verify reads [17.fio]" \
		"$(total_ios $how-userspace-reap read)" $blocks
	for sync in fsync fdatasync; do
		in_sandbox $how-$sync 1 $write --$sync=32 --size=4m
		is "$how-$sync: every block written and read back" "$(total_ios $how-$sync read write)" 2048
	done
	}
done

# shellcheck disable=SC2086
{
in_sandbox batches 1 --name=batches --direct=1 --rw=randrw $verify --iodepth=256 \
	--iodepth_batch_submit=64 --iodepth_batch_complete_min=16 --iodepth_batch_complete_max=64
in_sandbox sizes 1 --name=sizes --direct=1 --rw=randrw $verify --bsrange=4k-256k --blockalign=4k
}
done_testing
