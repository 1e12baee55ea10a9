/* spared: who must never be banned. Must never guess: only what the system itself says. */
#include "role/watch/spared.h"

#include <utmpx.h>

#include "base/buf.h"
#include "sys/file.h"

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

static bool
hex_bytes(struct str s, uint8_t *dst, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		dst[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/*
 * "Iface Destination Gateway ...": addresses as the machine holds them, so the bytes are turned
 * round.
 */
size_t
spared_gateways4(struct str text, struct addr *dst, size_t max)
{
	struct str line, word;
	size_t n = 0;

	while (n < max && str_split(&text, '\n', &line)) {
		uint8_t raw[4] = { 0 };
		for (int i = 0; i < 3 && str_word(&line, &word); i++)
			if (i == 2 && !hex_bytes(word, raw, 4))
				memset(raw, 0, sizeof(raw));
		if (is_zero(raw, 4))
			continue;
		dst[n] = (struct addr){ .b = { [10] = 0xff, [11] = 0xff } };
		for (int i = 0; i < 4; i++)
			dst[n].b[12 + i] = raw[3 - i];
		n++;
	}
	return n;
}

/* Destination, its length, source, its length, next hop, ... */
size_t
spared_gateways6(struct str text, struct addr *dst, size_t max)
{
	struct str line, word;
	size_t n = 0;

	while (n < max && str_split(&text, '\n', &line)) {
		struct addr a = { { 0 } };
		for (int i = 0; i < 5 && str_word(&line, &word); i++)
			if (i == 4 && !hex_bytes(word, a.b, 16))
				memset(&a, 0, sizeof(a));
		if (!is_zero(a.b, 16))
			dst[n++] = a;
	}
	return n;
}

size_t
spared_nameservers(struct str text, struct addr *dst, size_t max)
{
	struct str line, word;
	size_t n = 0;

	while (n < max && str_split(&text, '\n', &line))
		if (str_word(&line, &word) && str_eq(word, STR("nameserver")) &&
		    str_word(&line, &word) && addr_parse(word, &dst[n]) == 0)
			n++;
	return n;
}

static size_t
from_file(const char *path, size_t (*fn)(struct str text, struct addr *dst, size_t max),
    struct addr *dst, size_t max)
{
	struct buf b = BUF_INIT(4u << 20);
	size_t n = file_read(path, &b) == 0 ? fn(buf_str(&b), dst, max) : 0;

	buf_free(&b);
	return n;
}

static size_t
logged_in(struct addr *dst, size_t max)
{
	size_t n = 0;

	setutxent();
	for (struct utmpx *u; n < max && (u = getutxent());) {
		uint8_t raw[16];
		memcpy(raw, u->ut_addr_v6, sizeof(raw));
		if (u->ut_type != USER_PROCESS || is_zero(raw, sizeof(raw)))
			continue;
		bool v4 = is_zero(raw + 4, 12);
		dst[n] = (struct addr){ { 0 } };
		if (v4)
			dst[n].b[10] = dst[n].b[11] = 0xff;
		memcpy(dst[n].b + (v4 ? 12 : 0), raw, v4 ? 4 : 16);
		n++;
	}
	endutxent();
	return n;
}

size_t
spared_find(struct addr *dst, size_t max)
{
	size_t n = from_file("/proc/net/route", spared_gateways4, dst, max);

	n += from_file("/proc/net/ipv6_route", spared_gateways6, dst + n, max - n);
	n += from_file("/etc/resolv.conf", spared_nameservers, dst + n, max - n);
	return n + logged_in(dst + n, max - n);
}
