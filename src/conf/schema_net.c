/* schema_net: values that are addresses, networks and endpoints. Resolves no names. */
#include "conf/schema_value.h"

#include <errno.h>

bool
value_read_address(const struct value_in *in, const struct conf_word *w, void *out)
{
	if (addr_parse(w->text, out) < 0) {
		value_bad(in, w, "`%.*s` is not an address", STR_FMT(shown(w)));
		return false;
	}
	return true;
}

void
value_write_address(const struct schema_row *row, const void *in, struct buf *out)
{
	char text[46];

	buf_add(out, str_of(text, addr_show(in, text)));
}

void
value_write_cidr(const struct schema_row *row, const void *in, struct buf *out)
{
	const struct cidr *c = in;
	unsigned bits = addr_is_v4(&c->net) ? c->bits - 96u : c->bits;

	value_write_address(row, &c->net, out);
	buf_addf(out, "/%u", bits);
}

/* "10.1.2.3/8": the network that was meant. */
static bool
cidr_masked(struct str s, struct cidr *ret)
{
	uint64_t bits = 0;
	size_t slash = str_find_byte(s, '/');

	if (addr_parse(str_head(s, slash), &ret->net) < 0 ||
	    text_u64(str_from(s, slash + 1), &bits) < 0)
		return false;
	bits += addr_is_v4(&ret->net) ? 96 : 0;
	if (bits > 128)
		return false;
	ret->bits = (uint8_t)bits;
	for (size_t i = 0; i < 16; i++) {
		size_t keep = bits > i * 8 ? bits - i * 8 : 0;
		if (keep < 8)
			ret->net.b[i] &= (uint8_t)(0xff00u >> keep);
	}
	return true;
}

bool
value_read_cidr(const struct value_in *in, const struct conf_word *w, void *out)
{
	struct cidr masked;
	int r = cidr_parse(w->text, out);

	if (r == -EDOM && cidr_masked(w->text, &masked)) {
		struct buf b = BUF_INIT(64);
		value_write_cidr(in->row, &masked, &b);
		value_bad(in, w, "`%.*s` has bits set after the prefix; the network is %s",
		    STR_FMT(shown(w)), buf_cstr(&b));
		buf_free(&b);
	} else if (r < 0) {
		value_bad(in, w, "`%.*s` is not an address or network", STR_FMT(shown(w)));
	}
	return r == 0;
}

/* An address of an interface: the bits after the prefix are its own. */
bool
value_read_prefix(const struct value_in *in, const struct conf_word *w, void *out)
{
	struct cidr c = { .bits = 0 };
	size_t slash = str_find_byte(w->text, '/');
	uint64_t bits;

	if (slash == w->text.n) {
		value_bad(in, w, "`%.*s` has no prefix length", STR_FMT(shown(w)));
		return false;
	}
	if (addr_parse(str_head(w->text, slash), &c.net) < 0 ||
	    text_u64(str_from(w->text, slash + 1), &bits) < 0 ||
	    bits > (addr_is_v4(&c.net) ? 32u : 128u)) {
		value_bad(in, w, "`%.*s` is not an address with its prefix", STR_FMT(shown(w)));
		return false;
	}
	c.bits = (uint8_t)(bits + (addr_is_v4(&c.net) ? 96 : 0));
	*(struct cidr *)out = c;
	return true;
}

bool
value_read_endpoint(const struct value_in *in, const struct conf_word *w, void *out)
{
	struct conf_endpoint e = { 0 };
	struct str s = w->text;
	size_t colon = str_rfind(s, STR(":"));
	uint64_t port = 0;

	if (s.n > 0 && s.p[0] == '/' && !in->row->inet) {
		if (!value_read_path(in, w, &e.path))
			return false;
		*(struct conf_endpoint *)out = e;
		return true;
	}
	struct str host = str_head(s, colon);
	if (colon == s.n || text_u64(str_from(s, colon + 1), &port) < 0 || port < 1 ||
	    port > 65535) {
		value_bad(in, w, "`%.*s` has no port between 1 and 65535 after a colon",
		    STR_FMT(shown(w)));
		return false;
	}
	if (host.n > 0 && host.p[0] != '[' && str_find_byte(host, ':') < host.n) {
		value_bad(in, w, "the address in `%.*s` needs brackets: [2001:db8::1]:514",
		    STR_FMT(shown(w)));
		return false;
	}
	e.any = host.n == 0 || str_eq(host, STR("*"));
	e.port = (uint16_t)port;
	if (!e.any && addr_parse(host, &e.addr) < 0) {
		value_bad(in, w, "`%.*s` is not an address", STR_FMT(str_head(host, 64)));
		return false;
	}
	*(struct conf_endpoint *)out = e;
	return true;
}

void
value_write_endpoint(const struct schema_row *row, const void *in, struct buf *out)
{
	const struct conf_endpoint *e = in;
	bool v6 = !e->any && !addr_is_v4(&e->addr);

	if (e->path.n > 0) {
		value_write_string(row, &e->path, out);
		return;
	}
	if (v6)
		buf_add_byte(out, '[');
	if (!e->any)
		value_write_address(row, &e->addr, out);
	buf_addf(out, "%s:%u", v6 ? "]" : "", e->port);
}
