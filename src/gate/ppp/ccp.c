/* ccp: CCP (RFC 1962) with its one option that matters, MPPE (RFC 3078 section 2). Must never give in where encryption is required. */
#include <errno.h>
#include <stdlib.h>

#include "gate/ppp/link.h"

static uint32_t
bits_of(struct str value)
{
	const uint8_t *p = (const uint8_t *)value.p;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t
strengths(const struct ppp_link *l)
{
	return l->policy->weak_keys ? MPPE_STRENGTHS : MPPE_128;
}

/* The strongest of those offered that we allow; 0: none. */
static uint32_t
strongest(const struct ppp_link *l, uint32_t offered)
{
	uint32_t both = offered & strengths(l);

	if (both & MPPE_128)
		return MPPE_128;
	return both & MPPE_56 ? MPPE_56 : both & MPPE_40;
}

static bool
ask_mppe(struct ppp_link *l, struct enc *e)
{
	ppp_option_put32(e, CCP_MPPE, l->mppe_bits);
	return true;
}

/* Good is exactly one strength and nothing that we do not do. */
static enum ppp_verdict
judge_mppe(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	uint32_t v = bits_of(value), strength = strongest(l, v);
	uint32_t mode = v & MPPE_STATELESS || !l->policy->stateful ? MPPE_STATELESS : 0;

	if (strength && v == (strength | mode)) {
		l->peer_mppe_bits = v;
		return PPP_GOOD;
	}
	ppp_option_put32(suggestion, CCP_MPPE, (strength ? strength : MPPE_128) | mode);
	return PPP_SUGGEST;
}

static void
give_up(struct ppp_link *l)
{
	if (l->policy->encryption == PPP_ENCRYPT_REQUIRED)
		ppp_link_fail(l, PPP_NO_ENCRYPTION);
	else
		ppp_fsm_event(&l->ccp, l, PPP_CLOSE);
}

static void
mppe_suggested(struct ppp_link *l, struct str value)
{
	uint32_t v = bits_of(value), strength = strongest(l, v);

	if (strength == 0 || (!(v & MPPE_STATELESS) && !l->policy->stateful)) {
		give_up(l);
		return;
	}
	l->mppe_bits = strength | (v & MPPE_STATELESS);
}

static const struct ppp_option_row rows[] = {
	{ .type = CCP_MPPE, .size = 4, .wanted = true, .ask = ask_mppe, .judge = judge_mppe, .suggested = mppe_suggested,
	  .refused = give_up },
};

static void
reset(struct ppp_link *l)
{
	l->mppe_bits = MPPE_128 | MPPE_STATELESS;
	l->peer_mppe_bits = 0;
}

static size_t
crypt_size(bool streams)
{
	return sizeof(struct ppp_crypt) + (streams ? 2 * sizeof(struct rc4) : 0);
}

void
ppp_crypt_drop(struct ppp_link *l)
{
	if (l->crypt)
		wipe(l->crypt, crypt_size(l->crypt->kept));
	free(l->crypt);
	l->crypt = NULL;
}

/* Each direction may have been agreed on by itself: the streams are there when either keeps one. */
static bool
new_crypt(struct ppp_link *l)
{
	bool kept = !(l->mppe_bits & l->peer_mppe_bits & MPPE_STATELESS);

	ppp_crypt_drop(l);
	l->crypt = malloc(crypt_size(kept));
	if (l->crypt)
		l->crypt->kept = kept;
	return l->crypt != NULL;
}

static void
up(struct ppp_link *l)
{
	if (l->peer_mppe_bits == 0) {
		give_up(l);
		return;
	}
	if (!new_crypt(l)) {
		ppp_link_fail(l, PPP_ENCRYPTION_FAULT);
		return;
	}
	struct rc4 *kept = l->crypt->kept ? l->crypt->streams : NULL;
	mppe_begin(&l->crypt->send, l->key_send, l->peer_mppe_bits, kept);
	mppe_begin(&l->crypt->recv, l->key_recv, l->mppe_bits, kept ? kept + 1 : NULL);
	ppp_link_check_network(l);
}

static void
down(struct ppp_link *l)
{
	ppp_crypt_drop(l);
	ppp_link_check_network(l);
}

/*
 * A peer that has no encryption says so, or nothing at all. One that spoke of it and then fell silent may hold the link
 * for encrypted: such a link is begun anew.
 */
static void
finished(struct ppp_link *l)
{
	bool must = l->policy->encryption == PPP_ENCRYPT_REQUIRED || l->peer_mppe_bits != 0;

	ppp_crypt_drop(l);
	if (must && l->phase == PPP_NETWORK)
		ppp_link_fail(l, PPP_NO_ENCRYPTION);
	else
		ppp_link_check_network(l);
}

/* A peer that lost the thread of a stateful link: RFC 1962 section 3. */
static bool
extra(struct ppp_link *l, const struct ppp_packet *p)
{
	uint8_t room[PPP_HEAD + PPP_PACKET_HEAD];
	struct enc e = enc_of(room, sizeof(room));

	if (p->code != PPP_RESET_REQ)
		return p->code == PPP_RESET_ACK;
	if (l->crypt)
		mppe_reset(&l->crypt->send);
	ppp_packet_begin(&e, PPP_CCP, PPP_RESET_ACK, p->id);
	ppp_link_send(l, &e);
	return true;
}

const struct ppp_layer ppp_ccp = {
	.protocol = PPP_CCP, .name = "CCP", .rows = rows, .nrows = ARRAY_LEN(rows), .reset = reset, .up = up, .down = down,
	.finished = finished, .extra = extra,
};
