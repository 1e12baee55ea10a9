/* Retention: the first rule that fits a line decides, what is held stays, and nothing goes before its time. */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/retain.h"

#define ROWS 300
#define DAY (INT64_C(86400) * 1000000)

static const struct str names[] = { STR_INIT("program") };
static const char *const programs[] = { "sshd", "squid", "named" };

struct made {
	struct buf file;
	struct segment segment;
};

static void
make(struct made *m)
{
	struct segment_opts o = { .names = names, .nnames = 1, .salt = 3, .hash_seed = 4 };
	struct segment_writer *w = segment_writer_new(&o);
	struct digest digest;
	char text[100];

	m->file = BUF_INIT(1u << 22);
	assert_non_null(w);
	for (uint32_t i = 0; i < ROWS; i++) {
		const char *program = programs[i % 3];
		int n = snprintf(text, sizeof(text), "%s: line %u of user%u", program, i, i % 7);
		struct vault_entry e = { .index = 1000 + i, .recv_ns = i * INT64_C(1000000), .raw = str_of(text, (size_t)n) };
		struct fact f = { .name = 0, .value = str_head(e.raw, strlen(program)) };
		assert_int_equal(segment_add(w, &e, &f, 1, &m->file), 0);
	}
	assert_int_equal(segment_finish(w, 5, &m->file, &digest), 0);
	segment_writer_free(w);
	assert_int_equal(segment_open(&m->segment, buf_str(&m->file), NULL), 0);
}

static void
drop(struct made *m)
{
	segment_close(&m->segment);
	buf_free(&m->file);
}

static struct retain *
rules(void)
{
	struct retain *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(retain_rule_read(&p->rules[p->nrules++], STR("user3"), STR("user3"), 50 * DAY), 0);
	assert_int_equal(retain_rule_read(&p->rules[p->nrules++], STR("squid"), STR("squid"), 10 * DAY), 0);
	assert_int_equal(retain_rule_read(&p->rules[p->nrules++], STR("sshd"), STR("program:sshd"), 0), 0);
	p->others.for_us = 20 * DAY;
	assert_int_equal(retain_rule_read(&p->holds[p->nholds++], STR("case"), STR("\"line 31\""), 0), 0);
	return p;
}

/* What must become of a line on this day, said once more and in another way. */
static bool
goes(uint32_t i, int64_t day)
{
	if (i == 31)
		return false;
	/* A plain word is a program's name: no line is of a program user3. */
	return i % 3 == 1 ? day >= 10 : i % 3 == 0 ? false : day >= 20;
}

static void
each_line_has_its_time(void **state)
{
	struct retain *p = rules();
	struct made m;

	make(&m);
	for (int64_t day = 5; day < 70; day += 7) {
		bool gone[ROWS] = { false };
		uint64_t took = 0, due = retain_due(p, m.segment.max_ns, m.segment.max_ns / 1000 + day * DAY);
		assert_int_equal(retain_rows(p, &m.segment, due, gone, &took), 0);
		for (uint32_t i = 0; i < ROWS; i++)
			assert_int_equal(gone[i], goes(i, day));
		assert_int_equal(took, (day >= 10 ? 2 : 0) | (day >= 20 ? 8 : 0));
	}
	drop(&m);
	retain_free(p);
	free(p);
}

static void
nothing_goes_before_the_youngest_has_its_time(void **state)
{
	struct retain *p = rules();
	int64_t max_ns = INT64_C(1000) * DAY;

	assert_int_equal(retain_due(p, max_ns, max_ns / 1000 + 10 * DAY - 1), 0);
	assert_int_equal(retain_due(p, max_ns, max_ns / 1000 + 10 * DAY), 2);
	assert_int_equal(retain_due(p, max_ns, 0), 0);
	retain_free(p);
	free(p);
}

static void
too_large_takes_all_but_what_is_held(void **state)
{
	struct retain *p = rules();
	bool gone[ROWS] = { false };
	uint64_t took = 0;
	struct made m;

	make(&m);
	assert_int_equal(retain_rows(p, &m.segment, retain_all(p), gone, &took), 0);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_int_equal(gone[i], i != 31);
	drop(&m);
	retain_free(p);
	free(p);
}

static void
a_rule_finds_and_does_not_count(void **state)
{
	struct retain_rule r;

	assert_int_equal(retain_rule_read(&r, STR("x"), STR("user:("), DAY), -EINVAL);
	assert_true(r.query.fault[0] != '\0');
	query_free(&r.query);
	assert_int_equal(retain_rule_read(&r, STR("x"), STR("user:ana | count by host"), DAY), -EINVAL);
	query_free(&r.query);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_its_time),
		cmocka_unit_test(nothing_goes_before_the_youngest_has_its_time),
		cmocka_unit_test(too_large_takes_all_but_what_is_held),
		cmocka_unit_test(a_rule_finds_and_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
