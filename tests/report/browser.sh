# SPDX-License-Identifier: MIT
# For tests of pages in headless Chromium; sourced after lib.sh.

report=$top_builddir/aio-sandbox-report
here=$srcdir/tests/report
[ -x "$report" ] || skip_all 'aio-sandbox-report was not built: configure found no Python 3.7 or later'
need python3 chromium
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

# browse OPTIONS... FILE: chromium's output is in $tmp/browser.out, what it and the page complain
# of in $tmp/browser.err
browse()
{
	rm -rf "$tmp/profile"
	# as root it has no sandbox of its own; the page is ours
	chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--hide-scrollbars --user-data-dir="$tmp/profile" --enable-logging=stderr "$@" \
		>"$tmp/browser.out" 2>"$tmp/browser.err"
}

# what the page itself wrote to the console
console() { grep CONSOLE "$tmp/browser.err" || :; }

# attribute NAME of the dumped page's first element
attribute() { sed -n "s/^<html.* data-$1=\"\([^\"]*\)\".*/\1/p" "$tmp/browser.out" | head -n 1; }
