# SPDX-License-Identifier: MIT
"""png.py FILE COLOUR...: how many pixels of a screenshot have each colour (#rrggbb), a number a line.
The first may be `background`: prints the colour of the bottom left pixel."""

from collections import Counter
import struct
import sys
import zlib


def unfiltered(kind, line, above, step):
    if kind == 0:
        return line
    out = bytearray(line)
    for at, byte in enumerate(line):
        left = out[at - step] if at >= step else 0
        up = above[at]
        corner = above[at - step] if at >= step else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            near = left + up - corner
            guess = min((left, up, corner), key=lambda one: abs(near - one))
        out[at] = byte + guess & 255
    return bytes(out)


def rows(name):
    with open(name, 'rb') as stream:
        data = stream.read()
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    at, packed = 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        at += length + 12
        if kind == b'IHDR':
            width, height, depth, colour = struct.unpack('>IIBB', chunk[:10])
            assert depth == 8 and colour in (2, 6)
            step = 3 if colour == 2 else 4
        elif kind == b'IDAT':
            packed += chunk
    raw = zlib.decompress(packed)
    above = bytes(width * step)
    for row in range(height):
        begin = row * (width * step + 1)
        above = unfiltered(raw[begin], raw[begin + 1:begin + 1 + width * step], above, step)
        yield [above[at:at + 3] for at in range(0, len(above), step)]


def main(name, *wanted):
    counts = Counter()
    for row in rows(name):
        counts.update(row)
        corner = row[0]
    for colour in wanted:
        print('#' + corner.hex() if colour == 'background' else counts[bytes.fromhex(colour[1:])])


main(*sys.argv[1:])
