#!/bin/sh
# SPDX-License-Identifier: MIT
# stress-ng --aiol --verify: batches of requests from several processes, waited for in every way that io_getevents has,
# bad calls among them. If this fails, one of its processes read other data than it wrote, or met an answer that the
# kernel does not give.
. "$srcdir/tests/lib.sh"
client_limit=180	# it ends by itself before
. "$srcdir/tests/clients/client.sh"
need stress-ng
stress-ng --help 2>&1 | grep -q aiol-requests || skip_all "this stress-ng has no --aiol"
need_kernel_aio
mark

# aiol NAME sandboxed|native_aio PROCESSES REQUESTS OPERATIONS
aiol()
{
	"$2" "$1" stress-ng --temp-path "$disk" --verify --metrics-brief --timeout 150 --stdout \
		--aiol "$3" --aiol-requests "$4" --aiol-ops "$5"
	ended "$1" 0
	check "$1: it says that nothing was wrong" grep -q 'successful run completed' "$tmp/$1.out"
	check "$1: no difference was found" [ "$(grep -cE 'fail|error' "$tmp/$1.out")" -eq 0 ]
	is "$1: it came to its end" "$(awk '$2 == "metrc:" && $4 == "aiol" { print $5 }' "$tmp/$1.out")" "$5"
}
aiol natively native_aio 2 64 500
for size in '1 1 500' '2 64 1000' '4 256 400'; do
	# shellcheck disable=SC2086
	set -- $size
	aiol "$1-by-$2" sandboxed "$@"
	served "$1-by-$2" 100 "$any"	# an operation is not a request
done

# its processes end by SIGALRM when the time is over, with requests in flight
sandboxed timeout stress-ng --temp-path "$disk" --verify --timeout 2 --stdout --aiol 4 --aiol-requests 128
ended timeout 0
check "timeout: no difference was found" grep -q 'successful run completed' "$tmp/timeout.out"
served timeout 1000 "$any"
is "its files are gone" "$(ls "$disk")" ""
nothing_left
done_testing
