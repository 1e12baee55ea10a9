/* Conditions: each comparison on values that hold, do not hold and are absent, and how faults are told. */
#include "engine_help.h"

#include "watch/condition.h"

/* A record with these fields: "name=value;name=value". */
static void
fill(struct engine *e, const char *fields)
{
	struct str rest = str_z(fields), pair;

	record_begin(&e->r, STR("raw"), &e->extra, 0);
	while (str_split(&rest, ';', &pair)) {
		size_t eq = str_find_byte(pair, '=');
		uint16_t key = fields_intern(e->rs->fields, str_head(pair, eq));

		assert_true(record_set_text(&e->r, key, str_from(pair, eq + 1), 0));
	}
}

static bool
holds(const char *condition, const char *fields, const struct watch_env *env)
{
	struct engine *e = calloc(1, sizeof(*e));
	char text[512];
	struct conf_stmt *s;
	struct condition *conds;
	uint32_t n;
	struct load l = { 0 };
	struct rule_list list = { .name = STR("bad"), .values = (struct str[]){ STR("joe"), STR("ann") }, .nvalues = 2 };
	bool result;

	engine_open(e, "list bad { joe, ann; }");
	snprintf(text, sizeof(text), "when %s;", condition);
	s = conf_parse(&e->rs->arena, e->d, diags_file(e->d, STR("c"), str_z(text)), str_z(text));
	l.rs = e->rs;
	l.d = e->d;
	l.lists = &list;
	l.nlists = 1;
	assert_non_null(s);
	assert_int_equal(conditions_compile(&l, s, 1, &conds, &n), 0);
	fill(e, fields);
	e->r.kind = KIND_auth_fail;
	e->r.pid = 77;
	e->r.time_us = INT64_C(1704164645) * WHEN_SECOND;      /* Tuesday 2024-01-02 03:04:05Z */
	result = conditions_hold(conds, n, e->rs, &e->r, env);
	l.lists = NULL;
	load_end(&l);
	engine_close(e);
	free(e);
	return result;
}

static void
every_comparison(void **state)
{
	static const struct {
		const char *condition, *yes, *no;
		bool absent;
	} cases[] = {
		{ "user is joe, ann", "user=ANN", "user=bob", false },
		{ "user not joe, ann", "user=bob", "user=Joe", true },
		{ "user is $bad", "user=joe", "user=bob", false },
		{ "path has '/etc', '..'", "path=/x/../y", "path=/x", false },
		{ "path lacks '/etc', '..'", "path=/x", "path=/ETC", true },
		{ "path starts '/cgi'", "path=/CGI-bin", "path=x/cgi", false },
		{ "path ends '.php', '.asp'", "path=/a.PHP", "path=/a.php5", false },
		{ "src in 192.0.2.0/24, 2001:db8::/32", "src=192.0.2.9", "src=198.51.100.1", false },
		{ "src outside 192.0.2.0/24", "src=198.51.100.1", "src=192.0.2.9", false },
		{ "status above 399", "status=400", "status=399", false },
		{ "status below 400", "status=-5", "status=400", false },
		{ "status between 400 499", "status=404.5", "status=500", false },
		{ "user same target", "user=root;target=ROOT", "user=joe;target=root", false },
		{ "user differs target", "user=joe;target=root", "user=root;target=root", true },
		{ "path holds user", "path=/home/joe/x;user=joe", "path=/home/ann;user=joe", false },
		{ "user exists", "user=", "target=x", false },
		{ "user absent", "target=x", "user=x", true },
		{ "src external", "src=192.0.2.7", "src=10.1.2.3", false },
		{ "path like '<*>/wp-<*>.php'", "path=/x/wp-login.php", "path=/x/wp-login.asp", false },
		{ "user is joe and status is 5", "user=joe;status=5", "user=joe;status=6", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (!holds(cases[i].condition, cases[i].yes, NULL))
			fail_msg("'%s' does not hold for %s", cases[i].condition, cases[i].yes);
		if (holds(cases[i].condition, cases[i].no, NULL))
			fail_msg("'%s' holds for %s", cases[i].condition, cases[i].no);
		if (holds(cases[i].condition, "vhost=x", NULL) != cases[i].absent)
			fail_msg("'%s' of an absent field", cases[i].condition);
	}
}

static void
the_record_itself(void **state)
{
	struct cidr own;
	struct watch_env env = { .own = &own, .nown = 1, .zone_offset_min = -180 };

	assert_int_equal(cidr_parse(STR("192.0.2.0/24"), &own), 0);
	assert_true(holds("kind is auth.*", "user=x", NULL));
	assert_true(holds("kind not http.*, mail.sent", "user=x", NULL));
	assert_false(holds("kind is http.*", "user=x", NULL));
	assert_true(holds("hour is 3", "user=x", NULL));
	assert_true(holds("hour is 0", "user=x", &env));
	assert_true(holds("hour between 22 5", "user=x", NULL));
	assert_false(holds("hour between 8 18", "user=x", NULL));
	assert_true(holds("weekday is tue, wed", "user=x", NULL));
	assert_true(holds("pid is 77", "user=x", NULL));
	assert_true(holds("src in $own", "src=192.0.2.7", &env));
	assert_false(holds("src in $own", "src=192.0.2.7", NULL));
	assert_false(holds("src external", "src=192.0.2.7", &env));
}

static void
insiders_are_not_external(void **state)
{
	static const char *const inside[] = {
		"10.0.0.1", "172.16.5.4", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.1.1", "100.64.0.1",
		"224.0.0.1", "255.255.255.255", "0.0.0.0", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
	};
	static const char *const outside[] = {
		"172.32.0.1", "192.0.2.1", "8.8.8.8", "100.128.0.1", "2001:db8::1", "223.255.255.255",
	};
	struct addr a;

	for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
		assert_int_equal(addr_parse(str_z(inside[i]), &a), 0);
		if (addr_external(&a, NULL))
			fail_msg("%s is external", inside[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
		assert_int_equal(addr_parse(str_z(outside[i]), &a), 0);
		if (!addr_external(&a, NULL))
			fail_msg("%s is not external", outside[i]);
	}
}

static void
faults_are_told(void **state)
{
	static const struct {
		const char *condition, *fault;
	} cases[] = {
		{ "user iss joe", "'iss' is no comparison" },
		{ "user is", "'is' needs a value" },
		{ "status between 4", "'between' needs two values" },
		{ "status above many", "'many' is not a number" },
		{ "src in 192.0.2.300", "'192.0.2.300' is not a network" },
		{ "user is $nobody", "no list is called '$nobody'" },
		{ "user is joe or ann", "'or' was not expected here" },
		{ "kind has auth", "kind is only compared" },
		{ "user is joe and", "not complete" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char rules[300];
		const char *shown;

		snprintf(rules, sizeof(rules), "decoder t { program p; line info 'x' { when %s; } }", cases[i].condition);
		shown = engine_faults(rules);
		if (!strstr(shown, cases[i].fault))
			fail_msg("'%s' gives: %s", cases[i].condition, shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_comparison),
		cmocka_unit_test(the_record_itself),
		cmocka_unit_test(insiders_are_not_external),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
