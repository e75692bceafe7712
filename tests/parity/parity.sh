#!/bin/sh
# SPDX-License-Identifier: MIT
# parity.sh NAME: runs victim_NAME natively and in the sandbox, compares tag by tag what it saw.
#
# NAME.expect	what it prints on the kernel that docs/aio-abi.md describes. Its tags must all be
#		there natively; its values stand in for the native run only where no native AIO
#		can be had (fs.aio-max-nr is 0).
# differences	the deliberate differences: victim, tag, D number, the sandboxed value, and the option
#		without which there is none
#
# AIO_SANDBOX is the program to test, AIO_SANDBOX_FLAGS its options, e.g. --engine=threads.
# The counters: the supervisor must have seen every call and every accepted request. A call that
# ended with EINTR may have been broken off before it was received (design.md 4), so these count
# as seen or not. /proc/sys/fs/aio-nr must not move; all parity tests of a machine take turns, as
# the kernel has only one such number (aio_nr.sh). A context of some other program that comes or
# goes during the run is told from one of ours by running again. Other sandboxes do not take turns:
# the host context of a supervisor, which lives as long as its program, has 1024 requests
# (HOSTAIO_POLLS, ENGINE_LIBAIO_DEPTH), and multiples of that do not count.
#
# A native run that was as expected counts for half an hour: the other modes of `make check` compare
# with the same one.
set -eu

name=$1
here=$(cd "$(dirname "$0")" && pwd)
victim=$(cd "${VICTIM_DIR:-tests/parity}" && pwd)/victim_$name
sandbox=${AIO_SANDBOX:-./aio-sandbox}
case $sandbox in
*/*) sandbox=$(cd "$(dirname "$sandbox")" && pwd)/${sandbox##*/} ;;
esac
. "$here/../aio_nr.sh"

dir=$(mktemp -d "${TMPDIR:-$PWD}/parity.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$dir/native" "$dir/sandboxed"

# Only these file systems do O_DIRECT asynchronously and by the alignment rules of section 8.4.
if [ "$name" = direct ] || [ "$name" = inotify ]; then
	fs=$(stat -f -c %T "$dir")
	case $fs in
	ext2/ext3 | xfs) ;;
	*) echo "1..0 # SKIP $fs has other O_DIRECT rules than ext4 and xfs"; exit 0 ;;
	esac
fi

if [ "$name" = int80 ] && ! "$victim" probe 2>/dev/null; then
	echo "1..0 # SKIP this kernel takes no int 0x80 (CONFIG_IA32_EMULATION)"
	exit 0
fi
case $name in
creds | crowd)
	if [ "$(id -u)" -ne 0 ]; then
		echo "1..0 # SKIP needs root: credentials can only be given up"
		exit 0
	fi
	;;
esac

aio_nr() { cat /proc/sys/fs/aio-nr; }

aio_nr_take
max=$(cat /proc/sys/fs/aio-max-nr)

if [ "$max" -eq 0 ] && [ "$name" = setup ]; then
	echo "1..0 # SKIP fs.aio-max-nr is 0, and this victim tests the limit that it sets"
	exit 0
fi

# The sandbox's own limit is made the one that the native run meets.
case $sandbox in
*/env | env) flags= ;;
*) flags=--max-nr=$((max > 0 ? max : 65536)) ;;
esac

# run WHERE COMMAND...: its output, counters and status under $dir
run() {
	where=$1
	shift
	[ "$name" != filesystems ] || set -- sh "$here/mounts.sh" "$dir/$where" "$@"
	status=0
	rm -f "$dir/$where.count"
	(
		cd "$dir/$where" || exit
		VICTIM_COUNT=$dir/$where.count
		export VICTIM_COUNT
		exec "$@" >"../$where.out" 2>"../$where.err" 7<&-
	) || status=$?
	echo "status $status" >>"$dir/$where.count"
}

# Of this victim, by this user, on the kernel as it is since it was started.
memory=$victim.native.$(id -u)
remembered()
{
	[ -n "$(find "$memory" -newer "$victim" -newer /proc/1 -mmin -30 2>/dev/null)" ] || return 1
	cp "$here/$name.expect" "$dir/native.out"
	cp "$memory" "$dir/native.count"
}

# Whole, or not at all: others may be reading it.
remember()
{
	sort "$dir/native.out" >"$dir/native.sorted"
	sort "$here/$name.expect" | cmp -s - "$dir/native.sorted" || return 0
	cp "$dir/native.count" "$memory.$$" && mv "$memory.$$" "$memory"
}

run_natively()
{
	# the limit of fs.aio-max-nr is everybody's: another program may just have used it up
	for _ in 1 2 3; do
		run native "$victim"
		awk '{ n[$1] = $2 } END { exit n["status"] || n["setup-delta"] != n["setup-nr"] }' \
			"$dir/native.count" || continue
		remember
		break
	done
}

: >"$dir/native.err"
if [ "$max" -eq 0 ]; then
	cp "$here/$name.expect" "$dir/native.out"
	printf 'status 0\nreplaced 1\n' >"$dir/native.count"
else
	remembered || run_natively
fi
for _ in 1 2 3 4 5 6 7 8; do
	before=$(aio_nr)
	# shellcheck disable=SC2086
	run sandboxed "$sandbox" -v $flags ${AIO_SANDBOX_FLAGS:-} "$victim"
	after=$(aio_nr)
	printf 'aio-nr %d %d\n' "$before" "$after" >"$dir/aio-nr"
	if [ $(((after - before) % 1024)) -eq 0 ] && grep -q '^setup-delta 0$' "$dir/sandboxed.count"; then
		break
	fi
	# it did not come to its end: nobody else's contexts do that
	grep -q '^setup-delta' "$dir/sandboxed.count" || break
done
aio_nr_leave
sed -n 's/^aio-sandbox: AIO calls: \([0-9]*\), requests: \([0-9]*\)$/\1 \2/p' "$dir/sandboxed.err" |
while read -r calls requests; do
	printf 'seen-calls %s\nseen-requests %s\n' "$calls" "$requests"
done >>"$dir/sandboxed.count"

awk -v name="$name" -v flags="${AIO_SANDBOX_FLAGS:-}" -v dir="$dir" -f "$here/compare.awk" \
	"$here/differences" "$here/$name.expect" "$dir/native.out" "$dir/sandboxed.out" \
	"$dir/native.count" "$dir/sandboxed.count" "$dir/aio-nr"
for where in native sandboxed; do
	sed "s/^/# $where: /" "$dir/$where.err" | tail -n 40
done
