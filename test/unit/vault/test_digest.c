/* Digests: published vectors of SHA-256 (FIPS 180-4) and HMAC (RFC 4231), in one piece and in many. */
#include "../base/cmocka_std.h"

#include <stdio.h>

#include "vault/digest.h"

static void
is_hex(struct digest d, const char *hex)
{
	char got[65];

	for (int i = 0; i < 32; i++)
		snprintf(got + 2 * i, 3, "%02x", d.b[i]);
	assert_string_equal(got, hex);
}

static void
published_digests(void **state)
{
	struct str abc = STR("abc"), parts[] = { STR("a"), STR(""), STR("bc") };

	is_hex(digest_of(NULL, 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	is_hex(digest_of(&abc, 1), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	is_hex(digest_of(parts, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231 cases 2 and 6: a short key, and one longer than the block. */
static void
published_macs(void **state)
{
	struct str what[] = { STR("what do ya want "), STR("for nothing?") };
	struct str larger = STR("Test Using Larger Than Block-Size Key - Hash Key First");
	char key[131];

	is_hex(digest_mac(STR("Jefe"), what, 2),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	is_hex(digest_mac(str_of(key, sizeof(key)), &larger, 1),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_digests),
		cmocka_unit_test(published_macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
