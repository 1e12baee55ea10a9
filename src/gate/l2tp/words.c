/* words: one translation for who serves, who dials, and who only tries. */
#include "gate/l2tp/words.h"

uint32_t
l2tp_words_v4(const struct addr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 | a->b[15];
}

unsigned
l2tp_words_methods(const struct conf_strs *s)
{
	static const unsigned bits[] = { PPP_AUTH_MSCHAP2, PPP_AUTH_CHAP, PPP_AUTH_PAP };
	unsigned v = 0;

	for (uint32_t i = 0; i < s->n; i++)
		for (unsigned k = 0; k < ARRAY_LEN(bits); k++)
			if (str_eq(s->v[i], str_z(conf_vpn_methods[k])))
				v |= bits[k];
	return v ? v : PPP_AUTH_MSCHAP2;
}

/* "host", "host:port", "[v6]:port" */
static void
split_host(struct vpn_dial *d, struct str s)
{
	size_t colon = str_rfind(s, STR(":"));
	uint64_t port;

	d->host = s;
	d->port = L2TP_PORT;
	if (colon == s.n || str_find_byte(s, ':') != colon ||
	    text_u64(str_from(s, colon + 1), &port) < 0 || port == 0 || port > UINT16_MAX)
		return;
	d->host = str_head(s, colon);
	d->port = (uint16_t)port;
}

void
l2tp_words_dial(const struct conf_vpn_headquarters *c, struct str our_name, struct vpn_dial *ret)
{
	*ret = (struct vpn_dial){ .state = VPN_WAITING, .limits.idle_us = c->demand_us };
	split_host(ret, c->host);
	bool v6 = c->ipv6;
	for (uint32_t i = 0; i < c->networks.n; i++)
		v6 |= !addr_is_v4(&c->networks.v[i].net);
	ret->policy = (struct ppp_policy){ .ipv6 = v6, .auth = l2tp_words_methods(&c->authentication),
		.encryption = (enum ppp_encryption)c->encryption, .ask_dns = c->use_dns, .mru = (uint16_t)c->mtu,
		.mrru = (uint16_t)c->mrru,
		.echo_us = c->keepalive_us, .echo_tries = L2TP_WORDS_ECHOES, .name = c->user, .password = c->password };
	ret->terms = (struct l2tp_terms){ .host_name = our_name, .secret = c->tunnel_secret, .hello_us = c->hello_us,
		.hide = c->hide };
}
