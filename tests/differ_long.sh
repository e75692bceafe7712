# SPDX-License-Identifier: MIT
# 20,000 random programs in each mode see the same natively and in the sandbox (see differ.sh).
. "$srcdir/tests/lib.sh"

differ=$top_builddir/tests/differ/differ
[ "$(cat /proc/sys/fs/aio-max-nr)" -gt 1000 ] || skip_all "fs.aio-max-nr leaves no native AIO to compare with"
disk_dir
cd "$disk" || exit

for mode in auto kernel; do
	run "$differ" --submit=$mode --seeds=1-20000 "$AIO_SANDBOX" --submit=$mode
	is "20000 programs, --submit=$mode" "$status" 0
	diag "$out"
done

done_testing
