#!/bin/sh
# SPDX-License-Identifier: MIT
# Requests that a fault plan delays, holds, reorders or never completes; io_cancel, io_destroy, exit and death of
# the program meanwhile. If this breaks, a program hangs that should not, or does not that should.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/inject_lib.sh"

for options in ${INJECT_OPTIONS:-'--engine=auto'}; do

inject pwrite:delay=200ms -- w0,1024,a time submit get0,1,0 file get1,1 above200 file
sees 'delay: io_submit returns, the write comes later' 'submit 1;get 0:;file:;get 1: 1=1024;above200;file: a1024'
inject pwrite:delay=100ms..150ms -- w0,1024,a time submit get1,1 above100
sees 'delay: a range' 'submit 1;get 1: 1=1024;above100'
inject pwrite:delay=20ms:dist=exp -- w0,1024,a submit get1,1 file
sees 'delay: exponential' 'submit 1;get 1: 1=1024;file: a1024'
inject pread:delay=100ms -- w0,1024,a submit get1,1 r0,1024 time submit get1,1 above100 m2
sees 'delay of a read' 'submit 1;get 1: 1=1024;submit 1;get 1: 2=1024;above100;m2: a1024 .64'
inject pwrite:delay=100ms:error=EIO -- w0,1024,a time submit get1,1 above100 file
sees 'delay, then an error' 'submit 1;get 1: 1=-EIO;above100;file:'
inject pwrite:delay=200ms -- w0,1024,a time submit destroy above200 file
sees 'delay: io_destroy waits' 'submit 1;destroy 0;above200;file: a1024'
inject pwrite:delay=100ms -- w0,1024,a submit exit
is 'delay: exit waits' "$status $(wc -c <"$file")" '0 1024'
inject pwrite:delay=100s:when=1 pwrite:kill=KILL:when=2 -- w0,512,a w512,512,b submit get1,1
is 'delay: a killed program has what was accepted in the file at once' "$status $(wc -c <"$file")" '137 1024'
inject poll:delay=100ms -- poll qa submit get2,2
like 'delay of a poll' "$status $out" '0 submit 2;get 2: 2=1 1=*'

inject pwrite:hang -- w0,1024,a submit cancel1 get1,1,50 file say kill
is 'hang: never completes, io_cancel says EINVAL, SIGKILL ends it' "$status $out" \
	'137 submit 1;cancel -EINVAL;get 0:;file:'
inject pwrite:hang=destroy -- counted w0,1024,a submit destroy file
sees 'hang=destroy: io_destroy lets it go' 'submit 1;destroy 0;file:'
inject pwrite:hang=destroy -- w0,1024,a submit exit
sees 'hang=destroy: exit lets it go' 'submit 1'
inject pread:hang:when=1 -- w0,512,a submit get1,1 r0,512 r0,512 submit get1,2 m2 m3 say kill
is 'hang: others go on' "$status $out" '137 submit 1;get 1: 1=512;submit 2;get 1: 3=512;m2: .576;m3: a512 .64'
inject poll:hang -- poll submit qa submit get1,2 cancel1 get1,1
sees 'hang of a poll: io_cancel ends it as any other' \
	'submit 1;submit 1;get 1: 2=1;cancel -EINPROGRESS;get 1: 1=0'
inject pread:hang -- p1 submit destroy
sees 'hang of a read of a pipe: io_destroy cancels it as ever' 'submit 1;destroy 0'

inject pwrite:hold=x:when=1 pread:release=x -- w0,1024,a submit get0,1,0 r0,512 submit get2,2 file
sees 'hold: until another request is published' 'submit 1;get 0:;submit 1;get 2: 2=0 1=1024;file: a1024'
inject pwrite:hold=x pread:release=x -- r0,512 submit get1,1 w0,512,a submit get1,1
sees 'hold: what was released stays so' 'submit 1;get 1: 1=0;submit 1;get 1: 2=512'
inject pwrite:hold=x -- w0,512,a submit destroy file
sees 'hold: io_destroy lets it go' 'submit 1;destroy 0;file: a512'
inject pwrite:hold=x -- w0,512,a submit exit
is 'hold: exit lets it go' "$status $(wc -c <"$file")" '0 512'

inject pread:reorder=2:when=1 -- r0,512 r0,512 r0,512 r0,512 submit peek get4,4
sees 'reorder: two others come first' 'submit 4;ring: 2=0 3=0 1=0 4=0;get 4: 2=0 3=0 1=0 4=0'
inject pread:reorder=2:when=1 -- r0,512 submit get0,1,0 r0,512 r0,512 submit get3,3
sees 'reorder: those of a later call' 'submit 1;get 0:;submit 2;get 3: 2=0 3=0 1=0'
inject pread:reorder=1:when=1..2 -- r0,512 r0,512 r0,512 r0,512 submit get4,4
sees 'reorder: two at once' 'submit 4;get 4: 3=0 1=0 2=0 4=0'
inject pwrite:reorder=1 -- w0,512,a submit destroy file
sees 'reorder: io_destroy lets it go' 'submit 1;destroy 0;file: a512'
inject pwrite:reorder=1 -- w0,512,a submit exit
sees 'reorder: exit lets it go' 'submit 1'

inject pwrite:eventfd=lost -- counted w0,512,a submit get1,1 efd
sees 'eventfd=lost: the event without its count' 'submit 1;get 1: 1=512;efd 0'
inject pwrite:eventfd=late,100ms -- counted time w0,512,a submit get1,1 efd efd-wait above100
sees 'eventfd=late: the count comes after the event' 'submit 1;get 1: 1=512;efd 0;efd 1;above100'
inject pwrite:eventfd=early -- counted w0,512,a submit efd get1,1 efd
sees 'eventfd=early: one count, as ever' 'submit 1;efd 1;get 1: 1=512;efd 0'
inject pwrite:eventfd=late,100s -- counted w0,512,a submit get1,1
sees 'eventfd=late: nobody waits for it at the end' 'submit 1;get 1: 1=512'

done

options=--submit=kernel
inject pwrite:delay=200ms -- time w0,1024,a submit above200 get0,1,0
sees 'delay, --submit=kernel: the caller waits' 'submit 1;above200;get 1: 1=1024'
inject pwrite:reorder=1:when=1 -- w0,512,a w512,512,b submit get2,2
sees 'reorder, --submit=kernel: the caller does not wait for the event' 'submit 2;get 2: 2=512 1=512'
done_testing
