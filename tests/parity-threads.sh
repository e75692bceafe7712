# SPDX-License-Identifier: MIT
# On the threads engine a program sees what it sees natively. If this breaks, hosts without io_uring differ.
. "$srcdir/tests/parity/every.sh"

AIO_SANDBOX_FLAGS=--engine=threads
export AIO_SANDBOX_FLAGS
every '--engine=threads' threads
done_testing
