/* segment_key: see segment_key.h. Must never hand out bytes whose check did not hold. */
#include "vault/segment_key.h"

#include <errno.h>

#include <openssl/evp.h>

/* A wrapping cipher of OpenSSL refuses to run unless it is told that it is wanted. */
static EVP_CIPHER_CTX *
wrapping(void)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c)
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	return c;
}

int
segment_key_wrap(const uint8_t master[BLOB_KEY_BYTES], const uint8_t key[BLOB_KEY_BYTES], uint8_t ret[SEGMENT_KEY_WRAPPED])
{
	uint8_t out[SEGMENT_KEY_WRAPPED + 16];
	EVP_CIPHER_CTX *c = wrapping();
	int n = 0;
	bool ok = c && EVP_EncryptInit_ex(c, EVP_aes_256_wrap(), NULL, master, NULL) == 1 &&
	    EVP_EncryptUpdate(c, out, &n, key, BLOB_KEY_BYTES) == 1 && n == SEGMENT_KEY_WRAPPED;

	EVP_CIPHER_CTX_free(c);
	if (ok)
		memcpy(ret, out, SEGMENT_KEY_WRAPPED);
	return ok ? 0 : -EIO;
}

int
segment_key_unwrap(const uint8_t master[BLOB_KEY_BYTES], struct str wrapped, uint8_t ret[BLOB_KEY_BYTES])
{
	uint8_t out[SEGMENT_KEY_WRAPPED + 16];
	EVP_CIPHER_CTX *c = wrapping();
	int n = 0, r = -EIO;

	if (c && EVP_DecryptInit_ex(c, EVP_aes_256_wrap(), NULL, master, NULL) == 1)
		r = wrapped.n == SEGMENT_KEY_WRAPPED &&
		    EVP_DecryptUpdate(c, out, &n, (const uint8_t *)wrapped.p, SEGMENT_KEY_WRAPPED) == 1 && n == BLOB_KEY_BYTES
		    ? 0 : -EBADMSG;
	EVP_CIPHER_CTX_free(c);
	if (r == 0)
		memcpy(ret, out, BLOB_KEY_BYTES);
	explicit_bzero(out, sizeof(out));
	return r;
}
