#!/bin/sh
# SPDX-License-Identifier: MIT
# lvm2's own tests of its block cache, which reads and writes by AIO: if one ends otherwise than natively, metadata of
# volumes is in danger. Long because of the build, of a minute and a half.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/conformance/engines.sh"
. "$srcdir/tests/conformance/fetch.sh"
need cc make pkg-config

build_lvm2()
{
	./configure --disable-readline --disable-udev_sync --disable-selinux --disable-blkid_wiping --disable-nls \
		--disable-systemd-journal --disable-app-machineid
	make -s -j"$(getconf _NPROCESSORS_ONLN)" unit-test
}
fetch_built lvm2 build_lvm2
disk_dir

# unit_tests NAME [COMMAND...]: the tests of the cache, each with its verdict, to $tmp/NAME
unit_tests()
{
	name=$1
	shift
	status=0
	(cd "$disk" && exec timeout -k 5 120 "$@" "$source/test/unit/unit-test" run /base/device/bcache) \
		>"$tmp/$name.raw" 2>"$tmp/$name.said" || status=$?
	{ cat "$tmp/$name.raw" "$tmp/$name.said"; echo "exit status $status"; } | grep -v '^aio-sandbox: ' >"$tmp/$name"
	! grep '^aio-sandbox: ' "$tmp/$name.said" >"$tmp/counters" || diag_file "$tmp/counters"
}
served() { sed -n 's/.*requests: \([0-9]*\)$/\1/p' "$tmp/counters"; }

unit_tests native
check "natively: they pass" grep -q '^exit status 0' "$tmp/native"
check "natively: there are many" [ "$(grep -c OK "$tmp/native")" -gt 30 ]
known=$(known_engines)
for engine in $known; do
	for submit in auto kernel async; do
		unit_tests sandboxed "$AIO_SANDBOX" -v --engine="$engine" --submit=$submit
		check "$engine, --submit=$submit: all as natively" diff "$tmp/native" "$tmp/sandboxed"
		check "$engine, --submit=$submit: in the sandbox" [ "$(served)" -gt 100 ]
	done
done
skip_other_engines "$known"
done_testing
