# SPDX-License-Identifier: MIT
# With the shim io_setup and io_destroy need no ptrace: under a debugger, strace and a policy against ptrace, in
# children of every kind, after exec and with a libaio of dlopen(3). If this breaks, such programs get EAGAIN.
. "$srcdir/tests/lib.sh"
[ -e "$top_builddir/shim/aio-sandbox-shim.so" ] || skip_all "the shim is built for x86-64 only"
disk_dir
mark
cd "$disk" || exit

steps=$top_builddir/tests/victim_steps
victim=$top_builddir/tests/victim_preloaded
without_ptrace() { "$top_builddir/tests/victim_deny" EPERM ptrace -- "$AIO_SANDBOX" -q "$@"; }

run "$AIO_SANDBOX" -q "$victim"
with_ptrace=$out
run without_ptrace --shim "$victim"
is "every call, fork, vfork and dlopen: no ptrace is needed" "$out" "$with_ptrace"

all="setup file=$disk/file pipe poll thread destroy setup thread vfork"
# shellcheck disable=SC2086
{
	run "$AIO_SANDBOX" -q "$steps" $all
	with_ptrace=$out
	run without_ptrace --shim "$steps" $all
	is "steps of a program, without ptrace" "$out" "$with_ptrace"
	run without_ptrace "$steps" $all
	like "which the trap cannot do" "$out" "setup: EAGAIN*"
}
run without_ptrace --shim "$steps" setup exec setup pipe destroy
like "a new image says hello for itself" "$(echo "$out" | tr '\n' ' ')" \
	"setup: 0 setup: 0 pipe: 8 destroy: 0 "
run without_ptrace --shim "$steps" nodump setup pipe destroy
like "nor does it ask who may be traced" "$(echo "$out" | tr '\n' ' ')" "nodump: 0 setup: 0 pipe: 8 destroy: 0 "

# its own filters may end it for a call that it has never made
run "$AIO_SANDBOX" -q --shim "$steps" filter setup pipe destroy
like "a program with filters of its own" "$(echo "$out" | tr '\n' ' ')" "filter: 0 setup: 0 pipe: 8 destroy: 0 "
run without_ptrace --shim "$steps" filter setup
like "gets its ring by the trap" "$out" "*setup: EAGAIN"
run sh -c 'ulimit -v 4000000; exec "$@"' sh "$AIO_SANDBOX" -q --shim "$steps" setup pipe destroy
like "as one with limited memory does" "$(echo "$out" | tr '\n' ' ')" "setup: 0 pipe: 8 destroy: 0 "

if [ "$(id -u)" -eq 0 ] && have setpriv; then
	run "$top_builddir/tests/victim_deny" EPERM ptrace -- "$AIO_SANDBOX" -q --shim \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$steps" setup pipe destroy
	is "a program of another user" "$(echo "$out" | tr '\n' ' ')" "setup: 0 pipe: 8 destroy: 0 "
else
	skip "setpriv, or root, is missing"
fi

if have strace; then
	run "$AIO_SANDBOX" -q --shim strace -f -o "$tmp/strace" "$steps" setup pipe destroy
	like "under strace" "$(echo "$out" | tr '\n' ' ')" "setup: 0 pipe: 8 destroy: 0 "
	check "which sees it" grep -q 'io_setup(.*= 0' "$tmp/strace"
else
	skip "strace is not installed"
fi
if have gdb; then
	run timeout 60 "$AIO_SANDBOX" --shim gdb -nx -batch -ex "set confirm off" -ex run --args "$steps" setup pipe destroy
	like "under gdb" "$(echo "$out" | tr '\n' ' ')" "*setup: 0 pipe: 8 destroy: 0 *exited normally*"
else
	skip "gdb is not installed"
fi

# a hello without a supervisor, or from one that was told not to listen
run env "LD_PRELOAD=$top_builddir/shim/aio-sandbox-shim.so" "$AIO_SANDBOX" -q --no-shim "$steps" setup pipe destroy
like "nobody answers under --no-shim" "$(echo "$out" | tr '\n' ' ')" "setup: 0 pipe: 8 destroy: 0 "

nothing_left
done_testing
