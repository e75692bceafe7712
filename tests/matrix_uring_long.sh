# SPDX-License-Identifier: MIT
# The full matrix with --engine=uring: tests/matrix.sh.
. "$srcdir/tests/matrix.sh"

matrix uring
