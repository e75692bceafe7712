#!/bin/sh
# SPDX-License-Identifier: MIT
# A trace in JSON Lines goes straight into a table of pandas and of DuckDB. If this breaks, who looks at traces has to
# write a reader first.
. "$srcdir/tests/lib.sh"
need fio

# the interpreter that has Debian's packages need not be the first
python=
for candidate in python3 /usr/bin/python3; do
	if [ -z "$python" ] && "$candidate" -c 'import pandas' 2>/dev/null; then
		python=$candidate
	fi
done
[ -n "$python" ] || skip_all 'python3-pandas is not installed'
disk_dir

run "$AIO_SANDBOX" -o "json:$tmp/t" fio --name=a --size=256k --ioengine=libaio --iodepth=4 --rw=randrw --bs=4k \
	--thread "--filename=$disk/f"
is 'fio passes' "$status" 0

cat >"$tmp/load.py" <<'EOS'
import sys, pandas
t = pandas.read_json(sys.argv[1], lines=True)
r = t[t["type"] == "request"]
took = r["reaped_ns"] - r["submitted_ns"]
calls = t[t["call"] == "io_submit"]
print("requests", len(r), int(r["length"].sum()), r["id"].nunique())
print("offsets", int(r["offset"].min()), int(r["offset"].max()))
print("times", bool((took > 0).all() and (r["done_ns"] >= r["submitted_ns"]).all()))
print("submitted", int(calls["result"].sum()), calls["requests"].explode().nunique())
EOS
run "$python" "$tmp/load.py" "$tmp/t"
is 'pandas reads it' "$status$err" 0
is 'each request is a row, with numbers for numbers' "$out" 'requests 64 262144 64
offsets 0 258048
times True
submitted 64 64'

if "$python" -c 'import duckdb' 2>/dev/null; then
	cat >"$tmp/query.py" <<'EOS'
import sys, duckdb
print(*duckdb.sql("SELECT count(*), sum(length)::BIGINT, bool_and(reaped_ns > submitted_ns) FROM read_json_auto('%s') "
                  "WHERE type = 'request'" % sys.argv[1]).fetchone())
EOS
	run "$python" "$tmp/query.py" "$tmp/t"
	is 'DuckDB too' "$status $out" '0 64 262144 True'
else
	skip 'duckdb is not installed'
fi
done_testing
