# SPDX-License-Identifier: MIT
"""How many requests were in flight, queued and not yet reaped, at every moment.

A trace has its requests in the order in which they were reaped, the depth needs the order of time.
So the moments are sorted in runs that go to a temporary file, and the runs are merged: exact, with
the memory of one run, however long the trace is."""

from array import array
from bisect import bisect_right
import tempfile

RUN = 1 << 20		# moments
LEAST_BLOCK = 1 << 10	# of a run that is merged
SUBMITTED, STARTED, DONE, REAPED = range(4)
CURVES = ('flight', 'queued', 'unreaped', 'held')	# held: submitted, not yet reaped


class Moments:
    """Times with their kind, in any order; given back in order."""

    def __init__(self):
        self.pending = array('Q')
        self.runs = []
        self.spill = None

    def add(self, submitted, started, done, reaped):
        """None is what has not come; a request that was done was started."""
        append = self.pending.append
        append(submitted << 2 | SUBMITTED)
        if started is None:
            started = done
        if started is not None:
            append(started << 2 | STARTED)
        if done is not None:
            append(done << 2 | DONE)
            if reaped is not None:
                append(reaped << 2 | REAPED)
        if len(self.pending) >= RUN:
            self._end_run()

    def _end_run(self):
        if self.spill is None:
            self.spill = tempfile.TemporaryFile()
        run = array('Q', sorted(self.pending))
        self.runs.append((self.spill.tell(), len(run)))
        run.tofile(self.spill)
        self.pending = array('Q')

    def _blocks(self, begin, count, most):
        """A run from the file. The runs are read by turns, so each keeps its place."""
        while count:
            block = array('Q')
            self.spill.seek(begin)
            block.fromfile(self.spill, min(count, most))
            begin += len(block) * block.itemsize
            count -= len(block)
            yield block

    def sorted(self):
        """Lists of moments (time << 2 | kind); what is in one comes before what is in the next."""
        most = max(LEAST_BLOCK, RUN // (len(self.runs) + 1))	# all blocks together are a run
        sources = [self._blocks(begin, count, most) for begin, count in self.runs]
        sources.append(iter([sorted(self.pending)] if self.pending else []))
        heads = [[block, source] for source in sources for block in [next(source, None)] if block]
        while heads:
            limit = min(block[-1] for block, source in heads)
            found = []
            for head in heads:
                end = bisect_right(head[0], limit)
                found.extend(head[0][:end])
                head[0] = head[0][end:] or next(head[1], None)
            heads = [head for head in heads if head[0]]
            found.sort()
            yield found


class Curve:
    """One depth: its mean and its maximum in each column."""

    def __init__(self, columns):
        self.area = [0] * columns
        self.most = [0] * columns
        self.depth = 0
        self.since = None
        self.peak = 0

    def until(self, time, origin, shift):
        """The depth has been what it is up to this time."""
        if self.depth and time > self.since:
            column, last = (self.since >> shift) - origin, (time >> shift) - origin
            begin = self.since
            while column < last:
                end = column + origin + 1 << shift
                self.area[column] += (end - begin) * self.depth
                if self.depth > self.most[column]:
                    self.most[column] = self.depth
                begin = end
                column += 1
            self.area[column] += (time - begin) * self.depth
            if time > begin and self.depth > self.most[column]:
                self.most[column] = self.depth
        self.since = time

    def step(self, by, column):
        """A peak that lasts no time is one too."""
        self.depth += by
        if self.depth > self.most[column]:
            self.most[column] = self.depth
        if self.depth > self.peak:
            self.peak = self.depth


# kind of moment: (curve, step)
STEPS = {
    SUBMITTED: ((0, 1), (1, 1), (3, 1)),
    STARTED: ((1, -1),),
    DONE: ((0, -1), (2, 1)),
    REAPED: ((2, -1), (3, -1)),
}


def curves(moments, columns):
    """Depths in the columns of a trace, whose times must all have been reached."""
    count, shift = columns.count(), columns.shift
    found = [Curve(count) for name in CURVES]
    if not count:
        return found
    origin = columns.first >> shift
    for curve in found:
        curve.since = columns.first
    for block in moments.sorted():
        for moment in block:
            time = moment >> 2
            column = (time >> shift) - origin
            for which, by in STEPS[moment & 3]:
                curve = found[which]
                if time != curve.since:
                    curve.until(time, origin, shift)
                curve.step(by, column)
    for curve in found:
        curve.until(columns.last, origin, shift)
    return found


def data(found, columns):
    """For the page: hundredths of the mean, and the maximum, of each column."""
    table = {}
    origin = (columns.first or 0) >> columns.shift
    for name, curve in zip(CURVES, found):
        mean = []
        for column, area in enumerate(curve.area):
            begin = max(column + origin << columns.shift, columns.first)
            end = min(column + origin + 1 << columns.shift, columns.last)
            mean.append(round(100 * area / (end - begin)) if end > begin else 100 * curve.most[column])
        table[name] = {'mean': mean, 'max': curve.most}
    return table
