# SPDX-License-Identifier: MIT
"""The parts of the page that are words and tables: they are there without a script too."""

import time

from . import records, text
from .columns import CLASSES
from .summary import PHASES

PERCENTS = (50, 90, 99, 99.9)
PERCENT_NAMES = ('p50', 'p90', 'p99', 'p99.9')
LATENCY_HEADS = [(name, False) for name in PERCENT_NAMES + ('max', 'mean')]
MOST_ROWS = 50		# of files; the rest is summed up


def cell(content, kind=''):
    return '<td%s>%s</td>' % (' class="%s"' % kind if kind else '', content)


def table(caption, heads, rows, empty):
    """heads: (title, is text). Rows are lists of finished cells; the first is the row's name."""
    if not rows:
        return '<p class="note">%s</p>' % empty
    head = ''.join('<th scope="col"%s>%s</th>' % (' class="t"' if is_text else '', title)
                   for title, is_text in heads)
    return ('<div class="wide" tabindex="0" role="region" aria-label="%s"><table>'
            '<caption>%s</caption><thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>' % (
                caption, caption, head, ''.join('<tr>%s</tr>' % ''.join(row) for row in rows)))


def per_second(count, ns):
    return count * 1e9 / ns if ns else None


class Figure:
    """One figure of the head: its name, its text and the number behind it. `better` is the sign of
    a change for the better."""

    def __init__(self, name, shown, value=None, better=0):
        self.name, self.shown, self.value, self.better = name, shown, value, better


def count_figures(summary):
    total = summary.total()
    busy = summary.busy_ns()
    finished = per_second(summary.requests - summary.unfinished, busy)
    speed = per_second(total.bytes[0] + total.bytes[1], busy)
    flight, held = summary.curves[0].peak, summary.curves[3].peak
    return [
        Figure('Requests', text.number(summary.requests), summary.requests),
        Figure('Errors', text.number(summary.marked('error')), summary.marked('error'), -1),
        Figure('Injected faults', text.number(summary.marked('fault'))),
        Figure('Unfinished', text.number(summary.unfinished), summary.unfinished, -1),
        Figure('Requests/s', text.rate(finished), finished, 1),
        Figure('Throughput', '–' if speed is None else text.size(int(speed)) + '/s', speed, 1),
        Figure('Most in flight', text.number(flight), flight),
        Figure('Most not reaped', text.number(held), held),
    ]


def latency_figures(summary):
    found = []
    for metric, name in enumerate(('submit → done', 'submit → reap')):
        histogram = summary.main_latency(metric)
        values = histogram.percentiles(PERCENTS) + [histogram.max]
        for label, value in zip(PERCENT_NAMES + ('max',), values):
            found.append(Figure('%s, %s' % (name, label), text.duration(value), value, -1))
    return found


def main_latencies(summary):
    rows = [['<th scope="row">%s</th>' % name] + latency_cells(summary.main_latency(metric))
            for metric, name in enumerate(('submit → done', 'submit → reap'))]
    names = [CLASSES[class_] + 's' for class_ in summary.main_classes()]
    what = 'polls and no-ops' if names == ['others'] else \
        ' and '.join([', '.join(names[:-1]), names[-1]] if names[1:] else names)
    return table('Latency of all %s' % what, [('', True)] + LATENCY_HEADS, rows, '')


def change(before, after):
    """Of a figure, in words and a class for its colour."""
    one, two = before.value, after.value
    if one is None or not one and not two or two is None:
        return cell('–')
    if not one:
        return cell('from none', 'bad' if before.better < 0 else '')
    ratio = two / one
    words = '%+.1f\u00a0%%' % (100 * (ratio - 1)) if ratio < 3 else '× %.1f' % ratio
    kind = ''
    if before.better and abs(ratio - 1) >= 0.02:
        kind = 'good' if (ratio > 1) == (before.better > 0) else 'bad'
    return cell(words.replace('-', '−'), kind)


