/*
 * Elements of sets, held against the kernel in a network namespace of the test's own; skipped where it may have none.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <sched.h>

#include "sys/nft.h"

#define TABLE "add table inet guarita-test\nadd set inet guarita-test a { type ipv4_addr; flags timeout; }\n" \
	"add set inet guarita-test n { type ipv4_addr; flags interval,timeout; }\n"

static struct nft *
in_own_namespace(void)
{
	struct buf why = BUF_INIT(1 << 16);
	struct nft *n;

	if (unshare(CLONE_NEWNET) < 0)
		skip();
	assert_int_equal(nft_run(STR(TABLE), false, &why), 0);
	buf_free(&why);
	assert_int_equal(nft_open("guarita-test", &n), 0);
	return n;
}

static struct nft_element
element(const char *addr, uint64_t timeout_ms)
{
	struct addr a;
	struct nft_element e;

	assert_int_equal(addr_parse(str_z(addr), &a), 0);
	e = nft_key_addr(&a);
	e.timeout_ms = timeout_ms;
	return e;
}

struct seen {
	size_t n;
	uint64_t least_ms;
};

static void
on_element(void *ctx, const struct nft_element *e)
{
	struct seen *s = ctx;

	s->n++;
	if (s->n == 1 || e->timeout_ms < s->least_ms)
		s->least_ms = e->timeout_ms;
}

static void
assert_set(struct nft *n, const char *set, size_t count, uint64_t least_ms)
{
	struct seen s = { .n = 0 };

	assert_int_equal(nft_list(n, set, on_element, &s), 0);
	assert_int_equal(s.n, count);
	if (count)
		assert_int_equal(s.least_ms, least_ms);
}

static void
elements_come_and_go(void **state)
{
	struct nft *n = in_own_namespace();
	struct nft_element v[] = { element("192.0.2.1", 60000), element("192.0.2.2", 60000) };

	assert_int_equal(nft_add(n, "a", v, 2), 0);
	assert_set(n, "a", 2, 60000);
	assert_int_equal(nft_del(n, "a", v, 1), 0);
	assert_set(n, "a", 1, 60000);
	assert_int_equal(nft_del(n, "a", v, 2), -ENOENT);
	assert_set(n, "a", 1, 60000);
	nft_close(n);
}

/* What expired a moment ago cannot be removed; it was EPROTO, and the answers left over spoilt the next question. */
static void
what_expired_is_renewed_all_the_same(void **state)
{
	struct nft *n = in_own_namespace();
	struct nft_element v[] = { element("192.0.2.1", 60000), element("192.0.2.2", 60000), element("192.0.2.3", 60000) };
	struct cidr net;
	struct nft_element wide;

	assert_int_equal(nft_add(n, "a", v + 1, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i].timeout_ms = 3600000;
	assert_int_equal(nft_renew(n, "a", v, 3), 0);
	assert_set(n, "a", 3, 3600000);
	assert_int_equal(nft_renew(n, "a", v, 3), 0);
	assert_set(n, "a", 3, 3600000);
	assert_int_equal(cidr_parse(STR("198.51.100.0/24"), &net), 0);
	wide = nft_key_net(&net);
	wide.timeout_ms = 60000;
	assert_int_equal(nft_renew(n, "n", &wide, 1), 0);
	assert_set(n, "n", 1, 60000);
	nft_close(n);
}

static void
a_refusal_spoils_no_later_answer(void **state)
{
	struct nft *n = in_own_namespace();
	struct nft_element v[] = { element("192.0.2.1", 60000) };

	for (int i = 0; i < 3; i++) {
		assert_int_equal(nft_add(n, "nowhere", v, 1), -ENOENT);
		assert_int_equal(nft_renew(n, "nowhere", v, 1), -ENOENT);
		assert_int_equal(nft_del(n, "a", v, 1), -ENOENT);
		assert_set(n, "a", 0, 0);
	}
	assert_int_equal(nft_add(n, "a", v, 1), 0);
	assert_set(n, "a", 1, 60000);
	nft_close(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_come_and_go),
		cmocka_unit_test(what_expired_is_renewed_all_the_same),
		cmocka_unit_test(a_refusal_spoils_no_later_answer),
	};
	return cmocka_run_group_tests_name("sys-nft", tests, NULL, NULL);
}
