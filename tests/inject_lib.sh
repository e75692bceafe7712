# SPDX-License-Identifier: MIT
# For inject_*.sh. The victim says what it sees, word by word (victim_inject.c).

victim=$top_builddir/tests/victim_inject
disk_dir
file=$disk/file

# inject RULE... -- COMMAND...: sets $status, $out (on one line) and $err
inject()
{
	rules=
	while [ "$1" != -- ]; do
		rules="$rules -e inject=$1"
		shift
	done
	shift
	rm -f "$file"
	# shellcheck disable=SC2086
	run timeout -k 1 30 "$AIO_SANDBOX" -q --seed=7 $options $rules "$victim" "$file" "$@"
	out=$(printf '%s' "$out" | tr '\n' ';')
}

# sees NAME WANTED: by the last inject
sees()
{
	is "$1" "$status $out $err" "0 $2 "
}
options=
