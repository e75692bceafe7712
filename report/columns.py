# SPDX-License-Identifier: MIT
"""Latency and throughput over time, in one pass and little memory, whatever the length of the run.

Time is cut into columns of 2^shift ns. As long as few are needed they are narrow; when there would
be more than MOST, pairs are merged. Every merge keeps the extremes: the slowest request of a column
with its id, each error and fault as a count and the first id. A latency cell is 1/8 octave high."""

from .values import SUB_BITS

MOST = 2048
# columns hold keys (column << KEY_BITS | what); what has room for a latency cell and 4 bits
CELL_SHIFT = SUB_BITS - 3
KEY_BITS = 14
KEY_MASK = (1 << KEY_BITS) - 1
SLOT_BITS = 3	# class << 1 | metric, or a kind of mark

CLASSES = ('read', 'write', 'sync', 'other')
METRICS = ('done', 'reap')
MARKS = ('error', 'fault', 'unfinished', 'short')


class Columns:
    def __init__(self):
        self.shift = 0
        self.first = None	# times
        self.last = None
        self.begin = 0		# what fits without merging
        self.end = -1
        self.cells = {}		# cell and slot: count
        self.maxima = {}	# slot: (latency, id)
        self.done = {}		# class: [count, bytes], at the time when they are done
        self.marks = {}		# kind: [count, first id]

    def reach(self, first, last):
        """Makes room for the times from first to last."""
        if self.first is None:
            self.first, self.last = first, last
        elif first < self.first:
            self.first = first
        if last > self.last:
            self.last = last
        if first >= self.begin and last < self.end:
            return
        by = 0
        while (self.last >> self.shift + by) - (self.first >> self.shift + by) >= MOST:
            by += 1
        if by:
            self._merge(by)
        self.begin = self.first >> self.shift << self.shift
        self.end = ((self.first >> self.shift) + MOST) << self.shift

    def _merge(self, by):
        def place(key):
            return key >> KEY_BITS + by << KEY_BITS | key & KEY_MASK

        self.shift += by
        cells, self.cells = self.cells, {}
        for key, count in cells.items():
            key = place(key)
            self.cells[key] = self.cells.get(key, 0) + count
        maxima, self.maxima = self.maxima, {}
        for key, slowest in maxima.items():
            key = place(key)
            self.maxima[key] = max(self.maxima.get(key, slowest), slowest)
        done, self.done = self.done, {}
        for key, (count, size) in done.items():
            entry = self.done.setdefault(place(key), [0, 0])
            entry[0] += count
            entry[1] += size
        marks, self.marks = self.marks, {}
        for key, (count, first) in marks.items():
            entry = self.marks.setdefault(place(key), [0, first])
            entry[0] += count
            entry[1] = min(entry[1], first)

    def latency(self, time, class_, metric, value, bucket, id_):
        slot = class_ << 1 | metric
        column = time >> self.shift << KEY_BITS
        key = column | bucket >> CELL_SHIFT << SLOT_BITS | slot
        self.cells[key] = self.cells.get(key, 0) + 1
        key = column | slot
        slowest = self.maxima.get(key)
        if slowest is None or value > slowest[0]:
            self.maxima[key] = (value, id_)

    def finished(self, time, class_, size):
        entry = self.done.setdefault(time >> self.shift << KEY_BITS | class_, [0, 0])
        entry[0] += 1
        entry[1] += size

    def mark(self, time, kind, id_):
        entry = self.marks.setdefault(time >> self.shift << KEY_BITS | kind, [0, id_])
        entry[0] += 1
        entry[1] = min(entry[1], id_)

    def count(self):
        """How many columns lie between the first time and the last."""
        return 0 if self.first is None else (self.last >> self.shift) - self._origin() + 1

    def _origin(self):
        return self.first >> self.shift

    def _sorted(self, table):
        """(column from 0, what, value), by column."""
        origin = self._origin() if table else 0
        for key, value in sorted(table.items()):
            yield (key >> KEY_BITS) - origin, key & KEY_MASK, value

    def data(self):
        """For the page. Columns are told by their distance from the one before in the list."""
        tables = {}

        def append(kind, slot, column, *values):
            metric, class_ = METRICS[slot & 1], CLASSES[slot >> 1]
            table = tables.setdefault(metric, {}).setdefault(class_, {'cells': [], 'max': []})
            before = latest.get((kind, slot), 0)
            table[kind].extend((column - before,) + values)
            latest[kind, slot] = column

        latest = {}
        for column, what, count in self._sorted(self.cells):
            append('cells', what & (1 << SLOT_BITS) - 1, column, what >> SLOT_BITS, count)
        for column, slot, (value, id_) in self._sorted(self.maxima):
            append('max', slot, column, value, id_)
        rates = {}
        for column, class_, (count, size) in self._sorted(self.done):
            rates.setdefault(CLASSES[class_], []).extend((column, count, size))
        marks = [(column, MARKS[kind], count, id_)
                 for column, kind, (count, id_) in self._sorted(self.marks)]
        return {'latency': tables, 'rate': rates, 'marks': marks}
