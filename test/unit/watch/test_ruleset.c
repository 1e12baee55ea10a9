/* The loader: top-level statements, faults with their places, samples that refuse a set, and the cache. */
#include "engine_help.h"

#include "watch/samples.h"

static void
expect_fault(const char *rules, const char *fault)
{
	const char *shown = engine_faults(rules);

	if (!strstr(shown, fault))
		fail_msg("'%s' gives: %s", rules, shown);
}

static void
statements_are_checked(void **state)
{
	expect_fault("decodr x { }", "did you mean 'decoder'?");
	expect_fault("decoder { line info 'x'; }", "a decoder needs a name and a block");
	expect_fault("decoder a { line info 'x'; } decoder a { line info 'y'; }", "'a' is here twice");
	expect_fault("decoder a { line inf 'x'; }", "did you mean 'info'?");
	expect_fault("decoder a { line info; }", "'line' needs a pattern");
	expect_fault("decoder a { json; kv; need x exists; line info; }", "follows another form");
	expect_fault("decoder a { json; line info; }", "it needs a test");
	expect_fault("decoder a { json; need x absent; line info; }", "it needs a test");
	expect_fault("decoder a { line info 'x' { map src of y; } }", "'of' was not expected");
	expect_fault("decoder a { line info 'x' { refine http.ok if a is b; } }", "'if' was not expected");
	expect_fault("list a { x; } list a { y; }", "is there already");
	expect_fault("kind info { }", "is there already");
	expect_fault("kind my.new { severity huge; }", "'huge' is no severity");
	expect_fault("refine a { of htp.*; field path; to http.ok has 'x'; }", "no kind is called 'htp.*'");
	expect_fault("refine a { of http.*; to http.ok has 'x'; }", "which field is meant is not said");
}

static void
new_kinds_and_lists(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	/* Named before they are declared. */
	engine_open(e, "decoder a { program p; line my.kind '<user>' { when user is $some; } }"
	    "list some { joe, 'ann lee'; bob; } kind my.kind { hostile; severity high; attack T1110; help \"a test\"; }");
	engine_decode(e, "p", STR("ann lee"));
	assert_string_equal(engine_kind(e), "my.kind");
	assert_true(e->r.hostile);
	assert_int_equal(kinds_row(e->rs->kinds, e->r.kind)->severity, SEVERITY_HIGH);
	assert_string_equal(kinds_row(e->rs->kinds, e->r.kind)->attack, "T1110");
	engine_decode(e, "p", STR("eve"));
	assert_string_equal(engine_kind(e), "unknown");
	engine_close(e);
	free(e);
}

static void
samples_refuse_what_is_wrong(void **state)
{
#define LINE "decoder a { program p; line auth.fail 'Failed for <user> from <src>'; line info 'ok <x:word>'; "
	struct engine *e = calloc(1, sizeof(*e));
	size_t run = 0;

	engine_open(e, LINE "sample 'Failed for joe from 192.0.2.7' is auth.fail hostile { user joe; src 192.0.2.7; absent dst, path; }"
	    " sample 'ok y' is info benign; sample 'what' is unknown; }");
	assert_int_equal(ruleset_test(e->rs, e->d, &run), 0);
	assert_int_equal(run, 3);
	engine_close(e);
	free(e);
	expect_fault(LINE "sample 'ok y' is auth.fail; }", "the kind is 'info' instead of 'auth.fail'");
	expect_fault(LINE "sample 'ok y' is auth.fail; }", "the line that took it: test.rules:1");
	expect_fault(LINE "sample 'Failed for joe from 192.0.2.7' is auth.fail { user ann; } }",
	    "field user is 'joe' instead of 'ann'");
	expect_fault(LINE "sample 'Failed for joe from 192.0.2.7' is auth.fail { status 5; } }",
	    "field status is '(absent)' instead of '5'");
	expect_fault(LINE "sample 'Failed for joe from 192.0.2.7' is auth.fail { absent src; } }",
	    "it should be absent; it is '192.0.2.7'");
	expect_fault(LINE "sample 'ok y' is info hostile; }", "the verdict is 'benign' instead of 'hostile'");
	expect_fault(LINE "sample 'Failed for joe from nowhere!' is auth.fail; }", "no line matches this sample");
	expect_fault(LINE "sample 'Failed for joe from nowhere!' is auth.fail; }",
	    "'Failed for <user> from <src>' (line 1) stopped at 'joe from nowhere!'");
	expect_fault(LINE "sample 'ok y' program q is info; }", "no line matches this sample");
	expect_fault(LINE "sample 'ok y' program p info; }", "does not say what it is");
#undef LINE
}

