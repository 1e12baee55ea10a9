/* Every row of site.def, there and back, in any pieces; nothing that is not exactly a row gets through. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/site.h"

static struct site_frame
sample(enum site_type type)
{
	struct site_frame f = { .type = type };

#define F_U8(n) .n = 0x81,
#define F_U16(n) .n = 0x8182,
#define F_U32(n) .n = 0x81828384,
#define F_U64(n) .n = UINT64_C(0x8182838485868788),
#define F_STR(n) .n = STR("caf\xc3\xa9 " #n),
#define F_BYTES(n) .n = STR("\x00\xff\x80" #n),
#define FRAME(name_, number, fields, help) \
	if (type == SITE_##name_) \
		f.name_ = (struct site_##name_){ fields };
#include "wire/site.def"
#undef FRAME
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_STR
#undef F_BYTES
	return f;
}

static void
assert_same(const struct site_frame *a, const struct site_frame *b)
{
	assert_int_equal(a->type, b->type);
#define F_U8(n) assert_int_equal(x->n, y->n);
#define F_U16(n) assert_int_equal(x->n, y->n);
#define F_U32(n) assert_int_equal(x->n, y->n);
#define F_U64(n) assert_true(x->n == y->n);
#define F_STR(n) assert_true(str_eq(x->n, y->n));
#define F_BYTES(n) assert_true(str_eq(x->n, y->n));
#define FRAME(name, number, fields, help) \
	if (a->type == SITE_##name) { \
		const struct site_##name *x = &a->name, *y = &b->name; \
		fields \
	}
#include "wire/site.def"
#undef FRAME
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_STR
#undef F_BYTES
}

static const enum site_type types[] = {
#define FRAME(name, number, fields, help) SITE_##name,
#include "wire/site.def"
#undef FRAME
};

static void
test_every_frame_there_and_back(void **state)
{
	struct buf out = BUF_INIT(4 * SITE_FRAME_MAX);
	size_t at = 0, used;
	struct site_frame got;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct site_frame f = sample(types[i]);
		site_encode(&f, &out);
	}
	assert_true(buf_ok(&out));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct site_frame f = sample(types[i]);
		assert_int_equal(site_decode(str_from(buf_str(&out), at), &got, &used), 1);
		assert_same(&f, &got);
		at += used;
	}
	assert_int_equal(at, out.n);
	buf_free(&out);
}

static void
test_a_part_is_waited_for(void **state)
{
	struct buf out = BUF_INIT(SITE_FRAME_MAX);
	struct site_frame f = sample(SITE_ban), got;
	size_t used = 0;

	site_encode(&f, &out);
	for (size_t n = 0; n < out.n; n++)
		assert_int_equal(site_decode(str_head(buf_str(&out), n), &got, &used), 0);
	assert_int_equal(used, 0);
	buf_free(&out);
}

static void
test_what_is_no_frame(void **state)
{
	struct buf out = BUF_INIT(SITE_FRAME_MAX);
	struct site_frame f = sample(SITE_pardon), got;
	size_t used;

	assert_int_equal(site_decode(STR("\0\0\0\0"), &got, &used), -EBADMSG);
	assert_int_equal(site_decode(STR("\xff\xff\xff\xff"), &got, &used), -EBADMSG);
	assert_int_equal(site_decode(STR("\0\0\0\1\xee"), &got, &used), -EBADMSG);
	/* A byte too many inside, and one too few. */
	site_encode(&f, &out);
	out.p[3]++;
	buf_add_byte(&out, 'x');
	assert_int_equal(site_decode(buf_str(&out), &got, &used), -EBADMSG);
	out.p[3] = (char)(out.p[3] - 2);
	assert_int_equal(site_decode(buf_str(&out), &got, &used), -EBADMSG);
	buf_free(&out);
}

static void
test_text_must_be_text(void **state)
{
	struct buf out = BUF_INIT(SITE_FRAME_MAX);
	struct site_frame f = sample(SITE_hello), got;
	size_t used;

	site_encode(&f, &out);
	char *accent = memchr(out.p, '\xc3', out.n);
	assert_non_null(accent);
	*accent = '\0';
	assert_int_equal(site_decode(buf_str(&out), &got, &used), -EBADMSG);
	buf_free(&out);
}

static void
test_a_frame_too_long_is_refused_here_already(void **state)
{
	struct buf big = BUF_INIT(SITE_FRAME_MAX), out = BUF_INIT(4 * SITE_FRAME_MAX);
	struct site_frame f = sample(SITE_lines);

	assert_true(buf_reserve(&big, SITE_FRAME_MAX));
	memset(big.p, 'x', SITE_FRAME_MAX);
	f.lines.entries = str_of(big.p, SITE_FRAME_MAX);
	site_encode(&f, &out);
	assert_false(buf_ok(&out));
	buf_free(&big);
	buf_free(&out);
}

static void
test_entries(void **state)
{
	struct buf out = BUF_INIT(4096);
	struct site_entry a = { .index = 7, .record = STR("one") }, b = { .index = 9, .record = STR("") }, got;

	site_entry_add(&out, &a);
	site_entry_add(&out, &b);
	struct cur c = cur_of(buf_str(&out));
	assert_int_equal(site_entry_next(&c, &got), 1);
	assert_true(got.index == 7 && str_eq(got.record, a.record));
	assert_int_equal(site_entry_next(&c, &got), 1);
	assert_true(got.index == 9 && got.record.n == 0);
	assert_int_equal(site_entry_next(&c, &got), 0);
	c = cur_of(str_head(buf_str(&out), out.n - 1));
	assert_int_equal(site_entry_next(&c, &got), 1);
	assert_int_equal(site_entry_next(&c, &got), -EBADMSG);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_frame_there_and_back),
		cmocka_unit_test(test_a_part_is_waited_for),
		cmocka_unit_test(test_what_is_no_frame),
		cmocka_unit_test(test_text_must_be_text),
		cmocka_unit_test(test_a_frame_too_long_is_refused_here_already),
		cmocka_unit_test(test_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
