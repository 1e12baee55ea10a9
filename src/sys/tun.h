/*
 * tun: interfaces whose other end is a descriptor of ours. Packets carry the kernel's virtio head, so that they come and
 * go up to 64 KiB at a time where the kernel can (gate/l2tp/offload.h takes them apart).
 */
#ifndef GUARITA_SYS_TUN_H
#define GUARITA_SYS_TUN_H

#include "base/str.h"

#define TUN_HEAD 10
#define TUN_NAME 16

struct tun {
	int fd;
	char name[TUN_NAME];
	unsigned index;
	bool tcp_offload, udp_offload; /* what the kernel agreed to hand over uncut */
};

/* Makes the interface, or takes over one of that name that nobody uses. 0 or -errno. */
int tun_open(struct str name, struct tun *ret) WARN_UNUSED;
void tun_close(struct tun *t);         /* accepts a zeroed one, or one that is closed */

#endif
