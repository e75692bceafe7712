# SPDX-License-Identifier: MIT
# aio-sandbox-report says of a trace what is in it, whatever is in it.
# If this breaks, people decide about storage by figures that are wrong.
. "$srcdir/tests/lib.sh"

report=$top_builddir/aio-sandbox-report
here=$srcdir/tests/report
[ -x "$report" ] || skip_all 'aio-sandbox-report was not built: configure found no Python 3.7 or later'
need python3
PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=$report
PYTHONIOENCODING=utf-8
export PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONIOENCODING

for unit in buckets percentiles moments curves merging grids sequences words; do
	check "unit: $unit" python3 "$here/units.py" $unit
done

# What the page says is what a plain reading says.
python3 "$here/generate.py" 4000 >"$tmp/a.json"
python3 "$here/generate.py" 2500 2 fast calm >"$tmp/b.json"
if python3 -c 'import jsonschema' 2>/dev/null; then
	check 'the traces of this test are like real ones' python3 -c 'import json, jsonschema, sys
with open(sys.argv[1]) as schema:
	schema = json.load(schema)
schema = jsonschema.validators.validator_for(schema)(schema)
with open(sys.argv[2]) as trace:
	for line in list(trace)[::10]:
		schema.validate(json.loads(line))' "$srcdir/docs/trace.schema.json" "$tmp/a.json"
else
	skip 'python3-jsonschema is not installed'
fi
check 'a page of one trace' "$report" -o "$tmp/a.html" "$tmp/a.json"
check 'counts, percentiles, depths, errors are right' \
	python3 "$here/verify.py" "$tmp/a.html" "$tmp/a.json"
"$report" -l 'the old one' -l '<new>' "$tmp/a.json" "$tmp/b.json" >"$tmp/ab.html"
check 'those of two traces too' \
	python3 "$here/verify.py" "$tmp/ab.html" "$tmp/a.json" "$tmp/b.json"
check 'labels' grep -q 'the old one</h3>.*&lt;new&gt;</h3>' "$tmp/ab.html"
"$report" -l a.json - <"$tmp/a.json" >"$tmp/stdin.html"
check 'the standard input gives the same page' cmp "$tmp/a.html" "$tmp/stdin.html"

# The same of a real trace, with what the kernel refuses or shortens.
steps="setup file=$tmp/file pipe poll thread vfork exec setup file=$tmp/file destroy"
# shellcheck disable=SC2086
"$AIO_SANDBOX" -q -o "json:$tmp/real.json" "$top_builddir/tests/victim_steps" $steps >"$tmp/steps"
"$report" -o "$tmp/real.html" "$tmp/real.json"
check 'a real trace' python3 "$here/verify.py" "$tmp/real.html" "$tmp/real.json"
check 'has its program' grep -q 'victim_steps setup file=' "$tmp/real.html"

# The page needs nothing but itself.
check 'no address but the icon in it' python3 - "$here" "$tmp/ab.html" <<'EOF'
import re
import sys
sys.path.insert(0, sys.argv[1])
from parse import Page
page = Page(sys.argv[2])
found = [one for one in page.attributes
         if one[1] in ('src', 'href', 'action', 'srcset', 'poster', 'data') and
         not (one[2].startswith('#') or one[2] == 'data:,')]
found += re.findall('url[(]|@import|https?:|fetch[(]|XMLHttpRequest|WebSocket|import[(]', page.source)
policy = [one[2] for one in page.attributes if one[1] == 'content' and 'default-src' in one[2]]
assert not found, found
assert len(policy) == 1 and policy[0].startswith("default-src 'none'"), policy
EOF

# A tail of other records, as in a trace of a later version.
{
	cat "$tmp/b.json"
	echo '{"type":"weather","temperature":[1.5,{"x":null}]}'
	echo '{"no type":true}'
} >"$tmp/later.json"
sed -i 's/"op":/"colour":{"r":[1,2]},"op":/' "$tmp/later.json"
"$report" -l b.json "$tmp/later.json" >"$tmp/later.html"
"$report" -l b.json "$tmp/b.json" | cmp - "$tmp/later.html" >"$tmp/cmp" || echo differs >>"$tmp/cmp"
is 'types and fields that are not known are ignored' "$(cat "$tmp/cmp")" ''

# Strings that want to be more than strings.
python3 "$here/hostile.py" >"$tmp/hostile.json"
run "$report" -o "$tmp/hostile.html" -t '</title><script>x' "$tmp/hostile.json"
is 'hostile strings are accepted' "$status $err" '0 '
check 'and are text in the page' python3 "$here/hostile.py" "$tmp/hostile.html"

