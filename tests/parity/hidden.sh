#!/bin/sh
# SPDX-License-Identifier: MIT
exec sh "${srcdir:-.}/tests/parity/parity.sh" hidden
