# SPDX-License-Identifier: MIT
# With --submit=kernel io_submit blocks where the kernel's does, and nothing else differs either (no D1).
. "$srcdir/tests/parity/every.sh"

AIO_SANDBOX_FLAGS=--submit=kernel
export AIO_SANDBOX_FLAGS
every '--submit=kernel' ''
done_testing