def overview(summaries, labels):
    notes = ''.join(facts(summary, which, labels) for which, summary in enumerate(summaries))
    if len(summaries) == 1:
        tiles = ''.join('<div class="tile%s"><dt>%s</dt><dd>%s</dd></div>' % (
            ' alarm' if one.name in ('Errors', 'Unfinished') and one.value else '',
            one.name, one.shown) for one in count_figures(summaries[0]))
        return notes + '<dl class="tiles">%s</dl>%s' % (tiles, main_latencies(summaries[0]))
    heads = [('', True)] + [('<b class="tag tag%d" title="%s">%s</b>' % (
        which, text.escaped(label), 'AB'[which]), False) for which, label in enumerate(labels)]
    tables = ''.join('<div>%s</div>' % compared(
        caption, heads, [make(summary) for summary in summaries])
        for caption, make in (('Counts', count_figures), ('Latency', latency_figures)))
    return '<div class="pair">%s</div><div class="pair">%s</div>' % (notes, tables)


def compared(caption, heads, figures):
    rows = [['<th scope="row">%s</th>' % one.name, cell(one.shown), cell(two.shown),
             change(one, two)] for one, two in zip(*figures)]
    return table(caption, heads + [('A to B', False)], rows, '')


def begin_of(summary):
    """UTC of the first time, if the trace has the clock's offset."""
    offset = records.whole(summary.start or {}, 'realtime_offset_ns')
    if offset is None or summary.columns.first is None:
        return None
    try:
        return time.strftime('%Y-%m-%d %H:%M:%S UTC',
                             time.gmtime((offset + summary.columns.first) // 10**9))
    except (OverflowError, OSError, ValueError):
        return None


MOST_WORDS = 240	# characters of a command line that are always seen


def program(command):
    line = text.command_line(command) if command else 'unknown program'
    if len(line) <= MOST_WORDS:
        return text.escaped(line)
    return '<details><summary>%s…</summary>%s</details>' % (
        text.escaped(line[:MOST_WORDS]), text.escaped(line))


def facts(summary, which, labels):
    """Program, engine, time, and what is to be known about the trace itself."""
    start = summary.start or {}
    pieces = []
    command = start.get('command')
    name = '<b class="tag tag%d">%s</b> ' % (which, 'AB'[which]) if len(labels) > 1 else ''
    head = '<h2 class="program">%s<code>%s</code></h2>' % (name, program(command))
    pieces.append('trace <b>%s</b>' % text.escaped(labels[which]))
    for key in ('engine', 'seed', 'version'):
        if start.get(key) is not None:
            pieces.append('%s <b>%s</b>' % (key, text.escaped(str(start[key]))))
    if begin_of(summary):
        pieces.append('begin <b>%s</b>' % begin_of(summary))
    columns = summary.columns
    if columns.first is not None:
        pieces.append('duration <b>%s</b>' % text.duration(columns.last - columns.first))
        pieces.append('processes <b>%s</b>' % len(summary.pids))
    by = sorted(summary.reaped_by.items(), key=lambda item: -item[1])
    if by:
        pieces.append('reaped by %s' % ', '.join('<b>%s</b> %s' % (
            text.escaped(one), text.percent(count, sum(summary.reaped_by.values())))
            for one, count in by))
    warnings = ''.join('<li>%s</li>' % note for note in notes_of(summary))
    return '<div class="facts">%s<p>%s</p>%s</div>' % (
        head, ' · '.join(pieces), '<ul class="notes">%s</ul>' % warnings if warnings else '')


def notes_of(summary):
    if summary.start is None:
        yield 'The trace has no start record: program and engine are not known.'
    if summary.end is None:
        yield ('The trace has no end record: its writer was killed. What was in flight then is '
               'missing.')
    else:
        yield from missing(summary)
    if not summary.requests:
        yield 'There is no request in it.'
    if summary.inexact:
        yield ('%s requests were reaped by the program itself: their times of reaping are upper '
               'bounds.' % text.number(summary.inexact))
    if summary.unreaped:
        yield '%s requests were done but never reaped.' % text.number(summary.unreaped)
    main = summary.main_classes()
    if summary.requests and main[0] != len(CLASSES) - 1 and summary.total().count[-1]:
        yield ('Polls and no-ops (%s) are not part of the latencies here: they wait for others, '
               'not for storage.' % text.number(summary.total().count[-1]))


def missing(summary):
    """What the end record knows of and the trace has not."""
    counts = summary.end.get('counts')
    counts = counts if type(counts) is dict else {}
    whole, unknown = counts.get('requests'), counts.get('unknown')
    if type(whole) is int and whole > summary.requests:
        yield 'The trace was filtered: it has %s of %s requests.' % (
            text.number(summary.requests), text.number(whole))
    if type(unknown) is int and unknown > 0:
        yield '%s requests have no record: there was no memory for it.' % text.number(unknown)


def latency_words(summary):
    histogram = summary.main_latency(0)
    if not histogram.count:
        return 'No request finished.'
    p50, p99 = histogram.percentiles((50, 99))
    return 'p50 %s, p99 %s, slowest %s' % (
        text.duration(p50), text.duration(p99), text.duration(histogram.max))


def depth_words(summary):
    return 'at most %s in flight, %s not yet reaped' % (
        text.number(summary.curves[0].peak), text.number(summary.curves[3].peak))


def latency_cells(histogram):
    values = histogram.percentiles(PERCENTS) + [histogram.max]
    mean = histogram.mean()
    return [cell(text.duration(value)) for value in values] + [
        cell(text.duration(None if mean is None else int(mean)))]


def error_cell(count):
    return cell(text.number(count), 'bad' if count else 'zero')


def ops(summary):
    rows = []
    for op, figures in summary.by_op():
        for which, histogram in enumerate(figures.latency):
            moved = figures.bytes[0] + figures.bytes[1]
            head = [
                '<th scope="row" rowspan="2"><i class="dot %s"></i>%s</th>' % (
                    summary.class_name(op), text.escaped(op)),
                '<td rowspan="2">%s</td>' % text.number(figures.total()),
                '<td rowspan="2"%s>%s</td>' % (
                    ' class="bad"' if figures.errors else ' class="zero"',
                    text.number(figures.errors)),
                '<td rowspan="2">%s</td>' % (text.size(moved) if moved else '–')]
            rows.append((head if which == 0 else []) + [
                cell('to reap' if which else 'to done', 't')] + latency_cells(histogram))
    return table('By operation', [('op', True), ('requests', False), ('errors', False),
                                  ('data', False), ('submit', True)] + LATENCY_HEADS, rows,
                 'No operations.')


def files(summary):
    rows = []
    found = summary.by_file()
    for file, figures in found[:MOST_ROWS]:
        sequence = file.sequence
        name = file.key if type(file.key) is str else file.key[1]
        count = figures.count
        rows.append([
            '<th scope="row" class="path">%s</th>' % text.escaped(name),
            cell(text.number(figures.total())),
            cell(' / '.join(text.number(one) for one in count[:3])),
            error_cell(figures.errors),
            cell(text.size(figures.bytes[0])), cell(text.size(figures.bytes[1])),
            cell(text.percent(sequence.sequential, sequence.count))] +
            latency_cells(figures.latency[0])[:5])
    more = len(found) - MOST_ROWS
    note = '<p class="note">%s more files are not listed.</p>' % text.number(more)
    return table('By file, submit → done', [
        ('file', True), ('requests', False), ('reads / writes / syncs', False), ('errors', False),
        ('read', False), ('written', False), ('in sequence', False)] + LATENCY_HEADS[:5], rows,
                 'No files.') + (note if more > 0 else '')


def calls(summary):
    rows = []
    for name, call in sorted(summary.calls.items(), key=lambda item: -item[1].count):
        rows.append(['<th scope="row">%s</th>' % text.escaped(name), cell(text.number(call.count)),
                     error_cell(call.errors), cell(text.number(call.unfinished)),
                     cell(text.duration(call.time.sum))] + latency_cells(call.time))
    return table('System calls, time in the call', [
        ('call', True), ('calls', False), ('errors', False), ('not returned', False),
        ('in total', False)] + LATENCY_HEADS, rows, 'The trace has no calls.')


PHASE_NAMES = ('queued', 'in the engine', 'publishing', 'waiting to be reaped')


def bar(parts):
    """Phases of a request or of many, as shares of a line; its words are in the title too."""
    whole = sum(ns for ns in parts if ns) or 1
    words = ', '.join('%s %s' % (name, text.duration(int(ns)))
                      for name, ns in zip(PHASE_NAMES, parts) if ns is not None)
    spans = ''.join('<i class="phase%d" style="width:%.2f%%"></i>' % (which, 100 * ns / whole)
                    for which, ns in enumerate(parts) if ns)
    return '<span class="bar" role="img" aria-label="%s" title="%s">%s</span>' % (
        words, words, spans)


PHASE_LEGEND = '<p class="legend">%s</p>' % ' '.join(
    '<span><i class="phase%d"></i>%s</span>' % item for item in enumerate(PHASE_NAMES))


def phases(summary):
    rows = []
    for name, parts in zip(CLASSES, summary.phases):
        if not any(count for count, total in parts):
            continue
        means = [total / count if count else None for count, total in parts]
        rows.append(['<th scope="row"><i class="dot %s"></i>%s</th>' % (name, name)] + [
            cell(text.duration(None if mean is None else int(mean))) for mean in means] + [
            cell(bar(means), 't')])
    return table('Where the time goes, means', [('', True)] + [
        (name, False) for name in PHASE_NAMES] + [('', True)], rows, 'No request finished.') + (
            PHASE_LEGEND if rows else '')


def where(record, summary):
    """File, offset and length of a request."""
    path = record.get('path')
    name = path if type(path) is str else 'fd %s' % record.get('fd')
    return cell(text.escaped(name), 'path'), cell(text.number(record.get('offset'))), cell(
        text.size(record.get('length')))


def at(summary, record):
    return '%.6f' % ((record['submitted_ns'] - summary.columns.first) / 1e9)


def result_cell(record):
    result = record.get('result')
    if result is None:
        return cell('none', 'bad')
    if result < 0:
        return cell(text.error_name(-result), 'bad')
    return cell(text.number(result))


def fault_cell(record):
    fault = record.get('fault')
    return cell('' if fault is None else text.escaped(str(fault)), 't fault')


def who(record):
    words = [str(record[name]) for name in ('comm', 'tid') if record.get(name) is not None]
    return cell(text.escaped(' '.join(words)), 't')


def phases_of(record, last):
    """The phase in which a request was at the end has lasted until then."""
    parts = []
    for begin, end in PHASES:
        since, until = record.get(begin), record.get(end)
        if since is None:
            parts.append(None)
        elif until is None:
            parts.append(last - since if record.get('done_ns') is None else None)
            break
        else:
            parts.append(max(0, until - since))
    return parts


def slow_row(summary, record):
    submitted = record['submitted_ns']
    done, reaped = record.get('done_ns'), record.get('reaped_ns')
    parts = phases_of(record, summary.columns.last)
    age = '≥\u00a0' + text.duration(summary.columns.last - submitted)
    return ['<th scope="row">%s</th>' % record.get('id', '–'),
            cell(text.escaped(record.get('op', '?')), 't'), *where(record, summary),
            cell(at(summary, record)),
            cell(age if done is None else text.duration(done - submitted), 'strong'),
            cell(bar(parts), 't'),
            cell('–' if reaped is None else text.duration(reaped - submitted)),
            result_cell(record), fault_cell(record), who(record)]


def slowest(summary):
    ranked = sorted(summary.oldest, reverse=True) + sorted(summary.slow, reverse=True)
    rows = [slow_row(summary, item[-1]) for item in ranked]
    return table('Unfinished and slowest requests', [
        ('id', True), ('op', True), ('file', True), ('offset', False), ('length', False),
        ('at, s', False), ('to done', False), ('phases', True), ('to reap', False),
        ('result', False), ('fault', True), ('thread', True)], rows, 'No requests.') + (
            PHASE_LEGEND if rows else '')


KIND_NAMES = {'error': 'error', 'fault': 'injected fault', 'unfinished': 'unfinished',
              'short': 'short result'}


def troubles(summary):
    rows = []
    ranked = sorted(summary.troubles.items(),
                    key=lambda item: (list(KIND_NAMES).index(item[0][0]), -item[1].count,
                                      item[1].first.get('id', 0)))
    for (kind, op, path, what), trouble in ranked:
        words = ''
        if kind == 'error':
            words = '<b>%s</b> %s' % (text.error_name(what), text.escaped(text.error_text(what)))
        elif kind == 'fault':
            words = text.escaped(what)
        first = trouble.first
        name, offset, length = where(first, summary)
        rows.append(['<th scope="row" class="kind-%s">%s</th>' % (kind, KIND_NAMES[kind]),
                     cell(words, 't'), cell(text.number(trouble.count)),
                     cell(text.escaped(op or '?'), 't'), name, cell(str(first.get('id', '–'))),
                     cell(at(summary, first)), offset, length, result_cell(first)])
    lost = '<p class="note">%s more such requests of other kinds are not listed.</p>' % (
        text.number(summary.troubles_lost)) if summary.troubles_lost else ''
    return table('Errors, faults, unfinished and short requests', [
        ('', True), ('what', True), ('requests', False), ('op', True), ('file', True),
        ('first id', False), ('at, s', False), ('offset', False), ('length', False),
        ('result', False)], rows, 'None.') + lost
