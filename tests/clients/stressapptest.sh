#!/bin/sh
# SPDX-License-Identifier: MIT
# stressapptest's disk threads: each block written with a pattern of its own by O_DIRECT, read back later in another
# order, compared; a thread with a context of its own for each file. If this fails, a pattern came back changed.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need stressapptest
mark

# sat NAME SECONDS OPTIONS
sat()
{
	sat_name=$1 seconds=$2
	shift 2
	truncate -s 64M "$disk/file" "$disk/other"
	# no --random-threads: these read what is being written, which also fails natively
	# it uses memory that it has not set: with make check's MALLOC_PERTURB_ it crashes natively too
	sandboxed "$sat_name" env -u MALLOC_PERTURB_ stressapptest -s "$seconds" -M 32 -m 0 -d "$disk/file" -d "$disk/other" --destructive \
		--segment-size 4194304 --cache-size 262144 "$@"
}
sat blocks 3 --read-block-size 4096 --write-block-size 16384
ended blocks 0
check "blocks: no difference was found" grep -q '^Status: PASS' "$tmp/blocks.out"
served blocks 500 "$any"
sat sectors 3 --read-block-size 512 --write-block-size 512
ended sectors 0
check "sectors: no difference was found" grep -q '^Status: PASS' "$tmp/sectors.out"
served sectors 500 "$any"
check "the file was written" [ "$(tr -d '\000' <"$disk/file" | head -c 1000000 | wc -c)" -eq 1000000 ]
nothing_left
done_testing
