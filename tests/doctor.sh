# SPDX-License-Identifier: MIT
# --doctor says what works here, and where not, what that means. If it fails, users are sent astray.
. "$srcdir/tests/lib.sh"

deny=$top_builddir/tests/victim_deny

# The line of one probe in $out.
line() { printf '%s\n' "$out" | grep -e "^yes  $1: " -e "^no   $1: " -e "^?    $1: " || :; }
final() { printf '%s\n' "$out" | tail -n 1; }

# Lines of $out that are neither headings, nor results, nor the conclusion.
strange()
{
	printf '%s\n' "$out" | grep -v -x -e needed -e useful -e informative \
		-e '\(yes  \|no   \|?    \)[^:]*: .*' -e 'aio-sandbox can.*' || :
}

# refused NAME STATUS PATTERN ACTION CALLS: under that policy the probe's line is as the pattern says
refused()
{
	if grep -q "^no   $1: " "$tmp/here"; then
		skip "$1: does not work on this host anyway"
		return
	fi
	run "$deny" "$4" "$5" -- "$AIO_SANDBOX" --doctor
	like "$1 under a policy ($4 for $5)" "$(line "$1")" "no   $1: $3"
	is "exit status then" "$status" "$2"
}

# --- this host
run "$AIO_SANDBOX" --doctor
printf '%s\n' "$out" >"$tmp/here"
is "a normal run can start on this host" "$status" 0
[ "$status" -eq 0 ] || diag_file "$tmp/here"
is "nothing on stderr" "$err" ""
is "every line has the documented form" "$(strange)" ""
like "the last line says so" "$(final)" "aio-sandbox can run programs here*"
for name in 'user notification' listener 'AIO calls' ADDFD pidfd_open process_vm ptrace; do
	like "needed: $name" "$(line "$name")" "yes  $name: ?*"
done
for name in WAIT_KILLABLE_RECV SYNC_WAKE_UP ADDFD_SEND PIDFD_THREAD pidfd_getfd kcmp \
	'further AIO calls' io_uring 'native AIO' 'libaio engine'; do
	like "told: $name" "$(line "$name")" "[yn]?*  $name: ?*"
done
if [ -r /proc/sys/fs/aio-nr ]; then
	like "told: aio-nr" "$(line aio-nr)" "*aio-nr: *of $(cat /proc/sys/fs/aio-max-nr) in use*"
fi

# --- an outer policy
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0	# that needs ptrace itself
export ASAN_OPTIONS
refused pidfd_getfd 0 'EPERM: regular files*reopened*EBADF*--cap-add SYS_PTRACE*' EPERM pidfd_getfd
refused pidfd_getfd 0 'ENOSYS: *kernel*EBADF*' ENOSYS pidfd_getfd
refused io_uring 0 'EPERM: *threads engine*' EPERM io_uring_setup
refused io_uring 0 'ENOSYS: *threads engine*' ENOSYS io_uring_setup
refused io_uring 0 'EPERM: *threads engine*' EPERM io_uring_enter
refused kcmp 0 'ENOSYS: *CONFIG_KCMP*' ENOSYS kcmp
refused kcmp 0 'SIGSYS: *allow kcmp*' KILL kcmp
refused 'further AIO calls' 0 'ENOSYS: *answers io_pgetevents itself*' ENOSYS io_pgetevents
refused 'libaio engine' 1 'EAGAIN: *fs.aio-max-nr*' EAGAIN io_setup
refused 'native AIO' 1 'ENOSYS: *policy*' ENOSYS io_setup
refused ptrace 1 'EPERM: *io_setup fails with EAGAIN*--cap-add*' EPERM ptrace
refused process_vm 1 'EPERM: *memory*' EPERM process_vm_readv
refused process_vm 1 'EPERM: *memory*' EPERM process_vm_writev
refused pidfd_open 1 'ENOSYS: *allow*pidfd_open*' ENOSYS pidfd_open
refused 'AIO calls' 1 'EPERM: *answers io_submit, io_getevents itself*outside*' EPERM io_submit,io_getevents
refused 'AIO calls' 1 'SIGSYS: *answers io_destroy itself*' KILL io_destroy
# the errno that the kernel itself would give: only a listener of our own can tell
refused 'AIO calls' 1 'EFAULT: *answers io_setup itself*' EFAULT io_setup
refused 'user notification' 1 'EPERM: *allow seccomp(2)*' EPERM seccomp
refused 'user notification' 1 'SIGSYS: *allow seccomp(2)*' KILL seccomp
refused 'user notification' 1 'EPERM: *ioctls*' EPERM ioctl
like "a needed no in the last line" "$(final)" 'aio-sandbox cannot run programs here: *'
like "what then cannot be tried is not called a no" "$(line ADDFD)" '[?]    ADDFD: *'
run "$deny" EAGAIN fork,vfork,clone,clone3 -- "$AIO_SANDBOX" --doctor
like "no child can be started" "$out" '*no   fork: EAGAIN: *'
is "exit status then" "$status" 1

# --- a listener is in place
run "$deny" NOTIFY getcpu -- "$AIO_SANDBOX" --doctor
like "a foreign listener" "$(line listener)" 'no   listener: EBUSY: another supervisor*outside of it'
like "it does not mean that the kernel has none" "$(line 'user notification')" 'yes  *'
is "exit status then" "$status" 1
run "$deny" EPERM io_submit -- "$deny" NOTIFY getcpu -- "$AIO_SANDBOX" --doctor
like "an outer errno is told with a foreign listener too" "$(line 'AIO calls')" \
	'no   AIO calls: EPERM: *answers io_submit itself*'
run "$deny" NOTIFY kcmp -- "$AIO_SANDBOX" --doctor
like "a probe that hangs is ended" "$(line kcmp)" 'no   kcmp: ETIMEDOUT: *'
run "$AIO_SANDBOX" "$AIO_SANDBOX" --doctor
like "inside of aio-sandbox" "$(line listener)" 'no   listener: EBUSY: *'
is "exit status then" "$status" 1

# --- a run that cannot start says the same
run "$deny" NOTIFY getcpu -- "$AIO_SANDBOX" true
is "a run under a foreign listener cannot start" "$status" 125
like "its message" "$err" 'aio-sandbox: cannot start: listener: EBUSY: another supervisor*outside of it'
run "$deny" EPERM seccomp -- "$AIO_SANDBOX" true
is "a run without seccomp(2) cannot start" "$status" 125
like "its message" "$err" 'aio-sandbox: cannot start: user notification: EPERM: *allow seccomp(2)*'

# --- an ordinary user; a binary that cannot be read would be non-dumpable, hence the copy
if [ "$(id -u)" -eq 0 ] && have setpriv; then
	chmod 755 "$tmp"
	cp "$AIO_SANDBOX" "$tmp/aio-sandbox"
	chmod 755 "$tmp/aio-sandbox"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/aio-sandbox" --doctor
	is "an ordinary user can start a normal run" "$status" 0
	for name in 'AIO calls' process_vm ptrace; do
		like "ordinary user: $name" "$(line "$name")" "yes  $name: *"
	done
else
	skip "an ordinary user: needs root and setpriv to become one"
fi
done_testing
