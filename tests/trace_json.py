# SPDX-License-Identifier: MIT
"""trace_json.py TRACE [SCHEMA]: what must hold for every trace in JSON; says what does not.

Prints some counts in words for the script that calls it.
"""
import json
import re
import sys

REQUEST = """type id key pid tid comm ctx op fd path offset length flags direct result submitted_ns
started_ns done_ns published_ns reaped_ns reaped_by reaped_exact fault""".split()
CALL = """type pid tid call ctx nr min_nr timeout_ns result entered_ns left_ns door
requests""".split()
TIMES = "submitted_ns started_ns done_ns published_ns reaped_ns".split()

wrong = []


def must(holds, what, record=None):
    if not holds and len(wrong) < 10:
        wrong.append(what + (": " + json.dumps(record) if record else ""))


def original(text):
    """The bytes that format_json() was given."""
    return re.sub(b"\xef\xbf\xbd([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()),
                  text.encode())


def check_request(r):
    must(list(r) == REQUEST, "fields of a request", r)
    times = [r[t] for t in TIMES if r[t] is not None]
    must(times == sorted(times), "times in order", r)
    must((r["result"] is None) == (r["done_ns"] is None), "a result when done", r)
    must((r["reaped_ns"] is None) == (r["reaped_by"] is None), "a reaper when reaped", r)
    must(r["reaped_exact"] == {"getevents": True, "shim": True, "self": False, None: None}[r["reaped_by"]],
         "reaped_exact", r)


def check_ties(requests, calls, whole):
    """Calls name requests, each at most once for its submission and once for its reaping."""
    submitted = [i for c in calls if c["call"] == "io_submit" for i in c["requests"]]
    reaped = [i for c in calls if c["call"] in ("io_getevents", "io_pgetevents")
              for i in c["requests"]]
    ids = {r["id"]: r for r in requests}
    must(len(ids) == len(requests), "an id is used once")
    must(len(set(submitted)) == len(submitted), "submitted once")
    must(len(set(reaped)) == len(reaped), "reaped once")
    for c in calls:
        must(list(c) == CALL, "fields of a call", c)
        if c["call"] == "io_submit" and c["ctx"] is not None and c["result"] is not None:
            must(len(c["requests"]) == max(c["result"], 0), "io_submit's result", c)
        if "getevents" in c["call"] and c["result"] is not None:
            must(len(c["requests"]) == max(c["result"], 0), "io_getevents' result", c)
    if whole:
        must(set(submitted) == set(ids), "each submitted request has a record")
        must(set(reaped) == {i for i in ids if ids[i]["reaped_by"] in ("getevents", "shim")},
             "each reaped request is in an io_getevents")


def check_whole(records, requests, calls):
    counts = records[-1]["counts"]
    must([r["type"] for r in records].count("start") == 1, "one start")
    must([r["type"] for r in records].count("end") == 1, "one end")
    must(counts["requests"] == len(requests), "the end counts requests")
    must(counts["calls"] == len(calls), "the end counts calls")
    must(counts["reaped"] == sum(r["reaped_ns"] is not None for r in requests), "... reaped")
    must(counts["unreaped"] == sum(r["reaped_ns"] is None and r["published_ns"] is not None
                                   for r in requests), "... unreaped")
    must(counts["unfinished"] == sum(r["published_ns"] is None for r in requests),
         "... unfinished")
    must(counts["requests"] == counts["reaped"] + counts["unreaped"] + counts["unfinished"],
         "... each of them once")
    must(counts["unknown"] == 0, "... unknown")


def check_schema(records, path):
    try:
        import jsonschema
    except ImportError:
        print("schema=skipped")
        return
    with open(path) as f:
        schema = json.load(f)
    jsonschema.validators.validator_for(schema).check_schema(schema)
    validator = jsonschema.validators.validator_for(schema)(schema)
    for record in records:
        for error in validator.iter_errors(record):
            must(False, "schema: " + error.message, record)
    print("schema=checked")


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    must(data.endswith(b"\n"), "whole lines")
    records = [json.loads(line) for line in data.decode("utf-8").splitlines()]
    must(records[0]["type"] == "start", "a start first")
    whole = records[-1]["type"] == "end"
    requests = [r for r in records if r["type"] == "request"]
    calls = [r for r in records if r["type"] == "call"]
    for r in requests:
        check_request(r)
    check_ties(requests, calls, whole)
    if whole:
        check_whole(records, requests, calls)
    if len(sys.argv) > 2:
        check_schema(records, sys.argv[2])
    print("whole=%d" % whole)
    print("requests=%d" % len(requests))
    for name in "published_ns", "reaped_ns", "key":
        print("%s=%d" % (name, sum(r[name] is not None for r in requests)))
    for by in "getevents", "shim", "self":
        print("%s=%d" % (by, sum(r["reaped_by"] == by for r in requests)))
    for op in sorted({r["op"] for r in requests}):
        print("%s=%d" % (op, sum(r["op"] == op for r in requests)))
    for path in sorted({original(r["path"]) for r in requests if r["path"] is not None}):
        print("path=" + path.hex())
    for text in wrong:
        print("WRONG " + text)
    sys.exit(bool(wrong))


main()
