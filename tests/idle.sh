# SPDX-License-Identifier: MIT
# A program that does nothing costs nothing: how often somebody of the sandbox is woken meanwhile. If this breaks, idle
# programs cost battery and CPU.
. "$srcdir/tests/lib.sh"
disk_dir

victim=$top_builddir/tests/victim_idle
seconds=4	# of counting: not waited for anything

# shellcheck disable=SC2046
tree() { for tree_pid; do echo "$tree_pid"; tree $(cat /proc/"$tree_pid"/task/*/children 2>/dev/null); done; }

# wakeups PID...: since each of their threads began
wakeups()
{
	for wakeups_pid; do cat /proc/"$wakeups_pid"/task/*/status; done | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'
}

# idle NAME MOST OPTION MODE COUNT: at most so many wake-ups in a second, all threads of the tree together
idle()
{
	idle_name=$1 most=$2
	shift 2
	"$AIO_SANDBOX" -q "$1" "$victim" "$2" "$3" >"$tmp/out" 2>"$tmp/err" &
	us=$!
	if until_line $us "$tmp/out" ready; then
		# shellcheck disable=SC2046
		set -- $(tree $us)
		before=$(wakeups "$@")
		sleep $seconds
		woken=$((($(wakeups "$@") - before) / seconds))
		check "$idle_name: $woken wake-ups a second" test $woken -le "$most"
	else
		not_ok "$idle_name: it does not begin"
		diag_file "$tmp/err"
	fi
	kill $us
	wait $us 2>/dev/null || :
}

for shim in --shim --no-shim; do
	idle "$shim, a program that sleeps" 25 $shim sleeps 1
	idle "$shim, 100 idle contexts" 25 $shim sleeps 100
	idle "$shim, a thread that waits for ever" 40 $shim waits 1
	idle "$shim, 100 threads that wait for ever" 100 $shim waits 100
done

done_testing
