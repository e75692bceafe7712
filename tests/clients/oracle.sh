#!/bin/sh
# SPDX-License-Identifier: MIT
# A stand-in for Oracle (victim_oracle.c): if this fails, a block is torn, lost, misplaced or written late, above all one
# whose writer was killed after io_submit had accepted it.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"

victim=$top_builddir/tests/clients/victim_oracle
[ -x "$victim" ] || skip_all "victim_oracle is not built"
word() { sed -n "s/^oracle: ok .*[ ]$2=\([0-9]*\).*/\1/p" "$tmp/$1.out"; }

mkdir "$disk/run" "$disk/crash"

sandboxed run "$victim" run "$disk/run" 5
ended run 0
diag_file "$tmp/run.out"
requests=$(word run requests)
check "run: the summary says that everything was checked" [ "${requests:-0}" -gt 0 ]
# an io_submit in which the writer was killed may have been served or not
served run "${requests:-1}" $((${requests:-0} + $(word run maybe || echo 0)))
native run-check "$victim" check "$disk/run"
ended run-check 0

# the check itself must be able to fail
dd if="$disk/run/data2" of="$disk/run/data2" bs=8192 skip=3 seek=4 count=1 conv=notrunc 2>/dev/null
native run-misplaced "$victim" check "$disk/run"
ended run-misplaced 1

# The whole tree is killed: what io_submit had accepted must be in the files once aio-sandbox has ended.
sandboxed crash "$victim" crash "$disk/crash" 2
ended crash 137
served crash 1 "$any"
native crash-check "$victim" check "$disk/crash"
ended crash-check 0
done_testing
