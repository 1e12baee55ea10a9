/*
 * auth: who the peer is and who we are: PAP (RFC 1334), CHAP with MD5 (RFC 1994), MS-CHAPv2 (RFC 2759) with its proof
 * that the server knows the password too. Must never tell from the wire whether a name exists; must wipe what it derives.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gate/ppp/link.h"

#define WAIT_US 1000000
#define TRIES 10

enum { PEER_KNOWN = 1 << 0, WE_KNOWN = 1 << 1 };

unsigned
ppp_auth_best(unsigned methods)
{
	if (methods & PPP_AUTH_MSCHAP2)
		return PPP_AUTH_MSCHAP2;
	return methods & PPP_AUTH_CHAP ? PPP_AUTH_CHAP : methods & PPP_AUTH_PAP;
}

const char *
ppp_auth_name(unsigned method)
{
	return method == PPP_AUTH_MSCHAP2 ? "MS-CHAPv2" : method == PPP_AUTH_CHAP ? "CHAP" : method == PPP_AUTH_PAP ? "PAP"
	    : "none";
}

static void
draw(struct ppp_link *l, uint8_t *dst, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++, v >>= 8) {
		if (i % 8 == 0)
			v = l->calls->random(l->ctx);
		dst[i] = (uint8_t)v;
	}
}

static void
settle(struct ppp_link *l, unsigned who)
{
	bool peer = l->demanded == 0, we = l->owed == 0;

	l->auth_done |= (uint8_t)who;
	peer |= (l->auth_done & PEER_KNOWN) != 0;
	we |= (l->auth_done & WE_KNOWN) != 0;
	if (!peer || !we || l->phase != PPP_AUTHENTICATE)
		return;
	l->auth_due_us = INT64_MAX;
	ppp_auth_finished(l);
}

static void
send_value(struct ppp_link *l, uint8_t code, uint8_t id, struct str value, struct str name)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	ppp_packet_begin(&e, PPP_CHAP, code, id);
	chap_value_write(&e, value, name);
	ppp_link_send(l, &e);
}

static void
send_text(struct ppp_link *l, uint16_t protocol, uint8_t code, uint8_t id, struct str text)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	ppp_packet_begin(&e, protocol, code, id);
	if (protocol == PPP_PAP)
		pap_message_write(&e, text);
	else
		enc_bytes(&e, str_head(text, 256));
	ppp_link_send(l, &e);
}

/* The server's side. */

static void
send_challenge(struct ppp_link *l)
{
	send_value(l, CHAP_CHALLENGE, l->auth_id, str_of((const char *)l->challenge, sizeof(l->challenge)), l->policy->name);
}

static bool
remember_user(struct ppp_link *l, struct str name)
{
	char *copy = malloc(name.n + 1);

	if (copy == NULL)
		return false;
	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	free(l->user);
	l->user = copy;
	return true;
}

/* A name that is not there is tried like one that is: the answer takes as long. */
static bool
find_account(struct ppp_link *l, struct str name, struct ppp_account *ret)
{
	bool usable = name.n > 0 && name.n <= PPP_NAME_MAX && str_find_byte(name, '\0') == name.n;

	*ret = (struct ppp_account){ .password = STR("no such account") };
	return usable && l->calls->account(l->ctx, mschap_user(name), ret) == 0;
}

/* From here on it is known who the peer is. */
static void
accept_peer(struct ppp_link *l, const struct ppp_account *a)
{
	l->owner = a->owner;
	if (a->policy)
		l->policy = a->policy;
}

static bool
check_mschap(struct ppp_link *l, struct str value, struct str name, const struct ppp_account *a, bool first)
{
	uint8_t hash[MSCHAP_NT_HASH], want[MSCHAP_NT_RESPONSE];
	struct mschap_response r;

	if (mschap_response_read(value, &r) < 0 || mschap_nt_hash(a->password, hash) < 0)
		return false;
	struct str user = mschap_user(name);
	mschap_answer(l->challenge, r.peer_challenge, user, hash, want);
	bool good = same_secret(want, r.nt_response, sizeof(want));
	if (good) {
		mschap_proof(hash, l->challenge, &r, user, (char *)l->our_proof);
		if (first)
			mschap_keys(hash, r.nt_response, true, l->key_send, l->key_recv);
		l->has_keys = true;
	}
	wipe(hash, sizeof(hash));
	return good;
}

static bool
check_md5(struct ppp_link *l, uint8_t id, struct str value, const struct ppp_account *a)
{
	uint8_t want[16];

	chap_md5(id, a->password, str_of((const char *)l->challenge, sizeof(l->challenge)), want);
	return value.n == sizeof(want) && same_secret(want, (const uint8_t *)value.p, sizeof(want));
}

