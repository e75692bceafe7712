# SPDX-License-Identifier: MIT
# The shim needs nothing, does nothing outside a sandbox, and changes nothing that a program says, whatever libc and
# loader it has. If this breaks, programs cannot start under --shim or behave differently.
. "$srcdir/tests/lib.sh"
shim=$top_builddir/shim/aio-sandbox-shim.so
[ -e "$shim" ] || skip_all "the shim is built for x86-64 only"
source=$(cd "$srcdir/tests" && pwd)/victim_preloaded.c
[ "$(cat /proc/sys/fs/aio-max-nr)" -gt 1000 ] || skip_all "fs.aio-max-nr leaves no native AIO to compare with"
disk_dir
cd "$disk" || exit

# --- the object ---

if have readelf; then
	readelf -dW "$shim" >"$tmp/dynamic"
	check "its dynamic section can be read" grep -q SYMTAB "$tmp/dynamic"
	is "it needs no other object" "$(grep -cE 'NEEDED|INIT|FINI|TEXTREL|SONAME' "$tmp/dynamic")" 0
	is "it has no thread-local memory, no interpreter, no executable stack" \
		"$(readelf -lW "$shim" | grep -E '^ *(TLS|INTERP|GNU_STACK .* RWE)')" ''
	readelf --dyn-syms -W "$shim" | awk '$5 ~ /GLOBAL|WEAK/ { print $7 == "UND" ? "U" : "D", $8 }' |
		sort >"$tmp/symbols"
	is "all that it would like to have is errno" "$(sed -n 's/^U //p' "$tmp/symbols")" __errno_location
	sed -n 's/^D \([a-z]\)/\1/p' "$tmp/symbols" >"$tmp/defined"
	libaio=$(ldconfig -p 2>/dev/null | sed -n 's/.*libaio\.so\.1 .*=> //p' | head -n 1)
	if [ -n "$libaio" ]; then
		{
			echo prctl
			echo syscall
			readelf --dyn-syms -W "$libaio" | awk '$5 == "GLOBAL" && $7 != "UND" { sub("@@", "@", $8); print $8 }' |
				grep '^io_'
		} | sort >"$tmp/wanted"
		is "it defines libaio's functions in libaio's versions, and syscall()" \
			"$(cat "$tmp/defined")" "$(cat "$tmp/wanted")"
	fi
fi

# --- programs ---

# compare NAME COMMAND...: natively; preloaded outside a sandbox; sandboxed; sandboxed with the shim
compare()
{
	name=$1
	shift
	run "$@"
	native="$status
$out
$err"
	run env "LD_PRELOAD=$shim" "$@"
	is "$name: inert outside a sandbox" "$status
$out
$err" "$native"
	run "$AIO_SANDBOX" -q "$@"
	is "$name: in the sandbox without it" "$status
$out
$err" "$native"
	run "$AIO_SANDBOX" -q --shim "$@"
	is "$name: with it" "$status
$out
$err" "$native"
}

# built NAME OUTPUT COMPILER...: false, and a skip, if that cannot be built here
built()
{
	built_name=$1 built_to=$2
	shift 2
	if "$@" -o "$built_to" "$source" >"$tmp/built.log" 2>&1; then
		return 0
	fi
	skip "$built_name: cannot be built here ($(head -n 1 "$tmp/built.log"))"
	return 1
}

compare "glibc and libaio" "$top_builddir/tests/victim_preloaded"
compare "bash" bash -c 'echo "$BASHPID" >/dev/null; echo hello | cat; (exit 3)'
LD_PRELOAD=$shim LD_DEBUG=bindings "$top_builddir/tests/victim_preloaded" 2>&1 |
	sed -n "s|.*file .* to $shim .*: normal symbol .\\([a-z_]*\\)'.*|\\1|p" | sort -u >"$tmp/bound"
is "all of it takes the place of libaio and syscall()" "$(tr '\n' ' ' <"$tmp/bound")" "$(sed 's/@.*//' "$tmp/defined" |
	grep -v prctl | sort -u | tr '\n' ' ')"
: "${CC:=cc}"
plain='-DPLAIN -w'
# shellcheck disable=SC2086
{
	! built "without libaio" "$tmp/plain" $CC $plain || compare "without libaio" "$tmp/plain"
	! built "static-pie" "$tmp/static" $CC $plain -static-pie || compare "static-pie" "$tmp/static"
	! built "musl" "$tmp/musl" musl-gcc $plain -idirafter /usr/include \
		-idirafter "/usr/include/$(uname -m)-linux-gnu" || compare "musl" "$tmp/musl"
	! built "static ASan" "$tmp/asan" gcc $plain -fsanitize=address -static-libasan ||
		compare "static ASan" "$tmp/asan"
	if built "ASan" "$tmp/asan-shared" gcc $plain -fsanitize=address; then
		run "$tmp/asan-shared"
		native=$out
		run "$AIO_SANDBOX" -q --shim "$tmp/asan-shared"
		is "ASan as a shared object, which wants to be the first" "$status $out $err" "0 $native "
		LD_PRELOAD=$(gcc -print-file-name=libasan.so)
		export LD_PRELOAD
		run "$tmp/asan-shared"
		native=$out
		run "$AIO_SANDBOX" -q --shim "$tmp/asan-shared"
		unset LD_PRELOAD
		is "ASan that is preloaded stays the first" "$out" "$native"
	fi
}

# --- LD_PRELOAD ---

unset LD_PRELOAD
run "$AIO_SANDBOX" -q --shim sh -c 'echo "$LD_PRELOAD"'
is "--shim preloads it, which the program can see [D13]" "$out" "$shim"
run env LD_PRELOAD=libaio.so.1 "$AIO_SANDBOX" -q --shim sh -c 'echo "$LD_PRELOAD"'
is "behind what is preloaded already" "$out" "libaio.so.1:$shim"
run "$AIO_SANDBOX" -q sh -c 'echo "${LD_PRELOAD-none}"'
is "it is not the default" "$out" none
run "$AIO_SANDBOX" -q --shim --no-shim sh -c 'echo "${LD_PRELOAD-none}"'
is "--no-shim" "$out" none
if cp "$AIO_SANDBOX" "$tmp/copy" 2>/dev/null; then
	mkdir -p "$tmp/a b/shim"
	cp "$shim" "$tmp/a b/shim/"
	mv "$tmp/copy" "$tmp/a b/aio-sandbox"
	run "$tmp/a b/aio-sandbox" --shim sh -c 'echo "${LD_PRELOAD-none}"'
	is "a path that LD_PRELOAD cannot hold: PROGRAM runs" "$out" none
	like "a path that LD_PRELOAD cannot hold: and says so" "$err" '*space or a colon*'
fi
if [ "$(id -u)" -eq 0 ]; then
	mkdir -p "$tmp/root/shim"
	cp "$shim" "$tmp/root/shim/" && cp "$AIO_SANDBOX" "$tmp/root/"
	chmod 700 "$tmp/root"
	run "$tmp/root/aio-sandbox" --shim -u nobody sh -c 'echo "${LD_PRELOAD-none}"'
	case $out in
	none) like "a shim that the user cannot read is not preloaded" "$err" '*cannot be preloaded*' ;;
	*) unlike=$(echo "$out" | grep "$tmp/root" || :); is "a shim that the user cannot read is not preloaded" "$unlike" '' ;;
	esac
fi

done_testing
