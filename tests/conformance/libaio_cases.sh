# SPDX-License-Identifier: MIT
# Shared by the scripts that run libaio's harness: a case natively, then in the sandbox; they must end and say the same.
. "$srcdir/tests/conformance/engines.sh"
. "$srcdir/tests/conformance/fetch.sh"
. "$srcdir/tests/aio_nr.sh"

: "${case_limit:=60}"	# seconds for one case
PATH=$PATH:/usr/sbin:/sbin
mounted=
cleanup() { [ -z "$mounted" ] || umount "$mounted" || :; }

# Without the upstream warnings, which newer compilers make errors.
build_harness()
{
	make -C src
	make -C harness CFLAGS='-g -O2 -w' all
	if command -v mke2fs >/dev/null; then
		dd if=/dev/zero bs=1M count=10 of=ext2.img
		mke2fs -q -F -b 4096 ext2.img
	fi
}

need cc make
fetch_built libaio build_harness
harness=$source/harness
disk_dir
[ -e /proc/sys/fs/aio-nr ] || skip_all "this kernel has no native AIO"

# A directory as the harness's makefile makes it; case 8 and 10 have a file system of their own in it.
case_dir() # NUMBER
{
	rm -rf "$disk/run"
	mkdir "$disk/run" "$disk/run/testdir"
	for access in ro:400 wo:200 rw:600; do
		echo test >"$disk/run/testdir/${access%:*}file"
		chmod "${access#*:}" "$disk/run/testdir/${access%:*}file"
	done
	case $1 in
	8) case_mount "$source/ext2.img" testdir.ext2 ;;
	10) case_mount "$harness/ext2-enospc.img" testdir.enospc ;;
	esac
}

case_mount() # IMAGE NAME
{
	cp "$1" "$disk/image"
	mkdir "$disk/run/$2"
	mount -o loop -t ext2 "$disk/image" "$disk/run/$2"
	mounted=$disk/run/$2
}

case_end()
{
	[ -z "$mounted" ] || umount "$mounted"
	mounted=
}

# run_case NAME NUMBER [COMMAND...]: $tmp/NAME is what the case said and how it ended, $seconds how long it took
run_case()
{
	case_name=$1 case_number=$2
	shift 2
	case_dir "$case_number"
	started=$(date +%s%N)
	status=0
	(cd "$disk/run" && exec timeout -k 5 "$case_limit" "$@" "$harness/cases/$case_number.p") \
		>"$tmp/$case_name.raw" 2>"$tmp/$case_name.err" 7<&- </dev/null || status=$?
	seconds=$((($(date +%s%N) - started) / 1000000000))
	case_end
	sed 's/0x[0-9a-f]\{8,\}/ADDRESS/g' "$tmp/$case_name.raw" >"$tmp/$case_name"
	echo "exit status $status" >>"$tmp/$case_name"
}

# Under the lock of all who look at aio-nr, which is the whole machine's: only this run changes it.
case_natively() # NUMBER
{
	aio_nr_take
	run_case native "$1"
	aio_nr_leave
	native_status=$status native_seconds=$seconds
	diag "case $1 natively: $(tail -n 2 "$tmp/native" | tr '\n' ' ')in $native_seconds s"
}

same_case() # NAME: said and ended as natively
{
	[ "$status" -eq "$native_status" ] || diag_file "$tmp/sandboxed.err"
	check "$1" diff -u "$tmp/native" "$tmp/sandboxed"
}

# The harness takes a buffered read for complete when io_submit returns; one that the page cache cannot answer at that
# moment (its page has just been dropped, or is busy) goes on in the background, unless --submit=kernel (aio-abi.md, D1).
# So a run that ends otherwise does not count, three times at most.
run_sandboxed() # NUMBER ENGINE MODE
{
	for again in 1 2 3; do
		run_case sandboxed "$1" "$AIO_SANDBOX" --engine="$2" --submit="$3"
		[ "$status" -ne "$native_status" ] || break
		[ "$3" != kernel ] || break
		diag "case $1, $2, --submit=$3: once more ($again)"
	done
}

# run_modes ENGINES NUMBER...: each case natively, and in both modes of each engine. After each case_check NAME.
case_check() { :; }
run_modes()
{
	modes_engines=$1
	shift
	for case_now; do
		case_natively "$case_now"
		for engine in $modes_engines; do
			for submit in auto kernel; do
				run_sandboxed "$case_now" "$engine" "$submit"
				same_case "case $case_now, $engine, --submit=$submit"
				case_check "case $case_now, $engine, --submit=$submit"
			done
		done
	done
}

room_for() # MIB
{
	[ "$(df -Pm "$disk" | awk 'NR == 2 { print $4 }')" -ge "$1" ]
}
