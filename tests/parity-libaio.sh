# SPDX-License-Identifier: MIT
# On the host's own AIO a program sees what it sees natively, inotify's silence about O_DIRECT included (no D2).
. "$srcdir/tests/parity/every.sh"

AIO_SANDBOX_FLAGS=--engine=libaio
export AIO_SANDBOX_FLAGS
every '--engine=libaio' libaio
done_testing
