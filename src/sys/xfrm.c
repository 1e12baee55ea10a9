/* xfrm: policies of a socket. Must never give a socket back half protected: the caller closes it on any failure. */
#include "sys/xfrm.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_XFRM_POLICY
#define IP_XFRM_POLICY 17
#endif
#ifndef IPV6_XFRM_POLICY
#define IPV6_XFRM_POLICY 35
#endif

/* An association that nobody can use: from this machine to itself, without a cipher; the kernel says whether it could be. */
struct probe {
	struct nlmsghdr head;
	struct xfrm_usersa_info sa;
	struct nlattr crypt_attr;
	char crypt[sizeof(struct xfrm_algo)];  /* a name and a length: no key follows */
	struct nlattr auth_attr;
	char auth[sizeof(struct xfrm_algo)];
};

static int
ask_kernel(int fd, const void *request, size_t n)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[512];
	} answer;

	if (send(fd, request, n, 0) < 0)
		return -errno;
	ssize_t got = recv(fd, &answer, sizeof(answer), 0);
	if (got < (ssize_t)(sizeof(answer.head) + sizeof(answer.error.error)) || answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error;
}

static int
try_esp(int fd, uint32_t spi)
{
	struct probe p = {
		.head = { .nlmsg_len = sizeof(p), .nlmsg_type = XFRM_MSG_NEWSA, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.sa = {
			.id = { .daddr.a4 = htonl(INADDR_LOOPBACK), .spi = htonl(spi), .proto = IPPROTO_ESP },
			.saddr.a4 = htonl(INADDR_LOOPBACK), .family = AF_INET, .sel.family = AF_INET, .mode = XFRM_MODE_TRANSPORT,
			.lft = { .soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF, .soft_packet_limit = XFRM_INF,
			    .hard_packet_limit = XFRM_INF },
		},
		.crypt_attr = { sizeof(p.crypt_attr) + sizeof(p.crypt), XFRMA_ALG_CRYPT }, .crypt = "ecb(cipher_null)",
		.auth_attr = { sizeof(p.auth_attr) + sizeof(p.auth), XFRMA_ALG_AUTH }, .auth = "digest_null",
	};
	struct {
		struct nlmsghdr head;
		struct xfrm_usersa_id id;
	} away = {
		.head = { .nlmsg_len = sizeof(away), .nlmsg_type = XFRM_MSG_DELSA, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.id = { .daddr = p.sa.id.daddr, .spi = p.sa.id.spi, .family = AF_INET, .proto = IPPROTO_ESP },
	};
	int r = ask_kernel(fd, &p, sizeof(p));

	return r == 0 ? ask_kernel(fd, &away, sizeof(away)) : r;
}

bool
xfrm_available(uint32_t spi)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);

	if (fd < 0)
		return false;
	int r = try_esp(fd, spi | 0x10000);     /* below 256 they are reserved: RFC 4303 section 2.1 */
	close(fd);
	/* Any other answer is about the probe: no cipher of that name, no right to ask. */
	return r != -EPROTONOSUPPORT;
}

int
xfrm_socket_only(int fd, uint32_t reqid)
{
	struct {
		struct xfrm_userpolicy_info info;
		struct xfrm_user_tmpl tmpl;
	} p = {
		.info = {
			.sel.family = AF_INET, .action = XFRM_POLICY_ALLOW, .share = XFRM_SHARE_ANY,
			.lft = { .soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF, .soft_packet_limit = XFRM_INF,
			    .hard_packet_limit = XFRM_INF },
		},
		.tmpl = {
			.id.proto = IPPROTO_ESP, .family = AF_INET, .reqid = reqid, .mode = XFRM_MODE_TRANSPORT,
			.share = XFRM_SHARE_ANY, .aalgos = ~0u, .ealgos = ~0u, .calgos = ~0u,
		},
	};
	static const uint8_t ways[] = { XFRM_POLICY_IN, XFRM_POLICY_OUT };
	int family;
	socklen_t n = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		p.info.dir = ways[i];
		int r = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_XFRM_POLICY, &p, sizeof(p))
					   : setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &p, sizeof(p));
		if (r < 0)
			return errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
	}
	return 0;
}
