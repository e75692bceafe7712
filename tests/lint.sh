#!/bin/sh
# SPDX-License-Identifier: MIT
# Each rule of --lint tells of its mistake, once, and of nothing else.
. "$srcdir/tests/lib.sh"

victim=$(cd "$top_builddir" && pwd)/tests/victim_lint
disk_dir
cd "$disk" || exit

# rule NAME STATUS PATTERN
rule()
{
	run "$AIO_SANDBOX" --lint "$victim" "$1" bad
	is "$1: the program itself ends as ever" "$status" "$2"
	is "$1: one finding" "$(printf '%s\n' "$err" | grep -c '^aio-sandbox: lint: ')" 1
	like "$1: and this one" "$(grep '^aio-sandbox: lint' "$tmp/run.err")" "aio-sandbox: lint: $3"
	run "$AIO_SANDBOX" --lint "$victim" "$1" good
	is "$1: none without the mistake" "$status $err" '0 '
}

rule reuse 0 'request #2 of *: its iocb 0x* is that of #1, which is still in flight'
rule crowd 0 'request #8194 of *: its iocb 0x* is that of #8193, which is still in flight'
rule change 0 'request #1 of * on descriptor *: the data were changed while it was in flight'
rule misalign 0 '*descriptor *: O_DIRECT with offset, length or memory that is no multiple of 512'
rule hang 142 'io_getevents of * waits for 2 more events, but 1 requests are in flight and it has no other thread: it will never return'
rule rest 0 'io_submit of * took 1 of 3 requests, and the next one (iocb 0x*) was never submitted again'
rule result 0 'request #1 of * gave 0 of 4096, and nobody has looked at it'
rule zero 0 'io_setup of *: the context is 0x*, not 0: it must be set to 0 before'
rule counter 0 'process * never reads eventfd *, in which 1 completions were counted (the last is #1)'
rule child 0 'process * uses the context 0x* of another process: contexts are not inherited by fork(2)'
rule leak 0 'process * exits without io_destroy of its context 1'

if have fio; then
	run "$AIO_SANDBOX" --lint fio --name=a --filename="$disk/f" --size=1m --ioengine=libaio --iodepth=8 \
		--rw=randrw --bs=4k --direct=1 --minimal
	is 'fio makes no mistake' "$status $err" '0 '
else
	skip 'fio is not installed'
fi

done_testing
