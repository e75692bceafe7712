#!/bin/sh
# SPDX-License-Identifier: MIT
# Faults of calls: an error and nothing done, fewer entries or events, later. If this breaks, nobody can see what
# a program makes of an io_submit that takes less than all.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/inject_lib.sh"

for options in ${INJECT_OPTIONS:-'--engine=auto'}; do

inject io_setup:error=EAGAIN:when=2 -- setup setup
sees 'io_setup fails' 'setup -EAGAIN;setup 0'
inject io_submit:error=EAGAIN:when=1 -- w0,512,a submit file w0,512,b submit get0,4
sees 'io_submit fails: nothing was submitted' 'submit -EAGAIN;file:;submit 1;get 1: 2=512'
inject io_getevents:error=EINTR:when=1 -- w0,512,a submit get1,1 get1,1
sees 'io_getevents fails: nothing is taken' 'submit 1;get -EINTR:;get 1: 1=512'
inject io_destroy:error=EINVAL:when=1 -- destroy w0,512,a submit destroy
sees 'io_destroy fails: the context lives' 'destroy -EINVAL;submit 1;destroy 0'
inject io_cancel:error=EAGAIN:when=1 -- poll submit cancel1 cancel1 get1,1
sees 'io_cancel fails: the poll waits on' 'submit 1;cancel -EAGAIN;cancel -EINPROGRESS;get 1: 1=0'

inject io_submit:partial=2:when=1 -- w0,512,a w0,512,a w0,512,a submit get0,4
sees 'partial: two of three are accepted' 'submit 2;get 2: 1=512 2=512'
inject io_submit:partial=4 -- w0,512,a submit get1,1
sees 'partial: more than there are' 'submit 1;get 1: 1=512'
inject io_submit:cap=1 -- w0,512,a w0,512,a submit get0,4
sees 'cap of io_submit' 'submit 1;get 1: 1=512'
inject io_getevents:cap=2 -- w0,512,a w0,512,a w0,512,a submit get3,4 get3,4,0
sees 'cap of io_getevents: so many at a time, more than that are not waited for' \
	'submit 3;get 2: 1=512 2=512;get 1: 3=512'
inject io_getevents:early:when=1..2 -- w0,512,a w0,512,a w0,512,a submit get3,4 get1,1 get1,1
sees 'early: fewer than were asked for; none is EINTR' 'submit 3;get 2: 1=512 2=512;get -EINTR:;get 1: 3=512'
inject io_getevents:early -- w0,512,a submit get0,4
sees 'early: nothing is asked for, so nothing is missing' 'submit 1;get 1: 1=512'

inject io_getevents:delay=200ms -- time w0,512,a submit get1,1 above200
sees 'delay of io_getevents' 'submit 1;get 1: 1=512;above200'
inject io_submit:delay=200ms -- w0,512,a time submit above200 get1,1 file
sees 'delay of io_submit' 'submit 1;above200;get 1: 1=512;file: a512'
inject io_destroy:delay=200ms -- time destroy above200 destroy
sees 'delay of io_destroy' 'destroy 0;above200;destroy -EINVAL'
inject io_submit:delay=100ms:error=EAGAIN:when=1 -- w0,512,a time submit above100
sees 'delay, then an error' 'submit -EAGAIN;above100'

done
done_testing
