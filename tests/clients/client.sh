# SPDX-License-Identifier: MIT
# Shared by the client tests: run a real program in the sandbox, and prove that it was the sandbox that served it.
#
# sandboxed NAME PROGRAM [ARGS] runs PROGRAM under aio-sandbox -v and leaves $status, $tmp/NAME.out and $tmp/NAME.err.
# While it runs, /proc/sys/fs/aio-nr is sampled; served NAME then asserts that it never rose and how many requests the
# supervisor saw. The number of reference is read inside the sandbox just before PROGRAM is exec'ed, because contexts
# that the supervisor itself opens on the host are opened before and are legitimate.
# aio-nr belongs to the whole machine, and others may use AIO meanwhile: a rise is forgiven where a ring of the kernel's is
# seen in a process that is not ours, or when it is over before a ring can be found anywhere. A ring of ours is there as
# long as its program, and is never forgiven.
# Data files go to $disk, which does O_DIRECT.

. "$srcdir/tests/aio_nr.sh"

: "${client_limit:=60}"	# seconds for one run
sampler=
client_cleanup() { :; }	# a script may define its own
cleanup()
{
	[ -z "$sampler" ] || kill "$sampler" 2>/dev/null || :
	client_cleanup
}
disk_dir
need timeout
dd if=/dev/zero of="$disk/direct" bs=4096 count=1 oflag=direct 2>/dev/null ||
	skip_all "the file system of $top_builddir has no O_DIRECT"
rm -f "$disk/direct"

# 0 where the kernel has no AIO. Not the shell's read: dash's goes byte by byte, and a sysctl answers only the first.
aio_nr() { cat /proc/sys/fs/aio-nr 2>/dev/null || echo 0; }

# Who holds a ring of the kernel's: "ours:PID" for descendants of this script, "other:PID" else. Our supervisor's own is
# there before PROGRAM and in the number of reference: it explains nothing and is not listed. An ordinary user sees the
# rings of his own processes, so ours, but not whether a stranger has one.
kernel_rings()
{
	cat /proc/1/maps >/dev/null 2>&1 || printf ' other:unreadable'
	grep -ls '/\[aio\]' /proc/[0-9]*/maps | while read -r maps; do
		pid=${maps#/proc/}
		pid=${pid%/maps}
		up=$pid
		while [ "${up:-0}" -gt 1 ] && [ "$up" -ne $$ ]; do
			up=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$up/status" 2>/dev/null || :)
		done
		exe=$(readlink "/proc/$pid/exe" || :)	# empty: it has ended meanwhile
		if [ "$up" != $$ ]; then
			printf ' other:%s' "$pid"
		elif [ -n "$exe" ] && [ "$exe" != "$(readlink -f "$AIO_SANDBOX")" ]; then
			printf ' ours:%s' "$pid"
		fi
	done
}

watch_aio_nr() # NAME
{
	nr_before=$(aio_nr)
	: >"$tmp/$1.inside"
	: >"$tmp/$1.samples"
	: >"$tmp/$1.runs"
	(
		trap - EXIT
		while :; do
			if [ -s "$tmp/$1.inside" ]; then
				nr=$(aio_nr)
				[ "$nr" -le "$(cat "$tmp/$1.inside")" ] || nr="$nr $(kernel_rings)"
				echo "$nr" >>"$tmp/$1.samples"
			fi
			[ -e "$tmp/$1.runs" ] || break
			sleep 0.01	# a rate, not a wait
		done
	) 7>&- &
	sampler=$!
}

unwatch_aio_nr() # NAME
{
	rm "$tmp/$1.runs"	# and one sample more
	wait "$sampler" || :
	sampler=
	tries=0
	while nr=$(aio_nr) && [ "$nr" -gt "$nr_before" ] && [ $tries -lt 50 ]; do
		rings=$(kernel_rings)
		nr="$nr $rings"
		[ -z "$rings" ] || break
		tries=$((tries + 1))
		sleep 0.1	# the sysctl gives no event
	done
	echo "$nr_before $nr" >"$tmp/$1.outside"
}

# What runs inside: note aio-nr (a kernel without AIO has none), then become PROGRAM.
inside='cat /proc/sys/fs/aio-nr >"$0" 2>/dev/null || echo 0 >"$0"; exec "$@"'

sandboxed() # NAME PROGRAM [ARGS]
{
	run_name=$1
	shift
	status=0
	watch_aio_nr "$run_name"
	# shellcheck disable=SC2086 # the flags are a list of words
	timeout -k 5 "$client_limit" "$AIO_SANDBOX" ${AIO_SANDBOX_FLAGS-} -v -- \
		sh -c "$inside" "$tmp/$run_name.inside" "$@" \
		>"$tmp/$run_name.out" 2>"$tmp/$run_name.err" 7>&- || status=$?
	unwatch_aio_nr "$run_name"
}

native() # NAME PROGRAM [ARGS]
{
	run_name=$1
	shift
	status=0
	timeout -k 5 "$client_limit" "$@" >"$tmp/$run_name.out" 2>"$tmp/$run_name.err" 7>&- || status=$?
}

# A run with the kernel's own AIO, which other tests count, and whose limit some use up: one at a time.
native_aio() # NAME PROGRAM [ARGS]
{
	aio_nr_take
	native "$@"
	aio_nr_leave
}

# Where there is nothing to compare with.
need_kernel_aio()
{
	aio_nr_take
	[ "$(cat /proc/sys/fs/aio-max-nr 2>/dev/null || echo 0)" -gt 0 ] || skip_all "this kernel gives no native AIO"
	aio_nr_leave
}

# ended NAME WANTED: the run's exit status, and if it is another one what the run said
ended()
{
	is "$1: exit status $2" "$status" "$2"
	[ "$status" = "$2" ] || tail -n 20 "$tmp/$1.out" "$tmp/$1.err" | sed 's/^/# /'
}

requests_of() # NAME: what aio-sandbox -v told at its end
{
	sed -n 's/^aio-sandbox: AIO calls: [0-9]*, requests: \([0-9]*\).*/\1/p' "$tmp/$1.err" | tail -n 1
}

# A rise that lasts must be explained by a ring in a process that is not of this test, and none may be of this test.
aio_nr_still() # NAME
{
	awk -v outside="$(cat "$tmp/$1.outside")" -v inside="$(cat "$tmp/$1.inside")" '
		function rise(what, line, brief) {
			if (line ~ / ours:/ || (line !~ / other:/ && !brief)) bad = 1
			if (told++ < 5) print "aio-nr " what, line
		}
		{ n++; unexplained = $1 > inside + 0 && !/ other:/ ? unexplained + 1 : 0 }
		$1 > inside + 0 { rise("inside " inside ", then", $0, unexplained < 10) }
		END {
			split(outside, o)
			if (o[2] > o[1]) rise("before, after:", outside, 0)
			if (!n || inside == "") print "no sample of aio-nr was taken"
			exit bad || !n || inside == ""
		}' "$tmp/$1.samples"
}

between() # VALUE LOW HIGH
{
	[ -n "$1" ] && [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] && return
	echo "got '$1', wanted $2 to $3"
	return 1
}

# served NAME LOW [HIGH]: no context of the kernel's, and LOW to HIGH (default: exactly LOW) requests by the supervisor
served()
{
	check "$1: aio-nr did not move" aio_nr_still "$1"
	check "$1: the supervisor served as many requests as the program made" \
		between "$(requests_of "$1")" "$2" "${3:-$2}"
}
any=9223372036854775807
