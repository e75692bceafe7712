#!/bin/sh
# SPDX-License-Identifier: MIT
# What is in flight is told to aio-sandbox-ctl, on a signal, and by itself when nothing goes on.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/fuse.sh"

ctl=$top_builddir/aio-sandbox-ctl
victims=$top_builddir/tests

us=
cleanup()
{
	[ -z "$us" ] || kill -KILL "$us" 2>/dev/null || :
	fuse_kill
}

fuse_mount || skip_all "$fuse_why"
exec 3>"$tmp/control"
echo hold >&3
until_line "$fuse" "$tmp/log" held

mark
timeout 100 "$AIO_SANDBOX" --control="$tmp/socket" --stall=1 --list-signal=USR1 \
	sh -c 'echo $$ >"$1"; exec "$2" "$3"' sh "$tmp/pid" "$victims/victim_waits" "$tmp/mnt/file" \
	>"$tmp/out" 2>"$tmp/err" &
us=$!
wait_status=0

line='id=1 pid=[0-9]* tid=[0-9]* ctx=1 op=pread fd=[0-9]* offset=8192 length=4096 age_ms=[0-9]* phase=running path=.*/mnt/file$'
while [ -e "/proc/$us" ] && ! { "$ctl" "$tmp/socket" list 2>/dev/null; } | grep -q "^$line"; do :; done
run "$ctl" "$tmp/socket" list
is 'one line' "$(printf '%s\n' "$out" | grep -c "^$line")$err" 1
is 'of the program' "$(printf '%s\n' "$out" | sed 's/.* pid=\([0-9]*\) .*/\1/')" "$(cat "$tmp/pid")"
is 'nobody else may connect' "$(stat -c %a "$tmp/socket")" 600

run "$ctl" "$tmp/socket" nonsense
is 'an unknown request is an error' "$status $err" '1 aio-sandbox-ctl: the requests are: list'

guardian=$(pgrep -P $us -f list-signal)
kill -USR1 "$guardian"
until_line $us "$tmp/err" 'asked by a signal; in flight: 1'
check 'the signal makes it tell' grep -q "^aio-sandbox: $line" "$tmp/err"
until_line $us "$tmp/err" 'nothing has been completed for 1 s; in flight: 1'
check 'a stall is told' grep -q 'nothing has been completed' "$tmp/err"

echo go >&3
wait $us || wait_status=$?
us=
is 'the program goes on' "$wait_status $(cat "$tmp/out")" '0 read 4096'
is 'the stall was told once' "$(grep -c 'nothing has been completed' "$tmp/err")" 1
check 'the socket is gone' [ ! -e "$tmp/socket" ]
run "$ctl" "$tmp/socket" list
is 'ctl says so' "$status $err" "1 aio-sandbox-ctl: $tmp/socket: No such file or directory"
nothing_left

: >"$tmp/file"
run "$AIO_SANDBOX" --control="$tmp/file" true
like 'a file in the way: 125' "$status $err" '125 *Address already in use*'
check 'and the file stays' [ -e "$tmp/file" ]
run "$AIO_SANDBOX" --list-signal=KILL true
is 'SIGKILL cannot be had: 125' "$status" 125
run "$AIO_SANDBOX" --stall=soon true
is 'no number of seconds: 125' "$status" 125
run "$ctl"
is 'ctl without arguments: 125' "$status" 125

echo quit >&3
fuse_ended
done_testing
