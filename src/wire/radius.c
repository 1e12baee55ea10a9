/* radius: reading, writing and proving of packets. Must never take an attribute of a packet that was not checked whole. */
#include "wire/radius.h"

#include <errno.h>

#include "wire/legacy.h"

#define PROOF_AT (RADIUS_HEAD + 2)     /* of the Message-Authenticator that we write: it comes first */

/* Every length fits, or nothing of it is read. */
static bool
attributes_fit(struct str all)
{
	struct cur c = cur_of(all);

	while (c.n > 0) {
		(void)cur_u8(&c);
		uint8_t n = cur_u8(&c);
		if (n < 2)
			return false;
		(void)cur_bytes(&c, n - 2u);
	}
	return cur_done(&c);
}

int
radius_read(struct str datagram, struct radius_packet *ret)
{
	struct cur c = cur_of(datagram);
	struct radius_packet p = { .code = cur_u8(&c), .id = cur_u8(&c) };
	uint16_t n = cur_u16(&c);

	if (!cur_ok(&c) || n < RADIUS_HEAD || n > RADIUS_MAX || n > datagram.n)
		return -EBADMSG;
	p.whole = str_head(datagram, n);
	p.authenticator = (const uint8_t *)datagram.p + 4;
	p.attributes = str_from(p.whole, RADIUS_HEAD);
	if (!attributes_fit(p.attributes))
		return -EBADMSG;
	*ret = p;
	return 0;
}

struct radius_walk
radius_walk(const struct radius_packet *p)
{
	return (struct radius_walk){ .outer = cur_of(p->attributes) };
}

static bool
take(struct cur *c, uint8_t *ret_type, struct str *ret_value)
{
	uint8_t type = cur_u8(c), n = cur_u8(c);

	if (!cur_ok(c) || n < 2)
		return false;
	*ret_type = type;
	*ret_value = cur_bytes(c, n - 2u);
	return cur_ok(c);
}

/* A vendor's attribute whose inside is not of the usual form is passed over: RFC 2865 section 5.26 leaves it to him. */
bool
radius_next(struct radius_walk *w, struct radius_value *ret)
{
	for (;;) {
		struct radius_value v = { .vendor = w->vendor };
		if (w->inner.n > 0 && take(&w->inner, &v.type, &v.value)) {
			*ret = v;
			return true;
		}
		w->inner = (struct cur){ .n = 0 };
		w->vendor = v.vendor = 0;
		if (w->outer.n == 0 || !take(&w->outer, &v.type, &v.value))
			return false;
		if (v.type != RADIUS_VENDOR) {
			*ret = v;
			return true;
		}
		w->inner = cur_of(v.value);
		w->vendor = cur_u32(&w->inner);
		if (!cur_ok(&w->inner))
			w->inner = (struct cur){ .n = 0 };
	}
}

bool
radius_find(const struct radius_packet *p, uint32_t vendor, uint8_t type, struct str *ret)
{
	struct radius_walk w = radius_walk(p);
	struct radius_value v;

	while (radius_next(&w, &v)) {
		if (v.vendor != vendor || v.type != type)
			continue;
		*ret = v.value;
		return true;
	}
	return false;
}

uint32_t
radius_number(struct str value)
{
	struct cur c = cur_of(value);

	return value.n == 4 ? cur_u32(&c) : 0;
}

/* Writing. */

void
radius_begin(struct enc *e, enum radius_code code, uint8_t id, const uint8_t authenticator[RADIUS_AUTHENTICATOR],
    bool proved)
{
	static const uint8_t none[RADIUS_AUTHENTICATOR];

	enc_u8(e, (uint8_t)code);
	enc_u8(e, id);
	enc_u16(e, 0);
	enc_bytes(e, str_of((const char *)authenticator, RADIUS_AUTHENTICATOR));
	if (proved)
		radius_put(e, RADIUS_MESSAGE_AUTHENTICATOR, str_of((const char *)none, sizeof(none)));
}

void
radius_put(struct enc *e, uint8_t type, struct str value)
{
	struct str v = str_head(value, RADIUS_VALUE_MAX);

	enc_u8(e, type);
	enc_u8(e, (uint8_t)(v.n + 2));
	enc_bytes(e, v);
}

