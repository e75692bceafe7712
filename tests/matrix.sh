# SPDX-License-Identifier: MIT
# The full matrix, one engine of it: with each way to submit all parity victims, the live tests that depend on either, and
# the clients. `make check` runs the victims once per engine, and all else with the default engine. If only this fails, two
# options that work alone do not work together.
. "$srcdir/tests/parity/every.sh"
. "$srcdir/tests/aio_nr.sh"

live='durable credentials limits'
waits='inflight life'	# for a peer behind io_submit, which --submit=kernel does inside
clients='fio fio_options lvm2 mariadb nginx oracle qemu_img qemu_io stress_ng sysbench tgt thin_tools'
appends_in_order='19.restart/each-once-in-order
	19.restart/lists-each-once-in-order
	19.no-restart/each-once-in-order
	19.no-restart/lists-each-once-in-order'
complete_behind_submit='6.one-call/tail
	6.credit/accepted-after-head-to-tail
	6.credit/getevents-all
	6.credit/accepted-after-getevents-all
	6.nonsense/accepted-after-head-beyond-tail
	6.nonsense/accepted-again'
program=$AIO_SANDBOX
export AIO_SANDBOX AIO_SANDBOX_FLAGS

# all_live SCRIPT...: they take no options, so the program is one that has them. Nobody changes fs.aio-max-nr meanwhile.
all_live()
{
	printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$program" "$AIO_SANDBOX_FLAGS" >"$tmp/with_options"
	chmod 711 "$tmp"	# for other users that tests become
	chmod 755 "$tmp/with_options"
	AIO_SANDBOX=$tmp/with_options
	aio_nr_take
	PARITY_LOCKED=1		# theirs too
	export PARITY_LOCKED
	for script; do
		all_good "$script" "$AIO_SANDBOX_FLAGS"
	done
	unset PARITY_LOCKED
	aio_nr_leave
	AIO_SANDBOX=$program
}

# matrix ENGINE
matrix()
{
	"$program" -q --engine="$1" true 2>"$tmp/engine" || skip_all "$(cat "$tmp/engine")"
	need flock
	for submit in auto async kernel; do
		AIO_SANDBOX_FLAGS="--engine=$1 --submit=$submit"
		# appends that take long are then done by several workers, and complete when io_submit has returned
		differs=
		[ $submit != async ] || differs="$appends_in_order
			$complete_behind_submit"
		every "$AIO_SANDBOX_FLAGS" "$1"
		# shellcheck disable=SC2086 # lists of words
		all_live $live
		# shellcheck disable=SC2086
		[ $submit = kernel ] || all_live $waits
		for client in $clients; do
			all_good "clients/$client" "$AIO_SANDBOX_FLAGS"
		done
	done
	done_testing
}
