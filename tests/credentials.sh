#!/bin/sh
# SPDX-License-Identifier: MIT
# A privileged supervisor does what its program asks with the program's credentials: without that, anybody
# whose program root has started in the sandbox writes into root's reserve and keeps set-ID bits.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/aio_nr.sh"
. "$srcdir/tests/fuse.sh"
need_root
need setpriv
[ "$(cat /proc/sys/fs/aio-max-nr)" -gt 0 ] || skip_all "fs.aio-max-nr is 0: nothing to compare with"
disk_dir
mark
chmod 711 "$tmp" && chmod 777 "$disk"

writer=$top_builddir/tests/victim_writer
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"

# natively COMMAND...: in turn with the tests that lower fs.aio-max-nr; others may have just used it up
natively()
{
	for natively_try in 1 2 3 4 5; do
		aio_nr_take
		run timeout 60 "$@" 7<&-
		aio_nr_leave
		[ "$status" -ne 0 ] || break
		$fresh
	done
}

# both NAME WHO SCENE...: natively and in the sandbox, with each engine, one result; it is left in $out
both()
{
	both_name=$1 both_who=$2
	shift 2
	$fresh
	# shellcheck disable=SC2086
	natively $both_who "$writer" "$@"
	both_native="$status $out"
	[ -z "$both_wanted" ] || is "$both_name, natively" "$both_native" "0 $both_wanted"
	for both_flags in '' --engine=threads '--submit=async' '--submit=kernel'; do
		$fresh
		# shellcheck disable=SC2086
		run timeout 60 "$AIO_SANDBOX" -q $both_flags $both_who "$writer" "$@"
		is "$both_name${both_flags:+, $both_flags}" "$status $out" "$both_native"
	done
}

# what makes the file anew before each run
fresh_none() { :; }
fresh_set_id() { rm -f "$disk/file" && echo 12345678 >"$disk/file" && chmod 6777 "$disk/file"; }
fresh_file() { rm -f "$tmp/fs/file" && : >"$tmp/fs/file" && chown 65534 "$tmp/fs/file" && sync -f "$tmp/fs"; }

# --- set-ID bits

fresh=fresh_set_id
both_wanted='8
06777'
both 'root keeps set-ID bits [8.suid]' '' mode "$disk/file"
both_wanted='8
0777'
both 'nobody loses set-ID bits [8.suid]' "$nobody" mode "$disk/file"
$fresh
run timeout 60 "$AIO_SANDBOX" -q -u nobody "$writer" mode "$disk/file"
is 'so does --user=nobody [8.suid]' "$status $out" "0 $both_wanted"
fresh=fresh_none

# --- what a unix socket tells of its sender

both_wanted='8
this process this user'
both 'the sender of a socket is the program [8.passcred]' '' sender
both 'and is nobody [8.passcred]' "$nobody" sender
if $nobody test -x "$writer" && $nobody test -x "$AIO_SANDBOX"; then
	# shellcheck disable=SC2086
	run timeout 60 $nobody "$AIO_SANDBOX" -q "$writer" sender
	is 'an unprivileged supervisor cannot hide its pid [D14]' "$status $out" '0 8
another process this user'
else
	skip 'nobody cannot reach the build directory'
fi

# Nobody can ask the other end whether it wants credentials: they are sent always.
natively "$writer" late
is 'who asks for credentials after the data were sent gets none, natively' "$status $out" '0 8
nobody'
run timeout 60 "$AIO_SANDBOX" -q "$writer" late
is 'in the sandbox the sender is told all the same [D14]' "$status $out" '0 8
this process this user'

# --- a value that depends on the namespaces of who reads it

natively "$writer" host-name
if [ "$status" -eq 0 ]; then
	is 'a sysctl of the UTS namespace is that of the reader, natively [8.judged]' "$out" "its own"
	run timeout 60 "$AIO_SANDBOX" -q "$writer" host-name
	is 'so it is in the sandbox [8.judged]' "$status $out" "0 its own"
else
	skip 'no UTS namespace can be made here [8.judged]'
fi
# shellcheck disable=SC2086
natively $nobody "$writer" host-name
if [ "$status" -eq 0 ] && $nobody test -x "$AIO_SANDBOX"; then
	is 'that of nobody too, natively' "$out" "its own"
	# shellcheck disable=SC2086
	run timeout 60 $nobody "$AIO_SANDBOX" -q "$writer" host-name
	is 'which an unprivileged supervisor cannot enter [D17]' "$status $out" "0 another's"
