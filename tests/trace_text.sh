# SPDX-License-Identifier: MIT
# The text of a trace, line by line. If this breaks, who knows strace cannot read it any more.
. "$srcdir/tests/lib.sh"

victim=$top_builddir/tests/victim_traced

# Addresses, inodes of pipes and threads (in order of appearance) have names that stay.
plain()
{
	sed -E "s#$tmp/##g; s/0x[0-9a-f]{5,16}/ADDR/g; s/pipe:\[[0-9]+\]/pipe:[N]/g" "$1" |
		awk '{
			if (match($0, /^[0-9]+ +/)) {
				pid = $1
				if (!(pid in name)) name[pid] = "P" ++n
				print name[pid] " " substr($0, RLENGTH + 1)
			} else
				print
		}'
}

# traced NAME MODE OPTIONS...: the lines are those on stdin, last the completions that come when
# they come
traced()
{
	traced_name=$1
	traced_mode=$2
	shift 2
	printf 'one two three' >"$tmp/f"
	run "$AIO_SANDBOX" "$@" -o "$tmp/trace" "$victim" "$traced_mode" "$tmp/f"
	[ -z "$err" ] || diag "$err"
	plain "$tmp/trace" | awk '/^P. #[0-9]+ (fdsync|poll.*POLLPRI)/ { late[n++] = $0; next } { print }
		END { for (i = 0; i < n; i++) print late[i] }' >"$tmp/got"
	cat >"$tmp/wanted"
	check "$traced_name" diff "$tmp/wanted" "$tmp/got"
}

