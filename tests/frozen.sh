# SPDX-License-Identifier: MIT
# A thread that is frozen in the middle of io_setup holds nobody else up, and its call succeeds when
# it is thawed. If this breaks, a container that is paused stops its supervisor, or finds errors.
. "$srcdir/tests/lib.sh"

need_root

# group FILE: a new control group of a hierarchy that can freeze by this file; sets $group
make_group()
{
	for dir in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/freezer; do
		group=$dir/aio-sandbox-test.$$
		mkdir "$group" 2>/dev/null || continue
		[ ! -e "$group/$1" ] || return 0
		rmdir "$group"
	done
	return 1
}

cleanup()
{
	[ -z "${group:-}" ] || rmdir "$group" 2>/dev/null || :
}

# freezes KIND FILE FREEZE THAW
freezes()
{
	make_group "$2" || { group=; skip "no control groups that freeze by $2"; return; }
	run timeout -k 5 100 "$AIO_SANDBOX" "$top_builddir/tests/victim_frozen" "$group" "$2" "$3" "$4"
	is "$1: all calls of all processes succeed" "$status $out" \
		"0 rounds 60, wrong 0, child: wrong 0, status 0"
	is "$1: nothing is said" "$err" ""
	cleanup
	group=
}

mark
freezes 'version 2' cgroup.freeze 1 0
freezes 'version 1' freezer.state FROZEN THAWED
nothing_left
done_testing