/* Only the texts of MS-CHAPv2 have a meaning: RFC 2759 section 5 and 6. */
static void
send_chap_success(struct ppp_link *l)
{
	char text[MSCHAP_PROOF + 8];

	snprintf(text, sizeof(text), "%.*s M=OK", MSCHAP_PROOF, (const char *)l->our_proof);
	send_text(l, PPP_CHAP, CHAP_SUCCESS, l->auth_id, l->demanded == PPP_AUTH_MSCHAP2 ? str_z(text) : STR("welcome"));
}

static void
send_chap_failure(struct ppp_link *l)
{
	char text[80] = "E=691 R=0 C=";
	size_t n = strlen(text);

	for (size_t i = 0; i < MSCHAP_CHALLENGE; i++, n += 2)
		snprintf(text + n, 3, "%02X", l->challenge[i]);
	snprintf(text + n, sizeof(text) - n, " V=3 M=refused");
	send_text(l, PPP_CHAP, CHAP_FAILURE, l->auth_id, l->demanded == PPP_AUTH_MSCHAP2 ? str_z(text) : STR("refused"));
}

/* Somebody else may know the user. True: the peer waits for what he says. */
static bool
ask_another(struct ppp_link *l, const struct ppp_question *q)
{
	if (l->auth_done & PEER_KNOWN || q->user.n == 0 || q->user.n > PPP_NAME_MAX || l->calls->ask == NULL)
		return false;
	if (!l->asking && (!remember_user(l, q->user) || !l->calls->ask(l->ctx, q)))
		return false;
	l->asking = true;
	return true;
}

/* The peer may not have heard our success and answer again: it is told again, and nothing else changes. */
static void
on_response(struct ppp_link *l, const struct ppp_packet *p)
{
	struct str value, name;
	struct ppp_account a;
	bool first = !(l->auth_done & PEER_KNOWN);

	if (!(l->demanded & (PPP_AUTH_CHAP | PPP_AUTH_MSCHAP2)) || p->id != l->auth_id)
		return;
	if (chap_value_read(p->data, &value, &name) < 0)
		return;
	bool known = find_account(l, name, &a);
	if (!known && !first) {
		/* Another let it in: only our word of that was lost. */
		send_chap_success(l);
		return;
	}
	struct ppp_question q = { .method = l->demanded, .id = p->id, .user = name, .value = value,
		.challenge = str_of((const char *)l->challenge, sizeof(l->challenge)) };
	if (!known && ask_another(l, &q))
		return;
	bool good = l->demanded == PPP_AUTH_MSCHAP2 ? check_mschap(l, value, name, &a, first)
						    : check_md5(l, p->id, value, &a);
	if (known && good) {
		if (first && !remember_user(l, name))
			return;
		if (first)
			accept_peer(l, &a);
		send_chap_success(l);
		settle(l, PEER_KNOWN);
	} else if (first) {
		if (name.n <= PPP_NAME_MAX)
			(void)remember_user(l, name);
		send_chap_failure(l);
		ppp_link_fail(l, known ? PPP_WRONG_PASSWORD : PPP_UNKNOWN_USER);
	}
}

static bool
same_text(struct str a, struct str b)
{
	return a.n == b.n && same_secret((const uint8_t *)a.p, (const uint8_t *)b.p, a.n);
}

static void
on_pap_request(struct ppp_link *l, const struct ppp_packet *p)
{
	struct str user, password;
	struct ppp_account a;

	if (l->demanded != PPP_AUTH_PAP || pap_request_read(p->data, &user, &password) < 0)
		return;
	bool known = find_account(l, user, &a);
	struct ppp_question q = { .method = PPP_AUTH_PAP, .id = p->id, .user = user, .password = password };
	if (!known && ask_another(l, &q)) {
		l->auth_id = p->id;
		return;
	}
	if (!known && l->auth_done & PEER_KNOWN) {
		send_text(l, PPP_PAP, PAP_ACK, p->id, STR("welcome"));
		return;
	}
	if (user.n <= PPP_NAME_MAX && !(l->auth_done & PEER_KNOWN))
		(void)remember_user(l, user);
	if (known && same_text(password, a.password)) {
		if (!(l->auth_done & PEER_KNOWN))
			accept_peer(l, &a);
		send_text(l, PPP_PAP, PAP_ACK, p->id, STR("welcome"));
		settle(l, PEER_KNOWN);
	} else if (!(l->auth_done & PEER_KNOWN)) {
		send_text(l, PPP_PAP, PAP_NAK, p->id, STR("refused"));
		ppp_link_fail(l, known ? PPP_WRONG_PASSWORD : PPP_UNKNOWN_USER);
	}
}

