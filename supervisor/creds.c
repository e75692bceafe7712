/* SPDX-License-Identifier: MIT */
#include "creds.h"

#include <linux/capability.h>
#include <sys/syscall.h>

#include "util.h"

struct caps {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static int caps_read(struct caps *c)
{
	*c = (struct caps){ .header = { .version = _LINUX_CAPABILITY_VERSION_3 } };
	return syscall(SYS_capget, &c->header, c->data) ? neg_errno() : 0;
}

bool creds_have_fsetid(void)
{
	struct caps c;

	return caps_read(&c) == 0 && c.data[0].effective & 1u << CAP_FSETID;
}

int creds_drop_fsetid(void)
{
	struct caps c;
	int err = caps_read(&c);

	if (err)
		return err;
	c.data[0].effective &= ~(1u << CAP_FSETID);
	return syscall(SYS_capset, &c.header, c.data) ? neg_errno() : 0;
}

void creds_take_fsetid(void)
{
	struct caps c;

	if (caps_read(&c))
		return;
	c.data[0].effective |= c.data[0].permitted & 1u << CAP_FSETID;
	(void)syscall(SYS_capset, &c.header, c.data);	/* back to what it had: cannot be refused */
}
