# SPDX-License-Identifier: MIT
# A million requests: the page is made in bounded memory and opens in less than five seconds.
# If this breaks, traces of real runs have no report.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/report/browser.sh"

number=1000000
disk_dir
python3 "$here/generate.py" $number >"$disk/trace.json"
cat >"$tmp/measure.py" <<'EOF'
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(int(used.ru_utime + used.ru_stime), used.ru_maxrss // 1024)
sys.exit(status)
EOF
# seconds and MiB
measured=$(python3 "$tmp/measure.py" "$report" -o "$tmp/page.html" "$disk/trace.json")
diag "made in ${measured% *} s of CPU and ${measured#* } MiB; $(wc -c <"$tmp/page.html") bytes"
check 'in two minutes of CPU at most' [ "${measured% *}" -lt 120 ]
check 'with 300 MiB at most' [ "${measured#* }" -lt 300 ]
check 'a page of 12 MB at most' [ "$(wc -c <"$tmp/page.html")" -lt 12000000 ]
check 'that has all of them' grep -q '<dt>Requests</dt><dd>1.000.000</dd>' "$tmp/page.html"

best=99999
for try in 1 2 3; do
	browse --dump-dom "file://$tmp/page.html" ||
		skip_all "chromium does not run here: $(tail -n 1 "$tmp/browser.err")"
	ready=$(attribute ready)
	diag "try $try: drawn after ${ready:-never} ms"
	[ "${ready:-99999}" -ge "$best" ] || best=$ready
done
check 'it opens in less than 5 seconds' [ "$best" -lt 5000 ]
like 'with all charts' "$(attribute charts)" 'latency heat histogram percentiles rate depth offsets*'
is 'and an empty console' "$(console)" ''

done_testing
