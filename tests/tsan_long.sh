#!/bin/sh
# SPDX-License-Identifier: MIT
# No data race: the unit tests of what has threads, victims and dying writers, with a supervisor built by clang
# with -fsanitize=thread. A race is also an accepted write that is lost once in a million.
. "$srcdir/tests/lib.sh"
need clang make
disk_dir

top_srcdir=$(cd "$srcdir" && pwd)
mkdir "$disk/build"
if ! (cd "$disk/build" && "$top_srcdir/configure" --enable-sanitizers=thread CC=clang CFLAGS='-O1 -g' &&
	make all && make check TESTS=) >"$disk/build.log" 2>&1; then
	diag "$(tail -n 20 "$disk/build.log")"
	not_ok "a build with --enable-sanitizers=thread CC=clang"
	done_testing
	exit 1
fi
top_builddir=$disk/build
AIO_SANDBOX=$top_builddir/aio-sandbox
TSAN_OPTIONS=log_path=$disk/race
VICTIM_DIR=$top_builddir/tests/parity
export top_builddir AIO_SANDBOX TSAN_OPTIONS VICTIM_DIR

no_race()
{
	if ls "$disk"/race.* >/dev/null 2>&1; then
		not_ok "$1"
		diag "$(head -n 60 "$disk"/race.*)"
		rm -f "$disk"/race.*
	else
		ok "$1"
	fi
}

(
	cd "$top_builddir" || exit
	make check TESTS='tests/workers_t tests/loop_t tests/engine_threads_t tests/engine_uring_t tests/engine_peer_t
		tests/engine_peer_worker_t tests/engine_peer_poll_t tests/engine_inline_t tests/engine_storage_t
		tests/complete_t tests/dispatch_t tests/destroy_t tests/life_t tests/room_t tests/guardian_t'
) >"$disk/unit.log" 2>&1 || diag "$(grep '^FAIL\|^ERROR' "$disk/unit.log")"
is "unit tests pass" "$(grep -c '^FAIL:\|^ERROR:' "$disk/unit.log")" 0
no_race "and show no race"

# only the races count: what the victims see is parity's affair, and their times are others here
for name in rw getevents threads destroy fsync cancel eventfd order blocking poll life; do
	for engine in auto threads; do
		AIO_SANDBOX_FLAGS=--engine=$engine timeout 300 sh "$srcdir/tests/parity/parity.sh" $name \
			>"$disk/parity.log" 2>&1 || diag "$name: status $?"
		is "$name, $engine: it has run" "$(grep -c 'AIO calls: [1-9]' "$disk/parity.log")" 1
		no_race "$name, $engine: no race"
	done
done

check "writers that die, and what they wrote" timeout 900 sh "$srcdir/tests/durable.sh"
no_race "no race while they die"

done_testing
