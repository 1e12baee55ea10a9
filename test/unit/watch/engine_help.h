/* engine_help: little rule texts loaded and asked, for the tests of the decoding half of src/watch. */
#ifndef GUARITA_TEST_ENGINE_HELP_H
#define GUARITA_TEST_ENGINE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "event/lens.h"
#include "watch/engine.h"

struct engine {
	struct diags *d;
	struct ruleset *rs;
	struct decode_work *w;
	struct buf extra;
	struct record r;
	char text[RECORD_EXTRA_MAX / 8];
};

static inline int
engine_try(struct engine *e, const char *rules, struct ruleset_cache *cache)
{
	struct rules_text text = { .name = STR("test.rules"), .text = str_z(rules) };
	int err;

	memset(e, 0, sizeof(*e));
	e->d = diags_new();
	e->extra = BUF_INIT(RECORD_EXTRA_MAX);
	err = ruleset_load(&text, 1, cache, e->d, &e->rs);
	if (err == 0)
		e->w = decode_work_new(e->rs);
	return err;
}

static inline void
engine_close(struct engine *e)
{
	decode_work_free(e->w);
	ruleset_free(e->rs);
	diags_free(e->d);
	buf_free(&e->extra);
}

static inline void
engine_open(struct engine *e, const char *rules)
{
	if (engine_try(e, rules, NULL) == 0)
		return;
	struct buf shown = BUF_INIT(1u << 20);
	diags_show(e->d, &shown);
	fprintf(stderr, "%s", buf_cstr(&shown));
	buf_free(&shown);
	fail_msg("the rules do not load");
}

/* Everything that is wrong with a rule text, as an administrator would see it. */
static inline const char *
engine_faults(const char *rules)
{
	static char text[1u << 16];
	struct buf shown = BUF_INIT(sizeof(text) - 1);
	struct engine *e = calloc(1, sizeof(*e));

	assert_true(engine_try(e, rules, NULL) < 0);
	diags_show(e->d, &shown);
	snprintf(text, sizeof(text), "%s", buf_cstr(&shown));
	buf_free(&shown);
	engine_close(e);
	free(e);
	return text;
}

/* Decodes a message of a program (NULL: a bare line) of source 0. */
static inline void
engine_decode(struct engine *e, const char *program, struct str message)
{
	record_begin(&e->r, message, &e->extra, 0);
	e->r.message = (struct slot){ .off = 0, .len = (uint32_t)message.n };
	if (program) {
		e->r.dialect = DIALECT_RFC3164;
		buf_add(&e->extra, str_z(program));
		e->r.program = (struct slot){ .off = (uint32_t)message.n, .len = (uint32_t)strlen(program) };
	}
	decode(e->rs, e->w, &e->r);
}

static inline const char *
engine_kind(const struct engine *e)
{
	static char name[64];
	struct str s = kinds_row(e->rs->kinds, e->r.kind)->name;

	snprintf(name, sizeof(name), "%.*s", STR_FMT(s));
	return name;
}

/* The value of a field, "(absent)" when there is none. Good until four more were asked for. */
static inline const char *
engine_field(const struct engine *e, const char *name)
{
	static char values[4][2048];
	static unsigned turn;
	uint16_t key = fields_find(e->rs->fields, str_z(name));
	struct str s = key == FIELD_NONE ? STR_NULL : record_value(&e->r, key);
	char *value = values[turn++ % 4];

	snprintf(value, sizeof(values[0]), "%.*s", s.p ? (int)s.n : 8, s.p ? s.p : "(absent)");
	return value;
}

/* Loads one line with this pattern and decodes one text: the kind is "info" when it matches. */
static inline bool
engine_match(struct engine *e, const char *pattern, const char *text)
{
	char rules[8192];

	snprintf(rules, sizeof(rules), "decoder t { program p; line info `%s`; }", pattern);
	engine_open(e, rules);
	engine_decode(e, "p", str_z(text));
	return e->r.kind == KIND_info;
}

#endif
