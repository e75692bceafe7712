# SPDX-License-Identifier: MIT
# Pages of aio-sandbox-report in a browser: they draw all their charts, complain of nothing, in light
# and dark. If this breaks, people see an empty page.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/report/browser.sh"

python3 "$here/generate.py" 4000 >"$tmp/a.json"
python3 "$here/generate.py" 2500 2 fast calm >"$tmp/b.json"
python3 "$here/hostile.py" >"$tmp/hostile.json"
: >"$tmp/empty.json"
"$report" -o "$tmp/one.html" "$tmp/a.json"
"$report" -o "$tmp/two.html" "$tmp/a.json" "$tmp/b.json"
"$report" -o "$tmp/hostile.html" "$tmp/hostile.json"
"$report" -o "$tmp/empty.html" "$tmp/empty.json"

browse --dump-dom "file://$tmp/one.html" || skip_all "chromium does not run here: $(tail -n 1 "$tmp/browser.err")"

# opens NAME CHARTS: the page was drawn, with these charts, without a complaint
opens()
{
	is "$1: all charts are drawn" "$(attribute charts)" "$2"
	is "$1: the console is empty" "$(console)" ''
	diag "$1: drawn after $(attribute ready) ms"
}
load='rate depth offsets offsets offsets'
opens 'one trace' "latency heat histogram percentiles $load"
check 'a chart says in words what it shows' \
	grep -q 'aria-label="Latency over time p50 [^"]*slowest[^"]*requests on average"' "$tmp/browser.out"
check 'and what its marks are' grep -q 'injected faults</span>' "$tmp/browser.out"

browse --dump-dom "file://$tmp/two.html"
twice='latency latency heat heat histogram histogram percentiles rate rate depth depth'
opens 'two traces' "$twice offsets offsets offsets offsets offsets offsets"

browse --dump-dom "file://$tmp/empty.html"
opens 'no request' 'latency heat histogram percentiles rate depth'

browse --dump-dom "file://$tmp/hostile.html"
like 'hostile strings: charts are drawn' "$(attribute charts)" 'latency*offsets'
is 'hostile strings: the console is empty' "$(console)" ''
is 'hostile strings: nothing of them ran' "$(attribute pwned)" ''

# the same page with a script that the policy does not know
sed 's,</body>,<script>document.documentElement.dataset.pwned = 1</script></body>,' \
	"$tmp/one.html" >"$tmp/policy.html"
browse --dump-dom "file://$tmp/policy.html"
is 'another script in the page would not run' "$(attribute charts):$(attribute pwned)" \
	"latency heat histogram percentiles $load:"

# used PAGE: the page with interact.js in it
used()
{
	{
		sed '/Content-Security-Policy/d; s,</body>,<script>,; /<\/html>/d' "$1"
		cat "$here/interact.js"
		echo '</script></body></html>'
	} >"$tmp/used.html"
	browse --dump-dom --virtual-time-budget=20000 "file://$tmp/used.html"
}
all='latency quiet heat histogram percentiles rate depth offsets zoomed reset read keys whole classes'
for page in one two; do
	used "$tmp/$page.html"
	is "$page: pointer, keys and buttons work" "$(attribute found)" "$all none buttons"
	is "$page: without a complaint" "$(console)" ''
done

# colour NAME NUMBER: the Nth value of a variable of the style; light is the first, dark the second
colour() { sed -n "s/.*--$1: \(#[0-9a-f]*\).*/\1/p" "$srcdir/report/page.css" | sed -n "$2p"; }

# looks THEME NUMBER OPTIONS...: the screenshot has the background and the colours of the theme
looks()
{
	theme=$1 which=$2
	shift 2
	browse --window-size=1200,2600 --screenshot="$tmp/$theme.png" "$@" "file://$tmp/one.html"
	python3 "$here/png.py" "$tmp/$theme.png" background "$(colour read "$which")" \
		"$(colour write "$which")" "$(colour p50 "$which")" "$(colour error "$which")" \
		"$(colour fault "$which")" "$(colour heat0 "$which")" >"$tmp/pixels"
	is "$theme: background" "$(sed -n 1p "$tmp/pixels")" "$(colour bg "$which")"
	check "$theme: bars, lines, errors, faults and heat have their colours" awk '
		NR > 1 && $1 < 100 { print "number " NR " has only " $1; bad = 1 }
		END { exit bad || NR != 7 }' "$tmp/pixels"
}
looks light 1
looks dark 2 --force-dark-mode

done_testing
