#!/bin/sh
# SPDX-License-Identifier: MIT
# AIO calls of i386 say ENOSYS and one line, in 64-bit programs and in 32-bit ones: none slips through to the kernel.
. "$srcdir/tests/lib.sh"
mark

int80=$top_builddir/tests/parity/victim_int80
"$int80" probe 2>/dev/null || skip_all 'this kernel takes no int 0x80 (CONFIG_IA32_EMULATION)'

warnings() { grep -c "AIO calls of a foreign architecture (i386 or x32): they get ENOSYS" "$1" || :; }

# --- a 64-bit program

cd "$tmp" || exit
run timeout 60 "$AIO_SANDBOX" -v "$int80"
like 'int 0x80: ENOSYS for each call [D8]' "$status $out" '0 *1.int80/io_setup: ENOSYS*io_submit: ENOSYS*'
is 'int 0x80 and x32: one warning for all [D8]' "$(warnings "$tmp/run.err")" 1
run timeout 60 "$AIO_SANDBOX" -q "$int80"
is 'and none with -q' "$status $(warnings "$tmp/run.err")" '0 0'

# --- a 32-bit program: no libc is needed for this one

cat >"$tmp/i386.S" <<'END'
	.globl _start
_start:	mov $245, %eax			# io_setup(1, &ctx)
	mov $1, %ebx
	mov $ctx, %ecx
	int $0x80
	mov %eax, %ebp
	mov ctx, %edi
	mov $246, %eax			# io_destroy(ctx)
	mov %edi, %ebx
	int $0x80
	neg %ebp
	mov %ebp, %ebx
	mov $252, %eax			# exit_group(-result of io_setup)
	int $0x80
	.data
ctx:	.long 0
	.section .note.GNU-stack,"",@progbits
END
if have gcc && gcc -m32 -nostdlib -static -no-pie -o "$tmp/i386" "$tmp/i386.S" 2>"$tmp/gcc.err" &&
	run "$tmp/i386" && [ "$status" -ne 126 ]; then
	run timeout 60 "$AIO_SANDBOX" "$tmp/i386"
	is 'a 32-bit program gets ENOSYS, as its exit status [D8]' "$status" 38
	is 'and one warning [D8]' "$(warnings "$tmp/run.err")" 1
	run timeout 60 "$AIO_SANDBOX" -v sh -c "'$tmp/i386'; '$tmp/i386'; exec '$tmp/i386'"
	is 'three of them too [D8]' "$status $(warnings "$tmp/run.err")" '38 1'
else
	skip "no 32-bit program can be made here: $(head -n 1 "$tmp/gcc.err")"
fi

nothing_left
done_testing
