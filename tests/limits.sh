#!/bin/sh
# SPDX-License-Identifier: MIT
# Where memory, descriptors or contexts run out, requests wait or get an errno, and all data are right.
# shellcheck disable=SC2016
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/aio_nr.sh"
disk_dir
mark

victim=$top_builddir/tests/victim_room

wanted=
# scene NAME SCENE COMMAND...: the beginning of the command that victim ends
scene()
{
	scene_name=$1 scene_what=$2
	shift 2
	rm -f "$disk/file"
	run timeout 60 "$@" "$victim" "$scene_what" "$disk/file"
	is "$scene_name" "$status $out" "0 $wanted"
	[ "$status" -eq 0 ] || diag "$err"
}

scene "requests larger than all buffers: right sums, right data" large "$AIO_SANDBOX" -q --buffer-memory=1M
scene "the same on threads" large "$AIO_SANDBOX" -q --buffer-memory=1M --engine=threads
scene "the same with --submit=async" large "$AIO_SANDBOX" -q --buffer-memory=1M --submit=async
scene "large requests with memory enough" large "$AIO_SANDBOX" -q
scene "io_setup with the descriptor table full [T20]" files "$AIO_SANDBOX" -q
scene "io_setup without address space: ENOMEM" space "$AIO_SANDBOX" -q
scene "--max-nr: EAGAIN, and given back by io_destroy" max-nr "$AIO_SANDBOX" -q --max-nr=100
scene "many requests in flight" flood "$AIO_SANDBOX" -q --buffer-memory=1M

# The supervisor raises its limit where it may: privileges taken away, it has as few as the program.
wanted=crowded
few='ulimit -Sn 64; ulimit -Hn 64; exec "$@"'
# its reads of an empty pipe would block with another one
mode=--submit=auto
if [ "$(id -u)" -ne 0 ]; then
	scene "few descriptors" flood sh -c "$few" sh "$AIO_SANDBOX" -q $mode
	scene "few descriptors, on threads" flood sh -c "$few" sh "$AIO_SANDBOX" -q $mode --engine=threads
elif have setpriv; then
	scene "few descriptors" flood setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource \
		sh -c "$few" sh "$AIO_SANDBOX" -q $mode
	scene "few descriptors, on threads" flood setpriv --inh-caps=-sys_resource \
		--bounding-set=-sys_resource sh -c "$few" sh "$AIO_SANDBOX" -q $mode --engine=threads
else
	skip "setpriv is not installed"
fi

# Nobody may then put one more descriptor into the program's table. With that privilege it is done.
wanted=ENOMEM
if [ "$(id -u)" -ne 0 ]; then
	scene "io_setup with the table full at the hard limit [D4]" full "$AIO_SANDBOX" -q
elif have setpriv; then
	scene "io_setup with the table full at the hard limit [D4]" full \
		setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource "$AIO_SANDBOX" -q
else
	skip "setpriv is not installed"
fi

# A program that may raise its limit on file sizes is not held to the one that the supervisor was born with.
if ! have prlimit; then
	skip "prlimit is not installed"
elif ! prlimit --fsize=8192 prlimit --fsize=unlimited true 2>/dev/null; then
	skip "raising a hard limit needs CAP_SYS_RESOURCE"
else
	rm -f "$disk/file"
	run timeout 60 prlimit --fsize=8192 "$AIO_SANDBOX" -q prlimit --fsize=unlimited \
		"$top_builddir/tests/victim_steps" setup "file=$disk/file"
	is "a limit on file sizes that the program has raised" "$status $(echo "$out" | tr '\n' ' ')" \
		"0 setup: 0 direct: 65536 buffered: 65536 "
	wanted=0
	scene "io_setup at a hard limit that the supervisor may raise" full "$AIO_SANDBOX" -q
fi

# A ring is a file in memory, to which the limit counts; the kernel's own is none. What is printed goes into a pipe.
# below LIMIT COMMAND...: what it prints where files cannot be larger than LIMIT
below()
{
	below_limit=$1
	shift
	run timeout 60 sh -c '"$@" | cat' sh prlimit --fsize="$below_limit" \
		setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource "$@"
}
if ! have prlimit || ! have setpriv || [ "$(id -u)" -ne 0 ]; then
	skip "a hard limit on file sizes below a ring needs root, prlimit and setpriv [D16]"
else
	for limit in 0 1; do
		aio_nr_take
		below $limit "$top_builddir/tests/victim_steps" setup poll 7<&-
		aio_nr_leave
		is "io_setup where files have at most $limit bytes, natively" "$out" 'setup: 0
poll: 1'
	done
	below 0 "$AIO_SANDBOX" -q "$top_builddir/tests/victim_steps" setup
	is "io_setup where the limit does not reach into the ring's last page [D16]" "$out" 'setup: ENOMEM'
	cpus=$(sed 's/.*[-,]//' /sys/devices/system/cpu/possible)
	if [ "$cpus" -lt 15 ]; then
		below 1 "$AIO_SANDBOX" -q "$top_builddir/tests/victim_steps" setup poll
		is "where it does [D16]" "$out" 'setup: 0
poll: 1'
	else
		skip "with so many CPUs no ring has one page"
	fi
fi

victim=$top_builddir/tests/victim_numbers
wanted=
scene "--max-nr=0: EAGAIN, or EINVAL if that is wrong already [2.max-0]" none "$AIO_SANDBOX" -q --max-nr=0
scene "--max-nr=3000000000: as large as can be, and nr wraps [2.huge-max] [2.huge-max-wraps]" \
	huge "$AIO_SANDBOX" -q --max-nr=3000000000
scene "slots are counted as if one CPU submitted [D7]" cpus "$AIO_SANDBOX" -q
scene "an idle io_destroy takes less than 15 ms [14.idle] [D10]" idle "$AIO_SANDBOX" -q

nothing_left
done_testing
