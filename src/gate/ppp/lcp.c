/* lcp: the options of LCP (RFC 1661 section 6), its echoes, and what follows from its ups and downs. */
#include "gate/ppp/link.h"

#define MRU_LEAST 128                  /* RFC 1661 would have 64; nothing of use fits in less than this */
#define MRU_DEFAULT 1500
#define LOOPS_MAX 5

static uint32_t
number(struct str value)
{
	uint32_t v = 0;

	for (size_t i = 0; i < value.n && i < 4; i++)
		v = v << 8 | (uint8_t)value.p[i];
	return v;
}

/* Section 6.1. */

static bool
ask_mru(struct ppp_link *l, struct enc *e)
{
	if (l->mru == MRU_DEFAULT)
		return false;
	ppp_option_put16(e, LCP_MRU, l->mru);
	return true;
}

static enum ppp_verdict
judge_mru(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	uint32_t v = number(str_head(value, 2));

	if (v < MRU_LEAST) {
		ppp_option_put16(suggestion, LCP_MRU, MRU_LEAST);
		return PPP_SUGGEST;
	}
	l->peer_mru = (uint16_t)v;
	return PPP_GOOD;
}

/* A peer that suggests more may send more; we take whatever fits a datagram. */
static void
mru_suggested(struct ppp_link *l, struct str value)
{
	uint32_t v = number(str_head(value, 2));

	if (v >= MRU_LEAST && v <= MRU_DEFAULT)
		l->mru = (uint16_t)v;
}

static void
mru_refused(struct ppp_link *l)
{
	l->mru = MRU_DEFAULT;
}

/* Section 6.2: who proves to be whom. */

