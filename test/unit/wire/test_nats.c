/* The client's side of NATS and what is said to ClickHouse: exactly the bytes, and nothing believed of what comes back. */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "wire/clickhouse.h"
#include "wire/nats.h"

static void
operations_come_in_pieces(void **state)
{
	struct str all = STR("INFO {\"a\":1}\r\nHMSG a.b 1 re.ply 12 17\r\nNATS/1.0\r\n\r\nhello\r\n-ERR 'no such thing'\r\n");
	size_t used = 0, whole = 0;
	struct nats_op op;

	for (size_t n = 0; n < 14; n++)
		assert_int_equal(nats_next(str_head(all, n), &used, &op), 0);
	assert_int_equal(nats_next(all, &used, &op), 1);
	assert_true(op.kind == NATS_INFO && str_eq(op.text, STR("{\"a\":1}")) && used == 14);
	whole = used;
	for (size_t n = whole; n < whole + 44; n++)
		assert_int_equal(nats_next(str_from(str_head(all, n), whole), &used, &op), 0);
	assert_int_equal(nats_next(str_from(all, whole), &used, &op), 1);
	assert_true(op.kind == NATS_HMSG && str_eq(op.subject, STR("a.b")) && str_eq(op.reply, STR("re.ply")));
	assert_true(str_eq(op.header, STR("NATS/1.0\r\n\r\n")) && str_eq(op.payload, STR("hello")));
	assert_int_equal(nats_next(str_from(all, whole + used), &used, &op), 1);
	assert_true(op.kind == NATS_ERR && str_eq(op.text, STR("no such thing")));
}

static void
what_is_no_operation_is_refused(void **state)
{
	static const struct str bad[] = {
		STR_INIT("GET / HTTP/1.1\r\n"), STR_INIT("MSG a 1 x\r\n"), STR_INIT("MSG a 1 99999999999\r\n"), STR_INIT("MSG a\r\n"),
		STR_INIT("HMSG a 1 9 3\r\nabc\r\n"), STR_INIT("MSG a 1 2\r\nabc\r\n"), STR_INIT("INFORM {}\r\n"),
	};
	size_t used = 0;
	struct nats_op op;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(nats_next(bad[i], &used, &op), -EBADMSG);
}

static void
publishing_counts_its_bytes(void **state)
{
	struct buf out = BUF_INIT(4096);

	nats_publish(&out, STR("g.m.lines"), STR("_INBOX.1"), STR("Nats-Msg-Id: a/7\r\n"), STR("xyz"));
	assert_true(str_eq(buf_str(&out), STR("HPUB g.m.lines _INBOX.1 30 33\r\nNATS/1.0\r\nNats-Msg-Id: a/7\r\n\r\nxyz\r\n")));
	buf_reset(&out);
	nats_publish(&out, STR("s"), STR_NULL, STR_NULL, STR("{}"));
	assert_true(str_eq(buf_str(&out), STR("PUB s 2\r\n{}\r\n")));
	buf_free(&out);
}

static void
no_value_ends_its_row(void **state)
{
	struct buf out = BUF_INIT(4096);

	clickhouse_value(&out, str_of("a\tb\nc\\d\0e\r", 10));
	assert_true(str_eq(buf_str(&out), STR("a\\tb\\nc\\\\d\\0e\\r")));
	buf_reset(&out);
	clickhouse_quote(&out, STR("it's \\"));
	assert_true(str_eq(buf_str(&out), STR("'it\\'s \\\\'")));
	buf_free(&out);
}

static void
answers_have_a_status_and_a_body(void **state)
{
	unsigned status = 0;
	struct str body;

	assert_int_equal(clickhouse_answer(STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0\t0\n\r\n0\r\n\r\n"), &status, &body), 0);
	assert_true(status == 200 && str_eq(body, STR("0\t0\n")));
	assert_int_equal(clickhouse_answer(STR("HTTP/1.0 404 Not Found\r\n\r\nCode: 60"), &status, &body), 0);
	assert_true(status == 404 && str_eq(body, STR("Code: 60")));
	assert_int_equal(clickhouse_answer(STR("HTTP/1.1 200 OK\r\n"), &status, &body), -EBADMSG);
	assert_int_equal(clickhouse_answer(STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx"), &status, &body), -EBADMSG);
	assert_int_equal(clickhouse_answer(STR("INFO {}\r\n\r\n"), &status, &body), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_come_in_pieces),
		cmocka_unit_test(what_is_no_operation_is_refused),
		cmocka_unit_test(publishing_counts_its_bytes),
		cmocka_unit_test(no_value_ends_its_row),
		cmocka_unit_test(answers_have_a_status_and_a_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
