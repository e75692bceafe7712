# SPDX-License-Identifier: MIT
# Fault rules as they are given and told: what is wrong is said with the character where, and the program is not started;
# what has fired is in the trace. If this breaks, an experiment does something else than its author believes.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/inject_lib.sh"
options=

# wrong RULE CHARACTER WHAT
wrong()
{
	run "$AIO_SANDBOX" -q -e inject="$1" echo started
	is "wrong: $1" "$status $out $err" "125  aio-sandbox: option '-e inject': $1: at character $2: $3"
}

neither='is neither a request (pread) nor a class (read, write, sync, all) nor a call (io_submit)'
wrong '' 1 "'' $neither"
wrong pred:error=EIO 1 "'pred' $neither"
wrong read,pred:error=EIO 6 "'pred' $neither"
wrong read,io_submit:error=EIO 1 'a rule is about requests or about calls, not both'
wrong none:error=EIO 1 'there is nothing in this set'
wrong pread 6 'an action is missing (error=EIO, delay=10ms, ...)'
wrong pread:when=3 13 'an action is missing (error=EIO, delay=10ms, ...)'
wrong pread:bogus=1 7 "'bogus' is no action and no condition"
wrong pread:error 7 "'error' needs a value"
wrong pwrite:lost=1 8 "'lost' takes no value"
wrong pread:error=EFOO 13 "'EFOO' is no error"
wrong pread:kill=SIGFOO 12 "'SIGFOO' is no signal"
wrong pread:lie 7 "'lie' cannot be done to all of that set"
wrong all:torn=5 5 "'torn' cannot be done to all of that set"
wrong fsync:short=1 7 "'short' cannot be done to all of that set"
wrong io_getevents:partial=1 23 "'partial' is for io_submit"
wrong io_setup:cap=1 15 "'cap' is for io_submit and io_getevents"
wrong io_submit:error=EIO:fd=3 25 'of calls only pid, comm and ctx are known'
wrong pread:delay=5 13 'a time needs its unit: us, ms or s'
wrong pread:delay=5ms..4ms 13 'the range ends before it begins'
wrong pread:delay=5msx 13 "'x' is too much"
wrong pread:short=100% 13 'from 1% to 99%'
wrong pread:error=EIO:when=0 22 'first[..last][+step], from 1 on'
wrong pread:error=EIO:prob=2 22 'from 0 to 1'
wrong pread:error=EIO:scope=one 23 "only 'all' is known"
wrong pread:fd=-1:error=EIO 10 "'-1' is no number"
wrong pread:direct=2:error=EIO 14 'from 0 to 1'
wrong pread:off=9..3:error=EIO 11 'the range ends before it begins'
wrong pread:error=EIO:error=EIO 17 "a second 'error'"
wrong pread:path=a:path=b:error=EIO 14 "a second 'path'"
wrong pwrite:lost:short=3 20 'two of these actions contradict each other'
wrong pread:hang:delay=1s 20 'what hangs cannot do anything else'
wrong pread:error=EIO:dist=exp 25 "'dist' belongs to 'delay'"

# planned TEXT...: sets $status, $out and $err
planned()
{
	printf "$@" >"$tmp/plan"
	run "$AIO_SANDBOX" -q --plan="$tmp/plan" --seed=3 "$victim" "$file" w0,1024,a submit get1,1 file
	out=$(printf '%s' "$out" | tr '\n' ';')
}

planned '# one\n\n  pwrite:error=EIO:when=1 \t\r\n'
sees 'a plan: comments, blank lines, blanks and CR do not matter' 'submit 1;get 1: 1=-EIO;file:'
planned '#%5000s pwrite:lost\npwrite:error=ENOSPC' x
sees 'a plan: lines may be long, the last one without an end' 'submit 1;get 1: 1=-ENOSPC;file:'
planned '# one\npwrite:error=EFOO\n'
is 'a plan: file and line of what is wrong' "$status $out $err" \
	"125  aio-sandbox: $tmp/plan:2: pwrite:error=EFOO: at character 14: 'EFOO' is no error"
run "$AIO_SANDBOX" -q --plan="$tmp/no-plan" true
is 'a plan that is not there' "$status $out $err" \
	"125  aio-sandbox: option '--plan': $tmp/no-plan: No such file or directory"

# a set with an exclamation mark, and all of several
inject '!pwrite:error=EIO' -- w0,1024,a submit get1,1 file
sees 'all but writes: the write is done' 'submit 1;get 1: 1=1024;file: a1024'
inject requests:error=EIO -- w0,1024,a submit get1,1 file
sees 'requests: the write fails' 'submit 1;get 1: 1=-EIO;file:'

inject 'pwrite:short=5:path=*/fil?' -- w0,8,a submit get1,1
options="-o json:$tmp/trace.json -o text:$tmp/trace.txt"
inject 'pwrite:short=5:path=*/fil?' -- w0,8,a submit get1,1 r0,5 submit get1,1
check 'the seed is in the trace' grep -q '^{"type":"start",.*"seed":7,' "$tmp/trace.json"
check 'so is the rule that has fired' \
	grep -q '"op":"pwrite",.*"result":5,.*"fault":"pwrite:short=5:path=\*/fil?"}' "$tmp/trace.json"
check 'and none where none has' grep -q '"op":"pread",.*"fault":null}' "$tmp/trace.json"
is 'the text says it as strace does' "$(grep -c '(INJECTED)' "$tmp/trace.txt")" 1

done_testing
