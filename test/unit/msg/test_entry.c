/* Packed lines, there and back; no truncation or nonsense is read as a line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/when.h"
#include "msg/entry.h"

static void
test_round_trip(void **state)
{
	char bytes[4096];
	struct enc e = enc_of(bytes, sizeof(bytes));
	const struct entry in[] = {
		{ .source = 1, .seq = 7, .received_us = -5, .flags = ENTRY_SPOOLED, .bytes = STR("a line\0with NUL") },
		{ .source = 0x80000001, .seq = UINT64_MAX, .received_us = INT64_MAX, .flags = ENTRY_MORE | ENTRY_CUT },
		{ .source = 3, .flags = ENTRY_POSITION, .bytes = STR("\xff") },
	};
	struct entry out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		entry_pack(&e, &in[i]);
	assert_true(enc_ok(&e));
	struct cur c = cur_of(str_of(bytes, e.n));
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		assert_int_equal(entry_next(&c, &out), 1);
		assert_int_equal(out.source, in[i].source);
		assert_true(out.seq == in[i].seq && out.received_us == in[i].received_us);
		assert_int_equal(out.flags, in[i].flags);
		assert_true(str_eq(out.bytes, in[i].bytes));
	}
	assert_int_equal(entry_next(&c, &out), 0);
}

static void
test_full_is_sticky(void **state)
{
	char bytes[40];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct entry fits = { .bytes = STR("12345678901234") }, small = { .bytes = STR("") };

	(void)state;
	entry_pack(&e, &fits);
	assert_true(enc_ok(&e));
	assert_int_equal(e.n, 40);
	entry_pack(&e, &small);
	assert_false(enc_ok(&e));
	assert_int_equal(e.n, 40);
}

static void
test_truncated(void **state)
{
	char bytes[128];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct entry in = { .source = 1, .seq = 2, .bytes = STR("text") }, out;

	(void)state;
	entry_pack(&e, &in);
	for (size_t cut = 1; cut < e.n; cut++) {
		char *copy = malloc(cut);
		memcpy(copy, bytes, cut);
		struct cur c = cur_of(str_of(copy, cut));
		assert_int_equal(entry_next(&c, &out), -EBADMSG);
		free(copy);
	}
	bytes[20] = (char)0x80;        /* a flag that nobody knows */
	struct cur c = cur_of(str_of(bytes, e.n));
	assert_int_equal(entry_next(&c, &out), -EBADMSG);
}

static void
test_source(void **state)
{
	char bytes[256];
	struct enc e = enc_of(bytes, sizeof(bytes) - 1);
	struct entry_source in = {
		.kind = ENTRY_KIND_NET, .name = STR("udp 192.0.2.1"), .program = STR("app"), .envelope = true,
		.anchor_us = WHEN_NONE,
	}, out;

	(void)state;
	entry_pack_source(&e, &in);
	assert_true(enc_ok(&e));
	assert_int_equal(entry_source_read(str_of(bytes, e.n), &out), 0);
	assert_int_equal(out.kind, in.kind);
	assert_true(out.envelope && out.anchor_us == WHEN_NONE);
	assert_true(str_eq(out.name, in.name) && str_eq(out.program, in.program) && out.host.n == 0);
	for (size_t cut = 0; cut < e.n; cut++)
		assert_int_equal(entry_source_read(str_of(bytes, cut), &out), -EBADMSG);
	bytes[e.n] = 0;
	assert_int_equal(entry_source_read(str_of(bytes, e.n + 1), &out), -EBADMSG);
	bytes[0] = 9;
	assert_int_equal(entry_source_read(str_of(bytes, e.n), &out), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_full_is_sticky),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_source),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
