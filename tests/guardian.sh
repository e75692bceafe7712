#!/bin/sh
# SPDX-License-Identifier: MIT
# Whoever of us is killed, no process of the program lives on half emulated.
# shellcheck disable=SC2016
. "$srcdir/tests/lib.sh"

victims=$top_builddir/tests
us=
bystander=
cleanup()
{
	for pid in $us $bystander; do
		kill -KILL "$pid" 2>/dev/null || :
	done
}

parent_of() { sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$1/stat"; }
until_gone() { while [ -e "/proc/$1" ]; do :; done; }
lines() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }
until_lines() { while [ "$(lines "$1")" -lt "$2" ]; do :; done; }

# $us: the guardian, $supervisor, and in $tmp/tree the pids of four busy processes
start_tree()
{
	rm -f "$tmp/tree"
	"$AIO_SANDBOX" "$victims/victim_tree" "$tmp/tree" 2>"$tmp/err" &
	us=$!
	until_lines "$tmp/tree" 4
	supervisor=
	while read -r pid; do
		parent=$(parent_of "$pid")
		[ "$(parent_of "$parent")" != "$us" ] || supervisor=$parent
	done <"$tmp/tree"
}

alive()
{
	while read -r pid; do
		[ ! -e "/proc/$pid" ] || printf '%s ' "$pid"
	done <"$tmp/tree"
}

await() { status=0; wait "$1" 2>/dev/null || status=$?; }

# --- the supervisor is killed: a closed listener would answer ENOSYS, even to exit ---

left=
statuses=
silent=
enosys=
for round in 1 2 3 4 5; do
	start_tree
	kill -KILL "$supervisor"
	await "$us"
	statuses="$statuses $status"
	left="$left$(alive)"
	grep -q 'aio-sandbox: the supervisor was killed by signal 9' "$tmp/err" ||
		silent="$silent $round"
	grep -q ENOSYS "$tmp/tree" && enosys="$enosys $round"
done
is "supervisor killed: exit status 125" "$statuses" " 125 125 125 125 125"
is "supervisor killed: the whole tree is gone when we end" "$left" ""
is "supervisor killed: says so" "$silent" ""
is "supervisor killed: nobody saw ENOSYS" "$enosys" ""

# --- the guardian is killed ---

enosys=
for round in 1 2 3; do
	start_tree
	kill -KILL "$us"
	await "$us"
	until_gone "$supervisor"
	while [ -n "$(alive)" ]; do :; done
	grep -q ENOSYS "$tmp/tree" && enosys="$enosys $round"
done
ok "guardian killed: tree and supervisor are gone"
is "guardian killed: nobody saw ENOSYS" "$enosys" ""

# --- a process that was ours before is no part of the tree ---

mkfifo "$tmp/end"
sh -c 'sh -c "read -r _ <\$0" "$1" & echo $! >"$2"
	exec "$0" sh -c "echo \$\$ >\$0; read -r _ <\$1" "$3" "$1"' \
	"$AIO_SANDBOX" "$tmp/end" "$tmp/bystander" "$tmp/program" 2>/dev/null &
us=$!
until_lines "$tmp/program" 1
bystander=$(cat "$tmp/bystander")
program=$(cat "$tmp/program")
kill -KILL "$(parent_of "$program")"
await "$us"
is "the supervisor was killed" "$status" 125
check "an older child of our process lives on" kill -0 "$bystander"
kill "$bystander"
bystander=

# --- daemons ---

daemon='setsid sh -c "echo \$\$ >\$0.pid; read -r _ <\$0; echo late >\$0.out" "$0" &
	echo $$ >"$0.program"; exit 3'

start_daemon()
{
	rm -f "$tmp/daemon" "$tmp/daemon".*
	mkfifo "$tmp/daemon"
	"$AIO_SANDBOX" sh -c "$daemon" "$tmp/daemon" 2>"$tmp/err" &
	us=$!
	until_lines "$tmp/daemon.pid" 1
	until_lines "$tmp/daemon.program" 1
	until_gone "$(cat "$tmp/daemon.program")"
}

# its I/O would have nobody to do it
start_daemon
check "PROGRAM has ended, its daemon has not: aio-sandbox stays [D13]" kill -0 "$us"
echo on >"$tmp/daemon"
await "$us"
is "then it ends with PROGRAM's status" "$status" 3
is "and the daemon has ended by itself" "$(cat "$tmp/daemon.out")" late

start_daemon
kill -KILL "$(parent_of "$(cat "$tmp/daemon.pid")")"
await "$us"
is "supervisor killed while a daemon lives: 125" "$status" 125
check "and the daemon is gone" test ! -e "/proc/$(cat "$tmp/daemon.pid")"

start_daemon
daemon_pid=$(cat "$tmp/daemon.pid")
kill -KILL "$us"
await "$us"
until_gone "$daemon_pid"
ok "guardian killed while a daemon lives: it is gone"
us=

done_testing
