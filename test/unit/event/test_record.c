/*
 * Records: slots that survive moving buffers, fields added and replaced up to the cap, and the JSON
 * form.
 */
#include "../base/cmocka_std.h"

#include "../base/prng.h"
#include "event/record.h"

static struct slot
slot_at(const struct record *r, size_t off, size_t len)
{
	return record_slot(r, str_of(r->raw.p + off, len));
}

static void
begin_keeps_nothing(void **state)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;

	memset(&r, 0xa5, sizeof(r));
	buf_add(&extra, STR("old"));
	record_begin(&r, STR("new line"), &extra, 123);
	assert_true(str_eq(r.raw, STR("new line")));
	assert_int_equal(extra.n, 0);
	assert_true(r.time_us == WHEN_NONE);
	assert_int_equal(r.received_us, 123);
	assert_false(r.time_guessed);
	assert_int_equal(r.line, 0);
	assert_int_equal(r.repeat, 1);
	assert_int_equal(r.dialect, DIALECT_NONE);
	assert_int_equal(r.facility, -1);
	assert_int_equal(r.severity, -1);
	assert_int_equal(r.pid, -1);
	assert_int_equal(r.host.len, 0);
	assert_int_equal(r.message.len, 0);
	assert_int_equal(r.data.len, 0);
	assert_int_equal(r.kind, KIND_unknown);
	assert_false(r.hostile);
	assert_true(r.sure);
	assert_int_equal(r.decoder, UINT32_MAX);
	assert_int_equal(r.nfields, 0);
	for (unsigned key = 0; key < FIELD_MAX; key++)
		assert_null(record_field(&r, (uint16_t)key));
	buf_free(&extra);
}

static void
begin_cuts_giant_lines(void **state)
{
	static char giant[RECORD_RAW_MAX + 10];
	struct record r;

	record_begin(&r, str_of(giant, sizeof(giant)), NULL, 0);
	assert_int_equal(r.raw.n, RECORD_RAW_MAX);
}

static void
slots_lead_back_to_the_text(void **state)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;
	struct slot in_raw, in_extra, empty;

	record_begin(&r, STR("abc def"), &extra, 0);
	in_raw = slot_at(&r, 4, 3);
	assert_int_equal(in_raw.off, 4);
	assert_true(str_eq(record_text(&r, in_raw), STR("def")));
	buf_add(&extra, STR("0123456789"));
	in_extra = record_slot(&r, str_of(extra.p + 2, 5));
	assert_int_equal(in_extra.off, 7 + 2);
	for (int i = 0; i < 1000; i++)
		buf_add(&extra, STR("makes the buffer move"));
	assert_true(str_eq(record_text(&r, in_extra), STR("23456")));
	empty = slot_at(&r, 7, 0);
	assert_int_equal(empty.off, 7);
	assert_int_equal(record_text(&r, empty).n, 0);
	assert_int_equal(record_text(&r, (struct slot){ 0 }).n, 0);
	assert_int_equal(record_text(&r, (struct slot){ .off = 9999 }).n, 0);
	buf_free(&extra);
}

static void
setting_adds_or_replaces(void **state)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;

	record_begin(&r, STR("root from 192.0.2.7"), &extra, 0);
	assert_true(record_set(&r, FIELD_user, slot_at(&r, 0, 4), 0));
	assert_true(record_set(&r, FIELD_src, slot_at(&r, 10, 9), FIELD_JOINED));
	assert_true(str_eq(record_value(&r, FIELD_user), STR("root")));
	assert_true(str_eq(record_value(&r, FIELD_src), STR("192.0.2.7")));
	assert_int_equal(record_field(&r, FIELD_src)->flags, FIELD_JOINED);
	assert_true(record_set_text(&r, FIELD_user, STR("admin"), FIELD_CONST));
	assert_int_equal(r.nfields, 2);
	assert_true(str_eq(record_value(&r, FIELD_user), STR("admin")));
	assert_int_equal(record_field(&r, FIELD_user)->flags, FIELD_CONST);
	/* The same bit of the mask of keys, another key. */
	assert_null(record_field(&r, FIELD_user + 64));
	assert_null(record_value(&r, FIELD_dst).p);
	buf_free(&extra);
}

