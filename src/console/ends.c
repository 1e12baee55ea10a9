/* ends: see ends.h. Must never guess: what is not understood is refused. */
#include "console/ends.h"

#include <errno.h>
#include <netinet/in.h>

static const struct {
	struct str name;
	uint8_t v4, v6;
	const char *shown, *shown6;
} protocols[] = {
	{ STR_INIT("tcp"), IPPROTO_TCP, IPPROTO_TCP, "TCP", "TCP" },
	{ STR_INIT("udp"), IPPROTO_UDP, IPPROTO_UDP, "UDP", "UDP" },
	{ STR_INIT("icmp"), IPPROTO_ICMP, IPPROTO_ICMPV6, "ICMP", "ICMPv6" },
	{ STR_INIT("gre"), IPPROTO_GRE, IPPROTO_GRE, "GRE", "GRE" },
	{ STR_INIT("esp"), IPPROTO_ESP, IPPROTO_ESP, "ESP", "ESP" },
};

int
ends_addr(struct str s, struct addr *ret, uint16_t *ret_port)
{
	size_t colon = str_rfind(s, STR(":"));
	uint64_t port;

	if (addr_parse(s, ret) == 0)
		return 0;
	if (colon == s.n || addr_parse(str_head(s, colon), ret) < 0 || text_u64(str_from(s, colon + 1), &port) < 0 ||
	    port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int
ends_protocol(struct str name, bool v4, uint8_t *ret)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (str_eq_nocase(name, protocols[i].name)) {
			*ret = v4 ? protocols[i].v4 : protocols[i].v6;
			return 0;
		}
	}
	if (text_u64(name, &number) < 0 || number > UINT8_MAX)
		return -EINVAL;
	*ret = (uint8_t)number;
	return 0;
}

const char *
ends_protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (protocols[i].v4 == protocol)
			return protocols[i].shown;
		if (protocols[i].v6 == protocol)
			return protocols[i].shown6;
	}
	return NULL;
}
