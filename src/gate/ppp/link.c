/* link: the phases of a link (RFC 1661 section 3), its demultiplexer and its timers. */
#include "gate/ppp/link.h"

#include <errno.h>
#include <stdlib.h>

#define NEVER INT64_MAX

void
ppp_link_init(struct ppp_link *l, const struct ppp_policy *p, const struct ppp_calls *calls, void *ctx)
{
	*l = (struct ppp_link){ .policy = p, .calls = calls, .ctx = ctx, .auth_due_us = NEVER, .echo_due_us = NEVER };
	ppp_fsm_init(&l->lcp, &ppp_lcp);
	ppp_fsm_init(&l->ipcp, &ppp_ipcp);
	ppp_fsm_init(&l->ipv6cp, &ppp_ipv6cp);
	ppp_fsm_init(&l->ccp, &ppp_ccp);
}

void
ppp_link_free(struct ppp_link *l)
{
	free(l->user);
	free(l->bundle);
	ppp_crypt_drop(l);
	wipe(l, sizeof(*l));
}

void
ppp_link_send(struct ppp_link *l, struct enc *e)
{
	size_t n = ppp_packet_end(e);

	if (n > 0)
		l->calls->send(l->ctx, str_of((const char *)e->p, n));
}

void
ppp_link_start(struct ppp_link *l, int64_t now_us)
{
	l->now_us = now_us;
	l->phase = PPP_ESTABLISH;
	ppp_fsm_event(&l->lcp, l, PPP_OPEN);
	ppp_fsm_event(&l->lcp, l, PPP_UP);
}

void
ppp_link_fail(struct ppp_link *l, enum ppp_reason why)
{
	if (l->reason == PPP_STILL_UP)
		l->reason = (uint8_t)why;
	if (l->phase == PPP_DEAD || l->phase == PPP_TERMINATE)
		return;
	bool waits = l->lcp.state >= PPP_CLOSING;
	ppp_fsm_event(&l->lcp, l, PPP_CLOSE);
	if (l->phase == PPP_DEAD)
		return;
	l->phase = PPP_TERMINATE;
	if (!waits)
		ppp_link_end(l);
}

void
ppp_link_close(struct ppp_link *l, int64_t now_us, enum ppp_reason why)
{
	l->now_us = now_us;
	ppp_link_fail(l, why);
}

void
ppp_link_lost(struct ppp_link *l, int64_t now_us)
{
	l->now_us = now_us;
	if (l->reason == PPP_STILL_UP)
		l->reason = PPP_CARRIER_LOST;
	ppp_link_end(l);
}

void
ppp_link_end(struct ppp_link *l)
{
	if (l->phase == PPP_DEAD)
		return;
	if (l->reason == PPP_STILL_UP)
		l->reason = l->peer_magic || l->user || l->network_up ? PPP_PEER_CLOSED : PPP_NO_ANSWER;
	l->phase = PPP_DEAD;
	l->network_up = l->network6_up = false;
	l->lcp.due_us = l->ipcp.due_us = l->ipv6cp.due_us = l->ccp.due_us = NEVER;
	l->auth_due_us = l->echo_due_us = NEVER;
	l->calls->down(l->ctx, (enum ppp_reason)l->reason);
}

/* The network phase. */

static bool
wants_encryption(const struct ppp_link *l)
{
	return l->policy->encryption != PPP_ENCRYPT_NO && l->has_keys;
}

static void
open_networks(struct ppp_link *l)
{
	if (l->ipcp.state < PPP_CLOSED)
		ppp_fsm_event(&l->ipcp, l, PPP_OPEN);
	if (l->ipcp.state == PPP_STARTING)
		ppp_fsm_event(&l->ipcp, l, PPP_UP);
	if (!l->policy->ipv6)
		return;
	if (l->ipv6cp.state < PPP_CLOSED)
		ppp_fsm_event(&l->ipv6cp, l, PPP_OPEN);
	if (l->ipv6cp.state == PPP_STARTING)
		ppp_fsm_event(&l->ipv6cp, l, PPP_UP);
}

/* Encryption first where it is wanted: many peers answer an IPCP that comes too early by closing it. */
void
ppp_auth_finished(struct ppp_link *l)
{
	l->phase = PPP_NETWORK;
	if (l->policy->encryption == PPP_ENCRYPT_REQUIRED && !l->has_keys) {
		ppp_link_fail(l, PPP_NO_ENCRYPTION);
		return;
	}
	if (!wants_encryption(l)) {
		open_networks(l);
		return;
	}
	ppp_fsm_event(&l->ccp, l, PPP_OPEN);
	ppp_fsm_event(&l->ccp, l, PPP_UP);
}

