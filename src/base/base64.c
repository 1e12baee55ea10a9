/* base64: encoding and strict decoding. Must never accept two texts for the same bytes. */
#include "base/base64.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_add(struct buf *out, struct str bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.p;

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		    (left > 2 ? p[i + 2] : 0);
		char four[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
			left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '=' };
		buf_add(out, str_of(four, 4));
	}
}

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `pad` are padding; bits under the padding must be zero. */
static int
read_four(const char *four, unsigned pad, uint8_t dst[3])
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++) {
		int d = i < 4 - pad ? value_of(four[i]) : 0;
		if (d < 0)
			return -EINVAL;
		v = v << 6 | (uint32_t)d;
	}
	if (v & ((1u << (8 * pad)) - 1))
		return -EINVAL;
	dst[0] = (uint8_t)(v >> 16);
	dst[1] = (uint8_t)(v >> 8);
	dst[2] = (uint8_t)v;
	return 0;
}

int
base64_read(struct str text, void *dst, size_t size, size_t *ret_n)
{
	unsigned pad = str_ends(text, STR("==")) ? 2 : str_ends(text, STR("=")) ? 1 : 0;
	uint8_t *out = dst, three[3];
	size_t n = text.n / 4 * 3;

	if (text.n % 4)
		return -EINVAL;
	n -= pad;
	if (n > size)
		return -ENOSPC;
	for (size_t i = 0; i < text.n; i += 4) {
		bool last = i + 4 == text.n;
		if (read_four(text.p + i, last ? pad : 0, three) < 0)
			return -EINVAL;
		memcpy(out + i / 4 * 3, three, last ? 3 - pad : 3);
	}
	*ret_n = n;
	return 0;
}

int
base64_read_exact(struct str text, void *dst, size_t n)
{
	size_t got;
	int r = text.n == (n + 2) / 3 * 4 ? base64_read(text, dst, n, &got) : -EINVAL;

	return r < 0 ? -EINVAL : got == n ? 0 : -EINVAL;
}
