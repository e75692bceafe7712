# SPDX-License-Identifier: MIT
# However a program ends, each request that io_submit accepted has one record in its trace, and the
# file is whole. If this breaks, the request that never came back is the one that is missing.
. "$srcdir/tests/lib.sh"

need python3
schema=$srcdir/docs/trace.schema.json
victim=$top_builddir/tests/victim_endings
trace=$tmp/t.json
truncate -s 4096 "$tmp/file"

# judge NAME ACCEPTED REAPED: of all processes; what becomes of polls in flight is a matter of time
judge()
{
	judged=0
	python3 "$srcdir/tests/trace_json.py" "$trace" "$schema" >"$tmp/judged" 2>&1 || judged=$?
	[ $judged -eq 0 ] || diag_file "$tmp/judged"
	is "$1: what must hold for every trace does" "$judged" 0
	like "$1: counts" "$(tail -n 1 "$trace")" \
		"*\"requests\":$2,\"reaped\":$3,*\"unknown\":0}}"
}

# accepted: as the victim says, of all processes
accepted() { awk '/^accepted:/ { sum += $2 } END { print sum + 0 }' "$tmp/run.out"; }

# scene NAME SCENE STATUS REAPED
scene()
{
	# shellcheck disable=SC2086
	run timeout 60 $under "$AIO_SANDBOX" -q -o "json:$trace" "$victim" "$2" "$tmp/file"
	is "$2: status" "$status" "$3"
	judge "$1" "$(accepted)" "$4"
}

scenes()
{
	scene 'an exit with requests in flight' exit 0 5
	scene 'a crash' crash 134 5
	scene 'SIGKILL' kill 137 5
	scene 'io_destroy, whose events nobody can read' destroy 0 5
	scene 'an execve' exec 0 10
	scene 'the death of one of two processes' child 0 10
}
under=
scenes
# kernels before 5.19: what was reaped may be put back until the call is answered
under="$top_builddir/tests/victim_deny EINVAL seccomp:wait_killable --"
scenes

# what a signal broke off is not told twice, nor as an entry that was refused
# shellcheck disable=SC2086
run timeout 60 $under "$AIO_SANDBOX" -q -o "json:$trace" "$top_builddir/tests/victim_interrupted" lists restart 500
is 'broken off by signals: status' "$status" 0
judge 'broken off by signals' 1500 1500

# killed SIGNAL: through us, while it waits in io_getevents
killed()
{
	mkfifo "$tmp/fifo"
	"$AIO_SANDBOX" -q -o "json:$trace" "$victim" wait "$tmp/file" >"$tmp/fifo" 2>"$tmp/run.err" &
	us=$!
	while read -r line; do
		echo "$line"
		[ "$line" != waits ] || kill -s "$1" $us
	done <"$tmp/fifo" >"$tmp/run.out"
	status=0
	wait $us || status=$?
	rm "$tmp/fifo"
}
for signal in 'TERM 143' 'INT 130'; do
	killed "${signal% *}"
	is "SIG${signal% *} through us: status" "$status" "${signal#* }"
	# 8: it has come as far as to take the rest
	judge "SIG${signal% *} through us" "$(accepted)" "[58]"
done

done_testing
