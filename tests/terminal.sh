#!/bin/sh
# SPDX-License-Identifier: MIT
# Terminal, job control and signals behave as if PROGRAM had been started directly.
. "$srcdir/tests/lib.sh"

victims=$top_builddir/tests
pty=$victims/victim_pty
signals=$victims/victim_signals
sandbox="$AIO_SANDBOX -q"
PS1='$ '
export PS1
unset ENV

# play NAME STEP...: an interactive shell on a terminal of its own
play()
{
	name=$1
	shift
	check "$name" "$pty" "$@" -- sh -i
}

# --- a user at the keyboard; each of these also run natively would print the same ---

until_stopped="until jobs >$tmp/jobs; grep -q Stopped $tmp/jobs; do :; done; echo seen"

for how in "" "$sandbox "; do
	as=${how:+sandboxed}
	as=${as:-native}

	play "$as: Ctrl-C ends a program that does not catch it" \
		"+${how}sh -c 'echo re\"\"ady; exec cat'\\n" "=ready" "+\\003" "=$ " \
		"+echo status=\$?\\n" "=status=130"

	play "$as: Ctrl-C comes once" \
		"+${how}$signals\\n" "=ready" "+\\003" "=got 2 " "+\\003" "=got 2 " "+\\034" \
		"=counts 2:2 3:1." "+echo status=\$?\\n" "=status=5"

	# a second one may be lost in the first, if that is not read yet: but not each time
	play "$as: Ctrl-\\ comes once" \
		"+${how}$signals until-int\\n" "=ready" "+\\034" "=got 3 " "+\\034" "=got 3 " \
		"+\\034" "=got 3 " "+\\034" "=got 3 " "+\\034" "=got 3 " "+\\034" "=got 3 " \
		"+\\003" "=counts 2:1 3:6." "+echo status=\$?\\n" "=status=5"

	play "$as: Ctrl-Z, fg, and the terminal is the program's again" \
		"+${how}$signals\\n" "=ready" "+\\032" "=Stopped" "+echo st=\$?\\n" "=st=148" \
		"+fg\\n" "=got 18 " "+hello\\n" "=line <hello>." "+\\032" "=Stopped" "+fg\\n" \
		"=got 18 " "+\\034" "=counts 18:2 3:1." "+echo status=\$?\\n" "=status=5"

	set --
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		set -- "$@" "+\\032" "=Stopped" "+fg\\n" "=got 18 "
	done
	play "$as: each of ten fg comes once" "+${how}$signals\\n" "=ready" "$@" "+\\034" \
		"=counts 18:10 3:1." "+echo status=\$?\\n" "=status=5"

	play "$as: a background program that reads is stopped, fg lets it read" \
		"+${how}cat &\\n" "+$until_stopped\\n" "=seen" "+fg\\n" "=cat" \
		"+words\\n" "=words" "+\\004" "+echo status=\$?\\n" "=status=0"

	play "$as: kill of the job reaches the program" \
		"+${how}$signals </dev/null &\\n" "=ready" "+kill -40 \$!\\n" "=got 40 " \
		"+kill \$!; wait \$!; echo status=\$?\\n" "=counts 15:1 40:1." "=status=5"

	play "$as: kill -STOP and -CONT of the job" \
		"+${how}$signals </dev/null &\\n" "=ready" "+kill -STOP %1\\n" \
		"+$until_stopped\\n" "=seen" "+bg\\n" "=got 18 " "+kill \$!\\n" "=counts 18:1 15:1."
done

# the session ends: nobody may be left
mkfifo "$tmp/alive"
"$pty" "+$sandbox sh -c 'echo re\"\"ady \$\$ >&2; read -r _; exec cat' 9>$tmp/alive\\n" "=ready" \
	hangup -- sh -i &
cat "$tmp/alive"
ok "a hangup of the terminal ends the program"
wait "$!" || :

# --- signals sent to aio-sandbox ---

# field 3 of /proc/PID/stat
state()
{
	if read -r line 2>/dev/null <"/proc/$1/stat"; then
		line=${line##*) }
		echo "${line%% *}"
	else
		echo gone
	fi
}

until_state() { while [ "$(state "$1")" != "$2" ]; do :; done; }
until_not_state() { while [ "$(state "$1")" = "$2" ]; do :; done; }

mkfifo "$tmp/lines"
cleanup() { [ -z "${us:-}" ] || kill -KILL "$us" 2>/dev/null || :; }

# starts the victim: $us is aio-sandbox, $program the pid below it, its lines come by fd 3
start_victim()
{
	# shellcheck disable=SC2086
	$sandbox "$@" </dev/null >"$tmp/lines" &
	us=$!
	exec 3<"$tmp/lines"
	read -r _ program <&3
}

expect()
{
	read -r line <&3 || line='(nothing)'
	is "$1" "$line" "$2"
}

start_victim "$signals"
kill -HUP "$us"
expect "SIGHUP goes on to the program" "got 1 value 0."
kill -INT "$us"
expect "SIGINT sent by kill goes on" "got 2 value 0."
kill -USR1 "$us"
expect "SIGUSR1 goes on" "got 10 value 0."
"$signals" queue "$us" 40 4711
expect "a queued signal keeps its value" "got 40 value 4711."
"$signals" queue "$us" 10 -1
expect "sigqueue of SIGUSR1 too" "got 10 value -1."
kill -CONT "$us"
expect "SIGCONT goes on, stopped or not" "got 18 value 0."
kill -TERM "$us"
expect "each came exactly once" "counts 1:1 2:1 10:2 18:1 15:1 40:1."
status=0
wait "$us" || status=$?
is "the program decides what SIGTERM does" "$status" 5

# To a group of its own, whose leader is who was started: PROGRAM gets its own, and what is passed on.
if have setsid; then
	alone=$sandbox
	sandbox="setsid $sandbox"
	start_victim "$signals"
	sandbox=$alone
	env kill -40 -- "-$us"
	expect "what is sent to the process group comes" "got 40 value 0."
	expect "and comes again [D13]" "got 40 value 0."
	kill -TERM "$us"
	expect "and no third time" "counts 15:1 40:2."
	wait "$us" || :
else
	skip "setsid is not installed [D13]"
fi

# cpulimit and many scripts work that way
start_victim "$signals"
kill -STOP "$program"
until_state "$us" T
ok "the program was stopped: aio-sandbox stops"
kill -CONT "$us"
expect "SIGCONT to aio-sandbox continues it" "got 18 value 0."
until_not_state "$us" T
kill -STOP "$program"
until_state "$us" T
kill -CONT "$program"
until_not_state "$us" T
ok "the program was continued: aio-sandbox is too"
expect "and passes that SIGCONT to nobody" "got 18 value 0."
kill -STOP "$us"
until_state "$program" T
ok "SIGSTOP to aio-sandbox stops the program"
kill -CONT "$us"
expect "and SIGCONT continues it" "got 18 value 0."
until_not_state "$us" T
kill -TSTP "$us"
until_state "$program" T
until_state "$us" T
kill -CONT "$us"
expect "SIGTSTP to aio-sandbox and SIGCONT do the same" "got 18 value 0."
kill -TERM "$us"
expect "each SIGCONT came once" "counts 18:4 15:1."
wait "$us" || :

# an alarm that was set before aio-sandbox was executed is the program's
if have perl; then
	is "alarm; exec aio-sandbox" "$("$victims/victim_wait" perl -e 'alarm 1; exec @ARGV' \
		"$AIO_SANDBOX" -q sh -c 'read -r _ </dev/zero')" "signal 14"
else
	skip "alarm; exec aio-sandbox: no perl"
fi

done_testing
