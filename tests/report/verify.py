# SPDX-License-Identifier: MIT
"""verify.py PAGE TRACE...: what the page says must be what a plain, slow reading of the traces says.

Prints what differs; exit status 1 if something does."""

import json
import sys

from parse import Page, count, nanoseconds

CLASS = {'pread': 'read', 'preadv': 'read', 'pwrite': 'write', 'pwritev': 'write', 'fsync': 'sync',
         'fdsync': 'sync'}
wrong = []


def same(what, got, wanted):
    if got != wanted:
        wrong.append('%s: got %r, wanted %r' % (what, got, wanted))


def near(what, got, wanted, part):
    if abs(got - wanted) > part * wanted:
        wrong.append('%s: got %r, wanted %r' % (what, got, wanted))


class Plain:
    """A trace, all of it in memory."""

    def __init__(self, name):
        with open(name, encoding='utf-8') as stream:
            records = [json.loads(line) for line in stream]
        self.requests = [one for one in records if one['type'] == 'request']
        self.calls = [one for one in records if one['type'] == 'call']
        times = [value for one in self.requests + self.calls for key, value in one.items()
                 if key in ('submitted_ns', 'reaped_ns', 'done_ns', 'started_ns', 'published_ns',
                            'entered_ns', 'left_ns') and value is not None]
        self.begin, self.end = min(times), max(times)

    def latencies(self, to, wanted=lambda one: CLASS.get(one['op'])):
        return sorted(one[to] - one['submitted_ns'] for one in self.requests
                      if one[to] is not None and wanted(one))

    def depth(self, since, until):
        """The greatest number of requests between two of their times."""
        moments = []
        for one in self.requests:
            if one[since] is not None:
                moments.append((one[since], 0, 1))
                if one[until] is not None:
                    moments.append((one[until], 1, -1))
        depth = most = 0
        for time, order, step in sorted(moments):
            depth += step
            most = max(most, depth)
        return most

    def area(self):
        """Sum of the times in flight."""
        return sum((self.end if one['done_ns'] is None else one['done_ns']) - one['submitted_ns']
                   for one in self.requests)


