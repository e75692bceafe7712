# SPDX-License-Identifier: MIT
#
# One small shared object, without libtool, without libc. It is preloaded into programs: no
# sanitizer, no coverage, no stack protector, whatever CFLAGS say.
shim_sources = \
	shim/calls.c \
	shim/calls.h \
	shim/carry.h \
	shim/channel_abi.h \
	shim/own.h \
	shim/pass.c \
	shim/raw.h \
	shim/reap.c \
	shim/shim.c \
	shim/shim.map \
	shim/slot.c \
	shim/transaction.h \
	$(NULL)
EXTRA_DIST += $(shim_sources)

# what PROGRAM finds it by; preload.c looks for the first one beside itself
shim_path = shim/aio-sandbox-shim.so
shim_installed = $(pkglibdir)/aio-sandbox-shim.so

if SHIM
shimdir = $(pkglibdir)
shim_DATA = $(shim_path)
CLEANFILES += $(shim_path)
endif

shim_flags = \
	-std=gnu11 $(WARN_CFLAGS) $(CPPFLAGS) $(CFLAGS) -O2 -fPIC -ffreestanding -fno-builtin \
	-U_FORTIFY_SOURCE -fno-stack-protector -fno-lto -fvisibility=hidden \
	$(NULL)
shim_link_flags = \
	-shared -nostdlib -Wl,-z,defs -Wl,-z,now -Wl,-z,noexecstack -Wl,--hash-style=both \
	-Wl,--version-script=$(srcdir)/shim/shim.map \
	$(NULL)

$(shim_path): $(shim_sources)
	@$(MKDIR_P) shim
	$(AM_V_CCLD)$(CC) $(shim_flags) $(shim_link_flags) -o $@ \
		$(addprefix $(srcdir)/,$(filter %.c,$(shim_sources)))