static void
put_auth(struct enc *e, unsigned method)
{
	static const struct { unsigned method; uint8_t n; const char *bytes; } forms[] = {
		{ PPP_AUTH_PAP, 2, "\xc0\x23" }, { PPP_AUTH_CHAP, 3, "\xc2\x23\x05" }, { PPP_AUTH_MSCHAP2, 3, "\xc2\x23\x81" },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (forms[i].method == method)
			ppp_option_put(e, LCP_AUTH, str_of(forms[i].bytes, forms[i].n));
}

unsigned
ppp_auth_of(struct str value)
{
	if (value.n == 2 && number(value) == PPP_PAP)
		return PPP_AUTH_PAP;
	if (value.n != 3 || number(str_head(value, 2)) != PPP_CHAP)
		return 0;
	return (uint8_t)value.p[2] == CHAP_MD5 ? PPP_AUTH_CHAP : (uint8_t)value.p[2] == CHAP_MS2 ? PPP_AUTH_MSCHAP2 : 0;
}

static bool
ask_auth(struct ppp_link *l, struct enc *e)
{
	if (l->demanded == 0)
		return false;
	put_auth(e, l->demanded);
	return true;
}

/* A client that has a password gives it the best way that is allowed; else it has nothing to say. */
static enum ppp_verdict
judge_auth(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	unsigned method = ppp_auth_of(value), allowed = l->policy->server ? 0 : l->policy->auth;

	if (allowed == 0)
		return PPP_REFUSE;
	if ((method & allowed) == 0) {
		put_auth(suggestion, ppp_auth_best(allowed));
		return PPP_SUGGEST;
	}
	l->owed = method;
	return PPP_GOOD;
}

static void
next_auth(struct ppp_link *l)
{
	l->demanded = ppp_auth_best(l->untried);
	l->untried &= ~l->demanded;
	if (l->demanded == 0)
		ppp_link_fail(l, PPP_NO_COMMON_AUTH);
}

static void
auth_suggested(struct ppp_link *l, struct str value)
{
	unsigned method = ppp_auth_of(value);

	if (method & l->untried) {
		l->untried &= ~method;
		l->demanded = method;
		return;
	}
	if (method != l->demanded)
		next_auth(l);
}

static void
auth_refused(struct ppp_link *l)
{
	ppp_link_fail(l, PPP_NO_COMMON_AUTH);
}

/* Section 6.4: two equal numbers are one end that hears itself. */

static bool
ask_magic(struct ppp_link *l, struct enc *e)
{
	ppp_option_put32(e, LCP_MAGIC, l->magic);
	return true;
}

static void
new_magic(struct ppp_link *l)
{
	if (++l->loops > LOOPS_MAX)
		ppp_link_fail(l, PPP_LOOP);
	do
		l->magic = (uint32_t)l->calls->random(l->ctx);
	while (l->magic == 0);
}

static enum ppp_verdict
judge_magic(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	uint32_t v = number(value);

	if (v != 0 && v != l->magic) {
		l->peer_magic = v;
		return PPP_GOOD;
	}
	if (v == l->magic)
		new_magic(l);
	ppp_option_put32(suggestion, LCP_MAGIC, (uint32_t)l->calls->random(l->ctx) | 1);
	return PPP_SUGGEST;
}

static void
magic_suggested(struct ppp_link *l, struct str value)
{
	(void)value;
	new_magic(l);
}

static void
magic_refused(struct ppp_link *l)
{
	l->magic = 0;
}

/*
 * RFC 1990 section 5.1. To offer it is to take fragments; that the peer takes them too binds us to nothing, for we send none:
 * so its short numbers and its name among many links (5.1.2, 5.1.3) are right as they are.
 */

static bool
ask_mrru(struct ppp_link *l, struct enc *e)
{
	if (l->mrru == 0)
		return false;
	ppp_option_put16(e, LCP_MRRU, l->mrru);
	return true;
}

static enum ppp_verdict
judge_multilink(struct ppp_link *l, struct str value, struct enc *suggestion)
{
	(void)value;
	(void)suggestion;
	return l->policy->mrru ? PPP_GOOD : PPP_REFUSE;
}

static void
mrru_suggested(struct ppp_link *l, struct str value)
{
	uint32_t v = number(str_head(value, 2));

	if (v >= MRU_DEFAULT && v <= PPP_MRRU_MAX)
		l->mrru = (uint16_t)v;
}

static void
mrru_refused(struct ppp_link *l)
{
	l->mrru = 0;
}

/* ACCM, PFC and ACFC cost nothing over L2TP: what the peer wants is right. We ask for none and always send in full. */
static const struct ppp_option_row rows[] = {
	{ .type = LCP_MRU, .size = 2, .ask = ask_mru, .judge = judge_mru, .suggested = mru_suggested, .refused = mru_refused },
	{ .type = LCP_ACCM, .size = 4 },
	{ .type = LCP_AUTH, .size = 2, .ask = ask_auth, .judge = judge_auth, .suggested = auth_suggested,
	  .refused = auth_refused },
	{ .type = LCP_MAGIC, .size = 4, .ask = ask_magic, .judge = judge_magic, .suggested = magic_suggested,
	  .refused = magic_refused },
	{ .type = LCP_PFC, .size = 0 },
	{ .type = LCP_ACFC, .size = 0 },
	{ .type = LCP_MRRU, .size = 2, .ask = ask_mrru, .judge = judge_multilink, .suggested = mrru_suggested,
	  .refused = mrru_refused },
	{ .type = LCP_SHORT_SEQUENCE, .size = 0, .judge = judge_multilink },
	{ .type = LCP_ENDPOINT, .size = 1, .judge = judge_multilink },
};

static void
reset(struct ppp_link *l)
{
	l->peer_mru = MRU_DEFAULT;
	l->peer_magic = 0;
	l->owed = 0;
	l->mru = l->policy->mru;
	l->mrru = l->policy->mrru;
	l->untried = l->policy->server ? l->policy->auth : 0;
	l->demanded = ppp_auth_best(l->untried);
	l->untried &= ~l->demanded;
	do
		l->magic = (uint32_t)l->calls->random(l->ctx);
	while (l->magic == 0);
}

static void
up(struct ppp_link *l)
{
	l->phase = PPP_AUTHENTICATE;
	l->loops = 0;
	ppp_echo_begin(l);
	ppp_auth_start(l);
}

static void
down(struct ppp_link *l)
{
	ppp_auth_stop(l);
	l->phase = PPP_ESTABLISH;
	ppp_fsm_event(&l->ccp, l, PPP_DOWN);
	ppp_fsm_event(&l->ipcp, l, PPP_DOWN);
	ppp_fsm_event(&l->ipv6cp, l, PPP_DOWN);
	l->echo_due_us = INT64_MAX;
	ppp_link_check_network(l);
}

static void
send_echo(struct ppp_link *l, uint8_t code, uint8_t id, struct str rest)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	ppp_packet_begin(&e, PPP_LCP, code, id);
	enc_u32(&e, l->magic);
	enc_bytes(&e, rest);
	ppp_link_send(l, &e);
}

