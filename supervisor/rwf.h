/* SPDX-License-Identifier: MIT */
/* RWF_ flags that are younger than some headers we are built with. Victims include it as well. */
#ifndef RWF_H
#define RWF_H

#include <linux/fs.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef RWF_ATOMIC
#define RWF_ATOMIC 0x40
#endif
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100
#endif

#endif