void
radius_put_number(struct enc *e, uint8_t type, uint32_t v)
{
	enc_u8(e, type);
	enc_u8(e, 6);
	enc_u32(e, v);
}

void
radius_put_vendor(struct enc *e, uint32_t vendor, uint8_t type, struct str value)
{
	struct str v = str_head(value, RADIUS_VALUE_MAX - 6);

	enc_u8(e, RADIUS_VENDOR);
	enc_u8(e, (uint8_t)(v.n + 8));
	enc_u32(e, vendor);
	enc_u8(e, type);
	enc_u8(e, (uint8_t)(v.n + 2));
	enc_bytes(e, v);
}

/* One block of the chain of RFC 2865 section 5.2 and RFC 2548 section 2.4.2: what is xored, from the block before. */
static void
chain(struct str secret, struct str before, struct str salt, uint8_t ret[MD5_SIZE])
{
	struct digest d;

	md5_begin(&d);
	md5_add(&d, secret);
	md5_add(&d, before);
	md5_add(&d, salt);
	md5_end(&d, ret);
}

void
radius_put_password(struct enc *e, struct str password, struct str secret,
    const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
	uint8_t hidden[RADIUS_PASSWORD_MAX] = { 0 }, mask[MD5_SIZE];
	struct str p = str_head(password, sizeof(hidden)), before = str_of((const char *)authenticator, MD5_SIZE);
	size_t n = p.n ? (p.n + MD5_SIZE - 1) / MD5_SIZE * MD5_SIZE : MD5_SIZE;

	if (p.n)
		memcpy(hidden, p.p, p.n);
	for (size_t at = 0; at < n; at += MD5_SIZE) {
		chain(secret, before, STR_NULL, mask);
		for (size_t i = 0; i < MD5_SIZE; i++)
			hidden[at + i] ^= mask[i];
		before = str_of((const char *)hidden + at, MD5_SIZE);
	}
	radius_put(e, RADIUS_USER_PASSWORD, str_of((const char *)hidden, n));
	wipe(mask, sizeof(mask));
}

static bool
put_length(struct enc *e)
{
	if (!enc_ok(e) || e->n > RADIUS_MAX)
		return false;
	e->p[2] = (uint8_t)(e->n >> 8);
	e->p[3] = (uint8_t)e->n;
	return true;
}

static bool
has_proof(const struct enc *e)
{
	return e->n >= PROOF_AT + MD5_SIZE && e->p[RADIUS_HEAD] == RADIUS_MESSAGE_AUTHENTICATOR;
}

static void
prove(struct enc *e, struct str secret)
{
	if (has_proof(e))
		hmac_md5(secret, str_of((const char *)e->p, e->n), e->p + PROOF_AT);
}

/* MD5 over the packet, with whatever stands in the authenticator's place, and the secret. */
static void
sign(struct enc *e, struct str secret)
{
	struct digest d;

	md5_begin(&d);
	md5_add(&d, str_of((const char *)e->p, e->n));
	md5_add(&d, secret);
	md5_end(&d, e->p + 4);
}

size_t
radius_end_access(struct enc *e, struct str secret)
{
	if (!put_length(e))
		return 0;
	prove(e, secret);
	return e->n;
}

size_t
radius_end_request(struct enc *e, struct str secret)
{
	if (!put_length(e))
		return 0;
	memset(e->p + 4, 0, RADIUS_AUTHENTICATOR);
	prove(e, secret);
	sign(e, secret);
	return e->n;
}

size_t
radius_end_answer(struct enc *e, struct str secret, const uint8_t request[RADIUS_AUTHENTICATOR])
{
	if (!put_length(e))
		return 0;
	memcpy(e->p + 4, request, RADIUS_AUTHENTICATOR);
	prove(e, secret);
	sign(e, secret);
	return e->n;
}

/* Proofs of others. */

