# SPDX-License-Identifier: MIT
# The engines that do I/O, for suites that run with each of them.

engines='uring threads libaio'

# Those that are built in and that the host allows.
known_engines()
{
	for engine in $engines; do
		if "$AIO_SANDBOX" -q --engine="$engine" true 2>"$tmp/engine"; then
			printf '%s ' "$engine"
		fi
	done
}

# A line for each of the others.
skip_other_engines() # KNOWN
{
	for engine in $engines; do
		case " $1" in
		*" $engine "*) ;;
		*) skip "no $engine engine here: $("$AIO_SANDBOX" -q --engine="$engine" true 2>&1 || :)" ;;
		esac
	done
}
