/* ppp: frames, packets, options, PAP and CHAP bodies. Must never take a length on trust. */
#include "wire/ppp.h"

#include <errno.h>

#include "wire/legacy.h"

int
ppp_frame_read(struct str frame, uint16_t *ret_protocol, struct str *ret_payload)
{
	struct cur c = cur_of(frame);

	if (frame.n >= 2 && (uint8_t)frame.p[0] == 0xff && frame.p[1] == 0x03)
		cur_u16(&c);
	/* An odd first byte ends the number: RFC 1661 section 2. */
	uint16_t protocol = cur_u8(&c);
	if (!(protocol & 1))
		protocol = (uint16_t)(protocol << 8 | cur_u8(&c));
	if (!cur_ok(&c) || !(protocol & 1))
		return -EBADMSG;
	*ret_protocol = protocol;
	*ret_payload = cur_bytes(&c, c.n);
	return 0;
}

void
ppp_frame_write(struct enc *e, uint16_t protocol)
{
	enc_u16(e, 0xff03);
	enc_u16(e, protocol);
}

#define FIRST 0x80000000u
#define LAST 0x40000000u

int
ppp_fragment_read(struct str payload, struct ppp_fragment *ret)
{
	struct cur c = cur_of(payload);
	uint32_t head = cur_u32(&c);

	if (!cur_ok(&c))
		return -EBADMSG;
	*ret = (struct ppp_fragment){ .first = head & FIRST, .last = head & LAST, .number = head & PPP_FRAGMENT_NUMBERS,
		.data = cur_bytes(&c, c.n) };
	return 0;
}

void
ppp_fragment_write(struct enc *e, bool first, bool last, uint32_t number)
{
	enc_u32(e, (first ? FIRST : 0) | (last ? LAST : 0) | (number & PPP_FRAGMENT_NUMBERS));
}

int
ppp_packet_read(struct str payload, struct ppp_packet *ret)
{
	struct cur c = cur_of(payload);
	uint8_t code = cur_u8(&c), id = cur_u8(&c);
	uint16_t length = cur_u16(&c);

	if (!cur_ok(&c) || length < PPP_PACKET_HEAD || length > payload.n)
		return -EBADMSG;
	*ret = (struct ppp_packet){ .code = code, .id = id, .data = cur_bytes(&c, length - PPP_PACKET_HEAD) };
	return 0;
}

void
ppp_packet_begin(struct enc *e, uint16_t protocol, uint8_t code, uint8_t id)
{
	ppp_frame_write(e, protocol);
	enc_u8(e, code);
	enc_u8(e, id);
	enc_u16(e, 0);
}

size_t
ppp_packet_end(struct enc *e)
{
	if (!enc_ok(e) || e->n < PPP_HEAD + PPP_PACKET_HEAD || e->n > UINT16_MAX)
		return 0;
	e->p[PPP_HEAD + 2] = (uint8_t)((e->n - PPP_HEAD) >> 8);
	e->p[PPP_HEAD + 3] = (uint8_t)(e->n - PPP_HEAD);
	return e->n;
}

int
ppp_option_next(struct cur *c, struct ppp_option *ret)
{
	const char *at = (const char *)c->p;

	if (c->n == 0)
		return 0;
	uint8_t type = cur_u8(c), length = cur_u8(c);
	if (length < 2) {
		cur_fail(c);
		return -EBADMSG;
	}
	struct str value = cur_bytes(c, length - 2u);
	if (!cur_ok(c))
		return -EBADMSG;
	*ret = (struct ppp_option){ .type = type, .value = value, .whole = str_of(at, length) };
	return 1;
}

void
ppp_option_put(struct enc *e, uint8_t type, struct str value)
{
	value = str_head(value, PPP_VALUE_MAX);
	enc_u8(e, type);
	enc_u8(e, (uint8_t)(2 + value.n));
	enc_bytes(e, value);
}

void
ppp_option_put16(struct enc *e, uint8_t type, uint16_t v)
{
	enc_u8(e, type);
	enc_u8(e, 4);
	enc_u16(e, v);
}

void
ppp_option_put32(struct enc *e, uint8_t type, uint32_t v)
{
	enc_u8(e, type);
	enc_u8(e, 6);
	enc_u32(e, v);
}

int
chap_value_read(struct str data, struct str *ret_value, struct str *ret_name)
{
	struct cur c = cur_of(data);
	struct str value = cur_bytes(&c, cur_u8(&c));

	if (!cur_ok(&c))
		return -EBADMSG;
	*ret_value = value;
	*ret_name = cur_bytes(&c, c.n);
	return 0;
}

void
chap_value_write(struct enc *e, struct str value, struct str name)
{
	value = str_head(value, UINT8_MAX);
	enc_u8(e, (uint8_t)value.n);
	enc_bytes(e, value);
	enc_bytes(e, str_head(name, 256));
}

void
chap_md5(uint8_t id, struct str secret, struct str challenge, uint8_t ret[16])
{
	struct digest d;

	md5_begin(&d);
	md5_add(&d, str_of((const char *)&id, 1));
	md5_add(&d, secret);
	md5_add(&d, challenge);
	md5_end(&d, ret);
}

int
pap_request_read(struct str data, struct str *ret_user, struct str *ret_password)
{
	struct cur c = cur_of(data);
	struct str user = cur_bytes(&c, cur_u8(&c));
	struct str password = cur_bytes(&c, cur_u8(&c));

	if (!cur_ok(&c))
		return -EBADMSG;
	*ret_user = user;
	*ret_password = password;
	return 0;
}

static void
put_short(struct enc *e, struct str s)
{
	s = str_head(s, UINT8_MAX);
	enc_u8(e, (uint8_t)s.n);
	enc_bytes(e, s);
}

void
pap_request_write(struct enc *e, struct str user, struct str password)
{
	put_short(e, user);
	put_short(e, password);
}

struct str
pap_message(struct str data)
{
	struct cur c = cur_of(data);
	struct str text = cur_bytes(&c, cur_u8(&c));

	return cur_ok(&c) ? text : STR_NULL;
}

void
pap_message_write(struct enc *e, struct str text)
{
	put_short(e, text);
}

static const struct { uint16_t protocol; const char *name; } protocols[] = {
	{ PPP_IP, "IPv4" }, { PPP_MP, "multilink" }, { PPP_IPV6, "IPv6" }, { PPP_COMPRESSED, "encrypted" },
	{ PPP_IPCP, "IPCP" }, { PPP_IPV6CP, "IPV6CP" }, { PPP_CCP, "CCP" }, { PPP_LCP, "LCP" }, { PPP_PAP, "PAP" },
	{ PPP_CHAP, "CHAP" }, { PPP_EAP, "EAP" },
};

const char *
ppp_protocol_name(uint16_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (protocols[i].protocol == protocol)
			return protocols[i].name;
	return "?";
}

const char *
ppp_code_name(uint8_t code)
{
	static const char *const names[] = {
		NULL, "Configure-Request", "Configure-Ack", "Configure-Nak", "Configure-Reject", "Terminate-Request",
		"Terminate-Ack", "Code-Reject", "Protocol-Reject", "Echo-Request", "Echo-Reply", "Discard-Request",
		"Identification", "Time-Remaining", "Reset-Request", "Reset-Ack",
	};

	return code < ARRAY_LEN(names) && names[code] ? names[code] : "?";
}
