/* sealed: nonce, what is hidden, tag; all of it in base64. */
#include "sys/sealed.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/base64.h"

#define NONCE 12
#define TAG 16

int
sealed_write(const uint8_t key[SEALED_KEY], struct str plain, struct buf *out)
{
	uint8_t bytes[NONCE + SEALED_PLAIN_MAX + TAG];
	EVP_CIPHER_CTX *c = plain.n <= SEALED_PLAIN_MAX ? EVP_CIPHER_CTX_new() : NULL;
	int n = 0, rest = 0;

	if (c == NULL)
		return plain.n <= SEALED_PLAIN_MAX ? -ENOMEM : -EMSGSIZE;
	bool good = RAND_bytes(bytes, NONCE) == 1 && EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key, bytes) == 1 &&
	    EVP_EncryptUpdate(c, bytes + NONCE, &n, (const uint8_t *)plain.p, (int)plain.n) == 1 &&
	    EVP_EncryptFinal_ex(c, bytes + NONCE + n, &rest) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, bytes + NONCE + plain.n) == 1;
	EVP_CIPHER_CTX_free(c);
	if (!good)
		return -EIO;
	buf_add(out, STR(SEALED_WORD));
	base64_add(out, str_of((const char *)bytes, NONCE + plain.n + TAG));
	return buf_ok(out) ? 0 : -ENOMEM;
}

int
sealed_read(const uint8_t key[SEALED_KEY], struct str word, uint8_t ret_plain[SEALED_PLAIN_MAX], size_t *ret_n)
{
	uint8_t bytes[NONCE + SEALED_PLAIN_MAX + TAG], plain[SEALED_PLAIN_MAX + TAG];
	size_t all;
	int n = 0, rest = 0;

	if (!str_starts(word, STR(SEALED_WORD)) ||
	    base64_read(str_from(word, sizeof(SEALED_WORD) - 1), bytes, sizeof(bytes), &all) < 0 || all < NONCE + TAG)
		return -EBADMSG;
	size_t size = all - NONCE - TAG;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	if (c == NULL)
		return -ENOMEM;
	bool good = EVP_DecryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key, bytes) == 1 &&
	    EVP_DecryptUpdate(c, plain, &n, bytes + NONCE, (int)size) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, bytes + NONCE + size) == 1 &&
	    EVP_DecryptFinal_ex(c, plain + n, &rest) == 1;
	EVP_CIPHER_CTX_free(c);
	if (good) {
		memcpy(ret_plain, plain, size);
		*ret_n = size;
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	return good ? 0 : -EKEYREJECTED;
}
