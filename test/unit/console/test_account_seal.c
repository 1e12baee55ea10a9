/* account_seal: the digest does not depend on how records come, every change changes it; lines read as they were written. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "console/accounts/seal.h"

static struct digest
digest_of_records(char fill, unsigned n, unsigned odd)
{
	struct account_chain c = { .records = 0 };
	struct digest d;
	char record[64];

	account_chain_begin(&c);
	for (unsigned i = 0; i < n; i++) {
		memset(record, i == odd ? fill + 1 : fill, sizeof(record));
		assert_int_equal(account_chain_add(&c, str_of(record, sizeof(record))), 0);
	}
	assert_int_equal(c.records, n);
	d = account_chain_digest(&c);
	account_chain_free(&c);
	return d;
}

static void
test_every_record_counts(void **state)
{
	struct digest d = digest_of_records('a', 200, 1000), e;

	e = digest_of_records('a', 200, 1000);
	assert_true(digest_eq(&d, &e));
	for (unsigned i = 0; i < 200; i++) {
		e = digest_of_records('a', 200, i);
		assert_false(digest_eq(&d, &e));
	}
	for (unsigned n = 1; n < 200; n++) {
		e = digest_of_records('a', n, 1000);
		assert_false(digest_eq(&d, &e));
	}
}

/* Where a digest is asked for does not change those that follow. */
static void
test_asking_changes_nothing(void **state)
{
	struct account_chain c = { .records = 0 };
	struct digest d, e = digest_of_records('x', 130, 1000);
	char record[64];

	memset(record, 'x', sizeof(record));
	account_chain_begin(&c);
	for (unsigned i = 0; i < 130; i++) {
		assert_int_equal(account_chain_add(&c, str_of(record, sizeof(record))), 0);
		d = account_chain_digest(&c);
	}
	assert_true(digest_eq(&d, &e));
	account_chain_free(&c);
}

static void
test_lines(void **state)
{
	struct account_seal s = { .kind = ACCOUNT_SEAL_RECORDS, .dev = 1, .ino = UINT64_MAX, .record_size = 384, .first = 7, .count = 9,
		.last_us = -5, .digest = digest_of_records('a', 3, 9) }, r;
	struct buf line = BUF_INIT(4096), path = BUF_INIT(4096);

	buf_add_byte(&line, '{');
	account_seal_write(&s, STR("/var/\"log\\\n"), &line);
	assert_int_equal(account_seal_read(buf_str(&line), &r, &path), 0);
	assert_true(str_eq(buf_str(&path), STR("/var/\"log\\\n")));
	assert_true(r.ino == UINT64_MAX && r.first == 7 && r.count == 9 && r.last_us == -5 && digest_eq(&r.digest, &s.digest));
	/* Any missing piece, and it is none. */
	for (size_t cut = 0; cut + 1 < line.n; cut++)
		assert_int_equal(account_seal_read(str_head(buf_str(&line), cut), &r, &path), -EBADMSG);
	buf_free(&line);
	buf_free(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_record_counts), cmocka_unit_test(test_asking_changes_nothing), cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
