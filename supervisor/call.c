/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "channel_abi.h"

static const struct native_call {
	int nr;
	enum call_kind kind;
	unsigned args;			/* the registers behind them hold anything */
} native_calls[] = {
	{ SYS_io_setup, CALL_SETUP, 2 },
	{ SYS_io_destroy, CALL_DESTROY, 1 },
	{ SYS_io_getevents, CALL_GETEVENTS, 5 },
	{ SYS_io_submit, CALL_SUBMIT, 3 },
	{ SYS_io_cancel, CALL_CANCEL, 3 },
	{ SYS_io_pgetevents, CALL_PGETEVENTS, 6 },
	{ SYS_execve, CALL_EXEC, 3 },
	{ SYS_execveat, CALL_EXEC, 5 },
	{ SYS_exit, CALL_EXIT, 1 },
	{ SYS_exit_group, CALL_EXIT_GROUP, 1 },
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

static const struct native_call *native_call(const struct notice *n)
{
#if defined(__x86_64__)
	if (n->arch != AUDIT_ARCH_X86_64)
		return NULL;
#endif
	for (size_t i = 0; i < ARRAY_SIZE(native_calls); i++) {
		if (native_calls[i].nr == n->nr)
			return &native_calls[i];
	}
	return NULL;
}

/* Registers that mean nothing natively: shim/channel_abi.h. */
static bool is_of_a_shim(const struct notice *n, enum call_kind kind)
{
	return kind == CALL_SETUP && n->args[2] == CHANNEL_MAGIC &&
	       (n->args[3] == CHANNEL_STEP_RING || n->args[3] == CHANNEL_STEP_HELLO ||
		n->args[3] == CHANNEL_STEP_PASS);
}

enum call_kind call_kind_of(const struct notice *n)
{
	const struct native_call *known = native_call(n);

	if (!known)
		return foreign_kind(n);
	return is_of_a_shim(n, known->kind) ? CALL_SHIM : known->kind;
}

bool notice_same_call(const struct notice *a, const struct notice *b)
{
	const struct native_call *known = native_call(a);

	return known && a->nr == b->nr && a->arch == b->arch && a->ip == b->ip &&
	       memcmp(a->args, b->args, known->args * sizeof(a->args[0])) == 0;
}

struct notice notice_of_submit(pid_t tid, const uint64_t args[3])
{
	return (struct notice){
#if defined(__x86_64__)
		.arch = AUDIT_ARCH_X86_64,
#endif
		.tid = (uint32_t)tid,
		.nr = SYS_io_submit,
		.args = { args[0], args[1], args[2] },
	};
}

bool call_is_aio(enum call_kind kind)
{
	return kind != CALL_EXEC && kind != CALL_EXIT && kind != CALL_EXIT_GROUP;
}

bool call_counts(enum call_kind kind)
{
	return call_is_aio(kind) && kind != CALL_SHIM;
}

struct call *call_create(void)
{
	struct call *call = zeroed(sizeof(*call));

	if (!call)
		return NULL;
	list_init(&call->node);
	list_init(&call->parked);
	call->door = DOOR_TRAP;
	return call;
}
