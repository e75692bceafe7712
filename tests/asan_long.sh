#!/bin/sh
# SPDX-License-Identifier: MIT
# No access beyond or after, no leak, no undefined behaviour: all unit tests, victims and random programs, with a
# supervisor built with -fsanitize=address,undefined. What a program does may not corrupt who supervises it.
. "$srcdir/tests/parity/every.sh"
need make
disk_dir
. "$srcdir/tests/sanitized.sh"

sanitized_build --enable-sanitizers
ASAN_OPTIONS=log_path=$reports
UBSAN_OPTIONS=print_stacktrace=1:$ASAN_OPTIONS
export ASAN_OPTIONS UBSAN_OPTIONS

units=
for unit in "$srcdir"/tests/*_t.c; do
	unit=${unit##*/}
	units="$units ${unit%_t.c}"
done
# shellcheck disable=SC2086 # a list of words
unit_tests_pass $units

# how many requests the whole machine has in contexts is parity's affair
without_differs() { grep -v '^aio-nr ' || :; }
engine=$("$AIO_SANDBOX" -v true 2>&1 | sed -n 's/^aio-sandbox: engine: \([a-z]*\).*/\1/p')
export AIO_SANDBOX_FLAGS
for submit in auto kernel; do
	AIO_SANDBOX_FLAGS=--submit=$submit
	every "$AIO_SANDBOX_FLAGS" "$engine"
	no_report "$AIO_SANDBOX_FLAGS: nothing is reported"
done
unset AIO_SANDBOX_FLAGS

for script in cli credentials differ doctor durable foreign frozen gdb guardian inflight keys launch life limits \
	old_kernel privileges refused stall terminal trace; do
	all_good $script sanitized
	no_report "$script: nothing is reported"
done

done_testing
