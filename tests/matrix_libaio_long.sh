# SPDX-License-Identifier: MIT
# The full matrix with --engine=libaio: tests/matrix.sh.
. "$srcdir/tests/matrix.sh"

matrix libaio
