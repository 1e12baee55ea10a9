/* Tests of the writer of netlink messages: what libmnl reads of them, and what must not be written. */
#include "../base/cmocka_std.h"

#include <linux/netlink.h>
#include <string.h>

#include "wire/netlink.h"

static const struct nlattr *
attr_at(const struct buf *b, size_t at)
{
	return (const void *)(b->p + at);
}

static void
test_a_message_has_its_length_and_its_parts_are_aligned(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct netlink_head h = { .type = 0x0a06, .flags = NLM_F_CREATE, .seq = 7, .family = 1, .resource = 10 };

	for (int round = 0; round < 2; round++) {
		size_t at = netlink_begin(&b, &h);
		netlink_put_text(&b, 1, "guarita");
		size_t nest = netlink_nest(&b, 4);
		netlink_put_u8(&b, 1, 5);
		netlink_put_be16(&b, 2, 0x0102);
		netlink_put_be64(&b, 3, 9);
		netlink_nest_end(&b, nest);
		netlink_end(&b, at);
		const struct nlmsghdr *m = (const void *)(b.p + at);
		assert_int_equal(m->nlmsg_len, b.n - at);
		assert_int_equal(m->nlmsg_len % NLMSG_ALIGNTO, 0);
		assert_int_equal(m->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
		assert_int_equal(m->nlmsg_seq, 7);
		const struct nlattr *text = attr_at(&b, at + NLMSG_HDRLEN + 4), *in = attr_at(&b, nest);
		assert_int_equal(text->nla_len, NLA_HDRLEN + 8);
		assert_int_equal(in->nla_type, 4 | NLA_F_NESTED);
		assert_int_equal(in->nla_len, NLA_HDRLEN + 8 + 8 + 12);
		assert_memory_equal(b.p + nest + NLA_HDRLEN + 8 + NLA_HDRLEN, "\1\2", 2);
		assert_int_equal(nest % NLA_ALIGNTO, 0);
	}
	buf_free(&b);
}

static void
test_what_no_length_can_hold_spoils_the_buffer(void **state)
{
	static char much[70000];
	struct buf b = BUF_INIT(1 << 20);

	netlink_put(&b, 1, much, UINT16_MAX - NLA_HDRLEN);
	assert_true(buf_ok(&b));
	netlink_put(&b, 1, much, UINT16_MAX - NLA_HDRLEN + 1);
	assert_false(buf_ok(&b));
	buf_reset(&b);
	size_t nest = netlink_nest(&b, 1);
	netlink_put(&b, 1, much, 40000);
	netlink_put(&b, 1, much, 40000);
	assert_true(buf_ok(&b));
	netlink_nest_end(&b, nest);
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
test_a_full_buffer_is_not_written_behind(void **state)
{
	struct buf b = BUF_INIT(24);
	struct netlink_head h = { .type = 1 };
	size_t at = netlink_begin(&b, &h);

	size_t nest = netlink_nest(&b, 1);
	netlink_put_text(&b, 1, "does not fit");
	netlink_nest_end(&b, nest);
	netlink_end(&b, at);
	assert_false(buf_ok(&b));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_has_its_length_and_its_parts_are_aligned),
		cmocka_unit_test(test_what_no_length_can_hold_spoils_the_buffer),
		cmocka_unit_test(test_a_full_buffer_is_not_written_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
