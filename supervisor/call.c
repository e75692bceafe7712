/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <linux/audit.h>
#include <sys/syscall.h>

static const struct {
	int nr;
	enum call_kind kind;
} native_calls[] = {
	{ SYS_io_setup, CALL_SETUP },
	{ SYS_io_destroy, CALL_DESTROY },
	{ SYS_io_getevents, CALL_GETEVENTS },
	{ SYS_io_submit, CALL_SUBMIT },
	{ SYS_io_cancel, CALL_CANCEL },
	{ SYS_io_pgetevents, CALL_PGETEVENTS },
	{ SYS_execve, CALL_EXEC },
	{ SYS_execveat, CALL_EXEC },
	{ SYS_exit, CALL_EXIT },
	{ SYS_exit_group, CALL_EXIT_GROUP },
};

#if defined(__x86_64__)
#define X32_BIT 0x40000000

static enum call_kind foreign_kind(const struct notice *n)
{
	static const struct {
		uint32_t arch;
		int nr;
		enum call_kind kind;
	} known[] = {
		{ AUDIT_ARCH_I386, 1, CALL_EXIT },
		{ AUDIT_ARCH_I386, 11, CALL_EXEC },
		{ AUDIT_ARCH_I386, 252, CALL_EXIT_GROUP },
		{ AUDIT_ARCH_I386, 358, CALL_EXEC },
		{ AUDIT_ARCH_X86_64, X32_BIT | 60, CALL_EXIT },
		{ AUDIT_ARCH_X86_64, X32_BIT | 231, CALL_EXIT_GROUP },
		{ AUDIT_ARCH_X86_64, X32_BIT | 520, CALL_EXEC },
		{ AUDIT_ARCH_X86_64, X32_BIT | 545, CALL_EXEC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].arch == n->arch && known[i].nr == n->nr)
			return known[i].kind;
	}
	return CALL_FOREIGN;
}
#else
static enum call_kind foreign_kind(const struct notice *n)
{
	return CALL_FOREIGN;
}
#endif

enum call_kind call_kind_of(const struct notice *n)
{
#if defined(__x86_64__)
	if (n->arch != AUDIT_ARCH_X86_64)
		return foreign_kind(n);
#endif
	for (size_t i = 0; i < ARRAY_SIZE(native_calls); i++) {
		if (native_calls[i].nr == n->nr)
			return native_calls[i].kind;
	}
	return foreign_kind(n);
}

bool call_is_aio(enum call_kind kind)
{
	return kind != CALL_EXEC && kind != CALL_EXIT && kind != CALL_EXIT_GROUP;
}