static void
set_text_copies_only_foreign_text(void **state)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;
	char text[] = "imap";

	record_begin(&r, STR("one two"), &extra, 0);
	assert_true(record_set_text(&r, FIELD_service, str_z(text), FIELD_CONST));
	memset(text, 'x', 4);
	assert_true(str_eq(record_value(&r, FIELD_service), STR("imap")));
	assert_int_equal(extra.n, 4);
	assert_true(record_set_text(&r, FIELD_path, str_from(r.raw, 4), 0));
	assert_int_equal(extra.n, 4);
	assert_int_equal(record_field(&r, FIELD_path)->at.off, 4);
	assert_true(record_set_text(&r, FIELD_method, record_value(&r, FIELD_service), 0));
	assert_int_equal(extra.n, 4);
	assert_true(str_eq(record_value(&r, FIELD_method), STR("imap")));
	assert_true(record_set_text(&r, FIELD_agent, STR(""), 0));
	assert_non_null(record_field(&r, FIELD_agent));
	assert_int_equal(record_value(&r, FIELD_agent).n, 0);
	buf_free(&extra);
}

static void
full_extra_refuses_but_goes_on(void **state)
{
	struct buf extra = BUF_INIT(8);
	struct record r;

	record_begin(&r, STR("line"), &extra, 0);
	assert_true(record_set_text(&r, FIELD_user, STR("12345"), 0));
	assert_false(record_set_text(&r, FIELD_path, STR("1234"), 0));
	assert_true(record_set_text(&r, FIELD_tty, STR("678"), 0));
	assert_true(buf_ok(&extra));
	assert_null(record_field(&r, FIELD_path));
	record_begin(&r, STR("line"), NULL, 0);
	assert_false(record_set_text(&r, FIELD_user, STR("x"), 0));
	assert_true(record_set_text(&r, FIELD_user, str_head(r.raw, 2), 0));
	buf_free(&extra);
}

static void
cap_of_fields(void **state)
{
	struct record r;

	record_begin(&r, STR("abc"), NULL, 0);
	for (uint16_t i = 0; i < RECORD_FIELDS_MAX; i++)
		assert_true(record_set(&r, (uint16_t)(i * 3), slot_at(&r, 0, 1), 0));
	assert_false(record_set(&r, 1, slot_at(&r, 0, 1), 0));
	assert_true(record_set(&r, 3, slot_at(&r, 1, 2), 0));
	assert_true(str_eq(record_value(&r, 3), STR("bc")));
	record_drop(&r, 6);
	assert_true(record_set(&r, 1, slot_at(&r, 0, 1), 0));
}

/* A plain array knows which keys are set and to what. */
static void
agrees_with_a_model(void **state)
{
	static const char line[] = "abcdefghijklmnopqrstuvwxyz";
	uint64_t seed = 41;

	for (int round = 0; round < 500; round++) {
		struct record r;
		int model[100];
		memset(model, -1, sizeof(model));
		record_begin(&r, str_z(line), NULL, 0);
		for (int step = 0; step < 200; step++) {
			uint16_t key = (uint16_t)prng_below(&seed, ARRAY_LEN(model));
			int off = (int)prng_below(&seed, 26);
			bool room = r.nfields < RECORD_FIELDS_MAX || model[key] >= 0;
			if (prng_below(&seed, 4) == 0) {
				record_drop(&r, key);
				model[key] = -1;
			} else {
				assert_int_equal(
				    record_set(&r, key, slot_at(&r, (size_t)off, 1), 0), room);
				if (room)
					model[key] = off;
			}
		}
		for (uint16_t key = 0; key < ARRAY_LEN(model); key++) {
			struct str v = record_value(&r, key);
			assert_int_equal(v.p != NULL, model[key] >= 0);
			if (v.p)
				assert_int_equal(v.p[0], line[model[key]]);
		}
	}
}

struct fixture {
	struct fields *fields;
	struct kinds *kinds;
	struct buf extra, out;
	struct record r;
};

static void
fixture_open(struct fixture *x, struct str line)
{
	*x = (struct fixture){
		.fields = fields_new(),
		.kinds = kinds_new(),
		.extra = BUF_INIT(RECORD_EXTRA_MAX),
		.out = BUF_INIT(1 << 20),
	};
	record_begin(&x->r, line, &x->extra, 0);
}

