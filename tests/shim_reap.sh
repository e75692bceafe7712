# SPDX-License-Identifier: MIT
# The shim hands out what is there without a trap, each event once, whoever else takes events, forks, or destroys
# the context in the middle. If this breaks, completions are lost or seen twice.
. "$srcdir/tests/lib.sh"
[ -e "$top_builddir/shim/aio-sandbox-shim.so" ] || skip_all "the shim is built for x86-64 only"
srcdir=$(cd "$srcdir" && pwd)
disk_dir
mark
cd "$disk" || exit

reapers=$top_builddir/tests/victim_reapers
for kind in threads:50000 doors:50000 handler:50000 fork:2000 destroyed:10000 killed:5000 hostile:300; do
	for shim in --shim --no-shim; do
		run timeout 100 "$AIO_SANDBOX" -q $shim "$reapers" "${kind%:*}" "${kind#*:}"
		is "$shim, $status" "$out" "${kind%:*}: ${kind#*:} events, each once"
		[ -z "$err" ] || diag "$err"
	done
done

# what was there when it was asked for
victim=$top_builddir/tests/victim_preloaded
if have strace; then
	calls=io_getevents,io_pgetevents,process_vm_readv
	strace -qq -e trace=$calls -o "$tmp/native" "$victim" >"$tmp/out"
	run "$AIO_SANDBOX" --shim -q strace -qq -e trace=$calls -o "$tmp/shim" "$victim"
	is "a program under strace" "$out" "$(cat "$tmp/out")"
	check "all calls were seen" test "$(grep -c 'getevents.*= 1$' "$tmp/native")" -gt 5
	is "a call that finds events makes no trap" "$(grep 'getevents.*= 1$' "$tmp/shim" | grep -v sigmask)" ''
	calls=$calls,rt_sigprocmask,seccomp
	run "$AIO_SANDBOX" --shim -q strace -qq -e trace=$calls -o "$tmp/filtered" "$top_builddir/tests/victim_steps" \
		setup pipe filter pipe destroy
	is "a program that installs a filter" "$(echo "$out" | tr '\n' ' ')" "setup: 0 pipe: 8 filter: 0 pipe: 8 destroy: 0 "
	is "meets no call of ours behind it, for which it could be killed" \
		"$(sed '1,/MODE_FILTER, 0,.*= 0/d' "$tmp/filtered" | sed 's/(.*//' | tr '\n' ' ')" "io_getevents "
	is "but before" "$(sed '/MODE_FILTER/,$d' "$tmp/filtered" | grep -c rt_sigprocmask) $(grep -c getevents "$tmp/filtered")" "4 1"
else
	skip "strace is not installed"
fi

for shim in --shim --no-shim; do
	run "$AIO_SANDBOX" -v $shim "$victim"
	echo "$err" | sed -n 's/.*AIO calls: //p' >"$tmp/seen$shim"
done
is "all are counted" "$(cat "$tmp/seen--shim")" "$(cat "$tmp/seen--no-shim")"

# whoever watches sees every call
for shim in --shim --no-shim; do
	run "$AIO_SANDBOX" -q $shim -o "$tmp/trace" "$victim"
	grep -c 'io_[a-z]*(' "$tmp/trace" >"$tmp/traced$shim" || :
done
check "there is a trace" test "$(cat "$tmp/traced--no-shim")" -gt 30
is "a trace has every call, and no other" "$(cat "$tmp/traced--shim")" "$(cat "$tmp/traced--no-shim")"

# judge NAME: what holds for every trace, and by whom its requests were reaped
judge()
{
	judged=0
	found=$(python3 "$srcdir/tests/trace_json.py" "$tmp/trace.json" 2>&1) || judged=$?
	[ $judged -eq 0 ] || diag "$found"
	is "$1: what must hold for every trace does" "$judged" 0
	by_shim=$(echo "$found" | sed -n 's/^shim=//p')
	by_self=$(echo "$found" | sed -n 's/^self=//p')
}

if have python3; then
	run "$AIO_SANDBOX" -q --shim -o json:"$tmp/trace.json" "$victim"
	judge "a trace with the shim"
	check "what is reaped without a trap says so" test "$by_shim" -gt 5
	is "and nothing looks as if the program had read the ring" "$by_self" 0
	run timeout 100 "$AIO_SANDBOX" -q --shim -o json:"$tmp/trace.json" "$reapers" threads 20000
	is "many reapers" "$out" "threads: 20000 events, each once"
	if [ "$(nproc)" -gt 1 ]; then
		found=$(python3 "$srcdir/tests/trace_json.py" "$tmp/trace.json" 2>&1)
		check "all of them tell" test "$(echo "$found" | sed -n 's/^shim=//p')" -gt 10000
	fi
	run timeout 100 "$AIO_SANDBOX" -q --shim -o json:"$tmp/trace.json" "$reapers" hostile 300
	is "lies harm nobody but the trace, $status" "$out" "hostile: 300 events, each once"
	check "and that is JSON all the same" python3 -c 'import json, sys; [json.loads(x) for x in open(sys.argv[1])]' "$tmp/trace.json"
	check "that was lied to" grep -q '"call":"io_getevents".*"door":"shim"' "$tmp/trace.json"
	run "$AIO_SANDBOX" -q --shim -c "$victim"
	like "a summary counts them" "$err$out" '*io_getevents*'
	if [ "$(id -u)" -eq 0 ] && unshare --time --monotonic 1000 --fork true 2>/dev/null; then
		run "$AIO_SANDBOX" -q --shim -o json:"$tmp/trace.json" unshare --time --monotonic 1000 --fork "$victim"
		judge "a clock of its own"
		is "cannot tell times" "$by_shim" 0
	else
		skip "no time namespace can be made"
	fi
else
	skip "python3 is not installed"
fi

nothing_left
done_testing
