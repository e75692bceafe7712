#!/bin/sh
# SPDX-License-Identifier: MIT
# A libev program with the Linux AIO backend, which waits by POLL requests only and reaps from the ring: if this fails, an
# event loop sleeps over a wake-up, or is woken for nothing.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
. "$srcdir/tests/conformance/fetch.sh"
need cc
fetch libev
need_kernel_aio
mark
check "it compiles" cc -O2 -w -DEV_STANDALONE -DEV_USE_LINUXAIO=1 -DEV_USE_IOURING=0 -I"$source" \
	"$srcdir/tests/clients/ev_client.c" "$source/ev.c" -o "$disk/client" -lm
flags=${AIO_SANDBOX_FLAGS-}
epoll=4 linuxaio=64	# EVBACKEND_

# client NAME sandboxed|native|native_aio BACKEND
client()
{
	# shellcheck disable=SC2016
	"$2" "$1" sh -c 'cd "$1" && exec ./client "$2"' sh "$disk" "$3"
	ended "$1" 0
}
client epoll native $epoll
client natively native_aio $linuxaio
is "the backend was built in" "$(head -n 1 "$tmp/natively.out")" "backend $linuxaio"
sed "s/^backend .*/backend $linuxaio/" "$tmp/epoll.out" >"$tmp/wanted"
check "natively: does what it does by epoll" diff "$tmp/wanted" "$tmp/natively.out"
for mode in auto kernel async; do
	AIO_SANDBOX_FLAGS="$flags --submit=$mode"
	client $mode sandboxed $linuxaio
	served $mode 10000 "$any"
	check "$mode: does what it does natively" diff "$tmp/wanted" "$tmp/$mode.out"
done
nothing_left
done_testing
