# SPDX-License-Identifier: MIT
"""What is kept of one trace while its records pass by, each once. All of it has limits."""

import heapq
import json

from . import depth, offsets, records
from .columns import CLASSES, MARKS, METRICS, Columns
from .offsets import ERROR, FAULT, READ, WRITE, Grid, Sequence
from .values import Histogram, bucket_of

CLASS_OF = {'pread': 0, 'preadv': 0, 'pwrite': 1, 'pwritev': 1, 'fsync': 2, 'fdsync': 2}
OTHER = CLASSES.index('other')
MARK = {name: kind for kind, name in enumerate(MARKS)}
PHASES = (('submitted_ns', 'started_ns'), ('started_ns', 'done_ns'), ('done_ns', 'published_ns'),
          ('published_ns', 'reaped_ns'))

MOST_FILES = 1000	# with figures of their own
MOST_OPS = 32
MOST_CALLS = 32
MOST_TROUBLES = 200	# kinds of them
REORDER = 4096		# requests whose order of submission is restored, see Summary.places
FORMAT = 1		# of traces
OTHER_FILES = None, 'all other files'
OTHER_OPS = OTHER_CALLS = 'others'


class Figures:
    """Of the requests of one op on one file, or of more put together."""

    def __init__(self):
        self.count = [0] * len(CLASSES)
        self.bytes = [0] * len(CLASSES)
        self.errors = 0
        self.latency = [Histogram(), Histogram()]	# as METRICS

    def merge(self, other):
        for class_ in range(len(CLASSES)):
            self.count[class_] += other.count[class_]
            self.bytes[class_] += other.bytes[class_]
        self.errors += other.errors
        for mine, its in zip(self.latency, other.latency):
            mine.merge(its)

    def total(self):
        return sum(self.count)


class File:
    def __init__(self, key):
        self.key = key
        self.ops = {}		# op: Figures
        self.grid = Grid()
        self.sequence = Sequence()

    def figures(self):
        return together(self.ops.values())


def together(figures):
    whole = Figures()
    for one in figures:
        whole.merge(one)
    return whole


class Call:
    def __init__(self):
        self.count = 0
        self.errors = 0
        self.unfinished = 0
        self.time = Histogram()


class Trouble:
    """Requests that failed, were injured, came short or never ended, in one way."""

    def __init__(self):
        self.count = 0
        self.first = None	# the record with the smallest id


