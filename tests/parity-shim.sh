# SPDX-License-Identifier: MIT
# With the shim a program sees what it sees natively, whatever door its calls find open.
. "$srcdir/tests/parity/every.sh"
[ -e "$top_builddir/shim/aio-sandbox-shim.so" ] || skip_all "the shim is built for x86-64 only"

AIO_SANDBOX_FLAGS='--shim --spin=random'
export AIO_SANDBOX_FLAGS
every '--shim' ''
done_testing
