#!/bin/sh
# SPDX-License-Identifier: MIT
# No data race: the unit tests of what has threads, victims and dying writers, with a supervisor built by clang
# with -fsanitize=thread. A race is also an accepted write that is lost once in a million.
. "$srcdir/tests/lib.sh"
need clang make
disk_dir
. "$srcdir/tests/sanitized.sh"

sanitized_build --enable-sanitizers=thread CC=clang
TSAN_OPTIONS=log_path=$reports
export TSAN_OPTIONS

unit_tests_pass workers loop loop_timer engine_threads engine_uring engine_peer engine_peer_worker engine_peer_poll \
	engine_inline engine_storage complete dispatch life guardian feed writer

# only the races count: what the victims see is parity's affair, and their times are others here
for name in rw getevents threads destroy fsync cancel eventfd order blocking poll life; do
	for engine in auto threads; do
		AIO_SANDBOX_FLAGS=--engine=$engine timeout 600 sh "$srcdir/tests/parity/parity.sh" $name \
			>"$disk/parity.log" 2>&1 || diag "$name: status $?"
		is "$name, $engine: it has run" "$(grep -c 'AIO calls: [1-9]' "$disk/parity.log")" 1
		no_report "$name, $engine: no race"
	done
done

check "writers that die, and what they wrote" timeout 900 sh "$srcdir/tests/durable.sh"
no_report "no race while they die"
check "what hangs holds up nobody else" timeout 300 sh "$srcdir/tests/stall.sh"
no_report "no race while it hangs"
check "traces of all formats" timeout 300 sh "$srcdir/tests/trace_formats.sh"
check "traces of programs that end in every way" timeout 300 sh "$srcdir/tests/trace_endings.sh"
no_report "no race while they are written"

done_testing