class Summary:
    def __init__(self, name, slowest):
        self.name = name
        self.start = None
        self.end = None
        self.columns = Columns()
        self.moments = depth.Moments()
        self.ops = set()	# their names
        self.files = {}
        self.calls = {}
        self.troubles = {}	# (kind, op, path, what)
        self.troubles_lost = 0
        self.phases = [[[0, 0] for phase in PHASES] for name in CLASSES]	# count, sum
        self.most_slow = slowest
        self.slow = []		# heap of (latency, -id, record)
        self.oldest = []	# heap of (-submitted, -id, record)
        self.reaped_by = {}
        self.inexact = 0
        self.requests = 0
        self.unfinished = 0
        self.unreaped = 0
        self.submit_first = None
        self.done_last = None
        self.pids = set()
        self.places = []	# heap of (id, ...)
        self.curves = None

    def record(self, record):
        """Raises ValueError for what cannot be."""
        type_ = record.get('type')
        if type_ == 'request':
            self.request(record)
        elif type_ == 'call':
            self.call(record)
        elif type_ == 'start':
            self.start = checked_start(record)
        elif type_ == 'end':
            self.end = record

    def request(self, record):
        times = records.times(record, records.TIMES)
        submitted, started, done, published, reaped = times
        if submitted is None:
            raise ValueError('a request without submitted_ns')
        id_ = records.whole(record, 'id', 0)
        op = records.string(record, 'op', '?')
        class_ = CLASS_OF.get(op, OTHER)
        result = records.whole(record, 'result')
        extent = records.whole(record, 'offset'), records.whole(record, 'length', 0)
        known = [time for time in times if time is not None]
        if min(known) < submitted:
            raise ValueError('a request that goes on before it is submitted')
        self.columns.reach(submitted, max(known))
        self.moments.add(submitted, started, done, reaped)
        self.requests += 1
        if self.requests % 65536 == 0:
            offsets.limit([file.grid for file in self.files.values()])
        if len(self.pids) < 1000:
            self.pids.add(record.get('pid') if type(record.get('pid')) is int else 0)
        file = self.file(record)
        figures = file.ops.get(op) or self.new_op(file, op)
        size = result if result is not None and result > 0 and class_ < 2 else 0
        figures.count[class_] += 1
        figures.bytes[class_] += size
        marks = self.troubles_of(record, class_, result, done, submitted, id_, extent[1])
        if ERROR in marks:
            figures.errors += 1
        self.place(extent, class_, submitted, id_, file, marks)
        if self.submit_first is None or submitted < self.submit_first:
            self.submit_first = submitted
        if done is None:
            self.unfinished += 1
            self.keep(self.oldest, -submitted, id_, record)
            return
        self.columns.finished(done, class_, size)
        if self.done_last is None or done > self.done_last:
            self.done_last = done
        self.keep(self.slow, done - submitted, id_, record)
        self.phase(times, class_)
        self.latency(figures, 0, submitted, done, class_, id_)
        if reaped is None:
            self.unreaped += 1
            return
        self.latency(figures, 1, submitted, reaped, class_, id_)
        by = records.string(record, 'reaped_by', 'unknown')
        if by not in self.reaped_by and len(self.reaped_by) >= 16:
            by = 'others'
        self.reaped_by[by] = self.reaped_by.get(by, 0) + 1
        self.inexact += record.get('reaped_exact') is False

    def latency(self, figures, metric, begin, end, class_, id_):
        time = end - begin
        bucket = bucket_of(time)
        figures.latency[metric].add(time, bucket)
        self.columns.latency(begin, class_, metric, time, bucket, id_)

    def phase(self, times, class_):
        before = times[0]
        for phase, time in zip(self.phases[class_], times[1:]):
            if time is not None and before is not None and time >= before:
                phase[0] += 1
                phase[1] += time - before
            before = time

    def new_op(self, file, op):
        if op not in self.ops:
            if len(self.ops) >= MOST_OPS:
                op = OTHER_OPS
            self.ops.add(op)
        return file.ops.setdefault(op, Figures())

    def file(self, record):
        path = record.get('path')
        if type(path) is not str:
            path = (None, 'fd %d' % records.whole(record, 'fd', -1))
        found = self.files.get(path)
        if found is None:
            if len(self.files) >= MOST_FILES:
                path = OTHER_FILES
            found = self.files.setdefault(path, File(path))
        return found

    def keep(self, heap, rank, id_, record):
        """The greatest by rank; of equal ones the earliest."""
        item = (rank, -id_, self.requests, record)
        if len(heap) < self.most_slow:
            heapq.heappush(heap, item)
        elif item > heap[0]:
            heapq.heapreplace(heap, item)

    def troubles_of(self, record, class_, result, done, submitted, id_, length):
        """The kinds of trouble of a request, noted; a list that is mostly empty."""
        kinds = ()
        fault = record.get('fault')
        if fault is not None:
            text = fault if type(fault) is str else json.dumps(fault, sort_keys=True)
            self.trouble('fault', text, record, submitted, id_)
            kinds = (FAULT,)
        if done is None:
            self.trouble('unfinished', None, record, submitted, id_)
        elif result is not None and result < 0:
            self.trouble('error', -result, record, submitted, id_)
            kinds += (ERROR,)
        elif class_ < 2 and result is not None and result < length:
            self.trouble('short', None, record, submitted, id_)
        return kinds

    def trouble(self, kind, what, record, submitted, id_):
        self.columns.mark(submitted, MARK[kind], id_)
        path = record.get('path')
        key = (kind, record.get('op'), path if type(path) is str else None, what)
        found = self.troubles.get(key)
        if found is None:
            if len(self.troubles) >= MOST_TROUBLES:
                self.troubles_lost += 1
                return
            found = self.troubles[key] = Trouble()
        found.count += 1
        if found.first is None or id_ < (records.whole(found.first, 'id', 0)):
            found.first = record

    def place(self, extent, class_, submitted, id_, file, marks):
        """Into the file's grid. Sequence wants the order of submission, which is that of ids;
        records come in the order of reaping, which is nearly the same."""
        offset, length = extent
        if class_ > WRITE or offset is None or offset < 0:
            return
        end = offset + max(length, 1)
        item = (id_, self.requests, offset, end, class_, file)
        if len(self.places) < REORDER:
            heapq.heappush(self.places, item)
        else:
            self.in_sequence(heapq.heappushpop(self.places, item))
        file.grid.add(submitted, offset, end - 1, READ if class_ == READ else WRITE)
        for mark in marks:
            file.grid.add(submitted, offset, end - 1, mark)

    @staticmethod
    def in_sequence(item):
        id_, count, begin, end, class_, file = item
        file.sequence.add(begin, end)

    def call(self, record):
        name = records.string(record, 'call', '?')
        entered, left = records.times(record, ('entered_ns', 'left_ns'))
        if entered is None:
            raise ValueError('a call without entered_ns')
        if name not in self.calls and len(self.calls) >= MOST_CALLS:
            name = OTHER_CALLS
        call = self.calls.setdefault(name, None) or Call()
        self.calls[name] = call
        call.count += 1
        result = records.whole(record, 'result')
        if result is not None and result < 0:
            call.errors += 1
        if left is None:
            call.unfinished += 1
            left = entered
        elif left < entered:
            raise ValueError('a call that ends before it begins')
        else:
            call.time.add(left - entered, bucket_of(left - entered))
        self.columns.reach(entered, left)

    def finish(self):
        """After the last record."""
        while self.places:
            self.in_sequence(heapq.heappop(self.places))
        self.curves = depth.curves(self.moments, self.columns)

    # what the page asks

    def by_op(self):
        """(name, Figures), most frequent first."""
        found = [(op, together(file.ops[op] for file in self.files.values() if op in file.ops))
                 for op in self.ops]
        return sorted(found, key=lambda item: (-item[1].total(), item[0]))

    def by_file(self):
        """(File, Figures), most frequent first."""
        found = [(file, file.figures()) for file in self.files.values()]
        return sorted(found, key=lambda item: (-item[1].total(), str(item[0].key)))

    def histograms(self):
        """For each metric one histogram of each class."""
        found = [[Histogram() for name in CLASSES] for name in METRICS]
        for op, figures in self.by_op():
            for metric, latency in enumerate(figures.latency):
                found[metric][CLASS_OF.get(op, OTHER)].merge(latency)
        return found

    def main_classes(self):
        """The classes of which headline figures speak: a poll waits for others, not for storage."""
        count = self.total().count
        main = [class_ for class_ in range(OTHER) if count[class_]]
        return main or [OTHER]

    def total(self):
        return together(figures for op, figures in self.by_op())

    def main_latency(self, metric):
        classes = self.histograms()[metric]
        whole = Histogram()
        for class_ in self.main_classes():
            whole.merge(classes[class_])
        return whole

    @staticmethod
    def class_name(op):
        return CLASSES[CLASS_OF.get(op, OTHER)]

    def marked(self, kind):
        """Requests with this kind of mark."""
        return sum(entry[0] for key, entry in self.columns.marks.items()
                   if key & 7 == MARK[kind])

    def busy_ns(self):
        """From the first submission to the last completion."""
        if self.done_last is None:
            return 0
        return self.done_last - self.submit_first


def checked_start(record):
    records.strings(record, 'command')
    for name in ('version', 'engine'):
        records.string(record, name)
    records.whole(record, 'realtime_offset_ns')
    if records.whole(record, 'format', FORMAT) != FORMAT:
        raise ValueError('format %d of traces is not known here' % record['format'])
    return record


def read(stream, name, slowest):
    """The summary of one trace."""
    summary = Summary(name, slowest)
    for number, record in records.lines(stream, name):
        try:
            summary.record(record)
        except ValueError as error:
            raise records.Broken('%s:%d: %s' % (name, number, error)) from None
    summary.finish()
    return summary
