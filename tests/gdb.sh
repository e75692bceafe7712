#!/bin/sh
# SPDX-License-Identifier: MIT
# A debugger on us changes nothing for the program; one inside takes the place that io_setup needs, and is told so.
. "$srcdir/tests/lib.sh"
need gdb
disk_dir
mark

ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0	# that needs ptrace for itself
export ASAN_OPTIONS

steps=$top_builddir/tests/victim_steps

debug() { run timeout 60 gdb -nx -batch -ex "set confirm off" -ex run -ex "info program" --args "$@"; }

debug "$AIO_SANDBOX" "$steps" setup "file=$disk/file" pipe destroy
like "gdb --args aio-sandbox PROGRAM" "$(echo "$out" | tr '\n' ' ')" \
	"*setup: 0 direct: 65536 buffered: 65536 pipe: 8 destroy: 0 *exited normally*"

run timeout 60 "$AIO_SANDBOX" gdb -nx -batch -ex "set confirm off" -ex run --args "$steps" setup pipe
like "aio-sandbox gdb PROGRAM: io_setup gets EAGAIN" "$(echo "$out" | tr '\n' ' ')" \
	"*setup: EAGAIN *exited normally*"
is "it ends cleanly" "$status" 0
like "with the warning" "$err" "*cannot be traced*"

nothing_left
done_testing
