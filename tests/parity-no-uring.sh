#!/bin/sh
# SPDX-License-Identifier: MIT
# Where a policy refuses io_uring, the program must not notice: the threads engine takes over by itself.
. "$srcdir/tests/parity/every.sh"

cat >"$tmp/aio-sandbox" <<END
exec "$top_builddir/tests/victim_deny" EPERM io_uring_setup -- "$AIO_SANDBOX" "\$@"
END
sed -i '1i #!/bin/sh' "$tmp/aio-sandbox"
chmod +x "$tmp/aio-sandbox"
AIO_SANDBOX=$tmp/aio-sandbox
export AIO_SANDBOX
every 'io_uring refused' threads
done_testing
