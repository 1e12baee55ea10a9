/* Tests of the book of bans and the lines of its journal. */
#include <errno.h>

#include "../base/cmocka_std.h"
#include "gate/bans.h"

static struct ban
ban_of(const char *net, int64_t until_us)
{
	struct ban b = { .since_us = 5, .until_us = until_us, .times = 1, .reason = STR("why") };

	assert_int_equal(cidr_parse(str_z(net), &b.net), 0);
	return b;
}

static void
test_put_find_remove(void **state)
{
	struct bans *b;
	struct ban one = ban_of("192.0.2.7", 100), net = ban_of("192.0.2.0/24", 0);

	assert_int_equal(bans_new(1, &b), 0);
	assert_int_equal(bans_put(b, &one), 1);
	assert_int_equal(bans_put(b, &net), 1);
	one.until_us = 200;
	assert_int_equal(bans_put(b, &one), 0);
	assert_int_equal(bans_count(b), 2);
	assert_int_equal(bans_find(b, &one.net, STR(""))->until_us, 200);
	assert_null(bans_find(b, &one.net, STR("ssh")));
	assert_true(bans_remove(b, &one.net, STR("")));
	assert_false(bans_remove(b, &one.net, STR("")));
	assert_null(bans_find(b, &one.net, STR("")));
	bans_free(b);
}

static void
test_one_address_many_services(void **state)
{
	struct bans *b;
	struct ban all = ban_of("2001:db8::1", 0), ssh = all;

	memcpy(ssh.service, "ssh", 4);
	assert_int_equal(bans_new(1, &b), 0);
	assert_int_equal(bans_put(b, &all), 1);
	assert_int_equal(bans_put(b, &ssh), 1);
	assert_true(bans_remove(b, &all.net, STR("")));
	assert_non_null(bans_find(b, &ssh.net, STR("ssh")));
	bans_free(b);
}

static void
test_expire(void **state)
{
	struct bans *b;
	struct ban soon = ban_of("192.0.2.1", 10), late = ban_of("192.0.2.2", 20),
	    ever = ban_of("192.0.2.3", 0);

	assert_int_equal(bans_new(1, &b), 0);
	assert_int_equal(bans_put(b, &soon) + bans_put(b, &late) + bans_put(b, &ever), 3);
	assert_int_equal(bans_expire(b, 9), 0);
	assert_int_equal(bans_expire(b, 10), 1);
	assert_int_equal(bans_expire(b, 1000), 1);
	assert_int_equal(bans_count(b), 1);
	assert_non_null(bans_find(b, &ever.net, STR("")));
	bans_free(b);
}

static void
count(void *ctx, const struct ban *b)
{
	++*(size_t *)ctx;
}

static void
test_many(void **state)
{
	struct bans *b;
	size_t n = 0;

	assert_int_equal(bans_new(7, &b), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		struct ban x = ban_of("10.0.0.0", 0);
		x.net.net.b[14] = (uint8_t)(i >> 8);
		x.net.net.b[15] = (uint8_t)i;
		assert_int_equal(bans_put(b, &x), 1);
	}
	for (uint32_t i = 0; i < 20000; i += 2) {
		struct ban x = ban_of("10.0.0.0", 0);
		x.net.net.b[14] = (uint8_t)(i >> 8);
		x.net.net.b[15] = (uint8_t)i;
		assert_true(bans_remove(b, &x.net, STR("")));
	}
	bans_each(b, count, &n);
	assert_int_equal(n, 10000);
	assert_int_equal(bans_count(b), 10000);
	bans_free(b);
}

static void
test_lines_there_and_back(void **state)
{
	struct buf line = BUF_INIT(4096);
	struct ban b = ban_of("192.0.2.0/24", 77), back;
	bool put;

	memcpy(b.service, "ssh", 4);
	b.times = 3;
	b.incident = 42;
	b.reason = STR("5 failed logins\nfrom \x1b[31mhere");
	ban_line(&b, true, &line);
	assert_string_equal(buf_cstr(&line),
	    "+ 192.0.2.0/24 ssh 5 77 3 42 5 failed logins\\x0afrom \\x1b[31mhere\n");
	assert_int_equal(ban_line_read(str_head(buf_str(&line), line.n - 1), &back, &put), 0);
	assert_true(put);
	assert_memory_equal(&back.net, &b.net, sizeof(b.net));
	assert_string_equal(back.service, "ssh");
	assert_int_equal(back.until_us, 77);
	assert_int_equal(back.incident, 42);
	assert_true(str_eq(back.reason, STR("5 failed logins\\x0afrom \\x1b[31mhere")));
	buf_reset(&line);
	b.service[0] = '\0';
	ban_line(&b, false, &line);
	assert_string_equal(buf_cstr(&line), "- 192.0.2.0/24 -\n");
	assert_int_equal(ban_line_read(str_head(buf_str(&line), line.n - 1), &back, &put), 0);
	assert_false(put);
	buf_free(&line);
}

static void
test_damaged_lines(void **state)
{
	static const char *const bad[] = {
		"", "+", "+ 192.0.2.7", "* 192.0.2.7 -", "+ 192.0.2.7 - 1 2 3", "+ 192.0.2.7/24 - 1 2 3 4 x",
		"+ 192.0.2.7 - a 2 3 4 x", "+ 192.0.2.7 - 1 2 5000000000 4 x", "- nowhere -",
		"+ 192.0.2.7 a-service-with-a-name-far-too-long 1 2 3 4 x", "++ 192.0.2.7 - 1 2 3 4 x",
	};
	struct ban b;
	bool put;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (ban_line_read(str_z(bad[i]), &b, &put) != -EINVAL)
			fail_msg("`%s` is taken", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_find_remove),
		cmocka_unit_test(test_one_address_many_services),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_lines_there_and_back),
		cmocka_unit_test(test_damaged_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
