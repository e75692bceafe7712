# SPDX-License-Identifier: MIT
# With the shim a program and all that it starts say what they say natively, byte for byte: where a loader
# would complain of the object, or refuse to start, it does not find it. If this breaks, the sandbox is seen in outputs.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/fuse.sh"
shim=$top_builddir/shim/aio-sandbox-shim.so
[ -e "$shim" ] || skip_all "the shim is built for x86-64 only"
cleanup() { fuse_kill; }
unset LD_PRELOAD
: "${CC:=cc}"

# same NAME COMMAND...: natively and sandboxed, twice: what was seen is remembered
same()
{
	same_name=$1
	shift
	run "$@"
	same_native="$status
$out
$err"
	for same_time in first second; do
		run "$AIO_SANDBOX" -q --shim "$@"
		is "$same_name, $same_time time" "$status
$out
$err" "$same_native"
	done
}

# through NAME PROGRAM: started by the sandbox itself, a shell's fork and vfork, posix_spawn, exec, a script
through()
{
	printf '#!%s\n' "$2" >"$tmp/script"
	printf '#! %s\n' "$tmp/script" >"$tmp/script2"
	chmod +x "$tmp/script" "$tmp/script2"
	same "$1" "$2"
	same "$1, by a shell" sh -c '"$1"; "$1"; (exec "$1"); exec "$1"' sh "$2"
	same "$1, interpreter of a script" sh -c "$tmp/script"
	same "$1, interpreter of a script's interpreter" sh -c "$tmp/script2"
	same "$1, by a relative path" sh -c 'cd / && exec "$1"' sh "./${2#/}"
	[ ! -x "$tmp/starts" ] || same "$1, in all ways" "$tmp/starts" "$2"
}

