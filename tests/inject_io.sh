#!/bin/sh
# SPDX-License-Identifier: MIT
# Faults of the I/O itself: what is in the file, in memory and in the event is what the rule says, byte by byte.
# If this breaks, a program is tested against a disk that does not exist.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/inject_lib.sh"

# each COMMON...: by one engine, or by all in check-long
for options in ${INJECT_OPTIONS:-'--engine=auto'}; do

inject pread:error=EIO:when=2 -- w0,1024,a submit get1,1 r0,512 r512,512 r0,512 submit peek get3,3 m2 m3 m4
sees 'error: the second read fails, untouched memory, ring and call agree' \
	'submit 1;get 1: 1=1024;submit 3;ring: 2=512 3=-EIO 4=512;get 3: 2=512 3=-EIO 4=512;m2: a512 .64;m3: .576;m4: a512 .64'
inject pwrite:error=ENOSPC -- counted w0,1024,a submit get1,1 efd file
sees 'error of a write: nothing is written, and it counts in its eventfd' 'submit 1;get 1: 1=-ENOSPC;efd 1;file:'
inject write:error=EPIPE -- qa submit get1,1
sees 'error of a pipe: no signal comes with it' 'submit 1;get 1: 1=-EPIPE'
inject poll:error=EBADF:force -- poll submit get1,1
sees 'error of a poll: an event, io_submit accepts it' 'submit 1;get 1: 1=-EBADF'
inject fsync:error=EIO -- s submit get1,1 d submit get1,1
sees 'error of fsync only' 'submit 1;get 1: 1=-EIO;submit 1;get 1: 2=0'
inject sync:lie -- s d submit get2,2
sees 'lie: both syncs say yes' 'submit 2;get 2: 1=0 2=0'

inject pwrite:lost -- w0,1024,a submit get1,1 file
sees 'lost: success, nothing is there' 'submit 1;get 1: 1=1024;file:'
inject pwrite:lost:path='*/other' -- w0,1024,a submit get1,1 file
sees 'lost, but of another file' 'submit 1;get 1: 1=1024;file: a1024'
inject pwrite:lost -- w0,1000000,a submit get1,1 file
sees 'lost: a large one' 'submit 1;get 1: 1=1000000;file:'

inject pwrite:short=600 -- w0,1024,a submit get1,1 file
sees 'short write: so much is written' 'submit 1;get 1: 1=600;file: a600'
inject pwrite:short=600 -- direct w0,4096,a submit get1,1 file
sees 'short write by O_DIRECT: whole sectors' 'submit 1;get 1: 1=512;file: a512'
inject pwrite:short=100 -- direct w0,4096,a submit get1,1 file
sees 'short write by O_DIRECT, less than a sector: nothing' 'submit 1;get 1: 1=0;file:'
inject pwritev:short=600 -- v0,2048,a submit get1,1 file
sees 'short write of a vector' 'submit 1;get 1: 1=600;file: a600'
inject pwrite:short=600 -- append w0,1024,a submit get1,1 w0,1024,b submit get1,1 file
sees 'short appends' 'submit 1;get 1: 1=600;submit 1;get 1: 2=600;file: a600 b600'
inject pwrite:short=700000 -- w0,1000000,a submit get1,1 file
sees 'short write of a large one' 'submit 1;get 1: 1=700000;file: a700000'
inject pread:short=50% -- w0,1024,a submit get1,1 r0,1024 submit get1,1 m2
sees 'short read: memory behind it is as it was' 'submit 1;get 1: 1=1024;submit 1;get 1: 2=512;m2: a512 .576'
inject preadv:short=1000 -- direct w0,4096,a submit get1,1 x0,4096 submit get1,1 m2
sees 'short read by O_DIRECT, no whole sector' 'submit 1;get 1: 1=4096;submit 1;get 1: 2=1000;m2: a1000 .3160'
inject pread:short=700000 -- w0,1000000,a submit get1,1 r0,1000000 submit get1,1 m2
sees 'short read of a large one' 'submit 1;get 1: 1=1000000;submit 1;get 1: 2=700000;m2: a700000 .300064'
inject pread:short=0 -- w0,1024,a submit get1,1 r0,1024 submit get1,1 m2
sees 'short read of nothing' 'submit 1;get 1: 1=1024;submit 1;get 1: 2=0;m2: .1088'

inject pwrite:res=7 -- w0,1024,a submit peek get1,1 file
sees 'res: only the number is another' 'submit 1;ring: 1=7;get 1: 1=7;file: a1024'
inject pread:res=-5 -- w0,1024,a submit get1,1 r0,512 submit get1,1 m2
sees 'res: negative, the data are there' 'submit 1;get 1: 1=1024;submit 1;get 1: 2=-EIO;m2: a512 .64'