def rank(values, percent):
    return values[max(1, -int(-percent * len(values) // 100)) - 1]


def kinds(one):
    found = []
    if one['fault'] is not None:
        found.append('fault')
    if one['done_ns'] is None:
        found.append('unfinished')
    elif one['result'] < 0:
        found.append('error')
    elif CLASS.get(one['op']) in ('read', 'write') and one['result'] < one['length']:
        found.append('short')
    return found


def check_data(trace, plain):
    for metric, to in (('done', 'done_ns'), ('reap', 'reaped_ns')):
        for name in ('read', 'write', 'sync'):
            values = plain.latencies(to, lambda one: CLASS.get(one['op']) == name)
            table = trace['latency'].get(metric, {}).get(name, {'cells': [], 'max': []})
            histogram = trace['histograms'].get(metric, {}).get(name)
            what = '%s %s' % (metric, name)
            same('%s in cells' % what, sum(table['cells'][2::3]), len(values))
            if values:
                same('%s, slowest of all columns' % what, max(table['max'][1::3]), values[-1])
                same('%s in histogram' % what, sum(histogram['cells'][1::2]), len(values))
                same('%s extremes' % what, (histogram['min'], histogram['max']),
                     (values[0], values[-1]))
    columns = trace['columns']
    check_maxima(trace, plain, columns)
    for kind in ('error', 'fault', 'unfinished', 'short'):
        found = [one for one in plain.requests if kind in kinds(one)]
        same('%s marks' % kind, sum(mark[2] for mark in trace['marks'] if mark[1] == kind), len(found))
        ids = {one['id'] for one in found}
        same('%s marks name such requests' % kind,
             [mark for mark in trace['marks'] if mark[1] == kind and mark[3] not in ids], [])
    done = [one for one in plain.requests if one['done_ns'] is not None]
    same('rates', sum(sum(flat[1::3]) for flat in trace['rate'].values()), len(done))
    same('bytes', sum(sum(flat[2::3]) for flat in trace['rate'].values()),
         sum(max(0, one['result']) for one in done if CLASS.get(one['op']) in ('read', 'write')))
    depth = trace['depth']
    for name, since, until in (('flight', 'submitted_ns', 'done_ns'),
                               ('queued', 'submitted_ns', 'started_ns'),
                               ('unreaped', 'done_ns', 'reaped_ns'),
                               ('held', 'submitted_ns', 'reaped_ns')):
        near('%s, most' % name, max(depth[name]['max']), plain.depth(since, until), 0)
    seconds = columns['width'] / 100
    near('mean depth', sum(depth['flight']['mean']) * seconds, plain.area(), 0.02)
    check_offsets(trace, plain)


def check_maxima(trace, plain, columns):
    """The slowest of each column, by its own id."""
    latency = {one['id']: (one['submitted_ns'] - plain.begin, one['done_ns'] - one['submitted_ns'])
               for one in plain.requests if one['done_ns'] is not None}
    for table in trace['latency']['done'].values():
        column = 0
        for step, ns, id_ in zip(*[iter(table['max'])] * 3):
            column += step
            submitted, wanted = latency[id_]
            same('slowest request of column %d' % column,
                 (ns, (submitted - columns['begin']) // columns['width']), (wanted, column))


def check_offsets(trace, plain):
    for path in {one['path'] for one in plain.requests}:
        found = [one for one in plain.requests
                 if one['path'] == path and CLASS.get(one['op']) in ('read', 'write')]
        grid = trace['files'].get(path)
        if not found or grid is None:
            continue
        counts = [0] * 4
        cells = set()
        at = 0
        for step, place, kind, number in zip(*[iter(grid['cells'])] * 4):
            at += step
            counts[kind] += number
            cells.add((at, place, kind))
        same('%s: reads, writes, errors, faults' % path, counts,
             [sum(CLASS[one['op']] == name for one in found) for name in ('read', 'write')] +
             [sum(kind in kinds(one) for one in found) for kind in ('error', 'fault')])
        for one in found:
            cell = ((one['submitted_ns'] - plain.begin - grid['begin']) // grid['width'],
                    (one['offset'] - grid['low']) // grid['height'],
                    0 if CLASS[one['op']] == 'read' else 1)
            if cell not in cells:
                wrong.append('%s: request %d is in no cell' % (path, one['id']))
                break


def check_latency_cells(what, cells, values):
    for percent, text in zip((50, 90, 99, 99.9, 100), cells):
        # three digits, and 0.1 %
        near('%s p%g' % (what, percent), nanoseconds(text), rank(values, percent), 0.0065)


def check_tables(page, plain, suffix):
    rows = {}
    name = None
    for row in page.tables['By operation' + suffix][1:]:
        if len(row) > 8:
            name, row = row[0], row[1:]
            rows[name, 'count'] = [count(text) for text in row[:2]]
            row = row[3:]
        rows[name, row[0]] = row[1:]
    for op in {one['op'] for one in plain.requests}:
        found = [one for one in plain.requests if one['op'] == op]
        same('%s: count, errors' % op, rows[op, 'count'],
             [len(found), sum('error' in kinds(one) for one in found)])
        for words, to in (('to done', 'done_ns'), ('to reap', 'reaped_ns')):
            values = plain.latencies(to, lambda one: one['op'] == op)
            check_latency_cells('%s %s' % (op, words), rows[op, words], values)
    listed = page.tables['Unfinished and slowest requests' + suffix][1:]
    done = sorted((one for one in plain.requests if one['done_ns'] is not None),
                  key=lambda one: (one['submitted_ns'] - one['done_ns'], one['id']))
    unfinished = sorted((one for one in plain.requests if one['done_ns'] is None),
                        key=lambda one: (one['submitted_ns'], one['id']))
    same('slowest', [row[0] for row in listed],
         [str(one['id']) for one in unfinished[:25] + done[:25]])
    troubles = page.tables.get('Errors, faults, unfinished and short requests' + suffix, [])[1:]
    for kind, words in (('error', 'error'), ('fault', 'injected fault'),
                        ('unfinished', 'unfinished'), ('short', 'short result')):
        same('table of %s' % kind, sum(count(row[2]) for row in troubles if row[0] == words),
             sum(kind in kinds(one) for one in plain.requests))
    calls = {row[0]: row for row in page.tables['System calls, time in the call' + suffix][1:]}
    for call in {one['call'] for one in plain.calls}:
        same('calls', count(calls[call][1]), sum(one['call'] == call for one in plain.calls))
    check_sequence(page, plain, suffix)


def check_sequence(page, plain, suffix):
    """Of files with one stream only, in order of ids."""
    for row in page.tables['By file, submit → done' + suffix][1:]:
        found = sorted((one for one in plain.requests
                        if one['path'] == row[0] and CLASS.get(one['op']) in ('read', 'write')),
                       key=lambda one: one['id'])
        if not found:
            same('%s: in sequence' % row[0], row[6], '–')
            continue
        after = sum(one['offset'] == before['offset'] + before['length']
                    for before, one in zip(found, found[1:]))
        part = 100 * after / len(found)
        words = '<1' if 0 < part < 1 else '>99' if 99 < part < 100 else '%.0f' % part
        if after in (0, len(found)) or 'table' not in row[0]:
            same('%s: in sequence' % row[0], row[6].split()[0], words)


def main(name, *traces):
    page = Page(name)
    plain = [Plain(trace) for trace in traces]
    same('traces', len(page.data['traces']), len(plain))
    for which, (trace, one) in enumerate(zip(page.data['traces'], plain)):
        check_data(trace, one)
        check_tables(page, one, ' 2' if which else '')
    if len(plain) == 1:
        rows = [page.tables[name] for name in page.tables if name.startswith('Latency of all')][0]
        for row, to in zip(rows[1:], ('done_ns', 'reaped_ns')):
            check_latency_cells(row[0], row[1:], plain[0].latencies(to))
    else:
        rows = {row[0]: row for row in page.tables['Counts'][1:]}
        same('Requests', [count(text) for text in rows['Requests'][1:3]],
             [len(one.requests) for one in plain])
    print('\n'.join(wrong))
    sys.exit(bool(wrong))


main(*sys.argv[1:])
