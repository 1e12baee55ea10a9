/*
 * l2tp_avp: the attributes of control messages (RFC 2661 section 4): their table, reading, hiding, writing. A hidden value
 * is bounded by its attribute before a byte of it is used.
 */
#include "wire/l2tp.h"

#include <errno.h>

#include "wire/legacy.h"

#define AVP_M 0x8000
#define AVP_H 0x4000
#define AVP_RESERVED 0x3c00
#define AVP_LENGTH 0x03ff

/* Section 4.4, in its order. Lengths are those of the value. */
static const struct l2tp_avp_row rows[] = {
	{ L2TP_MESSAGE_TYPE, L2TP_NUMBER, 2, true, false, "Message Type" },
	{ L2TP_RESULT_CODE, L2TP_BYTES, 2, true, false, "Result Code" },
	{ L2TP_PROTOCOL_VERSION, L2TP_NUMBER, 2, true, false, "Protocol Version" },
	{ L2TP_FRAMING_CAPS, L2TP_NUMBER, 4, true, true, "Framing Capabilities" },
	{ L2TP_BEARER_CAPS, L2TP_NUMBER, 4, true, true, "Bearer Capabilities" },
	{ L2TP_TIE_BREAKER, L2TP_NUMBER, 8, false, false, "Tie Breaker" },
	{ L2TP_FIRMWARE, L2TP_NUMBER, 2, false, true, "Firmware Revision" },
	{ L2TP_HOST_NAME, L2TP_BYTES, 1, true, false, "Host Name" },
	{ L2TP_VENDOR_NAME, L2TP_BYTES, 0, false, true, "Vendor Name" },
	{ L2TP_TUNNEL_ID, L2TP_NUMBER, 2, true, true, "Assigned Tunnel ID" },
	{ L2TP_WINDOW, L2TP_NUMBER, 2, true, false, "Receive Window Size" },
	{ L2TP_CHALLENGE, L2TP_BYTES, 1, true, true, "Challenge" },
	{ L2TP_CAUSE, L2TP_BYTES, 3, true, false, "Q.931 Cause Code" },
	{ L2TP_CHALLENGE_RESPONSE, L2TP_BYTES, 16, true, true, "Challenge Response" },
	{ L2TP_SESSION_ID, L2TP_NUMBER, 2, true, true, "Assigned Session ID" },
	{ L2TP_CALL_SERIAL, L2TP_NUMBER, 4, true, true, "Call Serial Number" },
	{ L2TP_MINIMUM_BPS, L2TP_NUMBER, 4, true, true, "Minimum BPS" },
	{ L2TP_MAXIMUM_BPS, L2TP_NUMBER, 4, true, true, "Maximum BPS" },
	{ L2TP_BEARER_TYPE, L2TP_NUMBER, 4, true, true, "Bearer Type" },
	{ L2TP_FRAMING_TYPE, L2TP_NUMBER, 4, true, true, "Framing Type" },
	{ L2TP_CALLED, L2TP_BYTES, 0, true, true, "Called Number" },
	{ L2TP_CALLING, L2TP_BYTES, 0, true, true, "Calling Number" },
	{ L2TP_SUB_ADDRESS, L2TP_BYTES, 0, true, true, "Sub-Address" },
	{ L2TP_TX_SPEED, L2TP_NUMBER, 4, true, true, "Tx Connect Speed" },
	{ L2TP_CHANNEL_ID, L2TP_NUMBER, 4, false, true, "Physical Channel ID" },
	{ L2TP_FIRST_LCP, L2TP_BYTES, 0, false, true, "Initial Received LCP CONFREQ" },
	{ L2TP_LAST_SENT_LCP, L2TP_BYTES, 0, false, true, "Last Sent LCP CONFREQ" },
	{ L2TP_LAST_RECEIVED_LCP, L2TP_BYTES, 0, false, true, "Last Received LCP CONFREQ" },
	{ L2TP_PROXY_AUTH, L2TP_NUMBER, 2, false, true, "Proxy Authen Type" },
	{ L2TP_PROXY_NAME, L2TP_BYTES, 0, false, true, "Proxy Authen Name" },
	{ L2TP_PROXY_CHALLENGE, L2TP_BYTES, 0, false, true, "Proxy Authen Challenge" },
	{ L2TP_PROXY_ID, L2TP_NUMBER, 2, false, true, "Proxy Authen ID" },
	{ L2TP_PROXY_RESPONSE, L2TP_BYTES, 0, false, true, "Proxy Authen Response" },
	{ L2TP_CALL_ERRORS, L2TP_BYTES, 26, true, true, "Call Errors" },
	{ L2TP_ACCM, L2TP_BYTES, 10, true, true, "ACCM" },
	{ L2TP_RANDOM_VECTOR, L2TP_BYTES, 1, true, false, "Random Vector" },
	{ L2TP_GROUP_ID, L2TP_BYTES, 0, false, true, "Private Group ID" },
	{ L2TP_RX_SPEED, L2TP_NUMBER, 4, false, true, "Rx Connect Speed" },
	{ L2TP_SEQUENCING, L2TP_BYTES, 0, true, false, "Sequencing Required" },
	{ L2TP_PPP_CAUSE, L2TP_BYTES, 5, false, true, "PPP Disconnect Cause" },
};

