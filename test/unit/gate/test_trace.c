/* Tests of the text of a trace: whom it chooses, and that every choice is bounded. */
#include "../base/cmocka_std.h"

#include <stdio.h>

#include "gate/trace.h"

static struct buf
text_of(const char *src, const char *dst, int protocol, uint16_t port)
{
	struct trace_ask a = { .has_dst = dst != NULL, .protocol = protocol, .port = port, .seconds = 30 };
	struct buf out = BUF_INIT(65536);

	assert_int_equal(cidr_parse(str_z(src), &a.src), 0);
	if (dst)
		assert_int_equal(cidr_parse(str_z(dst), &a.dst), 0);
	trace_text(&a, &out);
	assert_true(buf_ok(&out));
	return out;
}

static void
assert_has(const struct buf *text, const char *part)
{
	if (str_find(buf_str(text), str_z(part)) == text->n)
		fail_msg("no \"%s\" in:\n%.*s", part, STR_FMT(buf_str(text)));
}

static void
test_both_ways_of_a_connection_are_chosen(void **state)
{
	struct buf t = text_of("192.168.0.0/24", "192.0.2.80", 6, 443);

	assert_has(&t, "add element inet guarita trace4 { 192.168.0.0/24 timeout 30s }\n");
	assert_has(&t, "g_trace_in ip saddr @trace4 ip daddr 192.0.2.80/32 meta l4proto 6 th dport 443 limit");
	assert_has(&t, "g_trace_in ip daddr @trace4 ip saddr 192.0.2.80/32 meta l4proto 6 th sport 443 limit");
	assert_has(&t, "g_trace_ct ct direction reply ct original ip saddr @trace4 ct original ip daddr 192.0.2.80/32 "
	    "meta l4proto 6 ct original proto-dst 443 limit");
	buf_free(&t);
}

static void
test_ipv6_and_no_destination(void **state)
{
	struct buf t = text_of("2001:db8::/32", NULL, TRACE_ANY_PROTOCOL, 0);

	assert_has(&t, "g_trace_out ip6 saddr @trace6 limit rate");
	assert_true(str_find(buf_str(&t), STR("l4proto")) == t.n);
	buf_free(&t);
}

static void
test_every_choice_is_bounded(void **state)
{
	struct buf t = text_of("192.0.2.1", "192.0.2.2", 17, 53);
	struct str rest = buf_str(&t), line;
	unsigned choices = 0;

	while (str_split(&rest, '\n', &line)) {
		if (str_find(line, STR("nftrace")) == line.n)
			continue;
		choices++;
		assert_true(str_find(line, STR("@trace4")) < line.n);
		assert_true(str_find(line, STR("limit rate 50/second")) < line.n);
	}
	assert_int_equal(choices, 5);
	buf_free(&t);
}

static void
test_the_end_takes_back_what_the_beginning_made(void **state)
{
	struct buf begin = text_of("192.0.2.1", NULL, TRACE_ANY_PROTOCOL, 0), end = BUF_INIT(65536);
	struct str rest = buf_str(&begin), line;

	trace_text_end(&end);
	/* Whatever is made by the one is removed by the other. */
	while (str_split(&rest, '\n', &line)) {
		char gone[128];
		if (!str_starts(line, STR("add chain ")) && !str_starts(line, STR("add set ")))
			continue;
		struct str name = str_from(line, 4);
		name = str_head(name, str_find(name, STR(" {")));
		snprintf(gone, sizeof(gone), "delete %.*s\n", STR_FMT(name));
		assert_has(&end, gone);
	}
	buf_free(&begin);
	buf_free(&end);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways_of_a_connection_are_chosen),
		cmocka_unit_test(test_ipv6_and_no_destination),
		cmocka_unit_test(test_every_choice_is_bounded),
		cmocka_unit_test(test_the_end_takes_back_what_the_beginning_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