static void
fixture_json(struct fixture *x, struct str file, const char *decoder, const char *want)
{
	record_json(&x->r, x->fields, x->kinds, file, decoder, &x->out);
	assert_string_equal(buf_cstr(&x->out), want);
}

static void
fixture_close(struct fixture *x)
{
	fields_free(x->fields);
	kinds_free(x->kinds);
	buf_free(&x->extra);
	buf_free(&x->out);
}

static void
json_of_a_bare_line(void **state)
{
	struct fixture x;

	fixture_open(&x, STR("gibberish"));
	fixture_json(&x, STR_NULL, NULL, "{\"kind\":\"unknown\",\"hostile\":false}");
	fixture_close(&x);
}

static void
json_of_a_whole_record(void **state)
{
	struct fixture x;
	struct record *r = &x.r;

	fixture_open(&x, STR("gw sshd 2001:DB8:0::7 22 nobody\"\x1b"));
	r->line = 42;
	r->time_us = INT64_C(927108000) * WHEN_SECOND;
	r->pid = 0;
	r->host = slot_at(r, 0, 2);
	r->program = slot_at(r, 3, 4);
	r->kind = KIND_auth_fail;
	r->hostile = true;
	r->sure = false;
	assert_true(record_set(r, FIELD_user, slot_at(r, 25, 8), 0));
	assert_true(record_set_text(r, FIELD_status, STR("404"), 0));
	assert_true(record_set(r, FIELD_src, slot_at(r, 8, 13), FIELD_JOINED));
	assert_true(record_set(r, FIELD_src_port, slot_at(r, 22, 2), FIELD_JOINED));
	assert_true(record_set_text(r, fields_intern(x.fields, STR("x.y")), STR("7"), 0));
	fixture_json(&x, STR("/var/log/a\nb"), "sshd",
	    "{\"file\":\"/var/log/a\\nb\",\"line\":42,\"time\":\"1999-05-19T10:00:00Z\",\"host\":\"gw\","
	    "\"program\":\"sshd\",\"pid\":0,\"kind\":\"auth.fail\",\"hostile\":true,\"src\":\"2001:db8::7\","
	    "\"src_port\":22,\"user\":\"nobody\\\"\\u001b\",\"decoder\":\"sshd\",\"sure\":false,"
	    "\"joined\":[\"src\",\"src_port\"],\"fields\":{\"status\":404,\"x.y\":\"7\"}}");
	fixture_close(&x);
}

static void
json_of_values_that_do_not_fit_their_type(void **state)
{
	struct fixture x;

	fixture_open(&x, STR("x"));
	assert_true(record_set_text(&x.r, FIELD_src, STR("not an address"), 0));
	assert_true(record_set_text(&x.r, FIELD_src_port, STR("imap"), 0));
	assert_true(record_set_text(&x.r, FIELD_dst, STR("[::ffff:192.0.2.1]"), 0));
	assert_true(record_set_text(&x.r, FIELD_dst_host, STR("mail.example.org"), 0));
	assert_true(record_set_text(&x.r, FIELD_status, STR("-"), 0));
	assert_true(record_set_text(&x.r, FIELD_bytes, STR("007"), 0));
	assert_true(record_set_text(&x.r, FIELD_icmp_type, STR("-3"), 0));
	fixture_json(&x, STR_NULL, NULL,
	    "{\"kind\":\"unknown\",\"hostile\":false,\"src\":\"not an address\",\"src_port\":\"imap\","
	    "\"dst\":\"192.0.2.1\",\"dst_host\":\"mail.example.org\","
	    "\"fields\":{\"status\":\"-\",\"bytes\":7,\"icmp_type\":-3}}");
	fixture_close(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begin_keeps_nothing),
		cmocka_unit_test(begin_cuts_giant_lines),
		cmocka_unit_test(slots_lead_back_to_the_text),
		cmocka_unit_test(setting_adds_or_replaces),
		cmocka_unit_test(set_text_copies_only_foreign_text),
		cmocka_unit_test(full_extra_refuses_but_goes_on),
		cmocka_unit_test(cap_of_fields),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(json_of_a_bare_line),
		cmocka_unit_test(json_of_a_whole_record),
		cmocka_unit_test(json_of_values_that_do_not_fit_their_type),
	};
	return cmocka_run_group_tests_name("event-record", tests, NULL, NULL);
}
