/* mschap: RFC 2759 section 8 and RFC 3079 section 3, function by function. Must never compare secrets with memcmp. */
#include "wire/mschap.h"

#include <errno.h>

#include "base/text.h"

static struct str
bytes(const void *p, size_t n)
{
	return str_of(p, n);
}

struct str
mschap_user(struct str name)
{
	size_t at = str_rfind(name, STR("\\"));

	return at == name.n ? name : str_from(name, at + 1);
}

static uint32_t
code_point(const uint8_t *p, size_t n)
{
	static const uint8_t first[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t v = p[0] & first[n];

	for (size_t i = 1; i < n; i++)
		v = v << 6 | (p[i] & 0x3f);
	return v;
}

/* UTF-8 to UTF-16LE; the number of bytes, or -EINVAL. */
static int
to_utf16(struct str s, uint8_t dst[2 * MSCHAP_PASSWORD_MAX])
{
	size_t n = 0;

	while (s.n > 0) {
		size_t len = utf8_len(s);
		if (len == 0 || n + 4 > 2 * MSCHAP_PASSWORD_MAX)
			return -EINVAL;
		uint32_t c = code_point((const uint8_t *)s.p, len);
		if (c > 0xffff) {
			uint32_t high = 0xd800 + ((c - 0x10000) >> 10);
			dst[n++] = (uint8_t)high;
			dst[n++] = (uint8_t)(high >> 8);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		dst[n++] = (uint8_t)c;
		dst[n++] = (uint8_t)(c >> 8);
		s = str_from(s, len);
	}
	return (int)n;
}

int
mschap_nt_hash(struct str password, uint8_t ret[MSCHAP_NT_HASH])
{
	uint8_t wide[2 * MSCHAP_PASSWORD_MAX];
	struct digest d;
	int n = to_utf16(password, wide);

	if (n < 0)
		return n;
	md4_begin(&d);
	md4_add(&d, bytes(wide, (size_t)n));
	md4_end(&d, ret);
	wipe(wide, sizeof(wide));
	return 0;
}

/* ChallengeHash: section 8.2. */
static void
challenge_hash(const uint8_t *peer, const uint8_t *authenticator, struct str user, uint8_t ret[8])
{
	uint8_t full[SHA1_SIZE];
	struct digest d;

	sha1_begin(&d);
	sha1_add(&d, bytes(peer, MSCHAP_CHALLENGE));
	sha1_add(&d, bytes(authenticator, MSCHAP_CHALLENGE));
	sha1_add(&d, user);
	sha1_end(&d, full);
	memcpy(ret, full, 8);
}

void
mschap_answer(const uint8_t authenticator[MSCHAP_CHALLENGE], const uint8_t peer[MSCHAP_CHALLENGE], struct str user,
    const uint8_t nt_hash[MSCHAP_NT_HASH], uint8_t ret[MSCHAP_NT_RESPONSE])
{
	uint8_t challenge[8], keys[21] = { 0 };

	challenge_hash(peer, authenticator, user, challenge);
	memcpy(keys, nt_hash, MSCHAP_NT_HASH);
	for (unsigned i = 0; i < 3; i++)
		des_encrypt7(keys + 7 * i, challenge, ret + 8 * i);
	wipe(keys, sizeof(keys));
}

static void
hash_of_hash(const uint8_t nt_hash[MSCHAP_NT_HASH], uint8_t ret[MD4_SIZE])
{
	struct digest d;

	md4_begin(&d);
	md4_add(&d, bytes(nt_hash, MSCHAP_NT_HASH));
	md4_end(&d, ret);
}

void
mschap_proof(const uint8_t nt_hash[MSCHAP_NT_HASH], const uint8_t authenticator[MSCHAP_CHALLENGE],
    const struct mschap_response *r, struct str user, char ret[MSCHAP_PROOF])
{
	static const char magic1[] = "Magic server to client signing constant";
	static const char magic2[] = "Pad to make it do more than one iteration";
	static const char hex[] = "0123456789ABCDEF";
	uint8_t inner[MD4_SIZE], sum[SHA1_SIZE], challenge[8];
	struct digest d;

	hash_of_hash(nt_hash, inner);
	sha1_begin(&d);
	sha1_add(&d, bytes(inner, sizeof(inner)));
	sha1_add(&d, bytes(r->nt_response, sizeof(r->nt_response)));
	sha1_add(&d, str_z(magic1));
	sha1_end(&d, sum);
	challenge_hash(r->peer_challenge, authenticator, user, challenge);
	sha1_begin(&d);
	sha1_add(&d, bytes(sum, sizeof(sum)));
	sha1_add(&d, bytes(challenge, sizeof(challenge)));
	sha1_add(&d, str_z(magic2));
	sha1_end(&d, sum);
	ret[0] = 'S';
	ret[1] = '=';
	for (unsigned i = 0; i < SHA1_SIZE; i++) {
		ret[2 + 2 * i] = hex[sum[i] >> 4];
		ret[3 + 2 * i] = hex[sum[i] & 15];
	}
	wipe(inner, sizeof(inner));
}

int
mschap_response_read(struct str value, struct mschap_response *ret)
{
	if (value.n != MSCHAP_RESPONSE)
		return -EBADMSG;
	memcpy(ret->peer_challenge, value.p, MSCHAP_CHALLENGE);
	memcpy(ret->nt_response, value.p + MSCHAP_CHALLENGE + 8, MSCHAP_NT_RESPONSE);
	return 0;
}

/* Eight reserved zeros in the middle, and flags, zero, at the end. */
void
mschap_response_write(const struct mschap_response *r, uint8_t ret[MSCHAP_RESPONSE])
{
	memset(ret, 0, MSCHAP_RESPONSE);
	memcpy(ret, r->peer_challenge, MSCHAP_CHALLENGE);
	memcpy(ret + MSCHAP_CHALLENGE + 8, r->nt_response, MSCHAP_NT_RESPONSE);
}

/* GetAsymmetricStartKey: RFC 3079 section 3.4, both magic texts of 84 bytes. */
static void
start_key(const uint8_t master[16], bool client_to_server, uint8_t ret[MPPE_KEY])
{
	static const char to_server[] = "On the client side, this is the send key; "
	    "on the server side, it is the receive key.";
	static const char to_client[] = "On the client side, this is the receive key; "
	    "on the server side, it is the send key.";
	uint8_t pad1[40], pad2[40], sum[SHA1_SIZE];
	struct digest d;

	memset(pad1, 0, sizeof(pad1));
	memset(pad2, 0xf2, sizeof(pad2));
	sha1_begin(&d);
	sha1_add(&d, bytes(master, 16));
	sha1_add(&d, bytes(pad1, sizeof(pad1)));
	sha1_add(&d, str_z(client_to_server ? to_server : to_client));
	sha1_add(&d, bytes(pad2, sizeof(pad2)));
	sha1_end(&d, sum);
	memcpy(ret, sum, MPPE_KEY);
	wipe(sum, sizeof(sum));
}

void
mschap_keys(const uint8_t nt_hash[MSCHAP_NT_HASH], const uint8_t nt_response[MSCHAP_NT_RESPONSE], bool server,
    uint8_t ret_send[MPPE_KEY], uint8_t ret_recv[MPPE_KEY])
{
	uint8_t inner[MD4_SIZE], master[SHA1_SIZE];
	struct digest d;

	hash_of_hash(nt_hash, inner);
	sha1_begin(&d);
	sha1_add(&d, bytes(inner, sizeof(inner)));
	sha1_add(&d, bytes(nt_response, MSCHAP_NT_RESPONSE));
	sha1_add(&d, STR("This is the MPPE Master Key"));
	sha1_end(&d, master);
	start_key(master, !server, ret_send);
	start_key(master, server, ret_recv);
	wipe(inner, sizeof(inner));
	wipe(master, sizeof(master));
}
