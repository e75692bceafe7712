# SPDX-License-Identifier: MIT
# Whatever becomes of the outputs of a trace, the program runs as without, and nothing is left behind.
. "$srcdir/tests/lib.sh"

mark
victim=$(cd "$top_builddir/tests" && pwd)/victim_hostile
truncate -s 4096 "$tmp/file"
pids=
: >"$tmp/err"
cleanup()
{
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null || :
	done
}

# the first three closed: what is opened must not take their places
status=0
timeout 60 "$AIO_SANDBOX" -v -o "$tmp/t" "$victim" head "$tmp/file" >"$tmp/out" 2>&- || status=$?
is 'stderr is closed: status' "$status" 0
check 'and there is a trace' grep -q 'io_submit(' "$tmp/t"
is 'in which nothing else stands' "$(grep -c 'aio-sandbox' "$tmp/t")" 0
status=0
timeout 60 "$AIO_SANDBOX" -o "|cat >$tmp/t" "$victim" head "$tmp/file" <&- >&- || status=$?
is 'stdin and stdout are closed: status' "$status" 0
check 'and a command gets its trace' grep -q 'io_submit(' "$tmp/t"

# a file for two outputs would be a mixture
run "$AIO_SANDBOX" -o "$tmp/t" -o "json:$tmp/./t" true
is 'one file for two outputs: 125' "$status" 125
like 'and it is named' "$err" "aio-sandbox: '*/t' and '*/./t' are one file: *"

# -P as the user sees the file, not as /proc does
mkdir "$tmp/dir"
ln -s file "$tmp/link"
for path in file ./file link dir/../file 'dir/../f[i]le'; do
	(cd "$tmp" && timeout 60 "$AIO_SANDBOX" -P "$path" -o t "$victim" head file >/dev/null)
	check "-P $path: its requests are there" grep -q '#1 pread' "$tmp/t"
done
(cd "$tmp" && timeout 60 "$AIO_SANDBOX" -P dir/file -o t "$victim" head file >/dev/null)
is '-P of another one: none' "$(wc -l <"$tmp/t")" 0

# a head that is nonsense
if have python3; then
	run timeout 60 "$AIO_SANDBOX" -q -o "json:$tmp/t" "$victim" head "$tmp/file"
	accepted=$out
	run python3 "$srcdir/tests/trace_json.py" "$tmp/t" "$srcdir/docs/trace.schema.json"
	is 'a ring whose head is nonsense: what must hold for every trace does' "$status $err" '0 '
	is 'every request has its record' "$(printf '%s\n' "$out" | sed -n 's/^requests=//p')" "$accepted"
else
	skip 'python3 is not installed'
fi

# a reader that never reads, and then the guardian is killed
mkfifo "$tmp/fifo"
(
	unset AIO_SANDBOX_MARK
	exec sleep 300 <>"$tmp/fifo"	# nothing waits for its end: it is killed
) &
reader=$!
pids="$pids $reader"
"$AIO_SANDBOX" -o "$tmp/fifo" "$victim" flood "$tmp/file" 2>"$tmp/err" &
us=$!
pids="$pids $us"
until_line $us "$tmp/err" 'slow reader' || :
like 'a reader that never reads is named' "$(cat "$tmp/err")" \
	'*stuck in writing the trace (slow reader) for a call *'
kill -KILL $us || :
wait $us 2>/dev/null || :
for _ in $(seq 3000); do
	[ -n "$(marked)" ] || break
done
nothing_left
is 'and the reader was there all the time' "$(kill -0 $reader && echo yes)" yes

done_testing