cat >"$tmp/starts.c" <<'END'
/* Starts argv[1] by vfork, posix_spawn, execveat and after an execve that fails. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void await(const char *how, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	printf("%s: %x\n", how, status);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	pid_t pid = vfork();
	int fd = open(argv[1], O_PATH);

	if (pid == 0) {
		execv(argv[1], argv + 1);
		_exit(99);
	}
	await("vfork", pid);
	if (posix_spawn(&pid, argv[1], NULL, NULL, argv + 1, environ))
		return 1;
	await("posix_spawn", pid);
	pid = fork();
	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv + 1, environ, AT_EMPTY_PATH);
		_exit(99);
	}
	await("execveat", pid);
	execv("/nonexistent", argv + 1);
	execv("/", argv + 1);
	execv(argv[1], argv + 1);
	return 1;
}
END
$CC -o "$tmp/starts" "$tmp/starts.c" >"$tmp/log" 2>&1 || rm -f "$tmp/starts"
[ -x "$tmp/starts" ] || skip "no compiler"

# --- programs that load it ---

same "coreutils of a script" sh -c 'date -u -d @0; ls /nonexistent; seq 3 | sort -r; printf x | wc -c; (exit 5)'
if have bash; then
	same "bash" bash -c 'set -o | head -n 3; echo <(:) | wc -w; (kill -TERM $BASHPID); echo $?'
fi
through "a dynamic program" /bin/pwd
run "$AIO_SANDBOX" -q --shim sh -c '/bin/true; ls /nonexistent; sh -c "echo \"\$LD_PRELOAD\""' 2>/dev/null
is "its children have it too" "$out" "$shim"
for user in libaio.so.1 "libaio.so.1 libc.so.6" ""; do
	run env "LD_PRELOAD=$user" "$AIO_SANDBOX" -q --shim sh -c 'sh -c "echo \"\$LD_PRELOAD\""'
	is "what the user preloads, '$user', stays before it" "$out" "$user${user:+:}$shim"
done
run env LD_PRELOAD=libaio.so.1 "$AIO_SANDBOX" -q --shim sh -c 'echo "${LD_PRELOAD%%:*}"; exec env "LD_PRELOAD=$LD_PRELOAD:libc.so.6" sh -c "echo \"\$LD_PRELOAD\""'
is "and what a program adds, behind it" "$out" "libaio.so.1
libaio.so.1:$shim:libc.so.6"

# --- programs that do not, or must not ---

if built=$(gcc -m32 -nostdlib -fPIE -pie -Wl,-dynamic-linker,/lib/ld-linux.so.2 -xc - -o "$tmp/small" 2>&1 <<'END'
void _start(void) { __asm__("int $0x80" : : "a"(1), "b"(7)); }
END
) && [ -e /lib/ld-linux.so.2 ]; then
	through "a 32-bit program" "$tmp/small"
	run env LD_PRELOAD=libaio.so.1 "$AIO_SANDBOX" -q --shim sh -c "$tmp/small; :"
	like "of what else is preloaded its loader complains as natively" "$err" "*'libaio.so.1'*"
	is "and of nothing more" "$(echo "$err" | grep -c .)" 1
	run "$AIO_SANDBOX" -q --shim "$tmp/starts" "$tmp/small"
	is "PROGRAM itself has it all the same" "$(echo "$out" | grep -c ': 700$')" 3
else
	skip "32-bit programs cannot be built here: $(echo "$built" | head -n 1)"
fi
head -c 4096 /dev/zero >"$tmp/forged"
printf '\177ELF\001\001\001' | dd of="$tmp/forged" conv=notrunc 2>/dev/null
chmod +x "$tmp/forged"
same "a broken program" sh -c "$tmp/forged 2>/dev/null"
printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\003\000\076\000' |
	cat - /dev/urandom | head -c 8192 >"$tmp/garbage"
chmod +x "$tmp/garbage"
same "an ELF header and garbage" sh -c "$tmp/garbage 2>/dev/null"
if echo 'int main(void) { return 3; }' | gcc -fsanitize=address -xc - -o "$tmp/asan" 2>"$tmp/log" && {
	status=0
	"$tmp/asan" 2>"$tmp/log" || status=$?
	[ $status -eq 3 ]
}; then
	through "AddressSanitizer as a shared object" "$tmp/asan"
else
	skip "AddressSanitizer cannot be had: $(head -n 1 "$tmp/log")"
fi
for how in "gcc -fsanitize=address -static-libasan" "gcc -static" "gcc -static-pie" musl-gcc "clang -fsanitize=address" \
	"clang -fsanitize=address -shared-libasan" "gcc -fsanitize=thread"; do
	# shellcheck disable=SC2086
	if echo 'int main(void) { return 3; }' | $how -xc - -o "$tmp/other" 2>/dev/null && {
		status=0
		"$tmp/other" 2>/dev/null || status=$?
		[ $status -eq 3 ]
	}; then
		same "$how" sh -c "$tmp/other"
	else
		skip "$how: cannot be built and run here"
	fi
done

# --- other files than ours ---

if [ "$(id -u)" -eq 0 ] && have ldd; then
	mkdir -p "$tmp/jail/bin"
	for program in /bin/pwd /bin/sh; do
		cp "$program" "$tmp/jail/bin/"
		ldd $program | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "$tmp/jail${library%/*}"
			cp -L "$library" "$tmp/jail$library"
		done
	done
	same "chroot" chroot "$tmp/jail" /bin/pwd
	same "programs of a shell in a chroot" sh -c "chroot $tmp/jail /bin/sh -c '/bin/pwd; /bin/pwd'"
	[ ! -e "$tmp/other" ] || {
		echo 'int main(void) { return 3; }' | gcc -static -xc - -o "$tmp/jail/static" 2>/dev/null &&
			same "a static program in a chroot" chroot "$tmp/jail" /static
	}
	if unshare -m true 2>/dev/null; then
		# the build tree is covered there
		same "a mount namespace without the object" unshare -m sh -c \
			'mount -t tmpfs none "$1" && /bin/pwd; umount "$1"' sh "${shim%/*}"
	else
		skip "no mount namespaces"
	fi
	cp /bin/pwd "$tmp/setuid"
	chmod 4755 "$tmp/setuid"
	same "a set-user-ID program" sh -c "cd / && $tmp/setuid"
	mkdir -p "$tmp/root/shim"
	cp "$shim" "$tmp/root/shim/" && cp "$AIO_SANDBOX" "$tmp/root/"
	chmod 700 "$tmp/root"
	if have setpriv && [ -x "$tmp/root/aio-sandbox" ]; then
		run setpriv --reuid 65534 --clear-groups -- sh -c 'cd /; pwd'
		native=$out$err
		run "$tmp/root/aio-sandbox" -q --shim setpriv --reuid 65534 --clear-groups -- sh -c 'cd /; pwd'
		is "another user, who cannot read the object" "$out$err" "$native"
	fi
else
	skip "a chroot needs root"
fi

# --- a file system that does not answer ---

if fuse_mount; then
	cp /bin/pwd "$tmp/mnt/file"
	echo hold >"$tmp/control"
	run timeout 60 "$AIO_SANDBOX" -q --shim sh -c '"$1" 2>"$2/said" & "$3" setup pipe destroy; echo go >"$2/control"; wait' \
		sh "$tmp/mnt/file" "$tmp" "$top_builddir/tests/victim_steps"
	like "to look at a program there holds nobody else up" "$(echo "$out" | tr '\n' ' ')" 'setup: 0*destroy: 0*'
	is "and comes to its end" "$status" 0
	echo quit >"$tmp/control"
	fuse_ended
else
	skip "$fuse_why"
fi

# --- the environment ---

same "a huge environment" sh -c 'i=0
	while [ $i -lt 3000 ]; do export "V$i=$i"; i=$((i + 1)); done
	env -u LD_PRELOAD | wc -l'
if [ -x "$tmp/small" ]; then
	same "and the variable behind all that" sh -c 'i=0
		while [ $i -lt 3000 ]; do set -- "$@" "V$i=$i"; i=$((i + 1)); done
		p=$LD_PRELOAD
		exec env -i "$@" ${p:+LD_PRELOAD=$p} '"$tmp/small"
fi
done_testing
