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
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
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

int
xfrm_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);

	return fd < 0 ? -errno : fd;
}

bool
xfrm_available(uint32_t spi)
{
	int fd = xfrm_open();

	if (fd < 0)
		return false;
	int r = try_esp(fd, spi | 0x10000);     /* below 256 they are reserved: RFC 4303 section 2.1 */
	close(fd);
	/* Any other answer is about the probe: no cipher of that name, no right to ask. */
	return r != -EPROTONOSUPPORT;
}

static int
bind_policy(int fd, uint32_t reqid, const uint8_t *ways, size_t n_ways)
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
	int family;
	socklen_t n = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) < 0)
		return -errno;
	for (size_t i = 0; i < n_ways; i++) {
		p.info.dir = ways[i];
		int r = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_XFRM_POLICY, &p, sizeof(p))
					   : setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &p, sizeof(p));
		if (r < 0)
			return errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
	}
	return 0;
}

int
xfrm_socket_only(int fd, uint32_t reqid)
{
	static const uint8_t both[] = { XFRM_POLICY_IN, XFRM_POLICY_OUT };

	return bind_policy(fd, reqid, both, ARRAY_LEN(both));
}

int
xfrm_socket_only_in(int fd, uint32_t reqid)
{
	static const uint8_t in[] = { XFRM_POLICY_IN };

	return bind_policy(fd, reqid, in, ARRAY_LEN(in));
}

bool
xfrm_tells_marks(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return false;
	/* Who lacks the right to ask is told so only where it could be asked for. */
	bool able = setsockopt(fd, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on)) == 0 || errno == EPERM;
	close(fd);
	return able;
}

int
xfrm_guard_port(int fd, uint16_t port, bool on)
{
	struct xfrm_selector sel = { .family = AF_INET, .proto = IPPROTO_UDP, .sport = htons(port), .sport_mask = 0xffff };
	struct {
		struct nlmsghdr head;
		struct xfrm_userpolicy_info info;
	} set = {
		.head = { .nlmsg_len = sizeof(set), .nlmsg_type = XFRM_MSG_UPDPOLICY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.info = { .sel = sel, .dir = XFRM_POLICY_OUT, .action = XFRM_POLICY_BLOCK, .priority = UINT32_MAX,
			.lft = { .soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF, .soft_packet_limit = XFRM_INF,
			    .hard_packet_limit = XFRM_INF } },
	};
	struct {
		struct nlmsghdr head;
		struct xfrm_userpolicy_id id;
	} away = {
		.head = { .nlmsg_len = sizeof(away), .nlmsg_type = XFRM_MSG_DELPOLICY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.id = { .sel = sel, .dir = XFRM_POLICY_OUT },
	};

	return on ? ask_kernel(fd, &set, sizeof(set)) : ask_kernel(fd, &away, sizeof(away));
}
