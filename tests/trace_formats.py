# SPDX-License-Identifier: MIT
"""trace_formats.py chrome TRACE: each slice of a trace for Chrome has its end, at the right depth.
trace_formats.py requests JSON: op, offset and length of each request, in the order of acceptance."""
import json
import sys

JSON_OPS = {"preadv": "pread", "pwritev": "pwrite"}


def fail(what, event):
    sys.exit("%s: %s" % (what, event))


def check_slices(events):
    """Nested async slices of one id: a stack, no end before its beginning, names in pairs."""
    for event in events:
        event["stack"] = (event["pid"], event["cat"], event["id"])
    for stack in {e["stack"] for e in events}:
        mine = [e for e in events if e["stack"] == stack]
        mine_sorted = sorted(mine, key=lambda e: e["ts"])
        if [e["ts"] for e in mine] != [e["ts"] for e in mine_sorted]:
            fail("times go backwards", mine)
        names = []
        for e in mine:
            if e["ph"] == "b":
                names.append(e["name"])
            elif not names or names.pop() != e["name"]:
                fail("an end without its beginning", e)
        if names:
            fail("a beginning without its end", mine)
    return len({e["stack"] for e in events})


def check_counters(events):
    for name in {e["name"] for e in events}:
        mine = sorted((e for e in events if e["name"] == name), key=lambda e: e["ts"])
        values = [e["args"]["requests"] for e in mine]
        if min(values) < 0 or values[-1] != 0:
            fail("a counter that does not end at 0", mine[-1])
        print("max %s=%d" % (name.replace(" ", "_"), max(values)))


def chrome(path):
    with open(path) as f:
        events = [e for e in json.load(f)]
    tracks = {(e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    for e in events:
        if e["ph"] not in "MbeXBCi":
            fail("a phase", e)
        if e["ph"] in "beX" and (e["pid"], e["tid"]) not in tracks:
            fail("a track without a name", e)
    print("requests=%d" % check_slices([e for e in events if e["ph"] in "be"]))
    check_counters([e for e in events if e["ph"] == "C"])
    print("calls=%d" % sum(e["ph"] in "XB" for e in events))
    for name in sorted({e["args"]["name"] for e in events if e["ph"] == "M"}):
        print("track " + name)
    for name in sorted({e["name"] for e in events if e["ph"] == "b"}):
        print("slice " + name)


def requests(path):
    with open(path) as f:
        records = [json.loads(line) for line in f]
    for r in sorted((r for r in records if r["type"] == "request"), key=lambda r: r["id"]):
        print(JSON_OPS.get(r["op"], r["op"]), r["offset"], r["length"], r["path"])


{"chrome": chrome, "requests": requests}[sys.argv[1]](sys.argv[2])