static bool
is_ours(const struct ppp_link *l, const struct ppp_packet *p)
{
	return p->data.n >= 4 && l->magic != 0 && number(p->data) == l->magic;
}

static void
echo_answered(struct ppp_link *l, const struct ppp_packet *p)
{
	/* Who answers must be the one we negotiated with: that a link may follow its peer to another port hangs on it. */
	if (p->id != l->echo_id || l->echo_sent_us == 0 || p->data.n < 4 || number(str_head(p->data, 4)) != l->peer_magic)
		return;
	l->rtt_us = (uint32_t)(l->now_us - l->echo_sent_us);
	l->echo_sent_us = 0;
}

/* Protocol-Reject (section 5.7), echoes (5.8), and what RFC 1570 adds, which needs no answer. */
static bool
extra(struct ppp_link *l, const struct ppp_packet *p)
{
	switch (p->code) {
	case PPP_PROTO_REJ:
		if (p->data.n >= 2 && l->lcp.state == PPP_OPENED)
			ppp_protocol_refused(l, (uint16_t)number(str_head(p->data, 2)));
		return true;
	case PPP_ECHO_REQ:
		if (!is_ours(l, p))
			send_echo(l, PPP_ECHO_REP, p->id, str_head(str_from(p->data, 4), PPP_PACKET_MAX - 16));
		return true;
	case PPP_ECHO_REP:
		echo_answered(l, p);
		return true;
	case PPP_DISCARD: case PPP_IDENT: case PPP_TIME_LEFT:
		return true;
	default:
		return false;
	}
}

void
ppp_echo_begin(struct ppp_link *l)
{
	l->heard_us = l->now_us;
	l->echo_sent_us = 0;
	l->echo_due_us = l->policy->echo_us ? l->now_us + l->policy->echo_us : INT64_MAX;
}

void
ppp_echo_sized(struct ppp_link *l, int64_t now_us, size_t size)
{
	static const uint8_t zeros[PPP_PACKET_MAX];
	size_t head = PPP_PACKET_HEAD + 4;

	l->now_us = now_us;
	if (l->lcp.state != PPP_OPENED)
		return;
	l->echo_sent_us = now_us;
	l->echoes++;
	send_echo(l, PPP_ECHO_REQ, ++l->echo_id, str_of((const char *)zeros,
	    size <= head ? 0 : size > PPP_PACKET_MAX - PPP_HEAD ? PPP_PACKET_MAX - PPP_HEAD - head : size - head));
}

void
ppp_echo_now(struct ppp_link *l, int64_t now_us)
{
	ppp_echo_sized(l, now_us, 0);
}

/*
 * A link that was heard of needs no question. A silent one is asked five times as often, so that a lossy line is not taken
 * for a dead one; dead it is after as long as echo_tries unanswered questions would have taken.
 */
void
ppp_echo_tick(struct ppp_link *l)
{
	const struct ppp_policy *p = l->policy;
	bool unanswered = l->echo_sent_us != 0 && l->heard_us <= l->echo_sent_us;

	if (l->echo_due_us > l->now_us)
		return;
	l->echoes_lost += unanswered;
	if (l->now_us - l->heard_us >= p->echo_us * p->echo_tries) {
		ppp_link_fail(l, PPP_DEAD_PEER);
		return;
	}
	ppp_echo_now(l, l->now_us);
	l->echo_due_us = l->now_us + (l->now_us - l->heard_us >= p->echo_us ? p->echo_us / 5 : p->echo_us);
}

const struct ppp_layer ppp_lcp = {
	.protocol = PPP_LCP, .name = "LCP", .rows = rows, .nrows = ARRAY_LEN(rows), .reset = reset, .up = up, .down = down,
	.finished = ppp_link_end, .extra = extra,
};
