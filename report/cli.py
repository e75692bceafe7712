# SPDX-License-Identifier: MIT
"""The command line: one or two traces in, one page out."""

import argparse
import gc
import sys

from . import page, records, summary, text
from .version import VERSION

NAME = 'aio-sandbox-report'


def parser():
    parse = argparse.ArgumentParser(
        prog=NAME, usage='%(prog)s [OPTIONS] TRACE [TRACE2] >report.html', add_help=False,
        allow_abbrev=False,
        description='Makes one HTML page of one or two traces that aio-sandbox has written as JSON.')
    option = parse.add_argument
    parse.add_argument('traces', nargs='*', metavar='TRACE', help=argparse.SUPPRESS)
    option('-l', '--label', action='append', default=[], metavar='TEXT',
           help='name of a trace in the page; once for each (the name of its file)')
    option('-n', '--slowest', type=count, default=25, metavar='N',
           help='how many slowest requests are listed (25)')
    option('-o', '--output', metavar='FILE', help='write the page there, not to the standard output')
    option('-t', '--title', metavar='TEXT', help='title of the page (the program)')
    option('-h', '--help', action='help', help='print this')
    option('-V', '--version', action='version', version='%s %s' % (NAME, VERSION),
           help='print the version')
    return parse


def count(word):
    if not word.isdecimal() or not 1 <= int(word) <= 10000:
        raise argparse.ArgumentTypeError('%r is no number from 1 to 10000' % word)
    return int(word)


def read(name, slowest):
    if name == '-':
        stream = open(sys.stdin.fileno(), encoding='utf-8', errors='surrogateescape', closefd=False)
        return summary.read(stream, 'standard input', slowest)
    with open(name, encoding='utf-8', errors='surrogateescape') as stream:
        return summary.read(stream, name, slowest)


def title_of(summaries):
    commands = [text.command_line((one.start or {}).get('command') or ['unknown program'])
                for one in summaries]
    return ' and '.join(dict.fromkeys(commands))


def write(name, content):
    with open(sys.stdout.fileno() if name is None else name, 'wb',
              closefd=name is not None) as stream:
        stream.write(content.encode('utf-8'))


def make(options):
    labels = page.default_labels(options.traces)
    labels[:len(options.label)] = options.label
    summaries = [read(name, options.slowest) for name in options.traces]
    title = options.title or title_of(summaries)
    write(options.output, page.build(summaries, labels, title, '%s %s' % (NAME, VERSION)))


def fail(words):
    sys.stderr.write('%s: %s\n' % (NAME, text.shown(words)))
    return 1


def main():
    parse = parser()
    options = parse.parse_args()
    if not 1 <= len(options.traces) <= 2:
        parse.error('one trace or two are needed')
    if len(options.label) > len(options.traces):
        parse.error('more labels than traces')
    if options.traces.count('-') > 1:
        parse.error('the standard input can be read once')
    if options.output is None and sys.stdout.isatty():
        parse.error('the page would go to the terminal: redirect it or use -o FILE')
    gc.disable()	# nothing here has cycles
    try:
        make(options)
    except records.Broken as error:
        return fail(str(error))
    except OSError as error:
        where = error.filename if error.filename is not None else 'cannot write'
        return fail('%s: %s' % (where, error.strerror))
    except KeyboardInterrupt:
        return 130
    return 0
