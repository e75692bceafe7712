#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs that give up their privileges go on, and an ordinary user needs none.
. "$srcdir/tests/lib.sh"
need_root
need setpriv
disk_dir
mark
chmod 711 "$tmp" && chmod 777 "$disk"

steps=$top_builddir/tests/victim_steps
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"

# try NAME WANTED COMMAND...
try()
{
	try_name=$1 try_wanted=$2
	shift 2
	rm -f "$disk/file"
	run timeout 60 "$@"
	is "$try_name" "$status $(echo "$out" | tr '\n' ' ')$err" "0 $try_wanted "
}

good="direct: 65536 buffered: 65536 pipe: 8 thread: 8 vfork: 8"
do="file=$disk/file pipe thread vfork"
# shellcheck disable=SC2086
try "root" "setup: 0 $good destroy: 0" "$AIO_SANDBOX" "$steps" setup $do destroy
# shellcheck disable=SC2086
try "nobody after io_setup" "setup: 0 drop: 0 $good destroy: 0" "$AIO_SANDBOX" "$steps" setup drop $do destroy
# shellcheck disable=SC2086
try "nobody before io_setup" "drop: 0 setup: 0 $good destroy: 0" "$AIO_SANDBOX" "$steps" drop setup $do destroy
# shellcheck disable=SC2086
try "nobody, and another image" "setup: 0 drop: 0 setup: 0 $good destroy: 0" \
	"$AIO_SANDBOX" "$steps" setup drop exec setup $do destroy
# shellcheck disable=SC2086
try "by setpriv" "setup: 0 $good destroy: 0" "$AIO_SANDBOX" $nobody "$steps" setup $do destroy
# shellcheck disable=SC2086
try "by -u" "setup: 0 $good destroy: 0" "$AIO_SANDBOX" -u nobody "$steps" setup $do destroy
# shellcheck disable=SC2086
try "not dumpable" "setup: 0 nodump: 0 $good destroy: 0" "$AIO_SANDBOX" "$steps" setup nodump $do destroy

if $nobody test -x "$steps" && $nobody test -x "$AIO_SANDBOX"; then
	# shellcheck disable=SC2086
	try "aio-sandbox as nobody" "setup: 0 $good destroy: 0" $nobody "$AIO_SANDBOX" "$steps" setup $do destroy
	# shellcheck disable=SC2086
	try "the same without any capability to have" "setup: 0 $good destroy: 0" \
		$nobody --bounding-set=-all --no-new-privs "$AIO_SANDBOX" "$steps" setup $do destroy
else
	skip "nobody cannot reach the build directory"
fi

nothing_left
done_testing
