# SPDX-License-Identifier: MIT
# /proc/sys/fs/aio-nr is one number for the whole machine, and its file the lock of all who change it by native AIO,
# change its limit, or see whether it moves. PARITY_LOCKED: the caller has the turn already. Descriptor 7 is the
# turn; programs are started with 7<&-.

aio_nr_take()
{
	[ -z "${PARITY_LOCKED:-}" ] && [ -e /proc/sys/fs/aio-nr ] && command -v flock >/dev/null || return 0
	exec 7</proc/sys/fs/aio-nr
	flock 7 || :
}
aio_nr_leave() { exec 7<&-; }
