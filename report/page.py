# SPDX-License-Identifier: MIT
"""Joins summaries, style and script into one HTML file that needs nothing else."""

import base64
import hashlib
import json
import os
import pkgutil
import re
from string import Template

from . import depth, tables, text
from .columns import CLASSES, METRICS

MOST_CHARTS = 12	# files with a chart of offsets
NO_FILE = re.compile(r'[a-z_]+:\[')	# pipes and sockets have no offsets
SCRIPTS = ('scales.js', 'plot.js', 'charts.js', 'still.js', 'page.js')


def asset(name):
    return pkgutil.get_data(__package__, name).decode()


def file_name(key):
    return text.shown(key if type(key) is str else key[1])


def histograms(summary):
    """1/64 octave wide, where the tables have 1/512."""
    table = {}
    for metric, classes in zip(METRICS, summary.histograms()):
        for name, histogram in zip(CLASSES, classes):
            if not histogram.count:
                continue
            wide = {}
            for bucket, count in histogram.buckets.items():
                wide[bucket >> 3] = wide.get(bucket >> 3, 0) + count
            flat = [value for item in sorted(wide.items()) for value in item]
            table.setdefault(metric, {})[name] = {
                'min': histogram.min, 'max': histogram.max, 'count': histogram.count, 'cells': flat}
    return table


def drawn_files(summary):
    """{name: File} of the most used files that were read or written at some offset."""
    drawn = {}
    for file, figures in summary.by_file():
        if not file.grid.cells or NO_FILE.match(str(file.key)) or len(drawn) == MOST_CHARTS:
            continue
        name = file_name(file.key)
        while name in drawn:	# two names may look the same
            name += "'"
        drawn[name] = file
    return drawn


def trace_data(summary, label):
    columns = summary.columns
    origin = columns.first or 0
    data = columns.data()
    data.update({
        'label': text.shown(label),
        'span': (columns.last or 0) - origin,
        'columns': {'begin': (origin >> columns.shift << columns.shift) - origin,
                    'width': 1 << columns.shift, 'count': columns.count()},
        'histograms': histograms(summary),
        'depth': depth.data(summary.curves, columns),
        'files': {name: file.grid.data(origin) for name, file in drawn_files(summary).items()},
        'main': [CLASSES[class_] for class_ in summary.main_classes()],
    })
    return data


def script_json(value):
    """JSON that cannot end its script element."""
    plain = json.dumps(value, separators=(',', ':'))
    return plain.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e')


def figure(kind, title, trace, summary='', **data):
    """A chart; the script draws it. summary says in words what is most important in it."""
    extra = ''.join(' data-%s="%s"' % (name, text.escaped(value)) for name, value in data.items())
    return ('<figure data-chart="%s" data-trace="%s"%s><figcaption><strong>%s</strong> '
            '<span>%s</span><em class="scale"></em></figcaption>'
            '<div class="plot"><canvas tabindex="0" role="img" aria-label="%s"></canvas></div>'
            '<div class="legend"></div></figure>' % (
                kind, trace, extra, text.escaped(title), summary, text.escaped(title)))


def pair(blocks):
    return '<div class="pair">%s</div>' % ''.join(
        block if block.startswith('<figure') else '<div class="side">%s</div>' % block
        for block in blocks)


def offset_charts(summaries):
    """One row for each file, the same file of two traces side by side."""
    drawn = [drawn_files(summary) for summary in summaries]
    names = list(dict.fromkeys(name for files in drawn for name in files))
    rows = []
    for name in names:
        blocks = []
        for trace, files in enumerate(drawn):
            if name not in files:
                blocks.append('<p class="absent">%s: not among the most used files of this trace</p>'
                              % text.escaped(name))
                continue
            sequence = files[name].sequence
            words = 'in sequence %s of %s' % (
                text.percent(sequence.sequential, sequence.count), text.number(sequence.count))
            blocks.append(figure('offsets', name, trace, words, file=name))
        rows.append(pair(blocks))
    left = max(sum(1 for file in summary.files.values()
                   if file.grid.cells and not NO_FILE.match(str(file.key)))
               for summary in summaries) - MOST_CHARTS
    if left > 0:
        rows.append('<p class="note">%s more files have figures below, but no chart.</p>' % left)
    return ''.join(rows) or '<p class="note">No request has an offset.</p>'


def charts(kind, title, summaries, words):
    return pair(figure(kind, title, trace, words(summary))
                for trace, summary in enumerate(summaries))


def label_of(which, label):
    return '<h3 class="label"><b class="tag tag%d">%s</b> %s</h3>' % (
        which, 'AB'[which], text.escaped(label))


def sections(summaries, labels):
    heads = ''
    if len(summaries) > 1:
        heads = pair([label_of(*item) for item in enumerate(labels)])

    def each(make):
        """A table is too wide to stand beside another."""
        if len(summaries) == 1:
            return make(summaries[0])
        return ''.join(label_of(which, label) + make(summary)
                       for which, (label, summary) in enumerate(zip(labels, summaries)))

    def plain(summary):
        return ''

    return {
        'label_row': heads,
        'overview': tables.overview(summaries, labels),
        'latency': charts('latency', 'Latency over time', summaries, tables.latency_words),
        'heat': charts('heat', 'Heat map of latency', summaries, plain),
        'histogram': charts('histogram', 'Distribution', summaries, plain),
        'percentiles': figure('percentiles', 'Percentiles', 0),
        'rate': charts('rate', 'Throughput', summaries, plain),
        'depth': charts('depth', 'Depth', summaries, tables.depth_words),
        'offsets': offset_charts(summaries),
        'slowest': each(tables.slowest),
        'troubles': each(tables.troubles),
        'ops': each(tables.ops),
        'files': each(tables.files),
        'phases': each(tables.phases),
        'calls': each(tables.calls),
    }


def hash_of(script):
    digest = hashlib.sha256(script.encode()).digest()
    return "'sha256-%s'" % base64.b64encode(digest).decode()


def build(summaries, labels, title, version):
    """The page as text."""
    script = '(function () {\n\'use strict\';\n%s})();\n' % ''.join(
        asset(name) for name in SCRIPTS)
    data = [trace_data(summary, label) for summary, label in zip(summaries, labels)]
    values = sections(summaries, labels)
    values.update({
        'title': text.escaped(title),
        'style': asset('page.css'),
        'script': script,
        'script_hash': hash_of(script),
        'data': script_json({'traces': data}),
        'count': str(len(summaries)),
        'version': text.escaped(version),
    })
    return Template(asset('page.html')).substitute(values)


def default_labels(names):
    """Base names, or the names themselves where these are equal."""
    short = [os.path.basename(name) or name for name in names]
    return short if len(set(short)) == len(short) else list(names)