const struct l2tp_avp_row *
l2tp_avp_row(unsigned type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

/* One block of the pad that hides a value: MD5 of the type, or of the block before, with the secret (section 4.3). */
static void
pad_block(struct str before, uint16_t type, struct str secret, struct str vector, uint8_t ret[16])
{
	uint8_t head[2] = { (uint8_t)(type >> 8), (uint8_t)type };
	struct digest d;

	md5_begin(&d);
	if (before.n == 0)
		md5_add(&d, str_of((const char *)head, 2));
	md5_add(&d, secret);
	md5_add(&d, before.n == 0 ? vector : before);
	md5_end(&d, ret);
}

/* Deciphers `value` to dst (as long); the true value, or -EBADMSG when its own length does not fit. */
static int
reveal(struct str value, uint16_t type, struct str secret, struct str vector, uint8_t *dst, struct str *ret)
{
	uint8_t pad[16];

	if (value.n < 2)
		return -EBADMSG;
	for (size_t at = 0; at < value.n; at += 16) {
		struct str before = at == 0 ? STR_NULL : str_of(value.p + at - 16, 16);
		pad_block(before, type, secret, vector, pad);
		for (size_t i = at; i < at + 16 && i < value.n; i++)
			dst[i] = (uint8_t)value.p[i] ^ pad[i - at];
	}
	size_t length = (size_t)dst[0] << 8 | dst[1];
	if (length > value.n - 2)
		return -EBADMSG;
	*ret = str_of((const char *)dst + 2, length);
	return 0;
}

/* Reading. */

struct avp {
	uint16_t flags, vendor, type;
	struct str value;
};

static int
fault(struct l2tp_message *m, uint16_t error, uint16_t type)
{
	m->result = L2TP_STOP_ERROR;
	m->error = error;
	m->about = type;
	return -EBADMSG;
}

static int
next_avp(struct cur *c, struct l2tp_message *m, struct avp *ret)
{
	uint16_t head = cur_u16(c);
	size_t length = head & AVP_LENGTH;

	ret->flags = head;
	ret->vendor = cur_u16(c);
	ret->type = cur_u16(c);
	if (length < L2TP_AVP_HEAD)
		return fault(m, L2TP_ERROR_LENGTH, ret->type);
	ret->value = cur_bytes(c, length - L2TP_AVP_HEAD);
	return cur_ok(c) ? 0 : fault(m, L2TP_ERROR_LENGTH, ret->type);
}

/*
 * Live peers send numbers longer than the RFC has them; the leading bytes count then. Shorter ones cannot be read. Of an
 * attribute that comes twice the first counts.
 */
static int
take(struct l2tp_message *m, const struct l2tp_avp_row *row, struct str value)
{
	struct cur c = cur_of(value);
	uint64_t v = 0;

	if (value.n < row->size)
		return fault(m, L2TP_ERROR_LENGTH, row->type);
	if (m->has >> row->type & 1 && row->type != L2TP_RANDOM_VECTOR)
		return 0;
	for (unsigned i = 0; row->kind == L2TP_NUMBER && i < row->size; i++)
		v = v << 8 | cur_u8(&c);
	m->has |= UINT64_C(1) << row->type;
	m->number[row->type] = v;
	m->bytes[row->type] = value;
	return 0;
}

/* 0 with *ret the plain value; -ENOKEY when it cannot be revealed. */
static int
plain_value(struct l2tp_message *m, const struct avp *a, struct str secret, size_t *used, struct str *ret)
{
	if (!(a->flags & AVP_H)) {
		*ret = a->value;
		return 0;
	}
	if (secret.n == 0 || !l2tp_has(m, L2TP_RANDOM_VECTOR) || a->value.n > sizeof(m->plain) - *used)
		return -ENOKEY;
	uint8_t *dst = m->plain + *used;
	*used += a->value.n;
	return reveal(a->value, a->type, secret, m->bytes[L2TP_RANDOM_VECTOR], dst, ret) < 0 ? -ENOKEY : 0;
}

/* Section 4.2: what is unknown may be passed over only when it is not mandatory. */
static int
read_one(struct l2tp_message *m, const struct avp *a, struct str secret, size_t *used)
{
	const struct l2tp_avp_row *row = a->vendor == 0 ? l2tp_avp_row(a->type) : NULL;
	bool must = (a->flags & AVP_M) != 0;
	struct str value;

	if (row == NULL || (a->flags & AVP_RESERVED))
		return must ? fault(m, L2TP_ERROR_UNKNOWN_AVP, a->type) : 0;
	if (plain_value(m, a, secret, used, &value) < 0)
		return must ? fault(m, L2TP_ERROR_VALUE, a->type) : 0;
	int r = take(m, row, value);
	if (r < 0 && !must) {
		m->result = m->error = m->about = 0;
		return 0;
	}
	return r;
}

int
l2tp_message_read(struct str payload, struct str secret, struct l2tp_message *ret)
{
	struct l2tp_message *m = ret;
	struct cur c = cur_of(payload);
	size_t used = 0;
	int r = 0;

	memset(m, 0, offsetof(struct l2tp_message, plain));
	while (c.n > 0) {
		struct avp a;
		int e = next_avp(&c, m, &a);
		if (e < 0)
			return e;
		/* Section 4.4.1: the type comes first. */
		if (m->has == 0 && (a.vendor != 0 || a.type != L2TP_MESSAGE_TYPE || a.flags & AVP_H))
			return fault(m, L2TP_ERROR_VALUE, a.type);
		if (m->has == 0)
			m->mandatory = (a.flags & AVP_M) != 0;
		/* The first fault is the one that is told; the rest is read for the ids it may hold. */
		uint16_t result = m->result, error = m->error, about = m->about;
		e = read_one(m, &a, secret, &used);
		if (r < 0) {
			m->result = result;
			m->error = error;
			m->about = about;
		} else {
			r = e;
		}
		m->type = (uint16_t)m->number[L2TP_MESSAGE_TYPE];
	}
	return r;
}

/* Writing. */

static void
put_head(struct enc *e, const struct l2tp_avp_row *row, size_t n, unsigned extra)
{
	enc_u16(e, (uint16_t)((row->mandatory ? AVP_M : 0) | extra | (L2TP_AVP_HEAD + n)));
	enc_u16(e, 0);
	enc_u16(e, row->type);
}

void
l2tp_begin(struct enc *e, enum l2tp_message_type type, uint16_t tunnel, uint16_t session)
{
	l2tp_head_write(e, 0, tunnel, session, 0, 0);
	if (type != L2TP_ZLB)
		l2tp_put(e, L2TP_MESSAGE_TYPE, type);
}

void
l2tp_put(struct enc *e, enum l2tp_avp_type type, uint64_t number)
{
	const struct l2tp_avp_row *row = l2tp_avp_row(type);

	put_head(e, row, row->size, 0);
	for (unsigned i = row->size; i-- > 0;)
		enc_u8(e, (uint8_t)(number >> 8 * i));
}

void
l2tp_put_bytes(struct enc *e, enum l2tp_avp_type type, struct str value)
{
	value = str_head(value, L2TP_AVP_MAX - L2TP_AVP_HEAD);
	put_head(e, l2tp_avp_row(type), value.n, 0);
	enc_bytes(e, value);
}

void
l2tp_put_result(struct enc *e, uint16_t result, uint16_t error, struct str text)
{
	bool more = error != 0 || text.n > 0;

	text = str_head(text, 200);
	put_head(e, l2tp_avp_row(L2TP_RESULT_CODE), 2 + (more ? 2 + text.n : 0), 0);
	enc_u16(e, result);
	if (more) {
		enc_u16(e, error);
		enc_bytes(e, text);
	}
}

void
l2tp_put_hidden(struct enc *e, enum l2tp_avp_type type, struct str value, struct str secret, struct str vector)
{
	uint8_t plain[L2TP_AVP_MAX] = { 0 }, pad[16];
	struct str before = STR_NULL;

	value = str_head(value, L2TP_AVP_MAX - L2TP_AVP_HEAD - 2);
	size_t n = value.n + 2;
	plain[0] = (uint8_t)(value.n >> 8);
	plain[1] = (uint8_t)value.n;
	if (value.n > 0)
		memcpy(plain + 2, value.p, value.n);
	put_head(e, l2tp_avp_row(type), n, AVP_H);
	for (size_t at = 0; at < n; at += 16) {
		pad_block(before, (uint16_t)type, secret, vector, pad);
		for (size_t i = at; i < at + 16 && i < n; i++)
			plain[i] ^= pad[i - at];
		before = str_of((const char *)plain + at, 16);
	}
	enc_bytes(e, str_of((const char *)plain, n));
}

size_t
l2tp_end(struct enc *e)
{
	if (!enc_ok(e) || e->n < L2TP_CONTROL_HEAD || e->n > UINT16_MAX)
		return 0;
	e->p[2] = (uint8_t)(e->n >> 8);
	e->p[3] = (uint8_t)e->n;
	return e->n;
}

size_t
l2tp_hide(struct str message, struct str secret, struct str vector, struct enc *e)
{
	struct cur c = cur_of(message);
	bool first = true;

	enc_bytes(e, cur_bytes(&c, L2TP_CONTROL_HEAD));
	while (cur_ok(&c) && c.n > 0) {
		struct str rest = str_of((const char *)c.p, c.n);
		size_t length = cur_u16(&c) & AVP_LENGTH;
		cur_u16(&c);
		uint16_t type = cur_u16(&c);
		struct str value = cur_bytes(&c, length - L2TP_AVP_HEAD);
		const struct l2tp_avp_row *row = l2tp_avp_row(type);
		if (!cur_ok(&c))
			return 0;
		if (row && row->hideable)
			l2tp_put_hidden(e, (enum l2tp_avp_type)type, value, secret, vector);
		else
			enc_bytes(e, str_head(rest, length));
		/* The type of the message stands first, the vector before all that it hides. */
		if (first)
			l2tp_put_bytes(e, L2TP_RANDOM_VECTOR, vector);
		first = false;
	}
	return first ? 0 : l2tp_end(e);
}

void
l2tp_answer(enum l2tp_message_type type, struct str secret, struct str challenge, uint8_t ret[16])
{
	char id = (char)type;
	struct digest d;

	md5_begin(&d);
	md5_add(&d, str_of(&id, 1));
	md5_add(&d, secret);
	md5_add(&d, challenge);
	md5_end(&d, ret);
}
