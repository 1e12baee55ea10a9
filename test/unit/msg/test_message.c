/* Every row of messages.def, there and back; nothing that is not exactly a row gets through. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "msg/message.h"

/* Fills the union with a pattern that is valid for every row: numbers anything, texts UTF-8. */
static struct msg
sample(const struct msg_row *row)
{
	struct msg m = { .type = row->type, .fd = -1 };

#define F_U8(n) .n = 0x81,
#define F_U16(n) .n = 0x8182,
#define F_U32(n) .n = 0x81828384,
#define F_U64(n) .n = UINT64_C(0x8182838485868788),
#define F_I64(n) .n = -INT64_C(0x7172737475767778),
#define F_STR(n) .n = STR("caf\xc3\xa9 " #n),
#define F_BYTES(n) .n = STR("\x00\xff\x80" #n),
#define MESSAGE(name_, number, from, to, in, then, fds, fields, help) \
	if (row->type == MSG_##name_) \
		m.name_ = (struct msg_##name_){ fields };
#include "msg/messages.def"
#undef MESSAGE
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_I64
#undef F_STR
#undef F_BYTES
	return m;
}

static void
assert_same(const struct msg *a, const struct msg *b)
{
	assert_int_equal(a->type, b->type);
#define F_U8(n) assert_int_equal(x->n, y->n);
#define F_U16(n) assert_int_equal(x->n, y->n);
#define F_U32(n) assert_int_equal(x->n, y->n);
#define F_U64(n) assert_true(x->n == y->n);
#define F_I64(n) assert_true(x->n == y->n);
#define F_STR(n) assert_true(str_eq(x->n, y->n));
#define F_BYTES(n) assert_true(str_eq(x->n, y->n));
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) \
	if (a->type == MSG_##name) { \
		const struct msg_##name *x = &a->name, *y = &b->name; \
		fields \
	}
#include "msg/messages.def"
#undef MESSAGE
}

static struct str
encode(const struct msg *m, char *bytes, size_t size)
{
	struct enc e = enc_of(bytes, size);

	msg_encode(m, &e);
	assert_true(enc_ok(&e));
	return str_of(bytes, e.n);
}

static void
test_round_trip(void **state)
{
	const struct msg_row *rows;
	size_t n = msg_rows(&rows);
	char bytes[MSG_MAX];

	(void)state;
	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++) {
		struct msg m = sample(&rows[i]), back;
		assert_int_equal(msg_decode(encode(&m, bytes, sizeof(bytes)), &back), 0);
		assert_same(&m, &back);
		assert_int_equal(back.fd, -1);
	}
}

static void
test_truncated_and_trailing(void **state)
{
	const struct msg_row *rows;
	size_t n = msg_rows(&rows);
	char bytes[MSG_MAX];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct msg m = sample(&rows[i]), back = { .type = 0 };
		struct str all = encode(&m, bytes, sizeof(bytes) - 1);
		for (size_t cut = 0; cut < all.n; cut++) {
			/* In memory of its own, so that a read past the end is seen. */
			char *copy = malloc(cut ? cut : 1);
			memcpy(copy, all.p, cut);
			assert_int_equal(msg_decode(str_of(copy, cut), &back), -EBADMSG);
			free(copy);
		}
		bytes[all.n] = 0;
		assert_int_equal(msg_decode(str_of(bytes, all.n + 1), &back), -EBADMSG);
		assert_int_equal(back.type, 0);
	}
}

static void
test_flipped_bytes_never_crash(void **state)
{
	const struct msg_row *rows;
	size_t n = msg_rows(&rows), accepted = 0, refused = 0;
	char bytes[MSG_MAX];
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct msg m = sample(&rows[i]);
		for (int round = 0; round < 2000; round++) {
			struct str all = encode(&m, bytes, sizeof(bytes));
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			bytes[x % all.n] ^= (char)(x >> 32 | 1);
			struct msg back;
			if (msg_decode(all, &back) == 0)
				accepted++;
			else
				refused++;
		}
	}
	/* Numbers may become other numbers; lengths, kinds and texts may not. */
	assert_true(accepted > 0 && refused > 0);
}

static void
test_text_must_be_text(void **state)
{
	char bytes[256];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct msg m;

	(void)state;
	enc_u16(&e, MSG_status);
	enc_u32(&e, 1);
	enc_str32(&e, STR("\xff\xfe"));
	assert_int_equal(msg_decode(str_of(bytes, e.n), &m), -EBADMSG);
	e = enc_of(bytes, sizeof(bytes));
	enc_u16(&e, MSG_status);
	enc_u32(&e, 1);
	enc_str32(&e, STR("a\0b"));
	assert_int_equal(msg_decode(str_of(bytes, e.n), &m), -EBADMSG);
}

static void
test_rows_are_sound(void **state)
{
	const struct msg_row *rows;
	size_t n = msg_rows(&rows);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(msg_row(rows[i].type), &rows[i]);
		assert_true(rows[i].from && rows[i].to && rows[i].in);
		/* vaultd, and for bans netd and linkd, stand in the middle: what they are sent, they send on. */
		assert_false(rows[i].from & rows[i].to & ~(unsigned)(MSG_VAULTD | MSG_NETD | MSG_LINKD));
		for (size_t k = 0; k < i; k++)
			assert_true(rows[k].type != rows[i].type);
	}
	assert_null(msg_row(0));
	assert_null(msg_row(9999));
}

static void
test_permitted(void **state)
{
	const struct msg_row *records = msg_row(MSG_records);

	(void)state;
	assert_true(msg_permitted(records, MSG_INTAKED, MSG_WATCHD, MSG_OPEN));
	assert_false(msg_permitted(records, MSG_INTAKED, MSG_WATCHD, MSG_STARTING));
	assert_false(msg_permitted(records, MSG_WATCHD, MSG_INTAKED, MSG_OPEN));
	assert_false(msg_permitted(records, MSG_INTAKED, MSG_SUPERVISOR, MSG_OPEN));
	assert_false(msg_permitted(NULL, MSG_INTAKED, MSG_WATCHD, MSG_OPEN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_truncated_and_trailing),
		cmocka_unit_test(test_flipped_bytes_never_crash),
		cmocka_unit_test(test_text_must_be_text),
		cmocka_unit_test(test_rows_are_sound),
		cmocka_unit_test(test_permitted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
