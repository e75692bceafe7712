# SPDX-License-Identifier: MIT
# io_submit through shared memory: whatever becomes of its caller, and whatever it writes there, each call is made once or
# not at all. If this breaks, writes are lost or made twice.
. "$srcdir/tests/lib.sh"
[ -e "$top_builddir/shim/aio-sandbox-shim.so" ] || skip_all "the shim is built for x86-64 only"
[ "$(nproc)" -gt 1 ] || skip_all "nobody looks into slots on one CPU"
disk_dir
mark
cd "$disk" || exit

victim=$top_builddir/tests/victim_channel

# by_hand KIND ROUNDS TEXT
by_hand()
{
	# awake for longer than anything here takes, so that it is not the scheduler that decides
	run timeout 100 "$AIO_SANDBOX" -q --shim --spin=100000 "$victim" "$1" "$2"
	is "$1" "$out" "$3"
	is "$1 says nothing else" "$status $err" "0 "
}

by_hand posted 5000 "by slots: some
posted: each once"
by_hand taken_back 20000 "both happen: yes
taken back: each once"
by_hand sleeping 3000 "somebody slept: yes
asleep: each once"
by_hand handed_over 200 "half done: some
handed over: each once"
by_hand killed 2000 "made for the dead: some
killed: each once"
by_hand stopped 3000 "by slots: some
posted: each once"
by_hand carried 500 "all: yes, no such file: -9, no ring: -22, nothing: -14
carried: each once"
by_hand nonsense 3000 "list nowhere: -14, a negative number: -22, none: 0
stranger 0: -1000
stranger 1: -1000
stranger 2: -1000
stranger 3: -1000
stranger 4: -1000
strangers: each once
beside nonsense: each once"
by_hand executed 60 "executed"
by_hand flooded 1000 "flooded: each once"

# slots OPTION...: how many calls came by them, in a program of libaio's functions
slots()
{
	run "$AIO_SANDBOX" -v --shim "$@" "$top_builddir/tests/victim_preloaded"
	slots_n=$(echo "$err" | sed -n 's/.*through shared memory: //p')
}

slots --spin=100000
check "the shim uses them" test "${slots_n:-0}" -gt 5
for off in --spin=0 --submit=kernel; do
	slots --spin=100000 $off
	is "not with $off" "$slots_n" ''
done
run taskset -c 0 "$AIO_SANDBOX" -v --shim --spin=100000 "$top_builddir/tests/victim_preloaded"
is "nor on one CPU" "$(echo "$err" | grep 'shared memory')" ''
if [ "$(id -u)" -eq 0 ]; then
	run "$AIO_SANDBOX" -v --shim --spin=100000 unshare --pid --fork "$top_builddir/tests/victim_preloaded"
	is "nor in a pid namespace of its own" "$status $(echo "$err" | grep 'shared memory')" '0 '
else
	skip "a pid namespace needs root"
fi

run "$AIO_SANDBOX" -q --shim --spin=100000 -o json:"$tmp/trace.json" "$top_builddir/tests/victim_preloaded"
check "a trace names the door" grep -q '"call":"io_submit".*"door":"shim"' "$tmp/trace.json"
is "of those that neither submit nor reap it is the trap" \
	"$(grep '"door":"shim"' "$tmp/trace.json" | grep -v '"call":"io_\(submit\|p\?getevents\)"')" ''

nothing_left
done_testing
