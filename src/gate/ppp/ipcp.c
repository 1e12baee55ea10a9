/* ipcp: addresses: IPv4 with name servers (RFC 1332, RFC 1877) and IPv6 interface identifiers (RFC 5072). */
#include "gate/ppp/link.h"

static uint32_t
address_of(struct str value)
{
	const uint8_t *p = (const uint8_t *)value.p;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A client without an address asks for 0.0.0.0 and is told its own: RFC 1332 section 3.3. */
static bool
ask_address(struct ppp_link *l, struct enc *e)
{
	ppp_option_put32(e, IPCP_ADDRESS, l->local);
	return true;
}

static enum ppp_verdict
judge_address(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	uint32_t v = address_of(value);

	if (!l->policy->server) {
		/* A server may keep its address to itself. */
		if (v == 0)
			return PPP_REFUSE;
		l->remote = v;
		return PPP_GOOD;
	}
	if (l->remote == 0)
		l->remote = l->calls->address(l->ctx);
	if (l->remote == 0) {
		ppp_link_fail(l, PPP_NO_ADDRESS);
		return PPP_REFUSE;
	}
	if (v == l->remote)
		return PPP_GOOD;
	ppp_option_put32(suggestion, IPCP_ADDRESS, l->remote);
	return PPP_SUGGEST;
}

static void
address_suggested(struct ppp_link *l, struct str value)
{
	if (l->policy->local == 0)
		l->local = address_of(value);
}

static void
address_refused(struct ppp_link *l)
{
	if (l->local == 0)
		ppp_link_fail(l, PPP_NO_ADDRESS);
}

/* RFC 1877: a server has or has not the address; a client asks with 0.0.0.0. */
static enum ppp_verdict
judge_server(struct ppp_link *l, uint8_t type, uint32_t have, struct str value, struct enc *suggestion)
{
	if (!l->policy->server || have == 0)
		return PPP_REFUSE;
	if (address_of(value) == have)
		return PPP_GOOD;
	ppp_option_put32(suggestion, type, have);
	return PPP_SUGGEST;
}

static bool
ask_dns(struct ppp_link *l, struct enc *e, uint8_t type, uint32_t have)
{
	if (l->policy->server || !l->policy->ask_dns)
		return false;
	ppp_option_put32(e, type, have);
	return true;
}

static bool
ask_dns1(struct ppp_link *l, struct enc *e)
{
	return ask_dns(l, e, IPCP_DNS1, l->dns[0]);
}

static bool
ask_dns2(struct ppp_link *l, struct enc *e)
{
	return ask_dns(l, e, IPCP_DNS2, l->dns[1]);
}

static enum ppp_verdict
judge_dns1(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	return judge_server(l, IPCP_DNS1, l->policy->dns[0], value, suggestion);
}

static enum ppp_verdict
judge_dns2(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	return judge_server(l, IPCP_DNS2, l->policy->dns[1], value, suggestion);
}

static enum ppp_verdict
judge_wins1(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	return judge_server(l, IPCP_NBNS1, l->policy->wins[0], value, suggestion);
}

static enum ppp_verdict
judge_wins2(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	return judge_server(l, IPCP_NBNS2, l->policy->wins[1], value, suggestion);
}

static void
dns1_suggested(struct ppp_link *l, struct str value)
{
	l->dns[0] = address_of(value);
}

static void
dns2_suggested(struct ppp_link *l, struct str value)
{
	l->dns[1] = address_of(value);
}

static void
dns1_refused(struct ppp_link *l)
{
	l->dns[0] = 0;
}

static void
dns2_refused(struct ppp_link *l)
{
	l->dns[1] = 0;
}

/* Header compression (2) and the old pair of addresses (1) have no row: they are rejected. */
static const struct ppp_option_row ip_rows[] = {
	{ .type = IPCP_ADDRESS, .size = 4, .wanted = true, .ask = ask_address, .judge = judge_address,
	  .suggested = address_suggested, .refused = address_refused },
	{ .type = IPCP_DNS1, .size = 4, .ask = ask_dns1, .judge = judge_dns1, .suggested = dns1_suggested,
	  .refused = dns1_refused },
	{ .type = IPCP_DNS2, .size = 4, .ask = ask_dns2, .judge = judge_dns2, .suggested = dns2_suggested,
	  .refused = dns2_refused },
	{ .type = IPCP_NBNS1, .size = 4, .judge = judge_wins1 },
	{ .type = IPCP_NBNS2, .size = 4, .judge = judge_wins2 },
};

static void
ip_reset(struct ppp_link *l)
{
	l->local = l->policy->local;
	if (!l->policy->server)
		l->remote = 0;
	l->dns[0] = l->dns[1] = 0;
}

static void
ip_up(struct ppp_link *l)
{
	if (l->local == 0)
		ppp_link_fail(l, PPP_NO_ADDRESS);
	else
		ppp_link_check_network(l);
}

static void
ip_finished(struct ppp_link *l)
{
	if (l->phase == PPP_NETWORK)
		ppp_link_fail(l, PPP_NO_NETWORK);
}

const struct ppp_layer ppp_ipcp = {
	.protocol = PPP_IPCP, .name = "IPCP", .rows = ip_rows, .nrows = ARRAY_LEN(ip_rows), .reset = ip_reset, .up = ip_up,
	.down = ppp_link_check_network, .finished = ip_finished,
};

/* RFC 5072 section 4.1. */

static uint64_t
id_of(struct str value)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | (uint8_t)value.p[i];
	return v;
}

static void
put_id(struct enc *e, uint64_t id)
{
	enc_u8(e, IPV6CP_ID);
	enc_u8(e, 10);
	enc_u64(e, id);
}

/* The universal bit is clear: the number is drawn, not burnt in. */
static uint64_t
new_id(struct ppp_link *l)
{
	return (l->calls->random(l->ctx) & ~UINT64_C(0x0200000000000000)) | 1;
}

static bool
ask_id(struct ppp_link *l, struct enc *e)
{
	put_id(e, l->local_id);
	return true;
}

static enum ppp_verdict
judge_id(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	uint64_t v = id_of(value);

	if (v != 0 && v != l->local_id) {
		l->remote_id = v;
		return PPP_GOOD;
	}
	put_id(suggestion, new_id(l));
	return PPP_SUGGEST;
}

static void
id_suggested(struct ppp_link *l, struct str value)
{
	l->local_id = id_of(value) ? id_of(value) : new_id(l);
}

static const struct ppp_option_row ip6_rows[] = {
	{ .type = IPV6CP_ID, .size = 8, .ask = ask_id, .judge = judge_id, .suggested = id_suggested },
};

static void
ip6_reset(struct ppp_link *l)
{
	/* The same in every negotiation of a link: addresses are made of it. */
	if (l->local_id == 0)
		l->local_id = l->policy->local_id ? l->policy->local_id : new_id(l);
	l->remote_id = 0;
}

const struct ppp_layer ppp_ipv6cp = {
	.protocol = PPP_IPV6CP, .name = "IPV6CP", .rows = ip6_rows, .nrows = ARRAY_LEN(ip6_rows), .reset = ip6_reset,
	.up = ppp_link_check_network, .down = ppp_link_check_network,
};
