# SPDX-License-Identifier: MIT
# -c and -C: what they count is what fio counted, and what was left is listed. If this breaks, people
# are told wrong figures.
# shellcheck disable=SC2086 # lists of words
. "$srcdir/tests/lib.sh"

need fio python3
disk_dir
victim=$top_builddir/tests/victim_traced

# value EXPRESSION: of the summary s and fio's report f
value()
{
	python3 -c 'import json, sys
s = json.load(open(sys.argv[1])); f = open(sys.argv[2]).read(); f = json.loads(f) if f else None
op = {g["op"]: g for g in s["by_op"]}; call = {c["call"]: c for c in s["calls"]}
print(eval(sys.argv[3]))' "$tmp/s" "$tmp/fio" "$1" 2>&1
}

job="fio --name=a --size=1m --ioengine=libaio --iodepth=8 --bs=4k --output-format=json --output=$tmp/fio --thread"

run "$AIO_SANDBOX" -c -o "json:$tmp/s" $job --rw=randrw --filename="$disk/f:$disk/g"
is 'fio passes' "$status" 0
is 'requests are those of fio' "$(value '[s["all"]["requests"], op["pread"]["requests"], op["pwrite"]["requests"]]')" \
	"$(value '[256, f["jobs"][0]["read"]["total_ios"], f["jobs"][0]["write"]["total_ios"]]')"
is 'bytes too' "$(value '[op["pread"]["bytes"], op["pwrite"]["bytes"]]')" \
	"$(value '[f["jobs"][0]["read"]["io_bytes"], f["jobs"][0]["write"]["io_bytes"]]')"
is 'all were reaped, none failed' "$(value '[s["all"][k] for k in ("unreaped", "unfinished", "errors")]')" '[0, 0, {}]'
is 'both latencies of each are known' "$(value '[s["all"]["submitted_to_" + k + "_ns"]["count"] for k in ("done", "reaped")]')" '[256, 256]'
is 'they are in order' "$(value 'all(0 < g[k]["min"] <= g[k]["p50"] <= g[k]["p90"] <= g[k]["p99"] <= g[k]["max"] and g[k]["min"] <= g[k]["mean"] <= g[k]["max"]
	for g in s["by_op"] + s["by_file"] for k in ("submitted_to_done_ns", "submitted_to_reaped_ns"))')" True
is 'files and operations add up' "$(value '[sum(g["requests"] for g in s[k]) for k in ("by_op", "by_file")]')" '[256, 256]'
is 'each file has its rows' "$(value 'sorted((g["op"], g["path"][-2:]) for g in s["by_file"])')" \
	"[('pread', '/f'), ('pread', '/g'), ('pwrite', '/f'), ('pwrite', '/g')]"
is 'the depth is at most that of fio' "$(value '1 <= s["all"]["max_depth"] <= 8')" True
is 'no mean is above it' "$(value '0 < s["all"]["mean_depth"] <= 8')" True
is 'the calls are counted' "$(value '[call["io_setup"]["calls"], call["io_destroy"]["calls"], call["io_submit"]["calls"] >= 32]')" '[1, 1, True]'

run "$AIO_SANDBOX" -c -P "$disk/g" -o "json:$tmp/s" $job --rw=randread --filename="$disk/f:$disk/g"
is 'of one path only' "$(value '[g["path"][-2:] for g in s["by_file"]] + [s["all"]["requests"]]')" "['/g', 128]"
is 'and its calls' "$(value '[0 < call["io_submit"]["calls"] <= 128, "io_setup" in call]')" '[True, False]'

# --- text ---

run "$AIO_SANDBOX" -c sh -c '"$1" requests "$2"; echo the last word >&2' - "$victim" "$tmp/f"
is 'text comes behind what the program writes' "$(printf '%s\n' "$err" | head -n 2)" 'the last word
% time     seconds  usecs/call     calls    errors syscall'
# row PATTERN: the words of the first row that ends in it
row() { printf '%s\n' "$err" | grep -m 1 "$1\$" | sed 's/^ *//; s/  */ /g'; }
is 'refused calls are errors' "$(row io_submit | cut -d' ' -f4,5)" '10 3'
is 'requests of a vector' "$(row "preadv <$tmp/f>" | cut -d' ' -f1,2)" '1 7'
is 'and all' "$(row total | cut -d' ' -f4,5)" '21 6'
check 'all latencies of 8 requests' test "$(printf '%s\n' "$err" | grep -c ' total$')" -eq 4
check 'no line says that something is left' test -z "$(row 'not reaped.*')"

