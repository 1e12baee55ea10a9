/* frame_cipher: see frame_cipher.h. Must never use a counter block that does not follow from a seal. */
#include "vault/frame_cipher.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>

#define COUNTER_BYTES 16
/* Lines and side of a frame (vault/frame.h), which includes this file. */
#define ROOM_MAX (80u << 20)

struct frame_cipher {
	EVP_CIPHER_CTX *evp;
	struct digest side_key;
	struct buf room;
};

static struct digest
derive(const uint8_t key[LOG_KEY_BYTES], struct str label)
{
	return digest_mac(str_of((const char *)key, LOG_KEY_BYTES), &label, 1);
}

struct frame_cipher *
frame_cipher_new(const uint8_t key[LOG_KEY_BYTES])
{
	struct frame_cipher *c = calloc(1, sizeof(*c));
	struct digest lines = derive(key, STR("lines"));

	if (c) {
		c->room = BUF_INIT(ROOM_MAX);
		c->side_key = derive(key, STR("side"));
		c->evp = EVP_CIPHER_CTX_new();
	}
	if (c && (!c->evp || EVP_EncryptInit_ex(c->evp, EVP_aes_256_ctr(), NULL, lines.b, NULL) != 1)) {
		frame_cipher_free(c);
		c = NULL;
	}
	explicit_bzero(&lines, sizeof(lines));
	return c;
}

void
frame_cipher_free(struct frame_cipher *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->evp);
	buf_wipe(&c->room);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static int
apply(struct frame_cipher *c, const struct digest *seal, const uint8_t *in, uint8_t *out, size_t n)
{
	int done = 0;

	_Static_assert(COUNTER_BYTES <= DIGEST_BYTES, "a counter block is part of a seal");
	if (n > INT_MAX || EVP_EncryptInit_ex(c->evp, NULL, NULL, NULL, seal->b) != 1)
		return -EIO;
	return n == 0 || (EVP_EncryptUpdate(c->evp, out, &done, in, (int)n) == 1 && (size_t)done == n) ? 0 : -EIO;
}

int
frame_cipher_apply(struct frame_cipher *c, const struct digest *seal, void *bytes, size_t n)
{
	return apply(c, seal, bytes, bytes, n);
}

int
frame_cipher_open(struct frame_cipher *c, const struct digest *seal, struct str bytes, struct str *ret)
{
	buf_reset(&c->room);
	if (!buf_reserve(&c->room, bytes.n))
		return -ENOMEM;
	int r = apply(c, seal, (const uint8_t *)bytes.p, (uint8_t *)c->room.p, bytes.n);
	if (r < 0)
		return r;
	c->room.n = bytes.n;
	*ret = buf_str(&c->room);
	return 0;
}

struct digest
frame_cipher_side(const struct frame_cipher *c, struct str side)
{
	return digest_mac(digest_str(&c->side_key), &side, 1);
}
