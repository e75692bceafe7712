# SPDX-License-Identifier: MIT
"""hostile.py: a trace whose strings want to be markup, script, or more than a line.
hostile.py PAGE: fails if they are something else than text in its page."""

import json
import sys

from parse import Page

# a byte that is no UTF-8 comes as U+FFFD with two digits; no writer should make lone surrogates
PATHS = (
    '/a/</script><script>document.documentElement.dataset.pwned=1</script>',
    '/a/"><img src=x onerror="document.documentElement.dataset.pwned=1">',
    "/a/'onmouseover='x", '/a/<!--', '/a/<!--<script>', '/a/]]>', '/a/&lt;b&gt;&amp;',
    '/a/line\nbreak\r\n\ttab', '/a/\x00\x1b[31m\x7f\x9b', '/a/\udc80\udcff', '/a/\ud800', '/a/\ufffdfe\ufffd9c', '/a/\u202ecod.exe',
    '/a/$title ${data} $$', '/a/\u2028\u2029', '__proto__', 'constructor', '', '/a/' + 'long' * 1000,
    '/a/\U0001f4be \u00e9', '/a/\\n', "/a/`${alert(1)}`", '/a/{{x}}%s%(x)s')
PER_PATH = 5


def trace():
    command = ['</title><script>x</script>', '--file=\n"', "it's", '\udcfe']
    yield {'type': 'start', 'version': '</b>', 'command': command, 'engine': '<i>uring</i>',
           'seed': '<s>', 'realtime_offset_ns': -2**62}
    for id_ in range(len(PATHS) * PER_PATH):
        path = PATHS[id_ % len(PATHS)]
        yield {'type': 'request', 'id': id_, 'key': path, 'pid': 1, 'tid': 1, 'comm': path[:15],
               'ctx': 1, 'op': path[:20] if id_ % 7 == 0 else 'pread', 'fd': 3, 'path': path,
               'offset': 2**63 - 4096 if id_ % 5 == 0 else id_ * 512, 'length': 512,
               'flags': [path], 'direct': True, 'result': -5 if id_ % 3 == 0 else 512,
               'submitted_ns': 1000 + id_, 'started_ns': 1001 + id_, 'done_ns': 5000 + 7 * id_,
               'published_ns': 6000 + 7 * id_, 'reaped_ns': 7000 + 7 * id_, 'reaped_by': path[:40],
               'reaped_exact': True, 'fault': path if id_ % 2 else {path: [path]}}
    yield {'type': 'call', 'call': '</td></table>', 'entered_ns': 1, 'left_ns': 2, 'result': 0}
    yield {'type': 'end', 'requests': '</script>'}


def check(name):
    page = Page(name)
    harmless = {'html', 'head', 'meta', 'link', 'title', 'style', 'body', 'header', 'nav', 'a', 'div',
                'span', 'button', 'main', 'h1', 'h2', 'h3', 'noscript', 'p', 'section', 'b', 'code',
                'dl', 'dt', 'dd', 'figure', 'figcaption', 'strong', 'em', 'canvas', 'table', 'caption',
                'thead', 'tbody', 'tr', 'th', 'td', 'i', 'footer', 'script', 'ul', 'li', 'kbd'}
    assert set(page.tags) <= harmless, set(page.tags) - harmless
    assert page.tags.count('script') == 2, page.tags.count('script')
    assert page.source.lower().count('</script') == 2
    assert page.tags.count('title') == 1
    assert not [one for one in page.attributes if one[1].startswith('on')]
    assert all(32 <= ord(char) or char in '\n\t' for char in page.source)
    assert not any('\ud800' <= char <= '\udfff' or char in '\u202e\u2028' for char in page.source)
    for wanted in (PATHS[0], PATHS[1], '/a/line\\nbreak', '/a/\\x80\\xff', '/a/\\xfe\\x9c', '/a/\\u202ecod.exe',
                   '/a/$title ${data} $$', '/a/&lt;b&gt;&amp;'):
        assert wanted in page.text, wanted
    rows = page.tables['By file, submit → done'][1:]
    assert len(rows) == len(PATHS), len(rows)
    assert sum(int(row[1]) for row in rows) == len(PATHS) * PER_PATH
    assert sorted(page.data['traces'][0]['files']) == sorted(set(page.data['traces'][0]['files']))


if len(sys.argv) > 1:
    check(sys.argv[1])
else:
    for record in trace():
        print(json.dumps(record))
