# SPDX-License-Identifier: MIT
"""Makes the program of the files: pack.py VERSION OUTPUT FILE...

One executable file that needs only Python 3: a zip archive with the package in it, always the same
bytes for the same input."""

import os
import sys
import zipfile

MAIN = 'import sys\nfrom report.cli import main\nsys.exit(main())\n'


def main(version, output, *names):
    files = {'report/' + os.path.basename(name): open(name, 'rb').read() for name in names}
    files['report/version.py'] = ('VERSION = %r\n' % version).encode()
    files['__main__.py'] = MAIN.encode()
    new = output + '.new'
    with open(new, 'wb') as stream:
        stream.write(b'#!/usr/bin/env python3\n')
        with zipfile.ZipFile(stream, 'a', zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(files):
                archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    os.chmod(new, 0o777 & ~os.umask(0o22))
    os.replace(new, output)


main(*sys.argv[1:])
