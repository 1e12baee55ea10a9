/* The flattening walk: keys, values, limits, faults; unescaping; no byte beyond the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/json.h"

static bool
write_down(void *ctx, const struct json_item *item)
{
	static const char types[] = "snTFNE";
	buf_addf(ctx, "%.*s:%c=%.*s%s;", STR_FMT(item->key), types[item->type],
	    STR_FMT(item->value), item->escaped ? "!" : "");
	return true;
}

static void
test_walks(void **state)
{
	static const struct { const char *text; int r; const char *items; } cases[] = {
		{ "{}", 0, "" },
		{ " { \"a\" : 1 , \"b\" : \"x\" } trailing", 0, "a:n=1;b:s=x;" },
		{ "{\"a\":{\"b\":{\"c\":true}},\"d\":null}", 0, "a.b.c:T=true;d:N=null;" },
		{ "{\"a\":[1,{\"b\":false},[],{}],\"c\":-1.5e+3}", 0, "a.0:n=1;a.1.b:F=false;a.2:E=[];a.3:E={};c:n=-1.5e+3;" },
		{ "[\"x\",[\"y\"]]", 0, "0:s=x;1.0:s=y;" },
		{ "{\"a\":\"q\\\"uo\\\\te\",\"b\":\"\\u0041\"}", 0, "a:s=q\\\"uo\\\\te!;b:s=\\u0041!;" },
		{ "{\"\":1,\"a.b\":2}", 0, ":n=1;a.b:n=2;" },
		{ "{\"a\":1", -EBADMSG, "a:n=1;" },
		{ "{\"a\":1,}", -EBADMSG, "a:n=1;" },
		{ "{\"a\" 1}", -EBADMSG, "" },
		{ "{\"a\":tru}", -EBADMSG, "" },
		{ "{\"a\":\"open", -EBADMSG, "" },
		{ "{\"a\":\"open\\", -EBADMSG, "" },
		{ "{a:1}", -EBADMSG, "" },
		{ "nothing", -EBADMSG, "" },
		{ "", -EBADMSG, "" },
		{ "{\"a\":1 \"b\":2}", -EBADMSG, "a:n=1;" },
		{ "{\"long key number one\":\"a value that is longer than eight bytes\"}", 0,
		    "long key number one:s=a value that is longer than eight bytes;" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT(4096);
		int r = json_walk(str_z(cases[i].text), write_down, &out, NULL);
		if (r != cases[i].r || strcmp(buf_cstr(&out), cases[i].items) != 0)
			fail_msg("%s: %d, %s", cases[i].text, r, buf_cstr(&out));
		buf_free(&out);
	}
}

static bool
count(void *ctx, const struct json_item *item)
{
	size_t *n = ctx;
	(void)item;
	return ++*n < 1000000;
}

static bool
stop(void *ctx, const struct json_item *item)
{
	size_t *n = ctx;
	(void)item;
	return ++*n < 2;
}

static void
repeat(struct buf *b, const char *s, int times)
{
	for (int i = 0; i < times; i++)
		buf_add(b, str_z(s));
}

static void
test_limits(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	size_t n = 0;
	(void)state;
	repeat(&b, "[", JSON_DEPTH_MAX);
	repeat(&b, "1", 1);
	repeat(&b, "]", JSON_DEPTH_MAX);
	assert_int_equal(json_walk(buf_str(&b), count, &n, NULL), 0);
	assert_int_equal(n, 1);
	buf_reset(&b);
	repeat(&b, "[", JSON_DEPTH_MAX + 1);
	repeat(&b, "1", 1);
	repeat(&b, "]", JSON_DEPTH_MAX + 1);
	assert_int_equal(json_walk(buf_str(&b), count, &n, NULL), -E2BIG);
	buf_reset(&b);
	repeat(&b, "[0", 1);
	repeat(&b, ",0", JSON_ITEMS_MAX);
	repeat(&b, "]", 1);
	n = 0;
	assert_int_equal(json_walk(buf_str(&b), count, &n, NULL), -E2BIG);
	assert_int_equal(n, JSON_ITEMS_MAX);
	/* A path that does not fit loses its leaves, not what comes after. */
	buf_reset(&b);
	repeat(&b, "{\"x\":{\"", 1);
	repeat(&b, "k", JSON_PATH_MAX);
	repeat(&b, "\":{\"y\":1}},\"z\":2}", 1);
	struct buf out = BUF_INIT(4096);
	assert_int_equal(json_walk(buf_str(&b), write_down, &out, NULL), -E2BIG);
	assert_string_equal(buf_cstr(&out), "z:n=2;");
	buf_free(&out);
	size_t used = 0;
	n = 0;
	assert_int_equal(json_walk(STR("{\"a\":1,\"b\":2,\"c\":3}"), stop, &n, &used), 0);
	assert_int_equal(n, 2);
	assert_int_equal(used, 12);
	buf_free(&b);
}

static void
test_unescape(void **state)
{
	static const struct { const char *raw, *want; } cases[] = {
		{ "plain", "plain" }, { "a\\nb\\t\\\"\\\\\\/", "a\nb\t\"\\/" }, { "\\u00e9\\u20ac", "\xc3\xa9\xe2\x82\xac" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" }, { "\\ud83dx", "\xef\xbf\xbdx" }, { "\\ude00", "\xef\xbf\xbd" },
		{ "\\q\\u12g4", "\\q\\u12g4" }, { "end\\", "end\\" }, { "\\u12", "\\u12" }, { "", "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT(256);
		json_unescape(str_z(cases[i].raw), &out);
		if (strcmp(buf_cstr(&out), cases[i].want) != 0)
			fail_msg("%s gave %s", cases[i].raw, buf_cstr(&out));
		buf_free(&out);
	}
}

static void
test_bounds(void **state)
{
	static const char text[] =
	    "{\"a\":{\"b\":[1,\"two\\u00e9\",null,{\"c\":\"0123456789abcdef\"}]},\"d\":\"\\ud83d\\ude00\",\"e\":1e5}";
	uint64_t seed = 3;
	(void)state;
	for (int round = 0; round < 50000; round++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		size_t n = (seed >> 33) % sizeof(text), items = 0, used = 0;
		char *exact = malloc(n + 1);
		assert_non_null(exact);
		memcpy(exact, text, n);
		for (int k = 0; k < round % 3 && n; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			exact[(seed >> 33) % n] = "{}[]\",:\\u0 1tn"[(seed >> 50) % 14];
		}
		exact = realloc(exact, n ? n : 1);
		(void)!json_walk(str_of(exact, n), count, &items, &used);
		assert_true(used <= n);
		struct buf out = BUF_INIT(4096);
		json_unescape(str_of(exact, n), &out);
		assert_true(buf_ok(&out) && out.n <= 3 * n);
		buf_free(&out);
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks), cmocka_unit_test(test_limits), cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