inject pwrite:torn=512 -- w0,2048,a submit get1,1 file
sees 'torn: the first bytes, and an error' 'submit 1;get 1: 1=-EIO;file: a512'
inject pwrite:torn=100:error=ENOSPC -- w0,2048,a submit get1,1 file
sees 'torn: with the error that is told' 'submit 1;get 1: 1=-ENOSPC;file: a100'
inject pwrite:torn=1K,success -- direct w0,4096,a submit get1,1 file
sees 'torn: with success' 'submit 1;get 1: 1=4096;file: a1024'
inject pwrite:torn=512,KILL -- w0,2048,a say submit get1,1
is 'torn: kills' "$status $(wc -c <"$file")" '137 512'

# of the sectors some are there, some are not, by whatever door
for how in buffered direct; do
	for op in w v; do
		inject write:torn=sector -- $how ${op}0,8192,a submit get1,1 file
		like "torn sectors, $how $op: some are written" "$status $out" \
			'0 submit 1;get 1: 1=-EIO;file: *a*'
		like "torn sectors, $how $op: some are not" "$out" 'submit 1;get 1: 1=-EIO;file: *\\00*'
		first=$out
		inject write:torn=sector -- $how ${op}0,8192,a submit get1,1 file
		is "torn sectors, $how $op: the same ones again" "$out" "$first"
	done
done
pairs=
for offset in $(seq 0 1024 23552); do
	pairs="$pairs w$offset,1024,a"
done
# shellcheck disable=SC2086
inject write:torn=sector -- $pairs submit get24,24 file
is 'torn sectors: of two always one is written' "$(tr -cd a <"$file" | wc -c)" 12288
inject write:torn=sector -- append w0,4096,a submit get1,1 file
like 'torn sectors of an append: the first ones' "$status $out" '0 submit 1;get 1: 1=-EIO;file:*'

inject pwrite:corrupt=3 -- w0,4096,a submit get1,1 bits,a b1,a
sees 'corrupt write: three bits in the file, none in memory' 'submit 1;get 1: 1=4096;bits 3;bits1 0'
inject pwritev:corrupt=3 -- direct v0,4096,a submit get1,1 bits,a b1,a
sees 'corrupt write of a vector by O_DIRECT' 'submit 1;get 1: 1=4096;bits 3;bits1 0'
inject pread:corrupt=3 -- w0,4096,a submit get1,1 r0,4096 submit get1,1 bits,a b2,a
sees 'corrupt read: three bits in memory, none in the file' 'submit 1;get 1: 1=4096;submit 1;get 1: 2=4096;bits 0;bits2 3'
inject preadv:corrupt=8 -- direct w0,4096,a submit get1,1 x0,4096 submit get1,1 bits,a b2,a
sees 'corrupt read of a vector by O_DIRECT' 'submit 1;get 1: 1=4096;submit 1;get 1: 2=4096;bits 0;bits2 8'
inject pwrite:corrupt=sector -- w0,512,a w512,512,a submit get2,2 r0,512 r512,512 submit get2,2 m1
like 'corrupt write of a sector' "$status $out" '0 submit 2;get 2: 1=512 2=512;*m1: a512 .64'
inject pwrite:corrupt=sector:off=0 -- w0,512,a w512,512,b submit get2,2 file
like 'corrupt write of a sector: the other one is as it was' "$status $out" '0 * b512'

inject pwrite:misdirect=512 -- w0,512,a submit get1,1 file
sees 'misdirect: a write lands elsewhere' 'submit 1;get 1: 1=512;file: \00512 a512'
inject pread:misdirect=-1K -- w0,1024,a w1024,1024,b submit get2,2 r1024,512 submit get1,1 m3
sees 'misdirect: a read comes from elsewhere' 'submit 2;get 2: 1=1024 2=1024;submit 1;get 1: 3=512;m3: a512 .64'
inject pwrite:misdirect=512 -- append w0,512,a submit get1,1 file
sees 'misdirect: an append is one' 'submit 1;get 1: 1=512;file: a512'

inject pwrite:kill=KILL -- w0,512,a say submit get1,1
is 'kill: an accepted write is in the file' "$status $(wc -c <"$file")" '137 512'
inject pwrite:kill=KILL:lost -- w0,512,a say submit get1,1
is 'kill, lost: it is not' "$status $(wc -c <"$file")" '137 0'
inject pwrite:kill=TERM,after -- w0,512,a say submit get1,1
is 'kill after the I/O' "$status $(wc -c <"$file")" '143 512'

done
done_testing
