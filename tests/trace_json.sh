# SPDX-License-Identifier: MIT
# A trace in JSON: valid line by line, complete, with the fields that the man page lists. If this
# breaks, what people make of traces breaks.
. "$srcdir/tests/lib.sh"

need python3 fio
disk_dir
srcdir=$(cd "$srcdir" && pwd)
cd "$disk" || exit
schema=$srcdir/docs/trace.schema.json

# judge NAME FILE: $found has the checker's words
judge()
{
	judged=0
	found=$(python3 "$srcdir/tests/trace_json.py" "$2" "$schema" 2>&1) || judged=$?
	[ $judged -eq 0 ] || diag "$found"
	is "$1: what must hold for every trace does" "$judged" 0
}
# value WORD
value() { echo "$found" | sed -n "s/^$1=//p"; }

# traced OPTION FILE [FIO-OPTION...]: 64 requests of 4 KiB
traced()
{
	traced_by=$1
	traced_file=$2
	shift 2
	run "$AIO_SANDBOX" "$traced_by" fio --name=a --size=256k --ioengine=libaio --iodepth=4 \
		--rw=randrw --bs=4k --thread "--filename=$traced_file" "$@"
}

traced "-ojson:$tmp/t" "$disk/f"
is 'fio passes' "$status" 0
judge 'a run' "$tmp/t"
is 'every request of fio has a record' "$(value requests)" 64
is 'and was reaped by io_getevents' "$(value getevents)" 64
is 'each has a key' "$(value key)" 64
is 'and the path of its file' "$(value path)" "$(printf %s "$disk/f" | od -An -tx1 | tr -d ' \n')"

traced "-ojson:$tmp/t" "$disk/f" --userspace_reap --iodepth_batch_complete_min=0
judge 'a program that reads the ring itself' "$tmp/t"
is 'what it reaps is noticed' "$(value self)" 64

# a newline, a quote, a backslash, no UTF-8, the mark for no UTF-8, and 200 bytes more
hostile=$disk/$(printf 'a\nb"c\\d \377\303(\357\277\27541-%0200d' 7)
: >"$hostile"
traced "-ojson:$tmp/t" "$hostile"
judge 'a hostile path' "$tmp/t"
is 'and the path can be got back' "$(value path | grep -c .)" 1
is 'byte for byte' "$(value path)" "$(printf %s "$hostile" | od -An -v -tx1 | tr -d ' \n')"

# of the file that is open, whatever it was called a moment ago
run "$AIO_SANDBOX" "-ojson:$tmp/t" "$top_builddir/tests/victim_traced" renamed "$disk/old"
is 'a file that is renamed between requests' "$status" 0
sed -n 's/^.*"type":"request".*"path":"\([^"]*\)".*$/\1/p' "$tmp/t" >"$tmp/paths"
is 'has its path of then' "$(tr '\n' ' ' <"$tmp/paths")" "$disk/old $disk/old.new $disk/old.new (deleted) "
sed -n 's/^.*"type":"request".* pread \([^ ]*\) @0.*$/\1/p' "$tmp/t" >"$tmp/names"
like 'and such a name in its key' "$(tr '\n' ' ' <"$tmp/names")" 'old old.new *[0-9a-f]:[0-9]* '

mkdir "$disk/later"
run "$AIO_SANDBOX" "-ojson:$tmp/t" "$top_builddir/tests/victim_traced" renamed_later "$disk/later"
is 'files that were not changed for a while, then are renamed or deleted' "$status" 0
for n in 0 1 2 3 4 5 6 7; do
	echo "$disk/later/a/$n"
	echo "$disk/later/a/$n"
	[ $((n % 2)) -eq 0 ] && echo "$disk/later/a/$n.new" || echo "$disk/later/a/$n (deleted)"
done >"$tmp/expected"
printf '%s\n' "$disk/later/a/9" "$disk/later/b/9" >>"$tmp/expected"
sed -n 's/^.*"type":"request".*"path":"\([^"]*\)".*$/\1/p' "$tmp/t" >"$tmp/paths"
is 'have their paths of then, too; that of their directory is seen a tick later' \
	"$(diff "$tmp/expected" "$tmp/paths")" ''

run "$AIO_SANDBOX" "-ojson:$tmp/t" "$top_builddir/tests/victim_traced" requests "$disk/f"
is 'an io_cancel has the request that it names, if there is one' \
	"$(sed -n 's/^.*"call":"io_cancel".*"requests":\(.*\)}$/\1/p' "$tmp/t" | tr '\n' ' ')" '[7] [] '

# fio's own report
fio_says()
{
	python3 -c 'import json, sys
text = sys.stdin.read()
jobs = json.loads(text[text.index("{"):])["jobs"]
print(sum(job[way]["total_ios"] for job in jobs for way in ("read", "write")))'
}
traced "-ojson:$tmp/t" "$disk/f" --output-format=json --numjobs=3 --fsync=4 --loops=5
is 'fio, its requests and the trace agree' "$(fio_says <"$tmp/run.out")" \
	"$(grep -c '"type":"request"' "$tmp/t")"
judge 'three jobs in threads' "$tmp/t"

# --- readers ---

# a shell reads byte by byte: the queue fills, and the program has to wait
cat >"$tmp/slow" <<'EOS'
while IFS= read -r line; do
	printf '%s\n' "$line"
done >"$1"
EOS
traced "-ojson:|sh $tmp/slow $tmp/t" "$disk/f" --loops=48
is 'a slow reader: status' "$status" 0
is 'and no warning' "$err" ''
judge 'a slow reader' "$tmp/t"
is 'and nothing is left out' "$(value requests)" 3072

traced "-ojson:|true" "$disk/f" --loops=16
is 'a reader that is gone: status' "$status" 0
like 'one warning says how many lines were lost' "$err" \
	"*: the trace in '|true' is not complete: Broken pipe; [1-9]* lines were not written"
traced "-ojson:|head -n 3 >$tmp/head" "$disk/f" --loops=16
is 'one that goes early: status' "$status" 0
is 'and it had its lines' "$(wc -l <"$tmp/head")" 3

# --- a run that is killed ---

: >"$tmp/killed"
"$AIO_SANDBOX" -q -o "json:$tmp/killed" fio --name=a --size=256k --ioengine=libaio --iodepth=4 --rw=randrw \
	--bs=4k --thread --time_based --runtime=100 "--filename=$disk/f" >"$tmp/run.out" 2>&1 &
us=$!
while [ "$(wc -c <"$tmp/killed")" -lt 300000 ] && [ -e /proc/$us ]; do :; done
kill -KILL "$(pgrep -P $us)"
wait $us 2>/dev/null || :
judge 'the supervisor was killed' "$tmp/killed"
is 'the trace is not whole, but its lines are' "$(value whole)" 0

# the schema and the man page
if python3 -c 'import jsonschema' 2>/dev/null; then
	like 'the schema has been asked' "$found" 'schema=checked*'
else
	skip 'python3-jsonschema is not installed'
fi
python3 -c 'import json, sys
for name, of in json.load(open(sys.argv[1]))["$defs"].items():
	for field in of.get("properties", {}):
		print(name, field)' "$schema" | grep -v ' type$' >"$tmp/fields"
check 'the schema has fields' test -s "$tmp/fields"
undocumented=$(while read -r record field; do
	sed -n "/^\.SS $record\$/,/^\.S[SH]/p" "$srcdir/man/aio-sandbox-trace.5" |
		grep -A1 '^\.TP' | grep -qw "$field" || echo "$record $field"
done <"$tmp/fields")
is 'each is in the man page' "$undocumented" ''

done_testing
