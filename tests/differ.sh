# SPDX-License-Identifier: MIT
# Random AIO programs see the same natively and in the sandbox (tests/differ/differ.c says how). If
# this breaks, there is a program that can tell us from the kernel; the log has a minimal one.
. "$srcdir/tests/lib.sh"

differ=$top_builddir/tests/differ/differ
[ "$(cat /proc/sys/fs/aio-max-nr)" -gt 1000 ] || skip_all "fs.aio-max-nr leaves no native AIO to compare with"

# where O_DIRECT works and is asynchronous
disk_dir
docs=$(cd "$srcdir/docs" && pwd)/design.md
corpus=$(cd "$srcdir/tests/differ/corpus" && pwd)
cd "$disk" || exit

# name: of each freedom in the code, and in the document
"$differ" freedom | sed 's/:.*//' >"$tmp/code"
sed -n '/^## 9/,$s/^\* \*\*\([a-z]*\)\*\*:.*/\1/p' "$docs" >"$tmp/text"
is "what is left free is written down" "$(cat "$tmp/code")" "$(cat "$tmp/text")"

run "$differ" --seeds=1-200 env
is "two native runs of a program see the same" "$status" 0
diag "$out"

run "$differ" --seeds=1-200 --stop-at-first sh -c 'ulimit -S -f 256; exec "$@"' sh
is "a limit that is another one is found" "$status" 1
like "a program that shows it is printed" "$out" '*minimal program*submit*native*sandboxed*'

# what has been found once, in both modes
for program in "$corpus"/*; do
	for mode in auto kernel; do
		run "$differ" --no-minimise --submit=$mode --file="$program" "$AIO_SANDBOX" --submit=$mode
		is "${program##*/}, --submit=$mode" "$status" 0
		[ "$status" -eq 0 ] || diag "$out"
	done
done

for mode in auto kernel; do
	run "$differ" --submit=$mode --seeds=1-1500 --seconds=45 "$AIO_SANDBOX" --submit=$mode
	is "random programs see the same in the sandbox, --submit=$mode" "$status" 0
	diag "$out"
done
if [ -e "$top_builddir/shim/aio-sandbox-shim.so" ]; then
	run "$differ" --submit=auto --seeds=1501-3000 --seconds=30 "$AIO_SANDBOX" --shim --spin=random
	is "random programs see the same with the shim" "$status" 0
	diag "$out"
fi

done_testing
