/* Wants parted by a value: for any record, those given are all that can hold, in the order of the rules, each once. */
#include "engine_help.h"

#include "watch/condition.h"
#include "watch/ruleset.h"
#include "watch/wanted.h"

static const char rules[] =
    "rule r0 { count 3 of auth.fail by src within 10s; where service is ssh; open auth.brute; }\n"
    "rule r1 { count 3 of auth.fail by src within 11s; open auth.brute; }\n"
    "rule r2 { count 3 of auth.fail by src within 12s; where service is ftp, SSH, ssh; open auth.brute; }\n"
    "rule r3 { count 3 of auth.fail by src within 13s; where service not ssh; open auth.brute; }\n"
    "rule r4 { count 3 of auth.fail by src within 14s; where user is root; open auth.brute; }\n"
    "rule r5 { count 3 of auth.fail by src within 15s; where user is root and service is smtp; open auth.brute; }\n"
    "rule r6 { sequence 2 of auth.fail where service is imap then auth.ok by src within 1h; open auth.brute_ok; }\n"
    "rule r7 { count 3 of auth.fail by src within 16s; where service is pop3 and service is pop3; open auth.brute; }\n";

static bool
can_hold(const struct engine *e, const struct want *w)
{
	const struct rule *rule = &e->rs->rules->rules[w->rule];
	const struct rule_step *s = &rule->steps[w->step];

	return conditions_hold(s->where, s->nwhere, e->rs, &e->r, NULL) &&
	    conditions_hold(rule->where, rule->nwhere, e->rs, &e->r, NULL);
}

/* Returns how many were given. */
static uint32_t
check(struct engine *e, const char *service, const char *user)
{
	const struct kind_wants *kind = &e->rs->rules->kinds[KIND_auth_fail];
	const struct want *all = &e->rs->rules->wants[kind->first];
	struct wanted w;
	const struct want *got[64];
	uint32_t n = 0, at = 0;

	record_begin(&e->r, STR("raw"), &e->extra, 0);
	e->r.kind = KIND_auth_fail;
	if (service)
		assert_true(record_set_text(&e->r, FIELD_service, str_z(service), 0));
	if (user)
		assert_true(record_set_text(&e->r, FIELD_user, str_z(user), 0));
	w = wanted_by(e->rs->rules, kind, &e->r);
	while ((got[n] = wanted_next(&w)))
		n++;
	for (uint32_t i = 0; i < kind->n; i++) {
		bool given = at < n && got[at] == &all[i];

		assert_true(given || !can_hold(e, &all[i]));
		at += given;
	}
	assert_int_equal(at, n);
	return n;
}

static void
none_is_left_out(void **state)
{
	static const char *const services[] = { NULL, "", "ssh", "SsH", "ftp", "smtp", "imap", "pop3", "gopher" };
	static const char *const users[] = { NULL, "root", "joe" };
	struct engine *e = calloc(1, sizeof(*e));
	const struct kind_wants *kind;

	(void)state;
	engine_open(e, rules);
	kind = &e->rs->rules->kinds[KIND_auth_fail];
	assert_int_equal(kind->n, 8);
	assert_non_null(kind->gate);
	assert_int_equal(kind->gate->field, FIELD_service);
	for (size_t s = 0; s < ARRAY_LEN(services); s++) {
		for (size_t u = 0; u < ARRAY_LEN(users); u++)
			check(e, services[s], users[u]);
	}
	assert_int_equal(check(e, "ssh", NULL), 5);      /* r0 r2, and r1 r3 r4 that ask for no service */
	assert_int_equal(check(e, "gopher", NULL), 3);
	assert_int_equal(check(e, NULL, "root"), 3);
	engine_close(e);
	free(e);
}

/* What few ask for is not parted: looking up would cost more than it saves. */
static void
few_are_walked(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	(void)state;
	engine_open(e, "rule a { count 3 of auth.fail by src within 10s; where service is ssh; open auth.brute; }\n"
	    "rule b { count 3 of auth.fail by src within 11s; where service is ftp; open auth.brute; }\n");
	assert_null(e->rs->rules->kinds[KIND_auth_fail].gate);
	assert_int_equal(check(e, "ssh", NULL), 2);
	engine_close(e);
	free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_left_out),
		cmocka_unit_test(few_are_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