else
	skip 'nobody can make no namespaces here, or not reach the build directory [D17]'
fi

# --- a control group, which takes the number of a task, or 0 for who writes

group=
unmake_group()
{
	[ -z "$group" ] || rmdir "$group" || :
	[ -z "$group" ] || rmdir "${group%/members}" 2>/dev/null || :
	group=
}
unmount() { ! mountpoint -q "$tmp/fs" 2>/dev/null || umount "$tmp/fs"; }
cleanup() { unmount; fuse_kill; unmake_group; }

# make_group: $group, of version 2
make_group()
{
	for at in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		[ -e "$at/cgroup.procs" ] || continue
		group=$at/aio-sandbox-test.$$
		[ "$at" != /sys/fs/cgroup ] || group=$group/members
		mkdir -p "$group" 2>/dev/null && return
	done
	group=
	return 1
}

# numbers of any size are 1
moved='1
moved
its number
1
moved
its number
1
moved
'
if make_group; then
	natively "$writer" join "$group/cgroup.procs"
	is 'who is written into a control group is the writer, natively' "$(echo "$out" | tr -s 0-9 1)" \
		"${moved}its number"
	run timeout 60 "$AIO_SANDBOX" -q "$writer" join "$group/cgroup.procs"
	is 'it is in the sandbox; numbers of another pid namespace are read as the supervisor knows them [8.member] [D17]' \
		"$status $(echo "$out" | tr -s 0-9 1)" "0 ${moved}another number"
	unmake_group
else
	skip 'no control group of version 2 can be made here [8.member] [D17]'
fi

# --- a file system with a reserve for root

# mounted OPTIONS...: a small ext4 at $tmp/fs, made with these options of mkfs; its device in $dev
mounted()
{
	unmount
	mkdir -p "$tmp/fs"
	truncate -s 16M "$tmp/image" && mkfs.ext4 -q -F "$@" "$tmp/image" >/dev/null 2>&1 &&
		mount -o "loop,$mount_options" "$tmp/image" "$tmp/fs" 2>/dev/null &&
		chmod 777 "$tmp/fs" && dev=$(findmnt -n -o SOURCE "$tmp/fs")
}

mount_options=noatime
if have mkfs.ext4 && have findmnt && mounted -m 50 -O ^has_journal; then
	# the rest is root's: to the last block that others may have
	# shellcheck disable=SC2016,SC2086
	$nobody sh -c 'cat /dev/zero >"$1" 2>/dev/null' sh "$tmp/fs/fill" || :
	sync -f "$tmp/fs"
	fresh=fresh_file
	for how in write direct; do
		both_wanted=65536
		both "root has its reserve, by $how [8.reserved]" '' $how "$tmp/fs/file"
		both_wanted=ENOSPC
		both "nobody has none, by $how [8.reserved]" "$nobody" $how "$tmp/fs/file"
	done
else
	skip 'no loop mount of an ext4 here: the reserve [8.reserved]'
fi

# --- what a FUSE server is told

if fuse_mount; then
	# shellcheck disable=SC2086
	for flags in native '' --engine=threads; do
		: >"$tmp/log"
		case $flags in
		native) fresh=fresh_none natively "$writer" dropped "$tmp/mnt/file" ;;
		*) run timeout 60 "$AIO_SANDBOX" -q $flags "$writer" dropped "$tmp/mnt/file" ;;
		esac
		is "a FUSE server is told who submits [8.judged] $flags" "$status $out $(grep by "$tmp/log")" '0 8
8 write by 65534
read by 65534'
	done
	echo quit >"$tmp/control"
	fuse_ended
else
	skip "a FUSE server is told who submits [8.judged]: $fuse_why"
fi

# --- quotas

mount_options=usrquota
if have mkfs.ext4 && have findmnt && mounted -O quota -E quotatype=usrquota &&
	"$writer" set-quota "$dev" 2>/dev/null; then
	fresh=fresh_file
	both_wanted=
	for how in write direct; do
		both "nobody meets a quota, by $how" "$nobody" $how "$tmp/fs/file"
		both "root does not, by $how" '' $how "$tmp/fs/file"
	done
else
	skip 'this kernel or its tools have no quotas on ext4'
fi
unmount

nothing_left
done_testing
