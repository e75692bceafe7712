# SPDX-License-Identifier: MIT
# Without WAIT_KILLABLE_RECV (kernels before 5.19) a program sees the same, but for what the man page says.
. "$srcdir/tests/parity/every.sh"

# a handler without SA_RESTART ends every wait with EINTR; io_pgetevents' mask does not keep signals out,
# nor does a stop start it anew; no event is taken before the call can be answered; the thread itself does nothing
# for its call (D15)
differs='
	11.4/in-the-ring-while-waiting
	11.copy/later-pass
	11.copy/later-pass-left
	11.copy/later-pass-rest
	11.partial/signal
	11.partial/signal-left
	12.arriving/closed-by-mask
	12.blocked/full-mask
	12.no-handler/stop-no-mask
	12.no-handler/stop-open-mask
	12.no-handler/stop-full-mask
	12.no-handler/ptrace-no-mask
	12.no-handler/ptrace-open-mask
	12.no-handler/ptrace-full-mask
	8.3.signalfd/nothing
	8.3.signalfd/read
	8.3.signalfd/8
	8.fault/write-from-vvar
'
left_out=hidden		# D15
through EINVAL seccomp:wait_killable
every 'no WAIT_KILLABLE_RECV' ''
done_testing
