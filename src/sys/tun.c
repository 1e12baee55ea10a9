/* tun: /dev/net/tun, with the offloads that this kernel has. */
#include "sys/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Headers older than the kernel do not know these (Linux 6.2). */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* From the best to nothing: an old kernel refuses the whole set. */
static void
ask_offloads(struct tun *t)
{
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	t->udp_offload = ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)(tcp | TUN_F_USO4 | TUN_F_USO6)) == 0;
	t->tcp_offload = t->udp_offload || ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)tcp) == 0;
}

int
tun_open(struct str name, struct tun *ret)
{
	struct tun t = { .fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC) };
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int head = TUN_HEAD;

	if (t.fd < 0)
		return -errno;
	if (name.n == 0 || name.n >= sizeof(ifr.ifr_name)) {
		close(t.fd);
		return -EINVAL;
	}
	memcpy(ifr.ifr_name, name.p, name.n);
	memcpy(t.name, name.p, name.n);
	if (ioctl(t.fd, TUNSETIFF, &ifr) < 0 || ioctl(t.fd, TUNSETVNETHDRSZ, &head) < 0) {
		int e = -errno;
		close(t.fd);
		return e;
	}
	ask_offloads(&t);
	t.index = if_nametoindex(t.name);
	*ret = t;
	return 0;
}

void
tun_close(struct tun *t)
{
	if (t->fd > 0)
		close(t->fd);
	t->fd = -1;
}
