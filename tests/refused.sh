#!/bin/sh
# SPDX-License-Identifier: MIT
# Where an outer policy refuses what we use there is another way, or a plain answer and a warning.
. "$srcdir/tests/lib.sh"
disk_dir
mark

ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0	# that needs ptrace itself; and a start that fails does not tidy up
export ASAN_OPTIONS

steps=$top_builddir/tests/victim_steps
deny=$top_builddir/tests/victim_deny

# try NAME WANTED COMMAND... -- STEP...; $err is what was warned of
try()
{
	try_name=$1 try_wanted=$2
	shift 2
	run timeout 60 "$@"
	is "$try_name" "$status $(echo "$out" | tr '\n' ' ')" "0 $try_wanted "
}

all="setup file=$disk/file pipe poll thread vfork exec setup file=$disk/file destroy"
all_good="setup: 0 direct: 65536 buffered: 65536 pipe: 8 poll: 1 thread: 8 vfork: 8"
all_good="$all_good setup: 0 direct: 65536 buffered: 65536 destroy: 0"

# shellcheck disable=SC2086
try "nothing refused" "$all_good" "$AIO_SANDBOX" "$steps" $all
is "no warning" "$err" ""

# shellcheck disable=SC2086
try "io_uring refused: threads do it" "$all_good" \
	"$deny" EPERM io_uring_setup -- "$AIO_SANDBOX" -v "$steps" $all
like "which -v tells" "$err" "*io_uring cannot be used here*"
run "$deny" EPERM io_uring_setup -- "$AIO_SANDBOX" --engine=uring true
is "--engine=uring is refused then" "$status" 125

run "$deny" EAGAIN io_setup -- "$AIO_SANDBOX" --engine=libaio true
is "--engine=libaio without room at the host is refused" "$status" 125
like "and one line says what helps" "$err" "aio-sandbox: --engine=libaio: *raise fs.aio-max-nr*"
run "$deny" ENOSYS io_setup -- "$AIO_SANDBOX" --engine=libaio true
is "so it is without AIO at the host" "$status" 125
like "and one line says why" "$err" "aio-sandbox: --engine=libaio: *Function not implemented*--engine=auto"

# shellcheck disable=SC2086
try "kcmp refused" "$all_good" "$deny" EPERM kcmp -- "$AIO_SANDBOX" "$steps" $all
# shellcheck disable=SC2086
try "kcmp missing" "$all_good" "$deny" ENOSYS kcmp -- "$AIO_SANDBOX" "$steps" $all

# as in a plain container: positional I/O on descriptors of our own
for error in EPERM ENOSYS; do
	try "pidfd_getfd answers $error: files are opened anew, the rest gets EBADF" \
		"setup: 0 direct: 65536 buffered: 65536 pipe: EBADF poll: EBADF destroy: 0" \
		"$deny" $error pidfd_getfd -- "$AIO_SANDBOX" "$steps" setup "file=$disk/file" pipe poll destroy
	like "and one line says what helps" "$err" "*pidfd_getfd is refused here*--cap-add SYS_PTRACE*"
	is "only one" "$(echo "$err" | wc -l)" 1
done
if [ -e "$top_builddir/shim/aio-sandbox-shim.so" ]; then
	for error in EPERM ENOSYS; do
		# shellcheck disable=SC2086
		try "pidfd_getfd answers $error: the shim passes descriptors" "$all_good" \
			"$deny" $error pidfd_getfd -- "$AIO_SANDBOX" --shim "$steps" $all
		is "and nobody says anything" "$err" ''
	done
	"$AIO_SANDBOX" -q "$top_builddir/tests/victim_preloaded" >"$tmp/plain" 2>&1
	run "$deny" EPERM pidfd_getfd -- "$AIO_SANDBOX" --shim "$top_builddir/tests/victim_preloaded"
	is "a program of all libaio's functions" "$out$err" "$(cat "$tmp/plain")"
fi
if have fio; then
	run "$deny" EPERM pidfd_getfd -- "$AIO_SANDBOX" -q fio --name=refused --directory="$disk" --size=8m \
		--bs=4k --ioengine=libaio --iodepth=16 --rw=randwrite --direct=1 --verify=crc32c \
		--verify_fatal=1 --verify_state_save=0
	is "fio verifies what it wrote so" "$status" 0
else
	skip "fio is not installed"
fi

# ptrace refused: no ring can be mapped
try "ptrace refused: io_setup gets EAGAIN" "setup: EAGAIN" \
	"$deny" EPERM ptrace -- "$AIO_SANDBOX" "$steps" setup
like "with a warning" "$err" "*cannot be traced*"

# --- policies inside ---

# shellcheck disable=SC2086
try "a program with a filter of its own" "filter: 0 $all_good" "$AIO_SANDBOX" "$steps" filter $all
# shellcheck disable=SC2086
try "a program under a filter of its launcher" "$all_good" \
	"$AIO_SANDBOX" "$deny" ENOTTY getppid -- "$steps" $all
# shellcheck disable=SC2086
try "one that wants its own listener gets EBUSY, and goes on [D13]" "listener: EBUSY $all_good" \
	"$AIO_SANDBOX" "$steps" listener $all
try "a program that refuses AIO to itself is obeyed" "setup: ENOTTY" \
	"$AIO_SANDBOX" "$deny" ENOTTY io_setup -- "$steps" setup

nothing_left
done_testing