static void
tell_verdict(struct ppp_link *l, bool good)
{
	if (l->demanded == PPP_AUTH_PAP)
		send_text(l, PPP_PAP, good ? PAP_ACK : PAP_NAK, l->auth_id, good ? STR("welcome") : STR("refused"));
	else if (good)
		send_chap_success(l);
	else
		send_chap_failure(l);
}

void
ppp_auth_answer(struct ppp_link *l, int64_t now_us, const struct ppp_answer *a)
{
	const struct ppp_account account = { .policy = a->policy, .owner = a->owner };

	l->now_us = now_us;
	if (!l->asking || l->phase != PPP_AUTHENTICATE)
		return;
	l->asking = false;
	if (a->good) {
		memcpy(l->our_proof, a->proof, sizeof(l->our_proof));
		memcpy(l->key_send, a->key_send, sizeof(l->key_send));
		memcpy(l->key_recv, a->key_recv, sizeof(l->key_recv));
		l->has_keys = a->has_keys;
		accept_peer(l, &account);
	}
	tell_verdict(l, a->good);
	if (a->good)
		settle(l, PEER_KNOWN);
	else
		ppp_link_fail(l, a->silent ? PPP_RADIUS_SILENT : PPP_RADIUS_REFUSED);
}

/* The client's side. */

static void
answer_mschap(struct ppp_link *l)
{
	uint8_t hash[MSCHAP_NT_HASH], value[MSCHAP_RESPONSE];
	struct mschap_response r;
	struct str user = mschap_user(l->policy->name);

	if (mschap_nt_hash(l->policy->password, hash) < 0)
		return;
	memcpy(r.peer_challenge, l->peer_challenge, sizeof(r.peer_challenge));
	mschap_answer(l->challenge, r.peer_challenge, user, hash, r.nt_response);
	mschap_proof(hash, l->challenge, &r, user, (char *)l->our_proof);
	/* A later challenge asks who we are, and leaves the keys alone. */
	if (!(l->auth_done & WE_KNOWN)) {
		mschap_keys(hash, r.nt_response, false, l->key_send, l->key_recv);
		l->has_keys = true;
	}
	mschap_response_write(&r, value);
	send_value(l, CHAP_RESPONSE, l->auth_id, str_of((const char *)value, sizeof(value)), l->policy->name);
	wipe(hash, sizeof(hash));
}

static void
answer_md5(struct ppp_link *l, struct str challenge)
{
	uint8_t answer[16];

	chap_md5(l->auth_id, l->policy->password, challenge, answer);
	send_value(l, CHAP_RESPONSE, l->auth_id, str_of((const char *)answer, sizeof(answer)), l->policy->name);
}

/*
 * The same challenge again gets the same answer: the keys hang on it, and either answer may be the one that arrives. The
 * name in a challenge is the server's own and proves nothing.
 */
static void
on_challenge(struct ppp_link *l, const struct ppp_packet *p)
{
	struct str challenge, name;
	bool mschap = l->owed == PPP_AUTH_MSCHAP2;

	if (!(l->owed & (PPP_AUTH_CHAP | PPP_AUTH_MSCHAP2)) || chap_value_read(p->data, &challenge, &name) < 0)
		return;
	if (mschap && challenge.n != MSCHAP_CHALLENGE)
		return;
	bool same = l->answered && l->auth_id == p->id && mschap &&
	    memcmp(l->challenge, challenge.p, MSCHAP_CHALLENGE) == 0;
	l->auth_id = p->id;
	l->answered = true;
	if (!mschap) {
		answer_md5(l, challenge);
		return;
	}
	if (!same) {
		memcpy(l->challenge, challenge.p, MSCHAP_CHALLENGE);
		draw(l, l->peer_challenge, sizeof(l->peer_challenge));
	}
	answer_mschap(l);
}

/* A server that cannot prove itself has only listened to our answer: RFC 2759 section 5. */
static void
on_success(struct ppp_link *l, const struct ppp_packet *p)
{
	bool proven = p->data.n >= MSCHAP_PROOF &&
	    same_secret((const uint8_t *)p->data.p, l->our_proof, MSCHAP_PROOF);

	if (!(l->owed & (PPP_AUTH_CHAP | PPP_AUTH_MSCHAP2)))
		return;
	if (l->owed == PPP_AUTH_MSCHAP2 && !proven)
		ppp_link_fail(l, PPP_SERVER_UNPROVEN);
	else
		settle(l, WE_KNOWN);
}

