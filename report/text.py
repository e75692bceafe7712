# SPDX-License-Identifier: MIT
"""Text for people: units, error names, and strings that came from a program and may be anything."""

import errno
import html
import os
import re
import shlex

# control characters, what turns the direction of text or is not seen, and lone surrogates, among
# them bytes that are no UTF-8 (read by surrogateescape)
UNSHOWN = re.compile('[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f'
                     '\ud800-\udfff\ufeff\ufff9-\ufffb]')
# how a trace has a byte that is no UTF-8, see aio-sandbox-trace(5)
BYTE = re.compile('\ufffd([0-9a-f]{2})')
NAMED = {'\n': '\\n', '\t': '\\t', '\r': '\\r'}


def _escaped(match):
    char = match.group()
    code = ord(char)
    if char in NAMED:
        return NAMED[char]
    if 0xdc80 <= code <= 0xdcff:
        return '\\x%02x' % (code - 0xdc00)
    return '\\x%02x' % code if code < 256 else '\\u%04x' % code


def shown(text):
    """text with everything escaped that a reader would not see as it is."""
    return UNSHOWN.sub(_escaped, BYTE.sub(r'\\x\1', text))


def escaped(text):
    """The same for HTML, element or attribute."""
    return html.escape(shown(text))


def command_line(words):
    return ' '.join(shlex.quote(shown(word)) for word in words)


def _digits(value):
    """Three significant ones."""
    if value >= 99.95:
        return '%.0f' % value
    return '%.1f' % value if value >= 9.995 else '%.2f' % value


def duration(ns):
    if ns is None:
        return '–'
    for unit, size in (('s', 1e9), ('ms', 1e6), ('µs', 1e3)):
        if ns >= size * 0.9995:
            return _digits(ns / size) + '\u00a0' + unit
    return '%d\u00a0ns' % ns


def size(count):
    """Bytes, in powers of 1024."""
    if count is None:
        return '–'
    for unit, shift in (('TiB', 40), ('GiB', 30), ('MiB', 20), ('KiB', 10)):
        if count >= 1 << shift:
            value = count / (1 << shift)
            whole = value == int(value) and value < 1000
            return ('%d' % value if whole else _digits(value)) + '\u00a0' + unit
    return '%d\u00a0B' % count


def number(count):
    """An exact count, thousands apart."""
    return '–' if count is None else '{:,}'.format(count).replace(',', '\u202f')


def rate(per_second):
    if per_second is None:
        return '–'
    if per_second < 99.95:
        return _digits(per_second)
    return number(int(per_second + 0.5))


def percent(part, whole):
    if not whole:
        return '–'
    value = 100 * part / whole
    if value == 0 or value == 100:
        return '%d\u00a0%%' % value
    # what is there does not look like nothing, and what is not all does not look like all
    return ('&lt;1' if value < 1 else '&gt;99' if value > 99 else '%.0f' % value) + '\u00a0%'


def error_name(number_):
    return errno.errorcode.get(number_, 'error %d' % number_)


def error_text(number_):
    return os.strerror(number_) if number_ in errno.errorcode else ''
