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
wrong pread 6 'an action is missing (error=EIO, delay=10ms, ...)'
wrong pread:bogus=1 7 "'bogus' is no action and no condition"
wrong pread:delay=5 14 'a time needs its unit: us, ms or s'
wrong pwrite:lost:short=3 20 'two of these actions contradict each other'
wrong pread:error=EPIPE 13 "a read cannot give that error; with ':force' it is done all the same"
run "$AIO_SANDBOX" -q -e fault=pread,poll:error=ENOSPC:when=2 echo started
is 'wrong: the short form' "$status $out $err" "125  aio-sandbox: option '-e fault': pread,poll:error=ENOSPC:when=2: at character 18: a read cannot give that error; with ':force' it is done all the same"
run "$AIO_SANDBOX" --seed=3 echo started
is 'a seed without a rule' "$status $out $(echo "$err" | head -n 1)" \
	'0 started aio-sandbox: --seed does nothing: there is no fault rule'

# planned TEXT...: sets $status, $out and $err
planned()
{
	# shellcheck disable=SC2059 # it is the format
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

run "$AIO_SANDBOX" -v -e inject=pwrite:short=5:when=1 -e inject=pread:error=EIO:when=2 -e inject=sync:lie \
	"$victim" "$file" w0,8,a submit get1,1 r0,5 submit get1,1
is 'at the end: each rule' "$(echo "$err" | sed -n 's/^aio-sandbox: \(fault rule [0-9:]* [0-9h]\)/\1/p')" \
"fault rule 1: 1 matched, 1 fired: pwrite:short=5:when=1
fault rule 2: 1 matched, 0 fired: pread:error=EIO:when=2
fault rule 2 has never fired, of 1 that matched: pread:error=EIO:when=2
fault rule 3: 0 matched, 0 fired: sync:lie
fault rule 3 has never fired, of 0 that matched: sync:lie"

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