void
ppp_link_check_network(struct ppp_link *l)
{
	bool sealed = l->ccp.state == PPP_OPENED || l->policy->encryption != PPP_ENCRYPT_REQUIRED;
	bool settled = l->ccp.state == PPP_OPENED || l->ccp.state < PPP_CLOSING;

	if (l->phase != PPP_NETWORK) {
		l->network_up = l->network6_up = false;
		return;
	}
	if (settled && sealed)
		open_networks(l);
	bool ip = l->ipcp.state == PPP_OPENED;
	bool was = l->network_up;
	l->network_up = ip && sealed;
	if (l->network_up && !was)
		l->calls->up(l->ctx);
	was = l->network6_up;
	l->network6_up = l->network_up && l->ipv6cp.state == PPP_OPENED;
	if (l->network6_up && !was && l->calls->up6)
		l->calls->up6(l->ctx);
}

void
ppp_protocol_refused(struct ppp_link *l, uint16_t protocol)
{
	struct ppp_fsm *all[] = { &l->ipcp, &l->ipv6cp, &l->ccp };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->layer->protocol == protocol)
			ppp_fsm_event(all[i], l, PPP_RXJ_BAD);
	if (protocol == PPP_COMPRESSED)
		ppp_fsm_event(&l->ccp, l, PPP_RXJ_BAD);
	if (protocol == PPP_CHAP || protocol == PPP_PAP)
		ppp_link_fail(l, PPP_NO_COMMON_AUTH);
}

/* Frames. */

static void
reject_protocol(struct ppp_link *l, uint16_t protocol, struct str payload)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	/* RFC 1661 section 5.7: only in Opened. */
	if (l->lcp.state != PPP_OPENED)
		return;
	ppp_packet_begin(&e, PPP_LCP, PPP_PROTO_REJ, ++l->lcp.id);
	enc_u16(&e, protocol);
	enc_bytes(&e, str_head(payload, 256));
	ppp_link_send(l, &e);
}

static void
ask_reset(struct ppp_link *l)
{
	uint8_t room[PPP_HEAD + PPP_PACKET_HEAD];
	struct enc e = enc_of(room, sizeof(room));

	/* Once in a while: every packet that comes meanwhile would ask again. */
	if (l->now_us - l->reset_sent_us < 100000)
		return;
	l->reset_sent_us = l->now_us;
	ppp_packet_begin(&e, PPP_CCP, PPP_RESET_REQ, ++l->ccp.id);
	ppp_link_send(l, &e);
}

static int
unseal(struct ppp_link *l, struct str payload, uint8_t *scratch, uint16_t *ret_protocol, struct str *ret_payload)
{
	if (l->network_up && l->crypt == NULL)
		reject_protocol(l, PPP_COMPRESSED, payload);
	if (!l->network_up || l->crypt == NULL)
		return 0;
	int n = mppe_decrypt(&l->crypt->recv, payload, scratch);
	if (n == -EAGAIN)
		ask_reset(l);
	if (n <= 0 || ppp_frame_read(str_of((const char *)scratch, (size_t)n), ret_protocol, ret_payload) < 0)
		return 0;
	return *ret_protocol == PPP_IP || (*ret_protocol == PPP_IPV6 && l->network6_up);
}

static void
control(struct ppp_link *l, uint16_t protocol, struct str payload)
{
	struct ppp_fsm *fsm = protocol == PPP_IPCP ? &l->ipcp : protocol == PPP_IPV6CP ? &l->ipv6cp : &l->ccp;
	bool served = protocol == PPP_IPCP || (protocol == PPP_IPV6CP && l->policy->ipv6) ||
	    (protocol == PPP_CCP && wants_encryption(l));

	if (!served) {
		reject_protocol(l, protocol, payload);
		return;
	}
	ppp_auth_implied(l);
	if (l->phase != PPP_NETWORK)
		return;
	/* The peer does not wait for encryption to be agreed on: nor need we, packets still do. */
	if (fsm->state < PPP_CLOSED)
		open_networks(l);
	ppp_fsm_receive(fsm, l, payload);
}

