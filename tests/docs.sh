# SPDX-License-Identifier: MIT
# Help, man page, README and completion tell of the same options, and the documents of the project
# hold together. If this breaks, users read of options that do not exist or miss some that do.
. "$srcdir/tests/lib.sh"

man=$top_builddir/man/aio-sandbox.1

# same NAME FILE FILE: two sorted lists
same()
{
	if cmp -s "$2" "$3"; then
		ok "$1"
	else
		not_ok "$1"
		diag "only in ${2##*/}:" "$(comm -23 "$2" "$3")"
		diag "only in ${3##*/}:" "$(comm -13 "$2" "$3")"
	fi
}

"$AIO_SANDBOX" --list-options | sed 's/=$//' | sort >"$tmp/list"
"$AIO_SANDBOX" --help >"$tmp/help.txt"
check 'there are options at all' test -s "$tmp/list"

sed -n 's/^  \(-[A-Za-z]\|  \)[, ] \(--[a-z-]*\).*/\1 \2/p' "$tmp/help.txt" |
	tr ' ' '\n' | grep . | sort >"$tmp/help"
same 'the table and --help agree' "$tmp/list" "$tmp/help"

# option headings: the line after .TP in OPTIONS
sed -n '/^\.SH OPTIONS/,/^\.SH "EXIT/p' "$man" | grep -A1 '^\.TP' | grep '^\.B' |
	sed 's/\\f[A-Z]/ /g; s/\\-/-/g' |
	grep -oE '(^| )-[A-Za-z]|--[a-z-]+' | tr -d ' ' | sort >"$tmp/man"
same 'the table and the man page agree' "$tmp/list" "$tmp/man"

# words that look like our options, in commands that run us
known_in()
{
	sed 's/\\-/-/g; s/\\f[A-Z]//g' "$1" |
		sed -n 's/.*aio-sandbox  *\(-.*\)/\1/p' | sed 's/[`'\'']/ /g' |
		awk '{ for (i = 1; i <= NF && $i ~ /^--?[A-Za-z]/; i++) {
			sub(/=.*/, "", $i); print $i
			if ($i == "-E" || $i == "-u") i++ } }' | sort -u |
		grep -vE '^-v+$' | comm -23 - "$tmp/list"
}
for text in "$man" "$srcdir/README.md" "$srcdir/HACKING.md"; do
	is "${text##*/} uses only options that exist" "$(known_in "$text")" ''
done

# defaults that are written twice
for default in 16 1048576 256M; do
	check "default $default stands in --help" grep -qw "$default" "$tmp/help.txt"
	check "default $default stands in the man page" grep -qw "$default" "$man"
done

check 'help fits 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' "$tmp/help.txt"

sections='NAME SYNOPSIS DESCRIPTION OPTIONS EXIT SIGNALS ENVIRONMENT SECURITY DIFFERENCES NOTES EXAMPLES SEE'
is 'the man page has its sections' \
	"$(sed -n 's/^\.SH "\{0,1\}\([A-Z]*\).*/\1/p' "$man" | tr '\n' ' ')" "$sections "

# every D of the ABI document and of the man page; tests/rules.sh wants a test for each
sed -n 's/^| {\(D[0-9]*\)} |.*/\1/p' "$srcdir/docs/aio-abi.md" | sort >"$tmp/abi-d"
sed -n 's/^\(D[0-9]*\), .*/\1/p' "$man" | sort >"$tmp/man-d"
check 'the ABI document lists differences' test -s "$tmp/abi-d"
same 'the man page explains every difference' "$tmp/abi-d" "$tmp/man-d"

# the other programs have help and man page of their own
report=$top_builddir/aio-sandbox-report
if [ -x "$report" ]; then
	"$report" --help >"$tmp/report.txt"
	grep -oE '(^  |, )--?[A-Za-z]+' "$tmp/report.txt" | tr -d ' ,' | sort >"$tmp/report-help"
	sed -n '/^\.SH OPTIONS/,/^\.SH "THE/p' "$top_builddir/man/aio-sandbox-report.1" |
		grep -A1 '^\.TP' | grep '^\.B' | sed 's/\\f[A-Z]/ /g; s/\\-/-/g' |
		grep -oE '(^| )-[A-Za-z]|--[a-z-]+' | tr -d ' ' | sort >"$tmp/report-man"
	check 'aio-sandbox-report has options' test -s "$tmp/report-help"
	same 'its help and its man page agree' "$tmp/report-help" "$tmp/report-man"
else
	skip 'aio-sandbox-report was not built: no Python'
fi

if have groff; then
	for page in "$top_builddir"/man/*.1; do
		groff -man -ww -z "$page" >"$tmp/groff" 2>&1 || echo failed >>"$tmp/groff"
		is "groff has no warnings of ${page##*/}" "$(cat "$tmp/groff")" ''
	done
else
	skip 'groff is not installed'
fi

# [text](path) inside the project
links=$(cd "$srcdir" && for f in ./*.md docs/*.md; do
	grep -oE '\]\([^)#:]+\)' "$f" | tr -d '])(' | while read -r to; do
		[ -e "$(dirname "$f")/$to" ] || echo "$f: $to"
	done
done)
is 'links lead to files' "$links" ''

if have bash; then
	bash -c '. "$1/completions/aio-sandbox"; COMP_WORDS=("$2" --eng); COMP_CWORD=1
		compopt() { :; }; _aio_sandbox "$2"; echo "${COMPREPLY[*]}"' - \
		"$srcdir" "$AIO_SANDBOX" >"$tmp/completed" 2>&1 || :
	is 'completion asks the program' "$(cat "$tmp/completed")" '--engine='
	[ ! -x "$report" ] || is 'that of aio-sandbox-report too' "$(bash -c '
		. "$1/completions/aio-sandbox-report"; COMP_WORDS=("$2" --sl); COMP_CWORD=1
		_aio_sandbox_report "$2"; echo "${COMPREPLY[*]}"' - "$srcdir" "$report" 2>&1)" '--slowest'
else
	skip 'bash is not installed'
fi

done_testing
