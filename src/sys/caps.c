/*
 * caps: capabilities by the raw system calls. Must never leave one in any set that was not asked
 * for.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/sandbox.h"

static int
caps_read(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &h, data) < 0 ? -errno : 0;
}

static int
caps_write(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		    (uint32_t)(inheritable >> 32) },
	};

	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int
caps_keep_over_user(void)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/*
 * The bounding set, so that not even a set-id program could bring one back. Needs CAP_SETPCAP;
 * without it, it stays.
 */
static void
drop_bounding(uint64_t keep)
{
	for (unsigned cap = 0; cap < 64; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno == EINVAL)
			return;
}

int
caps_keep(uint64_t keep)
{
	struct __user_cap_data_struct d[2];
	int r = caps_read(d);

	if (r < 0)
		return r;
	uint64_t permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	uint64_t effective = d[0].effective | (uint64_t)d[1].effective << 32;
	if (effective >> CAP_SETPCAP & 1)
		drop_bounding(keep);
	(void)!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* What we never had cannot be kept; the report's facts show it. */
	keep &= permitted;
	return caps_write(keep, keep, 0);
}
