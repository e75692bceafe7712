#!/bin/sh
# SPDX-License-Identifier: MIT
# PROGRAM starts and ends as if it had been started directly.
# shellcheck disable=SC2016
. "$srcdir/tests/lib.sh"

victims=$top_builddir/tests

# --- how it ends ---

# the caller of aio-sandbox would take a failure for success, or the other way round
bad=
status=0
while [ "$status" -le 255 ]; do
	got=0
	"$AIO_SANDBOX" -q sh -c "exit $status" || got=$?
	[ "$got" -eq "$status" ] || bad="$bad $status:$got"
	status=$((status + 1))
done
is "each exit status from 0 to 255 comes back" "$bad" ""

# a shell that runs a loop would not stop at Ctrl-C
for signal in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 24 25 34 64; do
	is "death by signal $signal is ours too" \
		"$("$victims/victim_wait" "$AIO_SANDBOX" -q sh -c "kill -$signal \$\$")" \
		"signal $signal"
done
is "an exit status of 130 is no death by signal" \
	"$("$victims/victim_wait" "$AIO_SANDBOX" -q sh -c 'exit 130')" "exit 130"

# --- what cannot be started ---

lines() { printf '%s\n' "$1" | wc -l | tr -d ' '; }

run "$AIO_SANDBOX" no-such-program-here
is "not found in PATH: 127" "$status" 127
like "not found in PATH: says so" "$err" \
	"aio-sandbox: cannot run 'no-such-program-here': not found in PATH;*"
is "not found in PATH: one line" "$(lines "$err")" 1

# execvp(3) alone would say 126 when a directory of PATH may not be searched
mkdir "$tmp/closed"
chmod 0 "$tmp/closed"
run "$AIO_SANDBOX" -E "PATH=$tmp/closed:$PATH" no-such-program-here
is "not found in PATH with a closed directory: 127" "$status" 127
chmod 700 "$tmp/closed"

run "$AIO_SANDBOX" "$tmp/none"
is "no such file: 127" "$status" 127
like "no such file: says so" "$err" "*no such file;*"

printf '#!%s/none\n' "$tmp" >"$tmp/script"
chmod +x "$tmp/script"
run "$AIO_SANDBOX" "$tmp/script"
is "no interpreter: 127" "$status" 127
like "no interpreter: says so" "$err" "*interpreter*missing*"

: >"$tmp/plain"
run "$AIO_SANDBOX" "$tmp/plain"
is "not executable: 126" "$status" 126
like "not executable: says how to mend it" "$err" "*Permission denied*chmod +x*"
is "not executable: one line" "$(lines "$err")" 1

run "$AIO_SANDBOX" -u no-such-user-here true
is "unknown user: 125" "$status" 125
like "unknown user: says so" "$err" "*-u no-such-user-here: no such user*"

# a script without #! is run by sh, as execvp(3) and the shells do
echo 'exit 9' >"$tmp/bare"
chmod +x "$tmp/bare"
run "$AIO_SANDBOX" -q "$tmp/bare"
is "a script without an interpreter line runs" "$status" 9

# --- environment ---

run env KEEP=k DROP=d CHANGE=old "$AIO_SANDBOX" -q -E NEW=n=1 -E DROP -E CHANGE=new -E EMPTY= \
	sh -c 'echo "$KEEP ${DROP-unset} $CHANGE $NEW <${EMPTY-unset}>"'
is "-E sets, changes and removes" "$out" "k unset new n=1 <>"

mkdir "$tmp/bin"
printf '#!/bin/sh\necho mine\n' >"$tmp/bin/found-by-path"
chmod +x "$tmp/bin/found-by-path"
run "$AIO_SANDBOX" -q -E "PATH=$tmp/bin:$PATH" found-by-path
is "PROGRAM is looked up in the PATH that -E gives" "$out" mine

# --- descriptors ---

is "stdin and stdout are PROGRAM's" "$(echo through | "$AIO_SANDBOX" -q cat)" through

ls /proc/self/fd >"$tmp/native" 5</dev/null
"$AIO_SANDBOX" -q ls /proc/self/fd >"$tmp/sandboxed" 5</dev/null
check "no descriptor more, none less" diff "$tmp/native" "$tmp/sandboxed"

ls /proc/self/fd >"$tmp/native" <&- 2>&-
"$AIO_SANDBOX" -q ls /proc/self/fd >"$tmp/sandboxed" <&- 2>&-
check "closed standard descriptors stay closed" diff "$tmp/native" "$tmp/sandboxed"

# a pipe that aio-sandbox kept open would never end: a hang here
mkfifo "$tmp/go"
"$AIO_SANDBOX" -q sh -c 'echo first; exec >&-; read -r _ <"$0"' "$tmp/go" |
	{ cat >"$tmp/piped"; echo on >"$tmp/go"; }
