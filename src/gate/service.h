/*
 * service: names of services and protocols to protocol numbers and ports. Only for the files of
 * the policy.
 */
#ifndef GUARITA_GATE_SERVICE_H
#define GUARITA_GATE_SERVICE_H

#include "gate/policy/policy.h"

/* One protocol with its ports, or ICMP types. */
struct service_part {
	uint8_t protocol;
	struct policy_range range;     /* 0 to 65535: every port */
};

#define SERVICE_PARTS_MAX 256
#define SERVICE_DEPTH_MAX 8

struct service_parts {
	struct service_part v[SERVICE_PARTS_MAX];
	uint32_t n;
};

/*
 * Adds what a word means: "ssh", "tcp/80", "udp/1-99", "icmp/8", "gre", or a service of the
 * configuration. 0; -ENOENT: no such word; -EINVAL: bad ports; -E2BIG; -ELOOP.
 */
int service_add(const struct conf_gate *g, struct str word, struct service_parts *parts) WARN_UNUSED;
/* "80", "5000-5100". */
int service_range(struct str s, struct policy_range *ret) WARN_UNUSED;
/* The known word nearest to one that is not, or STR_NULL. */
struct str service_nearest(const struct conf_gate *g, struct str word);
/* "tcp", "47"; dst of 8 bytes. */
const char *service_protocol_name(int protocol, char dst[8]);
/* Ports of the service that a daemon of this name gives ("sshd"): the word, or NULL. */
const char *service_of_program(struct str program);

#endif
