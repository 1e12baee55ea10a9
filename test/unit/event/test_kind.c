/* The registry of kinds: the table itself, families, severities, the cap. */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdio.h>

#include "event/kind.h"

/* "T1110" or "T1110.001". */
static bool
technique_form(const char *t)
{
	size_t n = strlen(t);

	return t[0] == 'T' && strspn(t + 1, "0123456789") >= 4 &&
	    (n == 5 || (n == 9 && t[5] == '.')) && strspn(t + 1, "0123456789.") == n - 1;
}

static void
every_row_is_sound(void **state)
{
	struct kinds *k = kinds_new();

	assert_non_null(k);
	assert_int_equal(kinds_count(k), KIND_BUILT_IN);
	assert_int_equal(kinds_find(k, STR("unknown")), KIND_unknown);
	assert_int_equal(kinds_find(k, STR("auth.fail")), KIND_auth_fail);
	for (uint16_t i = 0; i < KIND_BUILT_IN; i++) {
		const struct kind_row *row = kinds_row(k, i);
		assert_int_equal(kinds_find(k, row->name), i);
		for (size_t j = 0; j < row->name.n; j++)
			assert_non_null(
			    strchr("abcdefghijklmnopqrstuvwxyz0123456789_.", row->name.p[j]));
		assert_true((size_t)row->severity <= SEVERITY_CRITICAL);
		assert_true(!row->attack || technique_form(row->attack));
		assert_true(strlen(row->help) > 3);
	}
	kinds_free(k);
	kinds_free(NULL);
}

static void
kinds_of_rules_are_added(void **state)
{
	struct kinds *k = kinds_new();
	const struct kind_row row = {
		.name = STR("site.door"), .hostile = true, .severity = SEVERITY_HIGH
	};
	const struct kind_row known = { .name = STR("auth.fail") }, nameless = { .name = STR("") };
	uint16_t kind = kinds_add(k, &row);

	assert_int_equal(kind, KIND_BUILT_IN);
	assert_true(kinds_row(k, kind)->hostile);
	assert_int_equal(kinds_find(k, STR("site.door")), kind);
	assert_int_equal(kinds_add(k, &row), KIND_NONE);
	assert_int_equal(kinds_add(k, &known), KIND_NONE);
	assert_int_equal(kinds_add(k, &nameless), KIND_NONE);
	assert_int_equal(kinds_count(k), KIND_BUILT_IN + 1);
	assert_null(kinds_row(k, (uint16_t)(kind + 1)));
	assert_null(kinds_row(k, KIND_NONE));
	assert_int_equal(kinds_find(k, STR("site.window")), KIND_NONE);
	kinds_free(k);
}

static void
cap_holds(void **state)
{
	static char names[KIND_MAX][12];
	struct kinds *k = kinds_new();
	struct kind_row row = { 0 };

	for (unsigned i = KIND_BUILT_IN; i < KIND_MAX; i++) {
		row.name = str_of(
		    names[i], (size_t)snprintf(names[i], sizeof(names[i]), "k.%u", i));
		assert_int_equal(kinds_add(k, &row), i);
	}
	row.name = STR("one.more");
	assert_int_equal(kinds_add(k, &row), KIND_NONE);
	kinds_free(k);
}

static void
patterns_cover_refinements(void **state)
{
	struct kinds *k = kinds_new();
	uint16_t fine = kinds_add(k, &(struct kind_row){ .name = STR("auth.fail.key") });

	assert_true(kinds_covers(k, STR("auth.fail"), KIND_auth_fail));
	assert_true(kinds_covers(k, STR("auth.fail"), fine));
	assert_true(kinds_covers(k, STR("auth.*"), KIND_auth_fail));
	assert_true(kinds_covers(k, STR("auth.*"), fine));
	assert_true(kinds_covers(k, STR("auth"), KIND_auth_fail));
	assert_true(kinds_covers(k, STR("auth.fail.*"), fine));
	assert_false(kinds_covers(k, STR("auth.fail.*"), KIND_auth_fail));
	assert_false(kinds_covers(k, STR("auth.fail.key"), KIND_auth_fail));
	assert_false(kinds_covers(k, STR("auth.fa"), KIND_auth_fail));
	assert_false(kinds_covers(k, STR("auth.ok"), KIND_auth_fail));
	assert_false(kinds_covers(k, STR("aut.*"), KIND_auth_fail));
	assert_false(kinds_covers(k, STR(".*"), KIND_auth_fail));
	assert_false(kinds_covers(k, STR(""), KIND_auth_fail));
	assert_false(kinds_covers(k, STR("auth.*"), KIND_NONE));
	kinds_free(k);
}

static void
severities_round_trip(void **state)
{
	static const char *const names[] = { "info", "low", "medium", "high", "critical" };
	enum severity s = SEVERITY_HIGH;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(severity_parse(str_z(names[i]), &s), 0);
		assert_int_equal(s, i);
		assert_string_equal(severity_name(s), names[i]);
	}
	assert_int_equal(severity_parse(STR("High"), &s), -EINVAL);
	assert_int_equal(severity_parse(STR(""), &s), -EINVAL);
	assert_int_equal(severity_parse(STR("lo"), &s), -EINVAL);
	assert_int_equal(s, SEVERITY_CRITICAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_sound),
		cmocka_unit_test(kinds_of_rules_are_added),
		cmocka_unit_test(cap_holds),
		cmocka_unit_test(patterns_cover_refinements),
		cmocka_unit_test(severities_round_trip),
	};
	return cmocka_run_group_tests_name("event-kind", tests, NULL, NULL);
}
