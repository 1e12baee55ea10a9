/* sign: Ed25519 through libcrypto. Must never keep a key between calls. */
#include "vault/sign.h"

#include <errno.h>

#include <openssl/evp.h>

int
sign_public(const uint8_t seed[SIGN_SEED_BYTES], uint8_t ret_public[SIGN_PUBLIC_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_BYTES);
	uint8_t public[SIGN_PUBLIC_BYTES];
	size_t n = sizeof(public);
	bool ok = key && EVP_PKEY_get_raw_public_key(key, public, &n) == 1 && n == sizeof(public);

	EVP_PKEY_free(key);
	if (!ok)
		return -EIO;
	memcpy(ret_public, public, sizeof(public));
	return 0;
}

int
sign_make(const uint8_t seed[SIGN_SEED_BYTES], struct str message, uint8_t ret_sig[SIGN_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_BYTES);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[SIGN_BYTES];
	size_t n = sizeof(sig);
	bool ok = key && c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(c, sig, &n, (const uint8_t *)message.p, message.n) == 1 && n == sizeof(sig);

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	if (!ok)
		return -EIO;
	memcpy(ret_sig, sig, sizeof(sig));
	return 0;
}

int
sign_check(const uint8_t public[SIGN_PUBLIC_BYTES], struct str message, const uint8_t sig[SIGN_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, SIGN_PUBLIC_BYTES);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = key && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(c, sig, SIGN_BYTES, (const uint8_t *)message.p, message.n) == 1;

	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	return ok ? 0 : -EBADMSG;
}
