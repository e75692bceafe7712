# SPDX-License-Identifier: MIT
# The full matrix with --engine=threads: tests/matrix.sh.
. "$srcdir/tests/matrix.sh"

matrix threads
