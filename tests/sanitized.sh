# SPDX-License-Identifier: MIT
# For the scripts that run the others with a supervisor that a sanitizer watches. Needs disk_dir.

# sanitized_build OPTION...: of configure. From then on everything runs with that build.
sanitized_build()
{
	top_srcdir=$(cd "$srcdir" && pwd)
	chmod 755 "$disk"	# for other users that tests become
	mkdir "$disk/build"
	# TESTS= on the command line of the make that runs us would be the inner one's too: this script again
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES
	if ! (cd "$disk/build" && "$top_srcdir/configure" CFLAGS='-O1 -g' "$@" &&
		make all && make check TESTS=) >"$disk/build.log" 2>&1; then
		diag "$(tail -n 20 "$disk/build.log")"
		not_ok "a build with $*"
		done_testing
		exit 1
	fi
	top_builddir=$disk/build
	AIO_SANDBOX=$top_builddir/aio-sandbox
	VICTIM_DIR=$top_builddir/tests/parity
	CK_TIMEOUT_MULTIPLIER=10
	export top_builddir AIO_SANDBOX VICTIM_DIR CK_TIMEOUT_MULTIPLIER
}

# what the sanitizer has written; its log_path is this
reports=$disk/report
no_report() # NAME
{
	if ls "$reports".* >/dev/null 2>&1; then
		not_ok "$1"
		diag "$(head -n 60 "$reports".*)"
		rm -f "$reports".*
	else
		ok "$1"
	fi
}

# unit_tests_pass NAME...: without _t
unit_tests_pass()
{
	unit_list=
	for unit; do
		unit_list="$unit_list tests/${unit}_t"
	done
	(cd "$top_builddir" && make check TESTS="$unit_list") >"$disk/unit.log" 2>&1 ||
		diag "$(grep '^FAIL\|^ERROR' "$disk/unit.log")"
	is "unit tests pass" "$(grep -c '^FAIL:\|^ERROR:' "$disk/unit.log")" 0
	check "many" [ "$(grep -c '^PASS:' "$disk/unit.log")" -gt 100 ]
	no_report "and nothing is reported"
}