static bool
signature_is_good(const struct radius_packet *p, const uint8_t authenticator[RADIUS_AUTHENTICATOR], struct str secret)
{
	uint8_t want[MD5_SIZE];
	struct digest d;

	md5_begin(&d);
	md5_add(&d, str_head(p->whole, 4));
	md5_add(&d, str_of((const char *)authenticator, RADIUS_AUTHENTICATOR));
	md5_add(&d, p->attributes);
	md5_add(&d, secret);
	md5_end(&d, want);
	return same_secret(want, p->authenticator, sizeof(want));
}

/* RFC 3579 section 3.2: over the packet with `authenticator` in its place and the proof's own bytes zero. */
static bool
proof_is_good(const struct radius_packet *p, struct str proof, const uint8_t authenticator[RADIUS_AUTHENTICATOR],
    struct str secret)
{
	uint8_t copy[RADIUS_MAX], want[MD5_SIZE];
	size_t at = (size_t)(proof.p - p->whole.p);

	if (proof.n != MD5_SIZE)
		return false;
	memcpy(copy, p->whole.p, p->whole.n);
	memcpy(copy + 4, authenticator, RADIUS_AUTHENTICATOR);
	memset(copy + at, 0, MD5_SIZE);
	hmac_md5(secret, str_of((const char *)copy, p->whole.n), want);
	return same_secret(want, (const uint8_t *)proof.p, sizeof(want));
}

bool
radius_answer_is_good(const struct radius_packet *p, const uint8_t request[RADIUS_AUTHENTICATOR], struct str secret,
    bool proved)
{
	struct str proof;
	bool has = radius_find(p, 0, RADIUS_MESSAGE_AUTHENTICATOR, &proof);

	if (!signature_is_good(p, request, secret))
		return false;
	return has ? proof_is_good(p, proof, request, secret) : !proved;
}

bool
radius_request_is_good(const struct radius_packet *p, struct str secret)
{
	static const uint8_t none[RADIUS_AUTHENTICATOR];
	struct str proof;

	if (!signature_is_good(p, none, secret))
		return false;
	return !radius_find(p, 0, RADIUS_MESSAGE_AUTHENTICATOR, &proof) || proof_is_good(p, proof, none, secret);
}

int
radius_key(struct str value, struct str secret, const uint8_t request[RADIUS_AUTHENTICATOR], uint8_t ret[32])
{
	struct str salt = str_head(value, 2), hidden = str_from(value, 2);
	struct str before = str_of((const char *)request, RADIUS_AUTHENTICATOR);
	uint8_t plain[48], mask[MD5_SIZE];

	if (value.n < 2 + MD5_SIZE || hidden.n % MD5_SIZE || hidden.n > sizeof(plain))
		return -EBADMSG;
	for (size_t at = 0; at < hidden.n; at += MD5_SIZE) {
		chain(secret, before, at ? STR_NULL : salt, mask);
		for (size_t i = 0; i < MD5_SIZE; i++)
			plain[at + i] = (uint8_t)hidden.p[at + i] ^ mask[i];
		before = str_of(hidden.p + at, MD5_SIZE);
	}
	int n = plain[0];
	if (n > 32 || (size_t)n + 1 > hidden.n)
		n = -EBADMSG;
	else
		memcpy(ret, plain + 1, (size_t)n);
	wipe(plain, sizeof(plain));
	wipe(mask, sizeof(mask));
	return n;
}

const char *
radius_code_name(uint8_t code)
{
	static const struct { uint8_t code; const char *name; } names[] = {
		{ RADIUS_ACCESS_REQUEST, "Access-Request" }, { RADIUS_ACCESS_ACCEPT, "Access-Accept" },
		{ RADIUS_ACCESS_REJECT, "Access-Reject" }, { RADIUS_ACCT_REQUEST, "Accounting-Request" },
		{ RADIUS_ACCT_RESPONSE, "Accounting-Response" }, { RADIUS_ACCESS_CHALLENGE, "Access-Challenge" },
		{ RADIUS_DISCONNECT, "Disconnect-Request" }, { RADIUS_DISCONNECT_ACK, "Disconnect-ACK" },
		{ RADIUS_DISCONNECT_NAK, "Disconnect-NAK" }, { RADIUS_COA, "CoA-Request" }, { RADIUS_COA_ACK, "CoA-ACK" },
		{ RADIUS_COA_NAK, "CoA-NAK" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "?";
}