static int
take(struct ppp_link *l, uint16_t protocol, struct str payload, uint8_t *scratch, uint16_t *ret_protocol, struct str *ret_payload)
{
	switch (protocol) {
	case PPP_IP: case PPP_IPV6:
		/* On an encrypted link a plain packet is somebody else's. */
		if (!l->network_up || l->crypt || l->policy->encryption == PPP_ENCRYPT_REQUIRED)
			return 0;
		if (protocol == PPP_IPV6 && !l->network6_up)
			return 0;
		*ret_protocol = protocol;
		*ret_payload = payload;
		return 1;
	case PPP_COMPRESSED:
		return unseal(l, payload, scratch, ret_protocol, ret_payload);
	case PPP_LCP:
		ppp_fsm_receive(&l->lcp, l, payload);
		return 0;
	case PPP_PAP: case PPP_CHAP:
		ppp_auth_receive(l, protocol, payload);
		return 0;
	case PPP_IPCP: case PPP_IPV6CP: case PPP_CCP:
		control(l, protocol, payload);
		return 0;
	default:
		reject_protocol(l, protocol, payload);
		return 0;
	}
}

/* Without memory for them fragments are lost, as on the way. */
static bool
join(struct ppp_link *l, const struct ppp_fragment *f, struct str *ret_packet)
{
	if (l->bundle == NULL)
		l->bundle = calloc(1, sizeof(*l->bundle));
	return l->bundle && ppp_bundle_take(l->bundle, f, l->mrru + PPP_HEAD + MPPE_EXPANDS, ret_packet) > 0;
}

/*
 * Fragments count once it is known who sends them, and only where we offered to take them. What they make up is a frame
 * like any other, but for LCP, which is of the single link (RFC 1990 section 2), and for further fragments.
 */
static int
take_fragment(struct ppp_link *l, struct str payload, uint8_t *scratch, uint16_t *ret_protocol, struct str *ret_payload)
{
	struct ppp_fragment f;
	uint16_t protocol;

	if (l->mrru == 0)
		reject_protocol(l, PPP_MP, payload);
	if (l->mrru == 0 || l->phase != PPP_NETWORK || ppp_fragment_read(payload, &f) < 0)
		return 0;
	struct str packet = f.data;
	if (!(f.first && f.last) && !join(l, &f, &packet))
		return 0;
	if (ppp_frame_read(packet, &protocol, &payload) < 0 || protocol == PPP_MP || protocol == PPP_LCP)
		return 0;
	return take(l, protocol, payload, scratch, ret_protocol, ret_payload);
}

int
ppp_link_receive(struct ppp_link *l, int64_t now_us, struct str frame, uint8_t *scratch,
    uint16_t *ret_protocol, struct str *ret_payload)
{
	uint16_t protocol;
	struct str payload;

	l->now_us = l->heard_us = now_us;
	if (l->phase == PPP_DEAD || ppp_frame_read(frame, &protocol, &payload) < 0)
		return 0;
	if (protocol == PPP_MP)
		return take_fragment(l, payload, scratch, ret_protocol, ret_payload);
	return take(l, protocol, payload, scratch, ret_protocol, ret_payload);
}

bool
ppp_link_encrypts(const struct ppp_link *l)
{
	return l->crypt != NULL;
}

size_t
ppp_link_head(const struct ppp_link *l, uint16_t protocol, uint8_t *out)
{
	size_t n = PPP_HEAD;

	out[0] = 0xff;
	out[1] = 0x03;
	out[2] = 0;
	out[3] = l->crypt ? PPP_COMPRESSED : (uint8_t)protocol;
	if (l->crypt == NULL)
		return n;
	/* Flags and count stand before the number and the packet, which are encrypted together. */
	out[n + 2] = 0;
	out[n + 3] = (uint8_t)protocol;
	return n + MPPE_EXPANDS;
}

void
ppp_link_finish(struct ppp_link *l, uint8_t *out, size_t n)
{
	uint8_t *plain = out + PPP_HEAD + 2;

	if (l->crypt)
		(void)mppe_encrypt(&l->crypt->send, str_of((const char *)plain, n - PPP_HEAD - 2), out + PPP_HEAD);
}

size_t
ppp_link_seal(struct ppp_link *l, uint16_t protocol, struct str payload, uint8_t *out)
{
	size_t n = ppp_link_head(l, protocol, out);

	memcpy(out + n, payload.p, payload.n);
	ppp_link_finish(l, out, n + payload.n);
	return n + payload.n;
}

/* Time. */

