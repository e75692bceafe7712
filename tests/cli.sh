# SPDX-License-Identifier: MIT
# The command line as a user meets it: errors, exit status, environment, descriptors.
# If this breaks, aio-sandbox in front of a program is no longer like the program alone.
. "$srcdir/tests/lib.sh"

lines() { printf '%s\n' "$1" | grep -c . || :; }

# refused NAME PATTERN ARGS...: one line that matches, status 125, nothing on stdout
refused()
{
	name=$1 pattern=$2
	shift 2
	run "$AIO_SANDBOX" "$@"
	is "$name: status" "$status" 125
	is "$name: one line" "$(lines "$err")" 1
	# shellcheck disable=SC2254
	like "$name: helps" "$err" "aio-sandbox: $pattern"
	is "$name: stdout is empty" "$out" ''
}

refused 'no program' '*no program*--help*'
refused 'unknown letter' "*unknown option '-Z'*--help*" -Z true
refused 'unknown name' "*unknown option '--zzz'*--help*" --zzz=1 true
refused 'abbreviation' "*did you mean '--threads'*" --thr=1 true
refused 'bad number' '*1 to 256*' --threads=0 true
refused 'bad engine' '*auto, uring, threads, libaio or null*' --engine=magic true
refused 'bad size' '*256M*' --buffer-memory=1k true
refused 'attach' '*cannot attach*before it starts*' -p 1
refused 'no such user' '*no-such-user-here*' -u no-such-user-here true

for text in --help -h --version -V; do
	run "$AIO_SANDBOX" $text
	is "$text: status" "$status" 0
	is "$text: nothing on stderr" "$err" ''
done
like '--version names version' "$("$AIO_SANDBOX" --version)" 'aio-sandbox [0-9]*.[0-9]*'

# A program runs as if it had been started directly.
status_of() { run "$AIO_SANDBOX" -q "$@"; echo "$status"; }
is 'status of the program' "$(status_of sh -c 'exit 37')" 37
is 'status 0' "$(status_of true)" 0
is 'not found' "$(status_of "$tmp/none")" 127
is 'not found in PATH' "$(status_of no-such-program-here)" 127
: >"$tmp/plain"
is 'not executable' "$(status_of "$tmp/plain")" 126
is 'a directory' "$(status_of "$tmp")" 126
run "$AIO_SANDBOX" "$tmp/none"
is 'not found: one line' "$(lines "$err")" 1

# A shell shows death by signal N as 128 + N; that aio-sandbox died of it, not by exit(128 + N),
# tells its parent: perl is in every Debian.
is 'death by signal' "$(status_of sh -c 'kill -TERM $$')" 143
is 'death by SIGKILL' "$(status_of sh -c 'kill -KILL $$')" 137
if have perl; then
	is 'dies of the same signal' "$(perl -e 'system(@ARGV); print $? & 127' \
		"$AIO_SANDBOX" -q sh -c 'kill -TERM $$' 2>/dev/null)" 15
else
	skip 'dies of the same signal: no perl'
fi

is 'options after the program are its own' "$("$AIO_SANDBOX" -q echo -v --doctor)" '-v --doctor'
is '-- ends options' "$("$AIO_SANDBOX" -q -- echo x)" x
is 'stdin goes through' "$(echo word | "$AIO_SANDBOX" -q cat)" word
is 'environment goes through' "$(A=1 "$AIO_SANDBOX" -q sh -c 'echo $A')" 1
is '-E sets, last wins' "$("$AIO_SANDBOX" -q -E A=1 -E A=2 sh -c 'echo $A')" 2
is '-E unsets' "$(A=1 "$AIO_SANDBOX" -q -E A sh -c 'echo ${A-none}')" none
is 'no descriptor leaks in' "$("$AIO_SANDBOX" -q ls /proc/self/fd 2>/dev/null | tr '\n' ' ')" \
	"$(ls /proc/self/fd | tr '\n' ' ')"
is 'signal mask and dispositions go through' \
	"$("$AIO_SANDBOX" -q grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status)" \
	"$(grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status)"
is 'working directory goes through' "$(cd / && "$AIO_SANDBOX" -q pwd)" /

# A run without any AIO call says so, since the user has most likely started the wrong thing.
run "$AIO_SANDBOX" true
like 'no AIO: said' "$err" '*0 AIO calls*'
run "$AIO_SANDBOX" -q true
is 'no AIO: -q keeps quiet' "$err" ''

run "$AIO_SANDBOX" --doctor
case $status in
0 | 1) ok '--doctor ends with 0 or 1' ;;
*) not_ok "--doctor ended with $status" ;;
esac
check '--doctor prints findings' test "$(lines "$out")" -gt 5

done_testing
