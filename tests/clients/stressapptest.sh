#!/bin/sh
# SPDX-License-Identifier: MIT
# stressapptest's disk threads: each block written with a pattern of its own by O_DIRECT, read back later in other places'
# order, compared; several threads with a context each on one file. If this fails, a pattern came back changed.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need stressapptest
mark

# sat NAME SECONDS OPTIONS
sat()
{
	sat_name=$1 seconds=$2
	shift 2
	truncate -s 64M "$disk/file"
	sandboxed "$sat_name" stressapptest -s "$seconds" -M 32 -m 0 -d "$disk/file" --destructive --segment-size 4194304 \
		--cache-size 262144 "$@"
}
sat blocks 3 --read-block-size 4096 --write-block-size 16384 --random-threads 2
ended blocks 0
check "blocks: no difference was found" grep -q '^Status: PASS' "$tmp/blocks.out"
served blocks 500 "$any"
sat sectors 3 --read-block-size 512 --write-block-size 512 --random-threads 2
ended sectors 0
check "sectors: no difference was found" grep -q '^Status: PASS' "$tmp/sectors.out"
served sectors 500 "$any"
check "the file was written" [ "$(tr -d '\000' <"$disk/file" | head -c 1000000 | wc -c)" -eq 1000000 ]
nothing_left
done_testing
