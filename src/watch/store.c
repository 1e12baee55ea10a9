/*
 * store: values into the fields of a record, converted as the field wants them. It must never believe a name that a
 * line claims to be an address, and never store a word for "nothing" as if it were a fact.
 */
#include "watch/store.h"

#include "watch/services.h"

static const uint8_t how[FIELD_WELL_KNOWN] = {
	[FIELD_src] = STORE_ADDR, [FIELD_dst] = STORE_ADDR, [FIELD_src_host] = STORE_HOST, [FIELD_dst_host] = STORE_HOST,
	[FIELD_src_port] = STORE_PORT, [FIELD_dst_port] = STORE_PORT, [FIELD_time] = STORE_TIME,
};

static const struct {
	uint16_t addr, host, port;
} ends[] = {
	{ FIELD_src, FIELD_src_host, FIELD_src_port },
	{ FIELD_dst, FIELD_dst_host, FIELD_dst_port },
};

enum store_as
store_as(uint16_t key)
{
	return key < FIELD_WELL_KNOWN ? how[key] : STORE_TEXT;
}

static size_t
end_of(uint16_t key)
{
	return key == FIELD_dst || key == FIELD_dst_host || key == FIELD_dst_port;
}

static bool
says_nothing(struct str s)
{
	static const struct str words[] = {
		{ "-", 1 }, { "unknown", 7 }, { "?", 1 }, { "(null)", 6 }, { "null", 4 }, { "none", 4 }, { "n/a", 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq_nocase(s, words[i]))
			return true;
	return s.n == 0;
}

/* Was an address written as a dotted quad? The first sign in it tells. */
static bool
is_quad(struct str s)
{
	size_t i = 0;

	while (i < 3 && i < s.n && (unsigned)(s.p[i] - '0') <= 9)
		i++;
	return i > 0 && i < s.n && s.p[i] == '.';
}

/* One address has one form: IPv4 as it stands, without its mapping; IPv6 as RFC 5952 writes it. */
static bool
store_address(struct record *r, uint16_t key, struct slot at)
{
	struct str text = record_text(r, at);
	struct addr a;
	char shown[46];
	struct str normal;

	if (addr_parse(text, &a) < 0)
		return false;
	if (is_quad(text)) {
		record_set(r, key, at, 0);
		return true;
	}
	normal = str_of(shown, addr_show(&a, shown));
	if (str_ends(text, normal))
		record_set(r, key, slot_part(at, text.n - normal.n, normal.n), 0);
	else
		record_set_text(r, key, normal, 0);
	return true;
}

static bool
is_host_name(struct str s)
{
	bool letter = false;

	if (s.n > 255)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');

		letter |= alnum;
		if (!alnum && c != '.' && c != '-' && c != '_')
			return false;
	}
	return letter;
}

static void
store_host(struct record *r, size_t end, struct slot at)
{
	struct str text = record_text(r, at);

	if (says_nothing(text))
		return;
	if (store_address(r, ends[end].addr, at))
		return;
	while (at.len > 1 && text.p[at.len - 1] == '.')
		at.len--;
	record_set(r, ends[end].host, at, 0);
}

static void
store_addr(struct record *r, size_t end, struct slot at)
{
	struct str text = record_text(r, at);

	while (at.len > 1 && text.p[at.len - 1] == '.')
		text = str_head(text, --at.len);
	if (!store_address(r, ends[end].addr, at) && is_host_name(text) && !says_nothing(text))
		record_set(r, ends[end].host, at, 0);
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static void
store_port(struct record *r, uint16_t key, struct slot at)
{
	struct str text = record_text(r, at), port;
	uint64_t n;

	if (all_digits(text)) {
		if (text_u64(text, &n) == 0 && n <= 65535)
			record_set(r, key, at, 0);
		return;
	}
	port = service_port(text);
	if (port.n)
		record_set_text(r, key, port, 0);
}

static void
store_time(struct record *r, struct slot at)
{
	struct stamp stamp;

	if (stamp_parse(str_head(record_text(r, at), 64), &stamp) > 0)
		r->stamp = stamp;
}

void
store_slot(struct record *r, uint16_t key, struct slot at)
{
	struct str text = record_text(r, at);
	enum store_as as = store_as(key);

	if (text.n == 1 && text.p[0] == '-')
		return;
	if (as == STORE_TEXT)
		record_set(r, key, at, 0);
	else if (as == STORE_ADDR)
		store_addr(r, end_of(key), at);
	else if (as == STORE_HOST)
		store_host(r, end_of(key), at);
	else if (as == STORE_PORT)
		store_port(r, key, at);
	else
		store_time(r, at);
}

/* "1.2.3.4:55", "[::1]:55", "host:55": where the colon before the port stands, or the length. */
static size_t
port_colon(struct str s)
{
	size_t at = str_rfind(s, STR(":"));

	if (at >= s.n || !all_digits(str_from(s, at + 1)) || s.n - at > 6)
		return s.n;
	if (str_find_byte(s, ':') != at && s.p[at - 1] != ']')
		return s.n;
	return at;
}

bool
store_mapped(struct record *r, uint16_t key, struct slot at)
{
	struct str text = record_text(r, at);
	size_t colon;

	if (text.n == 0 || str_eq(text, STR("-")) || str_eq_nocase(text, STR("null")))
		return false;
	if (key != FIELD_src && key != FIELD_dst) {
		store_slot(r, key, at);
		return true;
	}
	colon = port_colon(text);
	if (colon < text.n) {
		store_port(r, ends[end_of(key)].port, slot_part(at, colon + 1, text.n - colon - 1));
		at.len = (uint32_t)colon;
	}
	store_addr(r, end_of(key), at);
	return true;
}

/* An address whose text is its normal form, or a name that is surely none; both without a full stop at the end. */
static uint16_t
end_target(enum store_as as, size_t end, struct str text)
{
	struct addr a;

	if (text.n > 1 && text.p[text.n - 1] == '.')
		return STORE_OTHERWISE;
	if (as == STORE_HOST && says_nothing(text))
		return FIELD_NONE;
	if (addr_parse(text, &a) == 0)
		return is_quad(text) ? ends[end].addr : STORE_OTHERWISE;
	return as == STORE_HOST || (is_host_name(text) && !says_nothing(text)) ? ends[end].host : FIELD_NONE;
}

static uint16_t
port_target(uint16_t key, struct str text)
{
	uint64_t n;

	if (!all_digits(text))
		return service_port(text).n ? STORE_OTHERWISE : FIELD_NONE;
	return text_u64(text, &n) == 0 && n <= 65535 ? key : FIELD_NONE;
}

uint16_t
store_target(uint16_t key, struct str text)
{
	if (text.n == 1 && text.p[0] == '-')
		return FIELD_NONE;
	switch (store_as(key)) {
	case STORE_TEXT:
		return key;
	case STORE_ADDR:
	case STORE_HOST:
		return end_target(store_as(key), end_of(key), text);
	case STORE_PORT:
		return port_target(key, text);
	case STORE_TIME:
		break;
	}
	return STORE_OTHERWISE;
}

uint16_t
store_mapped_target(uint16_t key, struct str text)
{
	if (text.n == 0 || str_eq(text, STR("-")) || str_eq_nocase(text, STR("null")))
		return FIELD_NONE;
	if ((key == FIELD_src || key == FIELD_dst) && port_colon(text) < text.n)
		return STORE_OTHERWISE;
	return store_target(key, text);
}
