#!/bin/sh
# SPDX-License-Identifier: MIT
# thin-provisioning-tools on a metadata file: a block cache that prefetches and writes back by AIO. If this fails, the
# sandbox reads or writes wrong metadata of thin volumes.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
PATH=$PATH:/usr/sbin:/sbin
need thin_check thin_dump thin_restore thin_repair thin_rmap thin_delta cmp ldd
ldd "$(command -v thin_check)" 2>/dev/null | grep -q libaio || skip_all "these tools do not use AIO (version 1 does not)"
need_kernel_aio
mark

# Devices with many short mappings in scattered places, as years of snapshots leave them.
awk 'BEGIN {
	blocks = 200000
	print "<superblock uuid=\"\" time=\"9\" transaction=\"3\" flags=\"0\" version=\"2\" data_block_size=\"128\"" \
		" nr_data_blocks=\"" blocks "\">"
	for (dev = 0; dev < 4; dev++) {
		maps = 8000
		printf "  <device dev_id=\"%d\" mapped_blocks=\"%d\" transaction=\"%d\" creation_time=\"%d\" snap_time=\"%d\">\n",
			dev, maps * 5, dev, dev, dev + 1
		for (i = 0; i < maps; i++)
			printf "    <range_mapping origin_begin=\"%d\" data_begin=\"%d\" length=\"5\" time=\"%d\"/>\n",
				i * 7, (i * 2999 % maps * 4 + dev) * 5, dev
		print "  </device>"
	}
	print "</superblock>"
}' >"$disk/wanted.xml"
truncate -s 16M "$disk/metadata"
truncate -s 16M "$disk/natively"

native_aio restore-natively thin_restore -i "$disk/wanted.xml" -o "$disk/natively"
ended restore-natively 0
sandboxed restore thin_restore -i "$disk/wanted.xml" -o "$disk/metadata"
ended restore 0
served restore 100 "$any"
check "restore: every byte of the metadata is as natively" cmp "$disk/metadata" "$disk/natively"

# tool NAME TOOL ARGUMENTS: says the same, of what the sandbox wrote
tool()
{
	tool_name=$1
	shift
	native_aio "$tool_name-natively" "$@"
	ended "$tool_name-natively" 0
	sandboxed "$tool_name" "$@"
	ended "$tool_name" 0
	served "$tool_name" 1 "$any"
	check "$tool_name: says the same" cmp "$tmp/$tool_name.out" "$tmp/$tool_name-natively.out"
}
tool metadata thin_check "$disk/metadata"
tool dump thin_dump "$disk/metadata"
check "dump: all mappings are there" cmp "$tmp/dump.out" "$disk/wanted.xml"
tool rmap thin_rmap --region 1000..1999 "$disk/metadata"
tool delta thin_delta --thin1 0 --thin2 1 "$disk/metadata"

# damage is found, and repaired from what is left
cp "$disk/metadata" "$disk/damaged"
dd if=/dev/urandom of="$disk/damaged" bs=4096 seek=0 count=1 conv=notrunc 2>/dev/null
sandboxed damaged thin_check "$disk/damaged"
ended damaged 1
truncate -s 16M "$disk/repaired"
sandboxed repair thin_repair -i "$disk/metadata" -o "$disk/repaired"
ended repair 0
served repair 100 "$any"
native_aio check-repaired thin_check "$disk/repaired"
ended check-repaired 0
native_aio dump-repaired thin_dump "$disk/repaired"
check "repair: all mappings are there" cmp "$tmp/dump-repaired.out" "$disk/wanted.xml"
nothing_left
done_testing
