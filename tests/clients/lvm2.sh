#!/bin/sh
# SPDX-License-Identifier: MIT
# lvm2's tools on a disk image: if this fails, a program that does few, synchronous requests through AIO reads or writes
# wrong metadata of volume groups.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
need_root
PATH=$PATH:/usr/sbin:/sbin
need losetup pvcreate pvck vgcreate vgs
device=
client_cleanup() { [ -z "$device" ] || losetup -d "$device" 2>/dev/null || :; }
truncate -s 64M "$disk/image"
device=$(losetup --find --show "$disk/image" 2>"$tmp/losetup") || skip_all "no loop device here: $(cat "$tmp/losetup")"
config="devices { filter=[\"a|^$device\$|\", \"r|.*|\"] scan=[\"/dev\"] obtain_device_list_from_udev=0 }
	activation { udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 } global { use_lvmpolld=0 }"
export LVM_SUPPRESS_FD_WARNINGS=1
vg=aio_sandbox_test_$$

# lvm NAME sandboxed|native_aio TOOL [ARGS]
lvm()
{
	lvm_name=$1 how=$2 tool=$3
	shift 3
	$how "$lvm_name" "$tool" --config "$config" "$@"
	ended "$lvm_name" 0
}

lvm pvcreate sandboxed pvcreate -q -y "$device"
served pvcreate 1 "$any"
lvm vgcreate sandboxed vgcreate -q "$vg" "$device"
served vgcreate 1 "$any"
lvm vgs-natively native_aio vgs --noheadings -o vg_name,vg_uuid,pv_count "$vg"
lvm vgs sandboxed vgs --noheadings -o vg_name,vg_uuid,pv_count "$vg"
served vgs 1 "$any"
like "vgs: natively the volume group is there" "$(cat "$tmp/vgs-natively.out")" "*$vg* 1*"
is "vgs: the same in the sandbox" "$(cat "$tmp/vgs.out")" "$(cat "$tmp/vgs-natively.out")"
lvm pvck-natively native_aio pvck --dump headers "$device"
lvm pvck sandboxed pvck --dump headers "$device"
served pvck 1 "$any"
check "pvck: the metadata name the volume group" grep -q "vgname $vg" "$tmp/pvck.out"
is "pvck: the same in the sandbox" "$(cat "$tmp/pvck.out")" "$(cat "$tmp/pvck-natively.out")"

# the other way round: written natively, read and removed in the sandbox
lvm rename native_aio vgrename -q "$vg" "${vg}_2"
lvm vgremove sandboxed vgremove -q -y "${vg}_2"
served vgremove 1 "$any"
lvm pvs native_aio pvs --noheadings -o pv_name,vg_name "$device"
check "vgremove: natively the volume group is gone" [ -z "$(grep "$vg" "$tmp/pvs.out" || :)" ]
done_testing
