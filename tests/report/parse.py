# SPDX-License-Identifier: MIT
"""Reads a page of aio-sandbox-report: its data and its tables as a browser would see them."""

from html.parser import HTMLParser
import json


class Page(HTMLParser):
    """tables: caption: list of rows, of lists of texts; a second table of a caption is "caption 2"."""

    def __init__(self, name):
        super().__init__()
        self.tables = {}
        self.tags = []
        self.attributes = []	# (tag, name, value)
        self.text = ''
        self.stack = []
        self.rows = None
        self.caption = ''
        self.raw = {'data': '', 'script': ''}
        with open(name, encoding='utf-8') as stream:
            self.source = stream.read()
        self.feed(self.source)
        self.close()
        self.data = json.loads(self.raw['data'])

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag == 'script':
            self.stack = ['data' if dict(attrs).get('id') == 'data' else 'script']
        elif tag == 'table':
            self.rows, self.caption = [], ''
        elif tag == 'tr':
            self.rows.append([])
        elif tag in ('td', 'th'):
            self.rows[-1].append('')
        elif tag == 'caption':
            self.stack = ['caption']

    def handle_endtag(self, tag):
        if tag in ('script', 'caption'):
            self.stack = []
        if tag == 'table':
            name, count = self.caption, 2
            while name in self.tables:
                name, count = '%s %d' % (self.caption, count), count + 1
            self.tables[name] = self.rows
            self.rows = None

    def handle_data(self, data):
        where = self.stack[-1] if self.stack else None
        if where in self.raw:
            self.raw[where] += data
            return
        self.text += data
        if where == 'caption':
            self.caption += data
        elif self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


UNITS = {'ns': 1, 'µs': 1e3, 'ms': 1e6, 's': 1e9}


def nanoseconds(text):
    value, unit = text.replace('≥', '').split()
    return float(value) * UNITS[unit]


def count(text):
    return int(text.replace('\u202f', ''))
