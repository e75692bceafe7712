# SPDX-License-Identifier: MIT
"""Reads a trace: JSON Lines, see aio-sandbox-trace(5). Types and fields that are not known here are
for others; what is known must be of its kind, else the line is broken."""

import json


class Broken(Exception):
    """A trace that cannot be read; the text names file and line."""


LATEST = 1 << 63
TIMES = ('submitted_ns', 'started_ns', 'done_ns', 'published_ns', 'reaped_ns')


def _no_constant(name):
    raise ValueError('%s is no JSON' % name)


def lines(stream, name):
    """(line number, object) of each line."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    number = 0
    for number, line in enumerate(stream, 1):
        try:
            record, end = decoder.raw_decode(line)
            if line[end:] not in ('\n', ''):
                record = decoder.decode(line)
        except RecursionError:
            raise Broken('%s:%d: nested too deeply' % (name, number)) from None
        except ValueError as error:
            raise Broken('%s:%d: not JSON: %s' % (name, number, reason(error))) from None
        if type(record) is not dict:
            raise Broken('%s:%d: not a JSON object' % (name, number))
        yield number, record


def reason(error):
    if isinstance(error, json.JSONDecodeError):
        return '%s (column %d)' % (error.msg, error.colno)
    return str(error)


def times(record, names):
    """The times of these names, None where not reached."""
    found = [record.get(name) for name in names]
    for time in found:
        if time is not None and (type(time) is not int or not 0 <= time < LATEST):
            wrong = names[found.index(time)]
            raise ValueError('%s is no time in nanoseconds' % wrong)
    return found


def whole(record, name, default=None):
    """An integer, or the default if it is missing or null."""
    value = record.get(name)
    if value is None:
        return default
    if type(value) is not int or not -LATEST <= value < 2 * LATEST:
        raise ValueError('%s is no integer' % name)
    return value


def string(record, name, default=''):
    value = record.get(name)
    if value is None:
        return default
    if type(value) is not str:
        raise ValueError('%s is no string' % name)
    return value


def strings(record, name):
    value = record.get(name)
    if value is None:
        return []
    if type(value) is not list or any(type(word) is not str for word in value):
        raise ValueError('%s is no list of strings' % name)
    return value