static void
on_failure(struct ppp_link *l, const struct ppp_packet *p)
{
	bool password = l->owed != PPP_AUTH_MSCHAP2 || str_find(p->data, STR("E=691")) < p->data.n;

	if (l->owed)
		ppp_link_fail(l, password ? PPP_WRONG_PASSWORD : PPP_REFUSED_BY_SERVER);
}

static void
send_pap(struct ppp_link *l)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));

	ppp_packet_begin(&e, PPP_PAP, PAP_REQUEST, l->auth_id);
	pap_request_write(&e, l->policy->name, l->policy->password);
	ppp_link_send(l, &e);
	wipe(room, sizeof(room));
}

/* Both. */

static void
ask_again(struct ppp_link *l)
{
	/* While another is asked, the peer has said what it can say. */
	if (l->demanded & (PPP_AUTH_CHAP | PPP_AUTH_MSCHAP2) && !l->asking)
		send_challenge(l);
	else if (l->owed == PPP_AUTH_PAP)
		send_pap(l);
	else if (l->answered && l->owed == PPP_AUTH_MSCHAP2)
		answer_mschap(l);      /* its success was lost on the way */
	l->auth_due_us = l->now_us + WAIT_US;
}

static void
begin(struct ppp_link *l)
{
	l->auth_done = 0;
	l->auth_tries = TRIES;
	l->has_keys = l->answered = l->asking = false;
	l->auth_id = (uint8_t)l->calls->random(l->ctx);
	if (l->demanded)
		draw(l, l->challenge, sizeof(l->challenge));
}

void
ppp_auth_start(struct ppp_link *l)
{
	begin(l);
	ask_again(l);
	settle(l, 0);
}

void
ppp_auth_adopt(struct ppp_link *l, const struct ppp_proxy *p)
{
	uint8_t room[PPP_PACKET_MAX];
	struct enc e = enc_of(room, sizeof(room));
	bool chap = p->method == PPP_AUTH_CHAP;

	begin(l);
	/* A challenge of another length than ours we could not repeat. */
	if (p->method == 0 || p->method != l->demanded || (chap && p->challenge.n != sizeof(l->challenge))) {
		ask_again(l);
		return;
	}
	l->auth_id = p->id;
	l->auth_due_us = l->now_us + WAIT_US;
	if (chap) {
		memcpy(l->challenge, p->challenge.p, sizeof(l->challenge));
		chap_value_write(&e, p->response, p->name);
	} else {
		pap_request_write(&e, p->name, p->response);
	}
	struct ppp_packet answer = { .code = chap ? CHAP_RESPONSE : PAP_REQUEST, .id = p->id, .data = str_of((char *)room, e.n) };
	if (enc_ok(&e) && chap)
		on_response(l, &answer);
	else if (enc_ok(&e))
		on_pap_request(l, &answer);
	wipe(room, sizeof(room));
}

void
ppp_auth_implied(struct ppp_link *l)
{
	if (l->phase == PPP_AUTHENTICATE && l->answered && l->owed == PPP_AUTH_CHAP)
		settle(l, WE_KNOWN);
}

void
ppp_auth_stop(struct ppp_link *l)
{
	l->auth_due_us = INT64_MAX;
}

void
ppp_auth_tick(struct ppp_link *l)
{
	if (l->auth_due_us > l->now_us)
		return;
	if (--l->auth_tries == 0)
		ppp_link_fail(l, PPP_AUTH_TIMEOUT);
	else
		ask_again(l);
}

void
ppp_auth_receive(struct ppp_link *l, uint16_t protocol, struct str payload)
{
	static const struct {
		uint16_t protocol;
		uint8_t code;
		void (*take)(struct ppp_link *l, const struct ppp_packet *p);
	} packets[] = {
		{ PPP_CHAP, CHAP_CHALLENGE, on_challenge }, { PPP_CHAP, CHAP_RESPONSE, on_response },
		{ PPP_CHAP, CHAP_SUCCESS, on_success }, { PPP_CHAP, CHAP_FAILURE, on_failure },
		{ PPP_PAP, PAP_REQUEST, on_pap_request },
	};
	struct ppp_packet p;

	if (ppp_packet_read(payload, &p) < 0 || l->phase < PPP_AUTHENTICATE || l->phase == PPP_TERMINATE)
		return;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++)
		if (packets[i].protocol == protocol && packets[i].code == p.code)
			packets[i].take(l, &p);
	if (protocol != PPP_PAP || l->owed != PPP_AUTH_PAP || p.id != l->auth_id)
		return;
	if (p.code == PAP_ACK)
		settle(l, WE_KNOWN);
	else if (p.code == PAP_NAK)
		ppp_link_fail(l, PPP_WRONG_PASSWORD);
}
