# SPDX-License-Identifier: MIT
# With --submit=async only buffered writes may finish later than otherwise: what needs no waiting (polls that are ready,
# requests of no length, O_DIRECT that is refused) is complete when io_submit returns. The whole of it is in check-long.
. "$srcdir/tests/parity/every.sh"

AIO_SANDBOX_FLAGS='--engine=threads --submit=async'
export AIO_SANDBOX_FLAGS
every_name=async
every_one "$AIO_SANDBOX_FLAGS" threads
done_testing