# Traces that lack something.
: >"$tmp/empty.json"
run "$report" -o "$tmp/empty.html" "$tmp/empty.json"
is 'an empty trace gives a page' "$status $err" '0 '
check 'which says so' grep -q 'There is no request in it' "$tmp/empty.html"
head -n 1 "$tmp/a.json" >"$tmp/none.json"
check 'one of a program without AIO too' "$report" -o "$tmp/none.html" "$tmp/none.json" "$tmp/empty.json"
sed '$d' "$tmp/a.json" >"$tmp/killed.json"
"$report" "$tmp/killed.json" >"$tmp/killed.html"
check 'a killed run is told' grep -q 'no end record' "$tmp/killed.html"
check 'with all that it has' python3 "$here/verify.py" "$tmp/killed.html" "$tmp/killed.json"
grep -v '"op":"pwrite"' "$tmp/a.json" >"$tmp/filtered.json"
"$report" "$tmp/filtered.json" >"$tmp/filtered.html"
check 'a filtered trace is told' grep -q 'filtered: it has [0-9].* of 4.000 requests' "$tmp/filtered.html"
check 'a whole one is not called filtered' sh -c '! grep -q "filtered: it has" "$1"' - "$tmp/a.html"
check 'a whole one is not called killed' sh -c '! grep -q "no end record" "$1"' - "$tmp/a.html"
grep -v '"op":"p' "$tmp/a.json" | sed 's/"op":"fdsync"/"op":"poll"/' >"$tmp/polls.json"
"$report" "$tmp/polls.json" >"$tmp/polls.html"
check 'where there are polls only, they are what is shown' \
	grep -q 'Latency of all polls and no-ops' "$tmp/polls.html"

# broken NAME PATTERN LINE: a trace with this third line is refused, and nothing is printed
broken()
{
	{
		head -n 2 "$tmp/a.json"
		printf '%s\n' "$3"
	} >"$tmp/broken.json"
	run "$report" "$tmp/broken.json"
	is "$1: status, output" "$status ${out:+output}" '1 '
	like "$1: says where and what" "$err" "aio-sandbox-report: $tmp/broken.json:3: $2"
}
request='{"type":"request","id":1,"op":"pread","submitted_ns":5'
broken 'half a line' 'not JSON: *' '{"type":"request","id":1,"pa'
broken 'words' 'not JSON: *' 'hello'
broken 'two records in a line' 'not JSON: *' '{"type":"x"} {"type":"y"}'
broken 'an empty line' 'not JSON: *' ''
broken 'a number' 'not a JSON object' '17'
broken 'no number' 'not JSON: NaN*' '{"type":"x","a":NaN}'
broken 'a deep one' 'nested too deeply' "$(python3 -c 'print("[" * 100000)')"
broken 'no time of submission' '*without submitted_ns' '{"type":"request","id":1}'
broken 'a time that is none' 'done_ns is no time*' "$request,\"done_ns\":\"soon\"}"
broken 'a time before' '*before it is submitted' "$request,\"done_ns\":4}"
broken 'an offset that is none' 'offset is no integer' "$request,\"offset\":1.5}"
broken 'an op that is none' 'op is no string' '{"type":"request","id":1,"op":[],"submitted_ns":5}'
broken 'a call that ends first' '*before it begins' '{"type":"call","entered_ns":9,"left_ns":8}'
broken 'another format' 'format 2 of traces is not known*' '{"type":"start","format":2}'
broken 'a command that is none' 'command is no list*' '{"type":"start","command":"x"}'

# Names and options.
run "$report" "$tmp/no-such-file"
is 'no such file' "$status $err" "1 aio-sandbox-report: $tmp/no-such-file: No such file or directory"
run "$report" "$tmp"
like 'a directory' "$status $err" '1 aio-sandbox-report: *directory'
run "$report" -o "$tmp/none/x" "$tmp/a.json"
like 'no such directory' "$status $err" "1 aio-sandbox-report: $tmp/none/x: *"
if [ -e /dev/full ]; then
	run sh -c '"$1" "$2" >/dev/full' - "$report" "$tmp/a.json"
	like 'a full disk' "$status $err" '1 aio-sandbox-report: *No space left*'
fi
for words in '' "a b c" "-l 1 -l 2 a" "- -" "-n 0 a" "-n x a" "--slow=3 a" "--zzz a"; do
	# shellcheck disable=SC2086
	run "$report" $words
	is "refused: $words" "$status $out" '2 '
done
run "$report" -n 3 -t 'My title' "$tmp/a.json"
check '--title' grep -q '<title>My title</title>' "$tmp/run.out"
is '--version' "$("$report" -V)" "aio-sandbox-report $("$AIO_SANDBOX" -V | sed 's/.* //')"

cp "$report" "$tmp/elsewhere"
check 'the program is one file' "$tmp/elsewhere" -o "$tmp/copy.html" "$tmp/a.json"
check 'and the page the same' cmp "$tmp/copy.html" "$tmp/a.html"

done_testing
