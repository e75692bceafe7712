# SPDX-License-Identifier: MIT
# Traces for other programs: Chrome's viewers and fio's replay. If this breaks, they refuse them or
# show something else than what happened.
. "$srcdir/tests/lib.sh"

need python3 fio
disk_dir
srcdir=$(cd "$srcdir" && pwd)
cd "$disk" || exit

python() { python3 "$srcdir/tests/trace_formats.py" "$@"; }
# two jobs on two files
fio_job="--size=96k --bs=4k --rw=randrw --ioengine=libaio --iodepth=4 --thread
	--name=a --filename=$disk/a --name=b --filename=$disk/b"

# --- chrome ---

# shellcheck disable=SC2086
run "$AIO_SANDBOX" -o "chrome:$tmp/t.chrome" -o "json:$tmp/t.json" fio $fio_job
is 'fio passes' "$status" 0
check 'every slice has its end' python chrome "$tmp/t.chrome"
run python chrome "$tmp/t.chrome"
requests=$(grep -c '"type":"request"' "$tmp/t.json")
is 'every request is a slice' "$(echo "$out" | grep '^requests=')" "requests=$requests"
is 'every call is one' "$(echo "$out" | grep '^calls=')" \
	"calls=$(grep -c '"type":"call"' "$tmp/t.json")"
like 'a track for each context' "$out" '*track context 1*track context 2*'
like 'and one for the process' "$out" '*track fio*'
like 'requests are in phases' "$out" '*slice pread*slice published*slice pwrite*'
like 'there are counters' "$out" '*max in_flight=[1-8]*'

# --- fio's iolog ---

# shellcheck disable=SC2086
run "$AIO_SANDBOX" -o "fio-iolog:$tmp/t.iolog" -o "json:$tmp/t.json" fio $fio_job
is 'fio passes again' "$status" 0
is 'no warning' "$err" ''
is 'the log begins as fio wants it' "$(head -n 1 "$tmp/t.iolog")" 'fio version 3 iolog'

# replayed one after the other, so that the order is the log's
run "$AIO_SANDBOX" -o "json:$tmp/replay.json" fio --name=replay "--read_iolog=$tmp/t.iolog" \
	--ioengine=libaio --iodepth=1 --replay_no_stall=1
is 'fio replays it' "$status" 0
is 'and understands every line' "$(cat "$tmp/run.out" "$tmp/run.err" | grep -i 'bad iolog')" ''
python requests "$tmp/t.json" >"$tmp/wanted"
python requests "$tmp/replay.json" >"$tmp/replayed"
check 'there were requests' grep -q '^pwrite ' "$tmp/wanted"
check 'the same offsets, lengths and directions in the same order' cmp "$tmp/wanted" "$tmp/replayed"

# shellcheck disable=SC2086
run "$AIO_SANDBOX" -P "$disk/a" -e trace=read --format=fio-iolog -o "$tmp/t.iolog" fio $fio_job
is 'filters are asked' "$(grep -cE ' (write|sync|datasync) |/b ' "$tmp/t.iolog")" 0
check 'and leave the rest' grep -q "/a read [0-9]* 4096$" "$tmp/t.iolog"

run "$AIO_SANDBOX" -o "fio-iolog:$tmp/t.iolog" fio --size=8k --bs=4k --rw=read --ioengine=libaio --thread \
	--name=a "--filename=$disk/with blank"
like 'what fio cannot read is left out, with a warning' "$err" '*: 2 requests are not in the fio-iolog*'
is 'and only then' "$(grep -c blank "$tmp/t.iolog")" 0

# --- -ff ---

mkdir "$tmp/ff"
echo old >"$tmp/ff/t.1"
run "$AIO_SANDBOX" -ff -o "$tmp/ff/t" -o "fio-iolog:$tmp/ff/i" sh -c '"$0" exit "$1" & "$0" exit "$1"; wait' \
	"$top_builddir/tests/victim_endings" "$disk/a"
is '-ff: status' "$status" 0
is 'a file for each process that made calls' \
	"$(for f in "$tmp"/ff/t.*[0-9][0-9]* "$tmp"/ff/i.*; do grep -lE 'io_setup|iolog' "$f"; done | wc -l)" 4
for f in "$tmp"/ff/t.[0-9][0-9]*; do
	is 'with its own calls' "$(grep -c 'io_submit(' "$f")" 1
	is 'and requests' "$(grep -cE '#[0-9]+ pread.* = 512$' "$f")" 8
done
for f in "$tmp"/ff/i.*; do
	is 'and a log of its own' "$(grep -c "/a read 0 512$" "$f")" 8
done
is 'no file without a number' "$(find "$tmp/ff" -type f ! -name '[ti].[0-9]*')" ''
for bad in json:t chrome:t '|cat'; do
	run "$AIO_SANDBOX" -ff -o "$bad" true
	is "-ff -o '$bad': 125" "$status" 125
	is 'and one line' "$(echo "$err" | wc -l)" 1
done
run "$AIO_SANDBOX" -ff --format=text true
like '-ff without -o is told' "$status $err" "125 *-o FILE*"
run "$AIO_SANDBOX" -ff -o "$tmp/none/x/t" "$top_builddir/tests/victim_endings" exit "$disk/a"
like 'a directory that is not there is told at the end' "$status $err" \
	"0 *the trace in '$tmp/none/x/t.*' is not complete: No such file or directory*"

done_testing
