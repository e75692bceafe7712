# SPDX-License-Identifier: MIT
# Every request has a key that is the same in every run, whoever comes first. If this breaks, a fault that was found
# in one run cannot be repeated in the next.
. "$srcdir/tests/lib.sh"

victim=$top_builddir/tests/victim_keys

# keys_of FILE: the sorted keys that stand in its lines, all else left out
keys_of() { sed -n 's/^aio-sandbox: request [0-9]* of [0-9]* gave -\{0,1\}[0-9]*: //p' "$1" | sort; }

# once NAME COMMAND...: $tmp/NAME.keys are those of a run in a directory of its own
once()
{
	once_name=$1
	shift
	mkdir "$tmp/$once_name"
	once_status=0
	(cd "$tmp/$once_name" && exec "$@") 2>"$tmp/$once_name.err" || once_status=$?
	is "run $once_name" "$once_status" 0
	keys_of "$tmp/$once_name.err" >"$tmp/$once_name.keys"
}

once first "$AIO_SANDBOX" -vv "$victim" 0
is 'a line for each request' "$(wc -l <"$tmp/first.keys")" 816
is 'no key twice' "$(uniq -d "$tmp/first.keys")" ''
requests=$(sed -n 's/.*, requests: \([0-9]*\)$/\1/p' "$tmp/first.err")
is 'all that were accepted' "$requests" 816
check 'relative paths, escaped' grep -qx 'victim_keys:1 pwrite file\\0400 @512+512 #0' "$tmp/first.keys"
check 'each process has a number' grep -q '^victim_keys:4 fsync file\\040303 @0+0 #0$' "$tmp/first.keys"
check 'what is the same is numbered' grep -qx 'victim_keys:2 pread shared @0+512 #31' "$tmp/first.keys"
for again in second third; do
	once $again "$AIO_SANDBOX" -vv "$victim" 300
	check "the $again run has the same keys" cmp "$tmp/first.keys" "$tmp/$again.keys"
done
once threads "$AIO_SANDBOX" -vv --engine=threads "$victim" 300
check 'another engine too' cmp "$tmp/first.keys" "$tmp/threads.keys"

once quiet "$AIO_SANDBOX" -v "$victim" 0
is 'with one -v no request is told' "$(wc -l <"$tmp/quiet.keys")" 0
done_testing
