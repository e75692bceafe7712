# SPDX-License-Identifier: MIT
# Text of a trace: every call and every request of a program, tied together by ids.
# shellcheck disable=SC2086 # $job is a list of words
. "$srcdir/tests/lib.sh"

disk_dir
have fio || skip_all 'fio is not installed'
cd "$disk" || exit

job="fio --name=a --filename=$disk/f --size=256k --ioengine=libaio --iodepth=4 --rw=randrw --bs=4k --direct=0 --thread"
run "$AIO_SANDBOX" -y -o "$tmp/t" $job
is 'fio passes' "$status" 0

# count PATTERN
count() { grep -cE "$1" "$tmp/t"; }

submitted=$(grep 'io_submit(' "$tmp/t" | grep -oE '#[0-9]+ p' | wc -l)
is 'every request of fio is in an io_submit' "$submitted" 64
is 'every request has a line of its own' "$(count '^[0-9]+ +#[0-9]+ (pread|pwrite)\(.*/f>, ".*"\.\.\., 4096, [0-9]+\) = 4096$')" 64
reaped=$(grep 'io_getevents(' "$tmp/t" | grep -oE '#[0-9]+ res=4096' | sort -u | wc -l)
is 'every request is in an io_getevents' "$reaped" 64
is 'setup and destroy are there' "$(count '^[0-9]+ +io_(setup|destroy)\(.* = 0$')" "$((2))"

run "$AIO_SANDBOX" -e trace=pread,io_setup -o "$tmp/t" $job
is 'a set leaves the rest out' "$(grep -cvE '(#[0-9]+ pread|io_setup)\(' "$tmp/t")" 0
check 'and not what is in it' grep -q 'pread(' "$tmp/t"

run "$AIO_SANDBOX" -P '/no/such/file' -o "$tmp/t" $job
is 'another path: no line' "$(cat "$tmp/t")" ''

run "$AIO_SANDBOX" -o "|cat >$tmp/piped" $job
check 'and there is something' grep -q 'io_destroy(' "$tmp/piped"

run "$AIO_SANDBOX" -o /no/such/dir/t true
is 'a file that cannot be opened: 125' "$status" 125
run "$AIO_SANDBOX" -e trace=nonsense true
is 'a set with an unknown word: 125' "$status" 125
like 'and the word is named' "$err" "*'nonsense' is neither*"

run "$AIO_SANDBOX" -o /dev/full $job
is 'a full disk does not touch the program' "$status" 0
like 'one warning tells' "$err" "*the trace in '/dev/full' is not complete: No space left on device*"

done_testing
