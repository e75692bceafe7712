#!/bin/sh
# SPDX-License-Identifier: MIT
# The same seed hits the same requests, in whatever order threads and processes come. If this breaks, a fault plan in a bug
# report says nothing.
. "$srcdir/tests/lib.sh"

victim=$top_builddir/tests/victim_keys
disk_dir

# hits SEED OPTION... -- VICTIM'S ARGUMENTS: $disk/hits has the sorted keys of those that were hit
hits()
{
	hits_seed=$1
	shift
	hits_options=
	while [ "$1" != -- ]; do
		hits_options="$hits_options $1"
		shift
	done
	shift
	rm -rf "$disk/run"
	mkdir "$disk/run"
	hits_status=0
	# shellcheck disable=SC2086
	(cd "$disk/run" && exec timeout -k 1 60 "$AIO_SANDBOX" -v --seed="$hits_seed" $hits_options \
		-e inject=all:error=EIO:prob=0.1 "$victim" "$@") 2>"$disk/err" || hits_status=$?
	is "seed $hits_seed$hits_options, $*" "$hits_status" 0
	sed -n 's/^aio-sandbox: fault: rule 1, count [0-9]*: request [0-9]* of [0-9]*: //p' "$disk/err" | sort >"$disk/hits"
}

# same REQUESTS VICTIM'S ARGUMENTS
same()
{
	requests=$1
	shift
	hits 7 -- "$@"
	mv "$disk/hits" "$disk/first"
	some=$(wc -l <"$disk/first")
	check "$*: about a tenth of $requests ($some)" \
		test "$some" -gt $((requests / 20)) -a "$some" -lt $((requests / 5))
	for options in '' '' --engine=threads --submit=async --submit=kernel --shim; do
		# shellcheck disable=SC2086
		hits 7 $options -- "$@"
		check "$*: the same are hit again" cmp "$disk/first" "$disk/hits"
	done
	hits 8 -- "$@"
	check "$*: another seed hits others" sh -c '! cmp -s "$1" "$2"' - "$disk/first" "$disk/hits"
}

same 51 0 1		# one thread
same 408 300 8		# 8 threads that share a context
same 816 300		# 4 processes of 4 threads
done_testing
