# SPDX-License-Identifier: MIT
"""units.py CASE: the parts of aio-sandbox-report alone, each against a plain computation.

PYTHONPATH is the program itself, an archive."""

import random
import sys

from report import columns, depth, offsets, text, values

random.seed(7)


def buckets():
    """Neighbours meet, and no bucket is wider than 1/512 of its values."""
    for bits in range(63):
        for value in (1 << bits, (1 << bits) + 1, (2 << bits) - 1):
            index = values.bucket_of(value)
            low, high = values.bucket_low(index), values.bucket_low(index + 1)
            assert low <= value < high, value
            assert high - low <= max(1, low // 512), value


def percentiles():
    for count in (1, 2, 3, 10, 1000):
        exact = sorted(int(random.lognormvariate(11, 2)) for _ in range(count))
        histogram = values.Histogram()
        for value in exact:
            histogram.add(value, values.bucket_of(value))
        wanted = (50, 90, 99, 99.9, 100)
        for percent, got in zip(wanted, histogram.percentiles(wanted)):
            right = exact[max(1, -int(-percent * count // 100)) - 1]
            assert abs(got - right) <= right / 1000, (count, percent, got, right)
        assert histogram.percentiles((100,)) == [exact[-1]]


def moments():
    """Sorted by runs in a file as by one sort."""
    depth.RUN, depth.LEAST_BLOCK = 1000, 64
    made = depth.Moments()
    plain = []
    for at in range(5000):
        begin = at * 50 + random.randrange(10000)
        times = [begin, begin + 3, begin + random.randrange(4, 9000), begin + 20000]
        times = [time if random.random() < 0.99 or not which else None
                 for which, time in enumerate(times)]
        made.add(*times)
        submitted, started, done, reaped = times
        started = done if started is None else started
        plain += [time << 2 | kind for kind, time in enumerate((submitted, started, done, reaped))
                  if time is not None and (kind != depth.REAPED or done is not None)]
    assert len(made.runs) > 10
    blocks = list(made.sorted())
    assert len(blocks) > 10
    assert [one for block in blocks for one in block] == sorted(plain)


def curves():
    """Mean by area and maximum of each column, with requests that span many."""
    room = columns.Columns()
    made = depth.Moments()
    spans = []
    for at in range(300):
        begin = random.randrange(1000000)
        spans.append((begin, begin + random.choice((0, 10, 1000, 200000))))
        room.reach(*spans[-1])
    for begin, end in spans:
        made.add(begin, begin, end, end)
    curve = depth.curves(made, room)[0]
    width, origin = 1 << room.shift, room.first >> room.shift
    assert 1024 <= room.count() <= columns.MOST
    assert sum(curve.area) == sum(end - begin for begin, end in spans)
    for column in range(room.count()):
        low = (origin + column) * width
        edges = [low] + [begin for begin, end in spans if low <= begin < low + width]
        most = max(sum(begin <= edge < end or begin == edge for begin, end in spans)
                   for edge in edges)
        assert curve.most[column] >= most - 1, column
        area = sum(max(0, min(end, low + width) - max(begin, low)) for begin, end in spans)
        assert curve.area[column] == area, column


def merging():
    """However often columns are merged: nothing is lost, the slowest stays, so do errors."""
    made = columns.Columns()
    slowest = 0
    for id_ in range(20000):
        time = 10**15 + id_ * random.randrange(1, 100000)
        latency = 10**9 if id_ == 777 else random.randrange(10**6)
        slowest = max(slowest, latency)
        made.reach(time, time + latency)
        made.latency(time, 0, 0, latency, values.bucket_of(latency), id_)
        made.finished(time + latency, 0, 512)
        if id_ % 5000 == 4999:
            made.mark(time, 0, id_)
    made.reach(10**15 - 10**9, 10**15)
    data = made.data()
    table = data['latency']['done']['read']
    assert made.count() <= columns.MOST
    assert sum(table['cells'][2::3]) == 20000
    assert sum(data['rate']['read'][2::3]) == 20000 * 512
    assert max(zip(table['max'][1::3], table['max'][2::3])) == (slowest, 777)
    assert sum(mark[2] for mark in data['marks']) == 4
    assert {mark[3] for mark in data['marks']} <= {4999, 9999, 14999, 19999}


def grids():
    """Few cells, whatever the requests; errors are kept apart."""
    offsets.MOST, offsets.FEWEST, offsets.ALL = 2000, 400, 10000
    for pattern in (lambda at: at * 4096, lambda at: random.randrange(1 << 40), lambda at: 0):
        grid = offsets.Grid()
        for at in range(6000):
            grid.add(at * 1000 + random.randrange(5000), pattern(at), pattern(at) + 4095, 0)
            if at == 3000:
                grid.add(at * 1000, 12345 << 12, 12345 << 12, offsets.ERROR)
        assert len(grid.cells) <= offsets.MOST
        flat = grid.data(0)['cells']
        assert [sum(flat[at + 3] for at in range(0, len(flat), 4) if flat[at + 2] == kind)
                for kind in (0, offsets.ERROR)] == [6000, 1]
    many = [offsets.Grid() for _ in range(15)]
    for grid in many:
        for at in range(1500):
            grid.add(at, random.randrange(1 << 30), 1 << 30, 0)
    offsets.limit(many)
    assert sum(len(grid.cells) for grid in many) <= offsets.ALL
    assert all(sum(grid.cells.values()) == 1500 for grid in many)


def sequences():
    one = offsets.Sequence()
    for at in range(100):
        for stream in range(4):
            begin = (stream << 40) + at * 512
            one.add(begin, begin + 512)
    assert (one.count, one.sequential) == (400, 396)


def words():
    assert text.shown('a\nb\x1b\udc80\u202e"') == 'a\\nb\\x1b\\x80\\u202e"'
    assert text.shown('a\ufffdfe\ufffd') == 'a\\xfe\ufffd'
    assert text.escaped('<&">') == '&lt;&amp;&quot;&gt;'
    assert [text.duration(ns) for ns in (0, 999, 1000, 99960, 999600, 1500000000)] == [
        one.replace(' ', '\u00a0') for one in ('0 ns', '999 ns', '1.00 µs', '100 µs', '1.00 ms', '1.50 s')]
    assert text.size(131072) == '128\u00a0KiB' and text.size(1536) == '1.50\u00a0KiB'
    assert text.error_name(5) == 'EIO' and text.error_name(99999) == 'error 99999'
    assert text.command_line(["it's", 'a b']) == '\'it\'"\'"\'s\' \'a b\''


globals()[sys.argv[1]]()