traced 'each kind of request and call' requests -y -a 0 <<'END'
P1 io_setup(8, [ADDR]) = 0
P1 #1 pwrite(3<f>, "one\ttwo\n\0011\19\"\\ three four five s"..., 64, 0) = 64
P1 #2 pread(3<f>, "two\n\0011\19\"\\", 10, 4) = 10
P1 io_submit(ADDR, 2, [#1 pwrite(3<f>, "one\ttwo\n\0011\19\"\\ three four five s"..., 64, 0), #2 pread(3<f>, ADDR, 10, 4)]) = 2
P1 io_getevents(ADDR, 2, 8, [#1 res=64, #2 res=10], {tv_sec=5, tv_nsec=7}) = 2
P1 #3 pwritev(3<f>, "one\ttwo", 7 /* 2 segments */, 100, RWF_DSYNC, aio_reqprio=IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4), aio_resfd=4) = 7
P1 io_submit(ADDR, 1, [#3 pwritev(3<f>, "one\ttwo", 7 /* 2 segments */, 100, RWF_DSYNC, aio_reqprio=IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4), aio_resfd=4)]) = 1
P1 io_pgetevents(ADDR, 1, 8, [#3 res=7], NULL, {sigmask=[INT USR1], sigsetsize=8}) = 1
P1 #4 preadv(3<f>, "one\ttwo", 7 /* 2 segments */, 100) = 7
P1 io_submit(ADDR, 1, [#4 preadv(3<f>, ADDR, 7 /* 2 segments */, 100)]) = 1
P1 io_submit(ADDR, 1, [#5 fdsync(3<f>)]) = 1
P1 io_getevents(ADDR, 2, 8, [#4 res=7, #5 res=0], {tv_sec=5, tv_nsec=7}) = 2
P1 #6 pread(3<f>, "one", 3, 0) = 3
P1 io_submit(ADDR, 3, [#6 pread(3<f>, ADDR, 3, 0), pread(99, ADDR, 3, 0) EBADF, ...]) = 1
P1 io_submit(ADDR, 2, [pread(99, ADDR, 3, 0) EBADF, ...]) = -1 EBADF (Bad file descriptor)
P1 io_submit(ADDR, 1, [0x2a /* IOCB_CMD_??? */(3, ADDR, 3, 0) EINVAL]) = -1 EINVAL (Invalid argument)
P1 io_submit(ADDR, 1, [0x8 EFAULT]) = -1 EFAULT (Bad address)
P1 io_getevents(ADDR, 1, 8, [#6 res=3], {tv_sec=5, tv_nsec=7}) = 1
P1 io_submit(ADDR, 1, [#7 poll(4<pipe:[N]>, POLLIN|POLLPRI)]) = 1
P1 io_cancel(ADDR, #7 poll(4<pipe:[N]>, POLLIN|POLLPRI), ADDR) = -1 EINPROGRESS (Operation now in progress)
P1 io_getevents(ADDR, 1, 8, [#7 res=0], {tv_sec=5, tv_nsec=7}) = 1
P1 io_cancel(ADDR, ADDR, ADDR) = -1 EINVAL (Invalid argument)
P1 #8 poll(5<pipe:[N]>, POLLOUT) = 0x4 (POLLOUT)
P1 io_submit(ADDR, 1, [#8 poll(5<pipe:[N]>, POLLOUT)]) = 1
P1 io_getevents(ADDR, 1, 8, [#8 res=4], {tv_sec=5, tv_nsec=7}) = 1
P1 io_destroy(ADDR) = 0
P1 io_destroy(ADDR) = -1 EINVAL (Invalid argument)
P1 #5 fdsync(3<f>) = 0
P1 #7 poll(4<pipe:[N]>, POLLIN|POLLPRI) = 0
END

traced 'what nobody has reaped' unreaped -e trace=requests -s 0 -a 0 <<'END'
P1 #1 pread(3, ADDR, 3, 0) = 3
P1 #1 pread(3, ADDR, 3, 0) = 3 <never reaped>
END

traced 'a program that is killed in its call' killed -a 0 -y <<'END'
P1 io_setup(8, [ADDR]) = 0
P1 io_submit(ADDR, 1, [#1 pread(4<pipe:[N]>, ADDR, 5, 0)]) = 1
P2 io_setup(0, ADDR) = -1 EINVAL (Invalid argument)
P1 io_getevents(ADDR, 1, 1,  <unfinished ...>) = ?
P1 #1 pread(4<pipe:[N]>, ADDR, 5, 0 <unfinished ...>) = ?
END

# --- what stands in front of lines and behind ---

# stderr_like NAME PATTERN OPTIONS...: each line on stderr is like that (an extended expression)
stderr_like()
{
	like_name=$1
	like_pattern=$2
	shift 2
	run "$AIO_SANDBOX" -q "$@" "$victim" unreaped "$tmp/f"
	is "$like_name" "$(printf '%s\n' "$err" | grep -vxE "$like_pattern")" ''
	check "$like_name: there are lines" test -n "$err"
}
stderr_like 'one thread: no number in front' '(io_|#1 ).*' -e trace=all
stderr_like '-t' '[0-9]{2}:[0-9]{2}:[0-9]{2} (io_|#1 ).*' -e trace=all -t
stderr_like '-tt' '[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} (io_|#1 ).*' -e trace=all -tt
stderr_like '-ttt' '[0-9]{10}\.[0-9]{6} (io_|#1 ).*' -e trace=all -ttt
stderr_like '-r' ' {5}[0-9]\.[0-9]{6} (io_|#1 ).*' -e trace=all -r
stderr_like '-r behind -t' '.{8} \(\+ {5}[0-9]\.[0-9]{6}\) (io_|#1 ).*' -e trace=all -r -t
stderr_like '-T' '.* = .* <[0-9]+\.[0-9]{6}>' -e trace=all -T

run "$AIO_SANDBOX" -s 2 -e trace=requests,io_setup "$victim" unreaped "$tmp/f"
is 'results are in a column, data are cut' "$(printf '%s\n' "$err" | sed 's/0x[0-9a-f]*/0x12345678abcd/')" \
	'io_setup(8, [0x12345678abcd])           = 0
#1 pread(3, "on"..., 3, 0)              = 3
#1 pread(3, "on"..., 3, 0)              = 3 <never reaped>'

run "$AIO_SANDBOX" -e trace=calls "$victim" threads "$tmp/f"
like 'the second thread brings numbers' "$err" "io_setup*io_submit*
\[pid *\] io_getevents*
\[pid *\] io_destroy*"

name=$(printf '%s/o"d\\d<>\tx\n1\001' "$tmp")
run "$AIO_SANDBOX" -y -s 0 -a 0 -e trace=read "$victim" unreaped "${name}1"
is 'odd paths are quoted as strace does' "$(printf '%s\n' "$err" | sed 's/0x[0-9a-f]*/ADDR/; 1q')" \
	"#1 pread(3<$tmp/o\\\"d\\\\d\\74\\76\\tx\\n1\\0011>, ADDR, 3, 0) = 0"
run "$AIO_SANDBOX" -s 65537 true
is 'a string limit that is too large: 125' "$status" 125
run "$AIO_SANDBOX" -a x true
is 'a column that is none: 125' "$status" 125

done_testing