int64_t
ppp_link_due(const struct ppp_link *l)
{
	const int64_t all[] = {
		l->lcp.due_us, l->ipcp.due_us, l->ipv6cp.due_us, l->ccp.due_us, l->auth_due_us, l->echo_due_us,
	};
	int64_t first = NEVER;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] < first)
			first = all[i];
	return first;
}

void
ppp_link_tick(struct ppp_link *l, int64_t now_us)
{
	l->now_us = now_us;
	ppp_fsm_tick(&l->lcp, l);
	ppp_fsm_tick(&l->ipcp, l);
	ppp_fsm_tick(&l->ipv6cp, l);
	ppp_fsm_tick(&l->ccp, l);
	ppp_auth_tick(l);
	ppp_echo_tick(l);
}

const char *
ppp_link_encoding(const struct ppp_link *l)
{
	static const struct { uint32_t bits; const char *name; } names[] = {
		{ MPPE_128 | MPPE_STATELESS, "MPPE-128 stateless" }, { MPPE_56 | MPPE_STATELESS, "MPPE-56 stateless" },
		{ MPPE_40 | MPPE_STATELESS, "MPPE-40 stateless" }, { MPPE_128, "MPPE-128 stateful" },
		{ MPPE_56, "MPPE-56 stateful" }, { MPPE_40, "MPPE-40 stateful" },
	};

	for (size_t i = 0; l->crypt && i < ARRAY_LEN(names); i++)
		if (names[i].bits == l->mppe_bits)
			return names[i].name;
	return "none";
}

/* What happened, and what to do about it. */
static const struct { const char *text, *advice; } reasons[PPP_REASONS] = {
	[PPP_STILL_UP] = { "up", "" },
	[PPP_PEER_CLOSED] = { "closed by the other side", "" },
	[PPP_ADMIN_CLOSED] = { "closed by the operator", "" },
	[PPP_NO_ANSWER] = { "the other side never answered PPP",
	    "the tunnel is there but nobody speaks in it: look at the server's own log" },
	[PPP_DEAD_PEER] = { "the other side stopped answering", "look at its internet line" },
	[PPP_LOOP] = { "the line is looped back", "something returns our own packets" },
	[PPP_WRONG_PASSWORD] = { "wrong password (Windows shows 691)", "the same secret must stand on both sides" },
	[PPP_UNKNOWN_USER] = { "unknown user (Windows shows 691)", "add a `secret` with this name" },
	[PPP_NO_COMMON_AUTH] = { "no common way to authenticate (Windows shows 919)",
	    "allow MS-CHAPv2 on both sides, or name what the peer has in `authentication`" },
	[PPP_AUTH_TIMEOUT] = { "the other side did not say who it is (Windows shows 718)", "" },
	[PPP_SERVER_UNPROVEN] = { "the server does not know our password: it may be an impostor",
	    "make sure of the server's address before you change anything" },
	[PPP_REFUSED_BY_SERVER] = { "the server refuses this user", "the account may be locked or out of its hours" },
	[PPP_NO_ENCRYPTION] = { "encryption is required and the other side has none (Windows shows 741 or 742)",
	    "switch MPPE-128 on there, with MS-CHAPv2, or set `encryption yes` here" },
	[PPP_NO_ADDRESS] = { "no address for the other side", "the pool is used up, or none is configured" },
	[PPP_NO_NETWORK] = { "the other side wants no IPv4", "" },
	[PPP_CARRIER_LOST] = { "the tunnel was lost", "" },
	[PPP_IDLE] = { "idle for too long", "" },
	[PPP_SESSION_OVER] = { "the time for one session is over", "" },
	[PPP_REPLACED] = { "the same user came again", "" },
	[PPP_ALREADY_HERE] = { "the same user is connected already",
	    "end the other connection with `guarita vpn kick`, or allow both with `same-user allow`" },
	[PPP_ENCRYPTION_FAULT] = { "encryption could not be set up", "" },
	[PPP_RADIUS_REFUSED] = { "wrong password or unknown user, says the RADIUS server (Windows shows 691)", "" },
	[PPP_RADIUS_SILENT] = { "no RADIUS server answers (Windows shows 718)",
	    "look at its address, its port, the secret on both sides, and whether it proves its answers (Message-Authenticator)" },
};

const char *
ppp_reason_text(enum ppp_reason r)
{
	return reasons[r].text;
}

const char *
ppp_reason_advice(enum ppp_reason r)
{
	return reasons[r].advice;
}
