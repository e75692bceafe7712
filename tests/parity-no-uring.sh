# SPDX-License-Identifier: MIT
# Where a policy refuses io_uring, the program must not notice: the threads engine takes over by itself.
. "$srcdir/tests/parity/every.sh"

differs=8.3.anonymous/io-uring	# the program has none either
through EPERM io_uring_setup
every 'io_uring refused' threads
done_testing