is "a pipe ends where PROGRAM closes it" "$(cat "$tmp/piped")" first

# --- what is inherited ---

# prints what a process inherits and could notice, of itself
inherited()
{
	set -- "$@" sh -c '
		umask; pwd
		exec sed -n -e "/^\(Umask\|Uid\|Gid\|Groups\|SigPnd\|ShdPnd\|Sig[BIC]\|Cap\)/p" \
			-e "/^\(Max\)/p" -e "/^-\{0,1\}[0-9]*$/p" \
			/proc/self/status /proc/self/limits /proc/self/oom_score_adj \
			/proc/self/timerslack_ns'
	(umask 027 && "$@")
}

compare_inherited()
{
	name=$1
	shift
	inherited "$@" >"$tmp/native"
	inherited "$@" "$AIO_SANDBOX" -q >"$tmp/sandboxed"
	check "$name" diff "$tmp/native" "$tmp/sandboxed"
}

start=$victims/victim_wait
compare_inherited "signal state, limits and rights are inherited" "$start"
compare_inherited "blocked signals stay blocked" "$start" -b 2 -b 10 -b 15 -b 17 -b 32 -b 33 -b 40
compare_inherited "ignored signals stay ignored" \
	"$start" -i 1 -i 2 -i 10 -i 13 -i 21 -i 22 -i 25 -i 40
compare_inherited "an ignored SIGCHLD stays ignored" "$start" -i 17
compare_inherited "niceness and limits are inherited" nice -n 3 "$start"

# meant for each process of the program; the supervisor works for all of them
lowered='/^Max (cpu time|file size|data size|address space) / && $(NF - 2) != $(NF - 1)'
limits_of() # of PROGRAM or of its parent: how many of the four are below the hard ones
{
	# with room for the shadow of a sanitizer
	prlimit --cpu=1000: --fsize=4000000000: --data=100000000000000: --as=100000000000000: \
		"$AIO_SANDBOX" -q sh -c "cat /proc/$1/limits" | awk "$lowered" | wc -l
}

if have prlimit; then
	is "the program has its soft limits" "$(limits_of self)" 4
	is "they do not hold for the supervisor" "$(limits_of "\$PPID")" 0
else
	skip "no prlimit here: soft limits are not tried"
fi

# fields of /proc/self/stat behind the name: 3 process group, 4 session, 5 terminal, 17 nice
fields='{ sub(/.*\) /, ""); print $3, $4, $5, $17 }'
is "process group, session and niceness are the caller's" \
	"$(nice -n 3 "$AIO_SANDBOX" -q cat /proc/self/stat | awk "$fields")" \
	"$(nice -n 3 cat /proc/self/stat | awk "$fields")"

# --- users ---

"$AIO_SANDBOX" -q cat /proc/self/status >"$tmp/status"
is "the filter is to be seen in /proc/PID/status [D13]" "$(sed -n 's/^Seccomp:[^0-9]*//p' "$tmp/status")" 2

no_new_privs() { sed -n 's/^NoNewPrivs:[^0-9]*//p' "$1"; }

if [ "$(id -u)" -eq 0 ]; then
	is "-u switches user and groups" "$("$AIO_SANDBOX" -q -u nobody id)" "$(setpriv \
		--reuid=nobody --regid="$(id -g nobody)" --init-groups id 2>/dev/null || id nobody)"
	# set-user-id programs below PROGRAM would lose their rights
	"$AIO_SANDBOX" -q -u nobody cat /proc/self/status >"$tmp/status"
	is "root needs no no_new_privs, even with -u [D13]" "$(no_new_privs "$tmp/status")" 0
	as_user="setpriv --reuid=nobody --regid=$(id -g nobody) --clear-groups"
	if ! have setpriv || ! $as_user test -x "$AIO_SANDBOX"; then
		skip "an ordinary user cannot reach $AIO_SANDBOX"
	else
		$as_user "$AIO_SANDBOX" -q cat /proc/self/status >"$tmp/status"
		is "an ordinary user gets no_new_privs [D13]" "$(no_new_privs "$tmp/status")" 1
		run $as_user "$AIO_SANDBOX" -u root true
		is "-u without root: 125" "$status" 125
		like "-u without root: says so" "$err" "*cannot become user root*-u needs root*"
	fi
else
	"$AIO_SANDBOX" -q cat /proc/self/status >"$tmp/status"
	is "an ordinary user gets no_new_privs [D13]" "$(no_new_privs "$tmp/status")" 1
	run "$AIO_SANDBOX" -u root true
	is "-u without root: 125" "$status" 125
fi

done_testing
