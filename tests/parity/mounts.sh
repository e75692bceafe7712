# SPDX-License-Identifier: MIT
# mounts.sh DIRECTORY COMMAND...: runs COMMAND with VICTIM_PLACES naming small file systems of all
# kinds below DIRECTORY, as far as they can be made here. All are mounted in a mount namespace of our
# own, and the loop devices end with their last user, so nothing is left behind, however this ends.
set -eu

if [ -z "${MOUNTS_APART:-}" ]; then
	if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; then
		shift
		exec "$@"
	fi
	MOUNTS_APART=1
	export MOUNTS_APART
	exec unshare -m --propagation private sh "$0" "$@"
fi

dir=$(mktemp -d "$1/places.XXXXXX")
shift
places=
PATH=$PATH:/usr/sbin:/sbin

# place NAME MEGABYTES [MKFS...]: an image, made and mounted
place()
{
	fs=$1
	megabytes=$2
	shift 2
	command -v "$1" >/dev/null || return 0
	truncate -s "${megabytes}M" "$dir/$fs.image"
	mkdir "$dir/$fs"
	"$@" "$dir/$fs.image" >/dev/null 2>&1 || return 0
	mount -t "$fs" -o loop "$dir/$fs.image" "$dir/$fs" 2>/dev/null || return 0
	mkdir "$dir/$fs/d"
	places="$places $fs=$dir/$fs/d"
}

place ext4 32 mkfs.ext4 -q -F
place xfs 320 mkfs.xfs -q -f
place btrfs 128 mkfs.btrfs -q -f
mkdir "$dir/tmpfs" "$dir/overlay"
if mount -t tmpfs -o size=4m none "$dir/tmpfs" 2>/dev/null; then
	places="$places tmpfs=$dir/tmpfs"
fi
if [ -d "$dir/ext4/d" ]; then
	mkdir "$dir/ext4/lower" "$dir/ext4/upper" "$dir/ext4/work"
	options=lowerdir=$dir/ext4/lower,upperdir=$dir/ext4/upper,workdir=$dir/ext4/work
	if mount -t overlay -o "$options" none "$dir/overlay" 2>/dev/null; then
		places="$places overlay=$dir/overlay"
	fi
fi
truncate -s 1M "$dir/block.image"
if device=$(losetup --find --show "$dir/block.image" 2>/dev/null); then
	exec 7<"$device"
	losetup -d "$device"		# when nobody has it open any more
	places="$places block=$device"
fi
VICTIM_PLACES=${places# }
export VICTIM_PLACES
"$@"
