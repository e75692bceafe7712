#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a trace of N requests as aio-sandbox would: generate.py N [SEED] [fast] [calm] >TRACE

A process that reads and writes three files, one at random, one from end to end, one log with
fdatasync; latencies of a device with a cache and a tail, a stall in the middle; errors, injected
faults, short and unfinished requests unless `calm`."""

import heapq
import json
import random
import sys

OFFSET = 1_700_000_000_000_000_000
BEGIN = 86_400_000_000_000
FILES = ((7, '/srv/db/table.ibd', 8 << 30), (8, '/srv/db/scan.ibd', 4 << 30),
         (9, '/srv/db/redo.log', 256 << 20))


class Program:
    def __init__(self, count, seed, fast, calm):
        self.random = random.Random(seed)
        self.count = count
        self.speed = 0.45 if fast else 1.0
        self.calm = calm
        self.depth = 32
        self.now = BEGIN
        self.ends = [0, 0, 0]
        self.flying = []	# heap of (reaped, id, record)
        self.counts = {'requests': 0, 'calls': 0}

    def latency(self, kind):
        rand = self.random
        if kind == 2:
            base = rand.lognormvariate(13.4, 0.5)
        elif kind == 1:
            base = rand.lognormvariate(10.3, 0.25)
        else:
            base = rand.lognormvariate(10.6, 0.2) if rand.random() < 0.3 else \
                rand.lognormvariate(11.6, 0.35)
        if rand.random() < 0.002:
            base *= rand.uniform(5, 60)
        if 0.55 < self.counts['requests'] / self.count < 0.552 and not self.calm:
            base += rand.uniform(2e6, 9e6)
        return int(base * self.speed)

    def target(self):
        """(file, op, offset, length)"""
        draw = self.random.random()
        if draw < 0.7:
            length = 16384
            offset = self.random.randrange(FILES[0][2] // length) * length
            return 0, 'pread' if self.random.random() < 0.7 else 'pwrite', offset, length
        which, length = (1, 131072) if draw < 0.9 else (2, 8192)
        if which == 2 and self.random.random() < 0.1:
            return 2, 'fdsync', 0, 0
        offset = self.ends[which]
        self.ends[which] = (offset + length) % FILES[which][2]
        return which, 'preadv' if which == 1 else 'pwrite', offset, length

    def request(self, id_):
        rand = self.random
        which, op, offset, length = self.target()
        kind = 2 if op == 'fdsync' else 1 if op == 'pwrite' else 0
        started = self.now + rand.randrange(2000, 9000)
        done = started + self.latency(kind)
        published = done + rand.randrange(300, 2500)
        reaped = published + int(rand.expovariate(1 / 15000))
        record = {
            'type': 'request', 'id': id_, 'key': 'db:1 %s table @%d+%d #0' % (op, offset, length),
            'pid': 4711, 'tid': 4711 + id_ % 4, 'comm': 'ib_io_rd-%d' % (id_ % 4), 'ctx': 1 + id_ % 2,
            'op': op, 'fd': FILES[which][0], 'path': FILES[which][1], 'offset': offset,
            'length': length, 'flags': 'RWF_DSYNC' if which == 2 and length else '', 'direct': which < 2,
            'result': length, 'submitted_ns': self.now, 'started_ns': started, 'done_ns': done,
            'published_ns': published, 'reaped_ns': reaped, 'reaped_by': 'getevents',
            'reaped_exact': True, 'fault': None}
        if not self.calm:
            self.spoil(record)
        return record

    def spoil(self, record):
        # some of each also in a short trace
        draw = self.random.random() / max(1, 20000 / self.count)
        if draw < 0.0004:
            record['result'] = -5
        elif draw < 0.0006:
            record.update(result=-5, fault='eio:when=7')
        elif draw < 0.0008:
            record.update(fault='delay=5ms')
            for name in ('done_ns', 'published_ns', 'reaped_ns'):
                record[name] += 5_000_000
        elif draw < 0.0010 and record['length'] > 512:
            record['result'] = 512
        elif draw < 0.0012:
            record.update(reaped_by='self', reaped_exact=False)

    def write(self, record):
        self.counts[record['type'] + 's'] += 1
        print(json.dumps(record, separators=(',', ':')))

    def call(self, name, entered, took, ids):
        self.write({
            'type': 'call', 'pid': 4711, 'tid': 4711, 'call': name, 'ctx': 1, 'nr': 8,
            'min_nr': None, 'timeout_ns': None, 'result': len(ids), 'entered_ns': entered,
            'left_ns': entered + took, 'door': 'trap', 'requests': ids})

    def run(self):
        print(json.dumps({
            'type': 'start', 'format': 1, 'version': '0.1.0', 'command': ['db', '--name', 'bench one'],
            'engine': 'uring', 'seed': None, 'started_ns': BEGIN, 'realtime_offset_ns': OFFSET}))
        id_ = 0
        while id_ < self.count:
            while len(self.flying) >= self.depth:
                reaped, gone, record = heapq.heappop(self.flying)
                self.now = max(self.now, reaped)
                self.write(record)
            batch = min(8, self.count - id_, self.depth - len(self.flying) or 1)
            entered = self.now
            for id_ in range(id_ + 1, id_ + batch + 1):
                self.now += 600
                record = self.request(id_)
                heapq.heappush(self.flying, (record['reaped_ns'], id_, record))
            self.call('io_submit', entered, self.now - entered + 900,
                      list(range(id_ - batch + 1, id_ + 1)))
        for reaped, gone, record in sorted(self.flying)[:-3 if not self.calm else None]:
            self.write(record)
        if not self.calm:
            for reaped, gone, record in sorted(self.flying)[-3:]:
                for name in ('done_ns', 'published_ns', 'reaped_ns', 'reaped_by', 'reaped_exact',
                             'result'):
                    record[name] = None
                self.write(record)
        unfinished = 0 if self.calm else 3
        print(json.dumps({'type': 'end', 'ended_ns': self.now, 'counts': dict(
            self.counts, reaped=self.count - unfinished, unreaped=0, unfinished=unfinished,
            unknown=0)}))


def main(words):
    numbers = [int(word) for word in words if word.isdigit()]
    count, seed = (numbers + [1])[:2]
    Program(count, seed, 'fast' in words, 'calm' in words).run()


main(sys.argv[1:])
