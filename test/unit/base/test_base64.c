/* base64: the vectors of RFC 4648 section 10, and nothing else accepted. */
#include "cmocka_std.h"

#include <errno.h>

#include "base/base64.h"

static void
vectors_of_the_rfc(void **state)
{
	static const struct str plain[] = { STR_INIT(""), STR_INIT("f"), STR_INIT("fo"), STR_INIT("foo"),
		STR_INIT("foob"), STR_INIT("fooba"), STR_INIT("foobar") };
	static const char *const coded[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	struct buf b = BUF_INIT(100);
	char back[16];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		buf_reset(&b);
		base64_add(&b, plain[i]);
		assert_string_equal(buf_cstr(&b), coded[i]);
		assert_int_equal(base64_read(str_z(coded[i]), back, sizeof(back), &n), 0);
		assert_true(str_eq(str_of(back, n), plain[i]));
		assert_int_equal(base64_read_exact(str_z(coded[i]), back, n), 0);
		assert_int_equal(base64_read_exact(str_z(coded[i]), back, n + 1), -EINVAL);
	}
	buf_free(&b);
}

static void
one_form_only(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=Zg=", "====", "Zm9v\n", "Zm-v" };
	char back[16];
	size_t n = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(base64_read(str_z(bad[i]), back, sizeof(back), &n), -EINVAL);
	assert_int_equal(base64_read(STR("Zm9vYmFy"), back, 5, &n), -ENOSPC);
	assert_int_equal(n, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_rfc),
		cmocka_unit_test(one_form_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
