# SPDX-License-Identifier: MIT
# A file system that hangs when it is told to (victim_fuse.c), for scripts that source lib.sh: mounted at "$tmp/mnt",
# told by lines to "$tmp/control", tells in "$tmp/log". $fuse is its process, empty without one.

fuse=

fuse_mount()
{
	fuse_why="built without libfuse3 (libfuse3-dev)"
	[ -x "$top_builddir/tests/victim_fuse" ] || return
	fuse_why="/dev/fuse cannot be opened here"
	[ -w /dev/fuse ] || return
	mkdir -p "$tmp/mnt"
	rm -f "$tmp/control" "$tmp/log"
	mkfifo "$tmp/control"
	timeout 100 "$top_builddir/tests/victim_fuse" "$tmp/mnt" "$tmp/control" "$tmp/log" 2>"$tmp/fuse.err" &
	fuse=$!
	until_line $fuse "$tmp/log" mounted && return
	fuse_why="a FUSE file system cannot be mounted here: $(cat "$tmp/fuse.err")"
	fuse=
	return 1
}

# It ends when it is told "quit" and asked for nothing any more.
fuse_ended() { wait "$fuse" || :; fuse=; }

# For cleanup().
fuse_kill()
{
	[ -z "$fuse" ] || kill -KILL "$fuse" 2>/dev/null || :
	umount -l "$tmp/mnt" 2>/dev/null || fusermount3 -uz "$tmp/mnt" 2>/dev/null || :
}