run "$AIO_SANDBOX" -c "$victim" errors "$tmp/f"
is 'errors by name' "$(row EFAULT)" '3 pread EFAULT'
is 'errors per file' "$(row "pread <$tmp/f>" | cut -d' ' -f1,2,3)" '3 3 0'

run "$AIO_SANDBOX" -c "$victim" replaced "$disk/r"
is 'a file in the place of another has its own row' \
	"$(printf '%s\n' "$err" | sed -n '/^ requests/,/^$/s/^ *1 .*<.*r\.\([0-9]*\)>$/\1/p' | sort -u | wc -l)" 20

run "$AIO_SANDBOX" -q -c "$victim" unreaped "$tmp/f"
like 'what nobody has reaped is listed' "$err" "*
requests not finished: 0; complete but not reaped: 1
not reaped   #1 pread(3, 0x*, 3, 0) of *"

run "$AIO_SANDBOX" -q -c "$victim" killed "$tmp/f"
is 'a killed program: its end stays' "$status" 137
# some shells say so where the errors go
err=$(printf '%s\n' "$err" | grep -vx Killed)
# its pipe ends with it: the read may still be done, but nobody reaps it
like 'and what it had in flight is listed' "$(printf '%s\n' "$err" | tail -n 4)" "\
the kernel's io_submit would have blocked for at least 1 requests

requests not finished: [01]; complete but not reaped: [01]
not [fr]*ed* #1 pread(4, 0x*, 5, 0) of *"

# fio, killed while it writes: what the supervisor itself has counted is in the summary
run "$AIO_SANDBOX" -q -v -c -o "json:$tmp/s" sh -c 'file=$1; shift
	"$@" & fio=$!
	until [ "$(stat -c %s "$file" 2>/dev/null || echo 0)" -gt 100000 ]; do kill -0 $fio || exit; done
	kill -KILL $fio; wait $fio' - "$disk/h" $job --size=1g --fallocate=none --direct=1 --rw=write --filename="$disk/h"
is 'fio was killed' "$status" 137
is 'every request that was accepted is counted' "$(value 's["all"]["requests"]')" \
	"$(printf '%s\n' "$err" | sed -n 's/.*AIO calls: [0-9]*, requests: \([0-9]*\).*/\1/p')"
is 'and they are more than the file shows' \
	"$(value "s['all']['requests'] >= $(stat -c %s "$disk/h") // 4096 > 0")" True

# --- order, outputs, mistakes ---

order() { printf '%s\n' "$err" | sed -n '/^ requests/,/^$/p' | grep -oE '(pread|pwrite|preadv|pwritev|fdsync|poll) ' | tr -d ' ' | uniq; }
run "$AIO_SANDBOX" -c -S name "$victim" requests "$tmp/f"
is 'rows by name' "$(order | head -n 6 | tr '\n' ' ')" 'fdsync poll pread preadv pwrite pwritev '
run "$AIO_SANDBOX" -c -S bytes "$victim" requests "$tmp/f"
is 'rows by bytes' "$(order | head -n 2 | tr '\n' ' ')" 'pwrite pread '
run "$AIO_SANDBOX" -c -w -S nonsense true
is 'an unknown column: 125' "$status" 125

run "$AIO_SANDBOX" -C -o "$tmp/t" "$victim" unreaped "$tmp/f"
check '-C: the trace' grep -q '^[0-9]* *io_setup(' "$tmp/t"
like '-C: and the summary on stderr' "$err" '% time *'
run "$AIO_SANDBOX" -C --format=chrome -o "$tmp/t" "$victim" unreaped "$tmp/f"
like '-C: the summary of a chrome trace is text' "$status $err" '0 % time *'
run "$AIO_SANDBOX" -c --format=chrome true
is '-c: a summary is no chrome trace: 125' "$status" 125
run "$AIO_SANDBOX" -C "$victim" unreaped "$tmp/f"
like '-C on stderr: the summary comes last' "$err" 'io_setup*
% time *'
run "$AIO_SANDBOX" -q -c true
like 'of nothing, nothing' "$err" '% time *total'

if have script; then
	script -qec "$AIO_SANDBOX -c $victim requests $tmp/f" /dev/null >"$tmp/tty" </dev/null 2>&1
	check 'bars on a terminal' grep -qE '^ +[0-9.]+ (ns|us|ms|s ) \|#+ *\| [1-9]' "$tmp/tty"
else
	skip 'script is not installed'
fi

done_testing