static void
lines_without_sample_are_named(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e, "decoder a { program p; line info 'a'; line info 'b';\nline info 'c'; sample 'a' is info; sample 'c' is info; }");
	assert_int_equal(decoders_unproved(e->rs, e->d), 1);
	assert_int_equal(diags_count(e->d), 1);
	assert_int_equal(diags_at(e->d, 0)->pos.line, 1);
	engine_close(e);
	free(e);
}

static const char cached_rules[] =
    "decoder a { line info '<*>alpha<*>'; line info '<*>beta<*>'; line info '<*>gamma<*>'; line auth.fail '<*>delta<*>';"
    " line info '<*>epsilon<*>'; line info '<*>zeta<*>'; sample 'a delta b' is auth.fail; }"
    "refine r { of auth.fail; field message; to auth.invalid_user has 'no such user'; }";

static void
a_warm_start_compiles_nothing(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct buf fresh = BUF_INIT(1u << 22), again = BUF_INIT(1u << 22);
	struct ruleset_cache cache = { .ret_fresh = &fresh };
	uint64_t hash;

	assert_int_equal(engine_try(e, cached_rules, &cache), 0);
	assert_true(fresh.n > 100);
	hash = e->rs->hash;
	engine_close(e);
	cache = (struct ruleset_cache){ .cached = buf_str(&fresh), .ret_fresh = &again };
	assert_int_equal(engine_try(e, cached_rules, &cache), 0);
	assert_int_equal(again.n, 0);
	assert_true(e->rs->hash == hash);
	engine_decode(e, NULL, STR("x delta y"));
	assert_string_equal(engine_kind(e), "auth.fail");
	engine_decode(e, NULL, STR("x delta No Such User"));
	assert_string_equal(engine_kind(e), "auth.invalid_user");
	engine_close(e);
	/* A cache of other rules, a cut one and a spoilt one are all made anew, and nothing breaks. */
	assert_int_equal(engine_try(e, "decoder a { line info 'x'; }", &cache), 0);
	assert_true(again.n > 0);
	engine_close(e);
	for (size_t cut = 0; cut < fresh.n; cut += 1 + fresh.n / 20) {
		buf_reset(&again);
		cache.cached = str_head(buf_str(&fresh), cut);
		assert_int_equal(engine_try(e, cached_rules, &cache), 0);
		assert_true(again.n > 0);
		engine_close(e);
	}
	for (size_t at = 0; at < fresh.n; at += 1 + fresh.n / 20) {
		buf_reset(&again);
		cache.cached = buf_str(&fresh);
		fresh.p[at] ^= 0x40;
		assert_int_equal(engine_try(e, cached_rules, &cache), 0);
		engine_decode(e, NULL, STR("x delta y"));
		assert_string_equal(engine_kind(e), "auth.fail");
		engine_close(e);
		fresh.p[at] ^= 0x40;
	}
	buf_free(&fresh);
	buf_free(&again);
	free(e);
}

static void
many_lines_find_their_own(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct buf rules = BUF_INIT(1u << 22);
	char text[64], want[16];

	/* Enough of each sort for the tree to branch, jump and search. */
	buf_add(&rules, STR("decoder a { program p;"));
	for (int i = 0; i < 300; i++) {
		buf_addf(&rules, "line info 'begin%d <x:word> end' { set category l%d; }", i, i);
		buf_addf(&rules, "line info '<x:word>: mark%d <y:int>' { set category h%d; }", i, i);
		buf_addf(&rules, "line info '<*>some%dthing<*>' { set category s%d; }", i, i);
	}
	buf_add(&rules, STR("}"));
	engine_open(e, buf_cstr(&rules));
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "begin%d x end", i);
		snprintf(want, sizeof(want), "l%d", i);
		engine_decode(e, "p", str_z(text));
		assert_string_equal(engine_field(e, "category"), want);
		snprintf(text, sizeof(text), "abc: mark%d 5", i);
		want[0] = 'h';
		engine_decode(e, "p", str_z(text));
		assert_string_equal(engine_field(e, "category"), want);
		snprintf(text, sizeof(text), "x some%dthing y", i);
		want[0] = 's';
		engine_decode(e, "p", str_z(text));
		assert_string_equal(engine_field(e, "category"), want);
	}
	buf_free(&rules);
	engine_close(e);
	free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_checked),
		cmocka_unit_test(new_kinds_and_lists),
		cmocka_unit_test(samples_refuse_what_is_wrong),
		cmocka_unit_test(lines_without_sample_are_named),
		cmocka_unit_test(a_warm_start_compiles_nothing),
		cmocka_unit_test(many_lines_find_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
