/* l2tp: headers (RFC 2661 section 3.1), names of messages and results. Must never read beyond the length it was told. */
#include "wire/l2tp.h"

#include <errno.h>

int
l2tp_head_read(struct str datagram, struct l2tp_head *ret)
{
	struct cur c = cur_of(datagram);
	uint16_t flags = cur_u16(&c);
	struct l2tp_head h = { .control = (flags & L2TP_T) != 0, .version = flags & L2TP_VERSION };

	if (!cur_ok(&c))
		return -EBADMSG;
	if (h.version != 2) {
		*ret = h;
		return -EPROTONOSUPPORT;
	}
	if (h.control && (flags & (L2TP_L | L2TP_S | L2TP_O | L2TP_P)) != (L2TP_L | L2TP_S))
		return -EBADMSG;
	if (flags & L2TP_L) {
		uint16_t length = cur_u16(&c);
		if (length > datagram.n || length < 4)
			return -EBADMSG;
		c.n = length - 4u;
	}
	h.tunnel = cur_u16(&c);
	h.session = cur_u16(&c);
	h.sequenced = (flags & L2TP_S) != 0;
	if (h.sequenced) {
		h.ns = cur_u16(&c);
		h.nr = cur_u16(&c);
	}
	if (flags & L2TP_O)
		cur_bytes(&c, cur_u16(&c));
	h.payload = cur_bytes(&c, c.n);
	if (!cur_ok(&c))
		return -EBADMSG;
	*ret = h;
	return 0;
}

void
l2tp_head_write(struct enc *e, uint16_t length, uint16_t tunnel, uint16_t session, uint16_t ns, uint16_t nr)
{
	enc_u16(e, L2TP_T | L2TP_L | L2TP_S | 2);
	enc_u16(e, length);
	enc_u16(e, tunnel);
	enc_u16(e, session);
	enc_u16(e, ns);
	enc_u16(e, nr);
}

/* Section 6. */
static const char *const messages[] = {
	"acknowledgement", "SCCRQ", "SCCRP", "SCCCN", "StopCCN", NULL, "HELLO", "OCRQ", "OCRP", "OCCN", "ICRQ", "ICRP",
	"ICCN", NULL, "CDN", "WEN", "SLI",
};

/* Section 4.4.2, in words for the one who has to mend it. */
static const char *const stops[] = {
	NULL, "the tunnel is closed", "a general error", "the tunnel exists already",
	"not authorised: the tunnel secret is wrong or missing", "the version of the protocol is not supported",
	"shutting down", "an error in the order of messages",
};

static const char *const cdns[] = {
	NULL, "carrier lost", "a general error", "administrative reasons", "no facility free at the moment",
	"no facility at all", "invalid destination", "no carrier", "busy", "no dial tone", "timed out",
	"no framing was agreed on",
};

static const char *const errors[] = {
	"no error", "no tunnel yet", "a wrong length", "a value out of range", "out of resources", "an unknown session",
	"an error of the vendor", "try another", "an attribute that it does not know but must", "try another way",
};

static const char *
named(const char *const *names, size_t n, unsigned i)
{
	return i < n && names[i] ? names[i] : "?";
}

const char *
l2tp_message_name(unsigned type)
{
	return named(messages, ARRAY_LEN(messages), type);
}

const char *
l2tp_stop_name(unsigned result)
{
	return named(stops, ARRAY_LEN(stops), result);
}

const char *
l2tp_cdn_name(unsigned result)
{
	return named(cdns, ARRAY_LEN(cdns), result);
}

const char *
l2tp_error_name(unsigned error)
{
	return named(errors, ARRAY_LEN(errors), error);
}
