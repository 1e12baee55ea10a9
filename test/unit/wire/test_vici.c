/* VICI: what is written is read again as it was; what is cut, nested wrongly or too deep is refused. */
#include "../base/cmocka_std.h"
#include "wire/vici.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As the manual of the protocol shows a message, walked through by its bytes. */
static const char example[] =
	"\0\0\0\x2c\0\x04test"
	"\1\2s1" "\3\4key1\0\5value" "\2"
	"\4\4list" "\5\0\2i1" "\5\0\0" "\6"
	"\3\1k\0\0";

static void
write_example(struct buf *b)
{
	size_t start = vici_begin(b, VICI_REQUEST, STR("test"));

	vici_section(b, "s1");
	vici_value(b, "key1", STR("value"));
	vici_section_end(b);
	vici_list(b, "list");
	vici_item(b, STR("i1"));
	vici_item(b, str_of("", 0));
	vici_list_end(b);
	vici_value(b, "k", str_of("", 0));
	vici_end(b, start);
}

static void
test_bytes_are_those_of_the_protocol(void **state)
{
	struct buf b = BUF_INIT(VICI_PACKET_MAX);

	(void)state;
	write_example(&b);
	assert_true(buf_ok(&b));
	assert_int_equal(b.n, sizeof(example) - 1);
	assert_memory_equal(b.p, example, b.n);
	buf_free(&b);
}

static void
test_what_was_written_is_read(void **state)
{
	static const struct { enum vici_token token; const char *name, *value; } want[] = {
		{ VICI_SECTION, "s1", NULL }, { VICI_VALUE, "key1", "value" }, { VICI_SECTION_END, NULL, NULL },
		{ VICI_LIST, "list", NULL }, { VICI_ITEM, NULL, "i1" }, { VICI_ITEM, NULL, "" }, { VICI_LIST_END, NULL, NULL },
		{ VICI_VALUE, "k", "" }, { VICI_END, NULL, NULL }, { VICI_END, NULL, NULL },
	};
	struct str packet, name, value;
	enum vici_type type;
	struct vici_reader r;
	size_t used;

	(void)state;
	assert_int_equal(vici_cut(str_of(example, sizeof(example) - 1), &packet, &used), 0);
	assert_int_equal(used, sizeof(example) - 1);
	assert_int_equal(vici_open(packet, &type, &name, &r), 0);
	assert_int_equal(type, VICI_REQUEST);
	assert_true(str_eq(name, STR("test")));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(vici_next(&r, &name, &value), want[i].token);
		assert_true(want[i].name == NULL || str_eq(name, str_z(want[i].name)));
		assert_true(want[i].value == NULL || str_eq(value, str_z(want[i].value)));
	}
}

/* No prefix of a packet is one; a shorter message in a whole frame is refused or ends where something ends. */
static void
test_cut_anywhere(void **state)
{
	struct str packet, name, value;
	struct vici_reader r;
	enum vici_type type;
	size_t used;

	(void)state;
	for (size_t n = 0; n < sizeof(example) - 1; n++)
		assert_int_equal(vici_cut(str_of(example, n), &packet, &used), -EAGAIN);
	for (size_t n = VICI_HEAD; n < sizeof(example) - 1; n++) {
		enum vici_token t = VICI_BAD;
		if (vici_open(str_of(example + VICI_HEAD, n - VICI_HEAD), &type, &name, &r) < 0)
			continue;
		while ((t = vici_next(&r, &name, &value)) > VICI_END)
			continue;
		bool whole = n == 10 || n == 28 || n == 43;
		if (whole != (t == VICI_END))
			fail_msg("cut at %zu: %d", n, t);
	}
}

static void
test_what_must_be_refused(void **state)
{
	static const struct { const char *bytes; size_t n; } bad[] = {
		{ "\1\2", 2 },                 /* a section that ends where none is */
		{ "\1\6", 2 }, { "\1\5\0\0", 4 },          /* the end of no list, an item of none */
		{ "\1\4\1l\3\1k\0\0\6", 10 },  /* a value in a list */
		{ "\1\4\1l", 4 }, { "\1\1\1s", 4 },        /* never closed */
		{ "\1\7\1x", 4 }, { "\1\0", 2 },           /* no such element */
		{ "\1\3\0\0\0", 5 },           /* without a name */
	};
	struct str name, value;
	struct vici_reader r;
	enum vici_type type;
	enum vici_token t;
	size_t used;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(vici_open(str_of(bad[i].bytes, bad[i].n), &type, &name, &r), 0);
		while ((t = vici_next(&r, &name, &value)) > VICI_END)
			continue;
		if (t != VICI_BAD || vici_next(&r, &name, &value) != VICI_BAD)
			fail_msg("case %zu was taken", i);
	}
	assert_int_equal(vici_open(STR("\x08"), &type, &name, &r), -EBADMSG);
	assert_int_equal(vici_open(str_of("\0\0", 2), &type, &name, &r), -EBADMSG);
	assert_int_equal(vici_open(str_of("", 0), &type, &name, &r), -EBADMSG);
	assert_int_equal(vici_cut(str_of("\0\x08\0\1", 4), &name, &used), -EMSGSIZE);
}

static void
test_nothing_nests_without_end(void **state)
{
	char deep[1 + 3 * (VICI_DEPTH_MAX + 1)] = { VICI_RESPONSE };
	struct str name, value;
	struct vici_reader r;
	enum vici_type type;

	(void)state;
	for (unsigned i = 0; i <= VICI_DEPTH_MAX; i++)
		memcpy(deep + 1 + i * 3, "\1\1s", 3);
	assert_int_equal(vici_open(str_of(deep, sizeof(deep)), &type, &name, &r), 0);
	for (unsigned i = 0; i < VICI_DEPTH_MAX; i++)
		assert_int_equal(vici_next(&r, &name, &value), VICI_SECTION);
	assert_int_equal(vici_next(&r, &name, &value), VICI_BAD);
}

static void
test_what_is_too_long_is_not_sent(void **state)
{
	struct buf b = BUF_INIT(VICI_PACKET_MAX);
	char *big = calloc(1, UINT16_MAX + 1);

	(void)state;
	size_t start = vici_begin(&b, VICI_REQUEST, STR("x"));
	vici_value(&b, "k", str_of(big, UINT16_MAX));
	assert_true(buf_ok(&b));
	vici_value(&b, "k", str_of(big, UINT16_MAX + 1));
	vici_end(&b, start);
	assert_false(buf_ok(&b));
	buf_free(&b);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_are_those_of_the_protocol),
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_what_must_be_refused),
		cmocka_unit_test(test_nothing_nests_without_end),
		cmocka_unit_test(test_what_is_too_long_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
