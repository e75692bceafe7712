# SPDX-License-Identifier: MIT
# For every script test: TAP output, a temporary directory of its own, small helpers.
# A script sources this, reports with ok/not_ok/is/check, and ends with done_testing.
set -eu

: "${srcdir:=.}"
: "${top_builddir:=$PWD}"
: "${AIO_SANDBOX:=$top_builddir/aio-sandbox}"

tap_n=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/aio-sandbox-test.XXXXXX")
cleanup() { :; }	# a script may define its own
trap 'tap_status=$?; cleanup; rm -rf "$tmp"; exit $tap_status' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

ok() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $*"; }
not_ok() { tap_n=$((tap_n + 1)); echo "not ok $tap_n - $*"; }
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n # SKIP $*"; }
skip_all() { echo "1..0 # SKIP $*"; exit 0; }
done_testing() { echo "1..$tap_n"; }

# Lines for the log; "# " keeps them out of the TAP stream.
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }
diag_file() { sed 's/^/# /' "$1"; }

# check NAME COMMAND...: passes if the command succeeds; its output is shown only if it does not
check()
{
	check_name=$1
	shift
	check_status=0
	"$@" >"$tmp/check.out" 2>&1 || check_status=$?
	if [ $check_status -eq 0 ]; then
		ok "$check_name"
	else
		not_ok "$check_name"
		diag "status $check_status: $*"
		diag_file "$tmp/check.out"
	fi
}

# is NAME GOT WANTED
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
	fi
}

# like NAME TEXT PATTERN: a shell pattern
like()
{
	# shellcheck disable=SC2254
	case $2 in
	$3) ok "$1" ;;
	*)
		not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
		;;
	esac
}

# run COMMAND...: sets $status, $out and $err, never fails
run()
{
	status=0
	"$@" >"$tmp/run.out" 2>"$tmp/run.err" || status=$?
	out=$(cat "$tmp/run.out")
	err=$(cat "$tmp/run.err")
}

# until_line PID FILE PATTERN: waits until FILE has such a line; fails if PID ends without. The test's limit is its own.
until_line()
{
	while [ -e "/proc/$1" ] && ! grep -qs "$3" "$2"; do :; done
	grep -qs "$3" "$2"
}

have() { command -v "$1" >/dev/null 2>&1; }
need() { for tool; do have "$tool" || skip_all "$tool is not installed"; done; }
need_root() { [ "$(id -u)" -eq 0 ] || skip_all "needs root"; }

# Requests in the kernel's own AIO contexts, of the whole host.
aio_nr() { cat /proc/sys/fs/aio-nr; }

# Whatever is started from here on can be told by nothing_left, wherever it was reparented to.
mark()
{
	AIO_SANDBOX_MARK=$tmp
	export AIO_SANDBOX_MARK
}

# The processes that bear the mark.
marked()
{
	(
		unset AIO_SANDBOX_MARK
		grep -lsaF "AIO_SANDBOX_MARK=$tmp" /proc/[0-9]*/environ | sed 's,[^0-9],,g'
	)
}

nothing_left() { is "nothing is left behind" "$(marked)" ""; }

# A directory whose file system does O_DIRECT (/tmp often does not), removed at the end.
disk_dir()
{
	mkdir -p "$tmp/none"
	disk=$(mktemp -d "$top_builddir/disk.XXXXXX")
	# shellcheck disable=SC2064
	trap "tap_status=\$?; cleanup; rm -rf '$tmp' '$disk'; exit \$tap_status" EXIT
}
