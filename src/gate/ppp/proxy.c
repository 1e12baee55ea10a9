/*
 * proxy: a link that another has begun for us (RFC 2661 section 4.4.5): the concentrator of a provider has settled LCP with
 * its caller, and perhaps asked who he is. Either all of it is what we would have agreed on, and the link goes on from there;
 * or none of it counts, and we ask anew. Must never let in whom we have not looked up ourselves.
 */
#include "gate/ppp/link.h"

/* What was asked of the caller in our name: what we could not have asked ourselves is none of ours. */
static bool
asked_as_we(struct ppp_link *l, const struct ppp_proxy *p)
{
	struct cur c = cur_of(p->sent);
	struct ppp_option o;
	unsigned method = 0;
	int r;

	l->magic = 0;
	while ((r = ppp_option_next(&c, &o)) > 0) {
		struct cur v = cur_of(o.value);
		if (o.type == LCP_AUTH)
			method = ppp_auth_of(o.value);
		else if (o.type == LCP_MRU && o.value.n == 2)
			l->mru = cur_u16(&v);
		else if (o.type == LCP_MAGIC && o.value.n == 4)
			l->magic = cur_u32(&v);
		else if (o.type != LCP_ACCM && o.type != LCP_PFC && o.type != LCP_ACFC)
			return false;
	}
	l->demanded = method;
	l->mrru = 0;
	return r == 0 && method != 0 && (method & l->policy->auth) == method;
}

/* What the caller asked, and was granted. */
static bool
would_grant(struct ppp_link *l, const struct ppp_proxy *p)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	return p->received.n < sizeof(room) && ppp_option_judge(&l->lcp, l, p->received, &e) == PPP_CONF_ACK;
}

bool
ppp_link_adopt(struct ppp_link *l, int64_t now_us, const struct ppp_proxy *p)
{
	l->now_us = now_us;
	ppp_lcp.reset(l);
	if (p->sent.n == 0 || p->received.n == 0 || !asked_as_we(l, p) || !would_grant(l, p)) {
		l->lcp.failures = l->loops = 0;
		return false;
	}
	l->phase = PPP_AUTHENTICATE;
	l->lcp.state = PPP_OPENED;
	/* Numbers of requests go on from one that nobody used: the caller takes ours for new. */
	l->lcp.id = (uint8_t)l->calls->random(l->ctx);
	ppp_echo_begin(l);
	ppp_auth_adopt(l, p);
	return true;
}
