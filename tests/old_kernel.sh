# SPDX-License-Identifier: MIT
# Where the kernel lets signals break off calls that were received (before 5.19, imitated here by refusing the
# seccomp flag WAIT_KILLABLE_RECV), nothing is lost, and nothing is executed twice but for the microsecond in which
# such a kernel takes an answer and drops it: a signal every 100 us met it once in some 100,000 calls.
. "$srcdir/tests/lib.sh"
cd "$tmp" || exit

victim=$top_builddir/tests/victim_interrupted
old="$top_builddir/tests/victim_deny EINVAL seccomp:wait_killable -- $AIO_SANDBOX"

# shellcheck disable=SC2086
like "the kernel looks old" "$($old --doctor)" '*no   WAIT_KILLABLE_RECV: EINVAL*'

# sees NAME WANTED ARGS...: the victim's observations, without the counts of EINTR, which are told
sees()
{
	sees_name=$1
	sees_wanted=$2
	shift 2
	# shellcheck disable=SC2086
	run $old "$@"
	is "$sees_name" "$(echo "$out" | grep -v -e '^eintr' -e '^records-minus' -e '^calls-executed-twice' | tr '\n' ' ')$err" "$sees_wanted"
	diag "$(echo "$out" | grep -e '^eintr' -e '^records-minus' -e '^calls-executed-twice' | tr '\n' ' ')"
}

counted() { echo "$out" | sed -n "s/^$1: //p"; }

each_once='accepted: some lost: 0 events-minus-records: 0 signals-came: yes '
most_twice=4		# calls, of up to 40000

rarely_twice() { [ "$(counted calls-executed-twice)" -le $most_twice ]; }
for what in 'appends 40000' 'lists 20000' 'large 60'; do
	each=1
	[ "${what% *}" != lists ] || each=3
	# shellcheck disable=SC2086
	sees "$what, SA_RESTART: none lost" "$each_once" --buffer-memory=1M "$victim" ${what% *} restart ${what#* }
	check 'none twice, but for that microsecond' rarely_twice
	is 'no EINTR' "$(counted eintr)" 0
	is 'the file is what io_submit returned' "$(counted records-minus-returns)" $(($(counted calls-executed-twice) * each))
done
for what in 'appends 40000' 'lists 20000'; do
	# shellcheck disable=SC2086
	sees "$what without SA_RESTART: none lost [19.plain]" "$each_once" "$victim" ${what% *} plain ${what#* }
	check 'none twice, but for that microsecond' rarely_twice
	is 'what the file has more is what ended with EINTR, but executed' \
		"$(counted records-minus-returns)" "$(counted eintr-executed-records)"
done
for how in restart plain; do
	sees "io_setup and io_destroy, $how" \
		'bad: 0 descriptors-left: 0 mappings-left: no signals-came: yes ' "$victim" setups $how 300
	sees "io_getevents ends by a signal and loses no event, $how" \
		'ended-by-signal: 5 events-of-two: 2 signals-came: yes ' "$victim" waits $how 5
done
done_testing
