#!/bin/sh
# SPDX-License-Identifier: MIT
# While one process hangs on what may never answer, the requests of others are quick; and a stuck loop is named.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/fuse.sh"

victims=$top_builddir/tests

us=
cleanup()
{
	[ -z "$us" ] || kill -KILL "$us" 2>/dev/null || :
	fuse_kill
}
disk_dir
mark

await() { wait_status=0; wait "$1" || wait_status=$?; }

# stall ENGINE ANSWER
stall()
{
	rm -f "$tmp/out"
	timeout 100 "$AIO_SANDBOX" -q --engine="$1" "$victims/victim_stall" "$tmp/mnt/file" "$tmp/control" \
		"$tmp/log" "$disk/file" >"$tmp/out" 2>"$tmp/err" &
	us=$!
	until_line $us "$tmp/out" measured || :
	is "$1: requests stay below 20 ms, and an execve waits for the dead" "$(cat "$tmp/out" "$tmp/err")" \
		"$(printf '%s\n' "others hang: quick" "exec waits" "others are dead: quick" measured)"
	check "$1: aio-sandbox waits for accepted writes" kill -0 $us
	echo "$2" >"$tmp/control"
	await $us
	us=
	is "$1: and ends when the file system says '$2'" "$wait_status" 0
	[ "$2" = quit ] || echo quit >"$tmp/control"
	fuse_ended
}

head -c 65536 /dev/zero >"$disk/file"
fuse_mount || skip_all "$fuse_why"
stall threads go
fuse_mount
if "$AIO_SANDBOX" -q --engine=uring true 2>"$tmp/err"; then
	stall uring quit
else
	skip "io_uring cannot be used here"
	echo quit >"$tmp/control"
	fuse_ended
fi

# --- the guardian names a loop that does not turn ---

mkfifo "$tmp/fault"
timeout 30 "$AIO_SANDBOX" "$victims/victim_missing_page" "$tmp/fault" >"$tmp/out" 2>"$tmp/err" &
us=$!
if until_line $us "$tmp/err" "stuck in .* for a call io_submit of [0-9]* (descriptor [0-9]*)"; then
	ok "the guardian says where the loop is stuck, and for whom"
	echo go >"$tmp/fault"
	await $us
	is "and all goes on when the page has come" "$wait_status $(cat "$tmp/out")" "0 io_submit: 1"
elif grep -q "no userfaultfd" "$tmp/out"; then
	skip "userfaultfd cannot be used here"
else
	not_ok "the guardian says where the loop is stuck"
	diag_file "$tmp/err"
fi
us=

nothing_left
done_testing
