/* blob: see blob.h. AES-256-GCM with a 12 byte nonce of granule and number, and its tag of 16 bytes at the end. */
#include "vault/blob.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <zstd.h>

#include "base/cur.h"
#include "vault/digest.h"

#define TAG_BYTES 16
#define NONCE_BYTES 12

struct blob_writer {
	ZSTD_CCtx *zstd;
	struct buf zipped;
};

struct blob_writer *
blob_writer_new(void)
{
	struct blob_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->zipped = BUF_INIT(BLOB_MAX + (BLOB_MAX >> 7));
	w->zstd = ZSTD_createCCtx();
	if (!w->zstd) {
		free(w);
		return NULL;
	}
	return w;
}

void
blob_writer_free(struct blob_writer *w)
{
	if (!w)
		return;
	ZSTD_freeCCtx(w->zstd);
	buf_free(&w->zipped);
	free(w);
}

static void
nonce_of(const struct blob_seal *seal, uint32_t number, uint8_t nonce[NONCE_BYTES])
{
	struct enc out = enc_of(nonce, NONCE_BYTES);

	enc_u32(&out, seal->granule);
	enc_u32(&out, number);
	enc_u32(&out, 0);
}

static int
encrypt(const struct blob_seal *seal, uint32_t number, struct str plain, struct buf *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE_BYTES], *p;
	int n = 0, rest = 0, rc = -EIO;

	if (!c || !buf_reserve(out, plain.n + TAG_BYTES)) {
		EVP_CIPHER_CTX_free(c);
		return -ENOMEM;
	}
	p = (uint8_t *)out->p + out->n;
	nonce_of(seal, number, nonce);
	if (EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, seal->key, nonce) == 1 &&
	    EVP_EncryptUpdate(c, p, &n, (const uint8_t *)plain.p, (int)plain.n) == 1 &&
	    EVP_EncryptFinal_ex(c, p + n, &rest) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, p + plain.n) == 1) {
		out->n += plain.n + TAG_BYTES;
		rc = 0;
	}
	EVP_CIPHER_CTX_free(c);
	return rc;
}

static int
decrypt(const struct blob_seal *seal, uint32_t number, struct str stored, uint8_t *plain)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE_BYTES], tag[TAG_BYTES];
	size_t bytes = stored.n - TAG_BYTES;
	int n = 0, rest = 0, rc = -EBADMSG;

	if (!c)
		return -ENOMEM;
	nonce_of(seal, number, nonce);
	memcpy(tag, stored.p + bytes, TAG_BYTES);
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, seal->key, nonce) == 1 &&
	    EVP_DecryptUpdate(c, plain, &n, (const uint8_t *)stored.p, (int)bytes) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 && EVP_DecryptFinal_ex(c, plain + n, &rest) == 1)
		rc = 0;
	EVP_CIPHER_CTX_free(c);
	return rc;
}

static void
name_blob(struct str stored, struct blob *b)
{
	struct digest d = digest_of(&stored, 1);

	memcpy(b->digest, d.b, BLOB_DIGEST_BYTES);
}

int
blob_write(struct blob_writer *w, const struct blob_seal *seal, uint32_t number, struct str raw, struct str zipped,
    int level, struct buf *out, struct blob *ret)
{
	struct blob b = { .off = out->n };
	struct str bytes = raw;
	size_t n;

	if (raw.n > BLOB_MAX)
		return -EFBIG;
	if (zipped.n == 0 && level != 0 && raw.n > 0) {
		buf_reset(&w->zipped);
		if (!buf_reserve(&w->zipped, ZSTD_compressBound(raw.n)))
			return -ENOMEM;
		n = ZSTD_compressCCtx(w->zstd, w->zipped.p, w->zipped.size, raw.p, raw.n, level);
		if (ZSTD_isError(n))
			return -EIO;
		zipped = str_of(w->zipped.p, n);
	}
	if (zipped.n > 0 && zipped.n < raw.n) {
		bytes = zipped;
		b.raw = (uint32_t)raw.n;
	}
	if (seal->key) {
		int rc = encrypt(seal, number, bytes, out);

		if (rc < 0)
			return rc;
	} else {
		buf_add(out, bytes);
	}
	if (!buf_ok(out))
		return -ENOMEM;
	b.stored = (uint32_t)(out->n - b.off);
	name_blob(str_of(out->p + b.off, b.stored), &b);
	*ret = b;
	return 0;
}

static int
decompress(const struct blob *b, struct str zipped, void **ret)
{
	char *raw = malloc(b->raw);
	size_t n;

	if (!raw)
		return -ENOMEM;
	n = ZSTD_decompress(raw, b->raw, zipped.p, zipped.n);
	if (ZSTD_isError(n) || n != b->raw) {
		free(raw);
		return -EBADMSG;
	}
	*ret = raw;
	return 0;
}

int
blob_read(const struct blob *b, const struct blob_seal *seal, bool encrypted, uint32_t number, struct str stored,
    struct str *ret, void **ret_owned)
{
	struct blob check = { 0 };
	struct str bytes = stored;
	void *plain = NULL, *raw = NULL;
	int rc = 0;

	name_blob(stored, &check);
	if (stored.n != b->stored || b->raw > BLOB_MAX || memcmp(check.digest, b->digest, BLOB_DIGEST_BYTES) != 0)
		return -EBADMSG;
	if (encrypted) {
		if (!seal->key)
			return -EACCES;
		if (stored.n < TAG_BYTES)
			return -EBADMSG;
		plain = malloc(stored.n);
		rc = plain ? decrypt(seal, number, stored, plain) : -ENOMEM;
		bytes = str_of(plain, stored.n - TAG_BYTES);
	}
	if (rc == 0 && b->raw > 0) {
		rc = decompress(b, bytes, &raw);
		bytes = str_of(raw, b->raw);
	}
	if (rc < 0 || raw)
		free(plain);
	if (rc < 0)
		return rc;
	*ret = bytes;
	*ret_owned = raw ? raw : plain;
	return 0;
}
