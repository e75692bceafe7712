# SPDX-License-Identifier: MIT
# With the shim a program sees what it sees natively, as it does without it.
. "$srcdir/tests/parity/every.sh"
[ -e "$top_builddir/shim/aio-sandbox-shim.so" ] || skip_all "the shim is built for x86-64 only"

AIO_SANDBOX_FLAGS=--shim
export AIO_SANDBOX_FLAGS
every '--shim' ''
done_testing
