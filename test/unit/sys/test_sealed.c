/* Sealed passwords: there and back, never twice the same, and not with another key nor after a change. */
#include "../base/cmocka_std.h"
#include "sys/sealed.h"

#include <errno.h>

static const uint8_t key[SEALED_KEY] = { 1, 2, 3 }, other[SEALED_KEY] = { 1, 2, 4 };

static void
test_there_and_back(void **state)
{
	char longest[SEALED_PLAIN_MAX];
	const struct str words[] = { STR("x"), STR("long and strange"), str_of(longest, sizeof(longest)) };
	uint8_t plain[SEALED_PLAIN_MAX];
	size_t n;

	(void)state;
	memset(longest, 'p', sizeof(longest));
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct buf one = BUF_INIT(1024), two = BUF_INIT(1024);
		assert_int_equal(sealed_write(key, words[i], &one), 0);
		assert_int_equal(sealed_write(key, words[i], &two), 0);
		assert_false(str_eq(buf_str(&one), buf_str(&two)));
		assert_int_equal(sealed_read(key, buf_str(&one), plain, &n), 0);
		assert_true(str_eq(str_of((char *)plain, n), words[i]));
		assert_int_equal(sealed_read(other, buf_str(&one), plain, &n), -EKEYREJECTED);
		buf_free(&one);
		buf_free(&two);
	}
}

static void
test_changed(void **state)
{
	struct buf word = BUF_INIT(1024);
	uint8_t plain[SEALED_PLAIN_MAX];
	size_t n = 77;

	(void)state;
	assert_int_equal(sealed_write(key, STR("segredo"), &word), 0);
	for (size_t i = 0; i < word.n; i++) {
		char was = word.p[i];
		word.p[i] = was == 'A' ? 'B' : 'A';
		assert_true(sealed_read(key, buf_str(&word), plain, &n) < 0);
		assert_true(sealed_read(key, str_head(buf_str(&word), i), plain, &n) < 0);
		word.p[i] = was;
	}
	assert_int_equal(n, 77);
	assert_int_equal(sealed_read(key, STR("segredo"), plain, &n), -EBADMSG);
	buf_free(&word);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_changed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
