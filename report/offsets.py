# SPDX-License-Identifier: MIT
"""Which file was accessed where and when, and whether in sequence.

Each file has a grid of time and offset whose cells are as small as their number allows: single
moments and bytes while there are few, merged when there are more than MOST. A cell that has an
error or a fault tells, however large it has become."""

MOST = 40000
FEWEST = 8192	# a grid of so few is not folded further
ALL = 10 * MOST		# cells of all files together
STREAMS = 16	# places of one file that are read or written in sequence at the same time
KINDS = ('read', 'write', 'error', 'fault')
READ, WRITE, ERROR, FAULT = range(4)


class Grid:
    def __init__(self):
        self.time_shift = 0
        self.place_shift = 0
        self.cells = {}		# (time, place, kind): count
        self.first_place = None
        self.last_place = None	# where the last byte is

    def add(self, time, begin, end, kind):
        if self.first_place is None:
            self.first_place, self.last_place = begin, end
        elif begin < self.first_place:
            self.first_place = begin
        if end > self.last_place:
            self.last_place = end
        key = (time >> self.time_shift, begin >> self.place_shift, kind)
        self.cells[key] = self.cells.get(key, 0) + 1
        if len(self.cells) > MOST:
            self._merge()

    def _spans(self):
        times = [key[0] for key in self.cells]
        places = [key[1] for key in self.cells]
        return max(times) - min(times) + 1, max(places) - min(places) + 1

    def _merge(self):
        """Halves the finer side, where a chart is three times as wide as high."""
        times, places = self._spans()
        self._fold((times >> 13).bit_length(), (places >> 12).bit_length())
        while len(self.cells) > MOST // 2:
            times, places = self._spans()
            if times * places <= FEWEST:
                break
            self.halve()

    def halve(self):
        """Fewer cells, since others need the memory."""
        times, places = self._spans()
        wide = times >= 3 * places or places == 1
        self._fold(*((1, 0) if wide else (0, 1)))

    def _fold(self, time_by, place_by):
        cells = {}
        for (time, place, kind), count in self.cells.items():
            key = (time >> time_by, place >> place_by, kind)
            cells[key] = cells.get(key, 0) + count
        self.cells = cells
        self.time_shift += time_by
        self.place_shift += place_by

    def data(self, origin):
        """For the page: times from origin on, in cells by time, told by the distance from the one
        before; places in cells from the lowest."""
        low = min((key[1] for key in self.cells), default=0)
        before = origin >> self.time_shift
        flat = []
        for (time, place, kind), count in sorted(self.cells.items()):
            flat.extend((time - before, place - low, kind, count))
            before = time
        return {
            'begin': (origin >> self.time_shift << self.time_shift) - origin,
            'width': 1 << self.time_shift,
            'low': low << self.place_shift,
            'height': 1 << self.place_shift,
            'first': self.first_place,
            'last': self.last_place,
            'cells': flat,
        }


def limit(grids):
    """Keeps all grids together at ALL cells; for now and then, not for each request."""
    while sum(len(grid.cells) for grid in grids) > ALL:
        max(grids, key=lambda grid: len(grid.cells)).halve()


class Sequence:
    """How many requests begin where an earlier one has ended, of up to STREAMS streams."""

    def __init__(self):
        self.ends = {}
        self.count = 0
        self.sequential = 0

    def add(self, begin, end):
        self.count += 1
        if begin in self.ends:
            del self.ends[begin]
            self.sequential += 1
        self.ends[end] = None
        if len(self.ends) > STREAMS:
            del self.ends[next(iter(self.ends))]
