/*
 * ruleset: walks the statements of all texts: lists and kinds first, because everything else may name them; then
 * decoders, refinements, joins and rules; then indexes, literal sets and samples. Opens no file.
 */
#include "watch/ruleset.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "watch/cache.h"
#include "watch/groups.h"
#include "watch/load.h"
#include "watch/refine.h"
#include "watch/rule.h"
#include "watch/samples.h"
#include "watch/statements.h"

#define RULESET_ARENA_MAX (256u << 20)

const struct rule_list *
load_list(const struct load *l, struct str name)
{
	for (uint32_t i = 0; i < l->nlists; i++)
		if (str_eq(l->lists[i].name, name))
			return &l->lists[i];
	return NULL;
}

uint16_t
load_kind(struct load *l, const struct conf_word *w)
{
	uint16_t kind = kinds_find(l->rs->kinds, w->text);
	struct str names[KIND_MAX], near;
	char hint[120];
	size_t n = kinds_count(l->rs->kinds);

	if (kind != KIND_NONE)
		return kind;
	for (size_t i = 0; i < n; i++)
		names[i] = kinds_row(l->rs->kinds, (uint16_t)i)->name;
	near = text_nearest(w->text, names, n);
	snprintf(hint, sizeof(hint), "did you mean '%.*s'?", STR_FMT(near));
	diag_error(l->d, w->pos, (uint32_t)w->text.n, near.n ? hint : "add a `kind` statement for a new one",
	    "no kind is called '%.*s'", STR_FMT(w->text));
	return KIND_NONE;
}

uint16_t
load_field(struct load *l, const struct conf_word *w)
{
	uint16_t key = fields_intern(l->rs->fields, w->text);

	if (key == FIELD_NONE)
		diag_error(l->d, w->pos, (uint32_t)w->text.n, "small letters, digits, _ . and - make a name",
		    "'%.*s' is no field name", STR_FMT(w->text));
	return key;
}

/* list NAME { v1, v2; v3; } */
static void
list_take(struct load *l, const struct conf_stmt *s)
{
	struct rule_list *more, list = { .name = conf_arg(s, 1), .where = s->words[0].pos };
	uint32_t n = 0;

	if (s->nwords != 2 || !s->block) {
		diag_error(l->d, s->words[0].pos, 4, "write `list NAME { value, value; }`", "a list needs a name and a block");
		return;
	}
	if (load_list(l, list.name)) {
		diag_error(l->d, s->words[1].pos, (uint32_t)list.name.n, NULL, "a list called '%.*s' is there already",
		    STR_FMT(list.name));
		return;
	}
	for (const struct conf_stmt *c = s->child; c; c = c->next)
		n += c->nwords;
	list.values = ARENA_ARRAY(&l->rs->arena, struct str, n + 1);
	more = reallocarray(l->lists, l->nlists + 1, sizeof(*more));
	if (more)
		l->lists = more;
	if (!more || !list.values)
		return;
	for (const struct conf_stmt *c = s->child; c; c = c->next)
		for (uint32_t i = 0; i < c->nwords; i++)
			list.values[list.nvalues++] = c->words[i].text;
	l->lists[l->nlists++] = list;
}

struct kind_taking {
	struct load *l;
	struct kind_row row;
};

static void
kind_hostile(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	((struct kind_taking *)ctx)->row.hostile = true;
}

static void
kind_severity(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	if (severity_parse(conf_arg(s, 1), &((struct kind_taking *)ctx)->row.severity) < 0)
		diag_error(d, s->words[1].pos, (uint32_t)s->words[1].text.n, "info low medium high critical",
		    "'%.*s' is no severity", STR_FMT(s->words[1].text));
}

static void
kind_attack(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct kind_taking *t = ctx;

	t->row.attack = arena_strdup(&t->l->rs->arena, conf_arg(s, 1));
}

static void
kind_help(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct kind_taking *t = ctx;

	t->row.help = arena_strdup(&t->l->rs->arena, conf_arg(s, 1));
}

static const struct conf_row kind_rows[] = {
	{ "hostile", 0, 0, CONF_NO_BLOCK, true, kind_hostile, "counts against its source", "hostile;" },
	{ "severity", 1, 1, CONF_NO_BLOCK, true, kind_severity, "how grave", "severity low;" },
	{ "attack", 1, 1, CONF_NO_BLOCK, true, kind_attack, "ATT&CK technique", "attack T1110;" },
	{ "help", 1, 1, CONF_NO_BLOCK, true, kind_help, "one line", "help \"what it means\";" },
};

static void
kind_take(struct load *l, const struct conf_stmt *s)
{
	struct kind_taking t = { .l = l, .row = { .help = "" } };

	if (s->nwords != 2 || !s->block) {
		diag_error(l->d, s->words[0].pos, 4, "write `kind NAME { ... }`", "a kind needs a name and a block");
		return;
	}
	t.row.name = conf_arg(s, 1);
	conf_walk(s->child, kind_rows, ARRAY_LEN(kind_rows), &t, l->d);
	if (kinds_add(l->rs->kinds, &t.row) == KIND_NONE)
		diag_error(l->d, s->words[1].pos, (uint32_t)t.row.name.n, NULL, "a kind called '%.*s' is there already",
		    STR_FMT(t.row.name));
}

static const struct {
	const char *keyword;
	bool early;                    /* named by the others: taken before them */
	void (*take)(struct load *l, const struct conf_stmt *s);
} statements[] = {
	{ "list", true, list_take },
	{ "kind", true, kind_take },
	{ "decoder", false, decoder_take },
	{ "refine", false, refine_take },
	{ "join", false, rules_take },
	{ "rule", false, rules_take },
};

static void
take_statement(struct load *l, const struct conf_stmt *s, bool early)
{
	struct str names[ARRAY_LEN(statements)], near;
	char hint[64];

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		names[i] = str_z(statements[i].keyword);
		if (!str_eq(s->words[0].text, names[i]))
			continue;
		if (statements[i].early == early)
			statements[i].take(l, s);
		return;
	}
	if (!early)
		return;
	near = text_nearest(s->words[0].text, names, ARRAY_LEN(names));
	snprintf(hint, sizeof(hint), "did you mean '%.*s'?", STR_FMT(near));
	diag_error(l->d, s->words[0].pos, (uint32_t)s->words[0].text.n,
	    near.n ? hint : "decoder, refine, join, rule, kind, list", "unknown statement '%.*s'",
	    STR_FMT(s->words[0].text));
}

static int
take_texts(struct load *l, const struct rules_text *texts, size_t n)
{
	struct conf_stmt **first = calloc(n ? n : 1, sizeof(*first));

	if (!first)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		first[i] = conf_parse_apart(&l->rs->arena, &l->rs->trees, l->d,
		    diags_file(l->d, texts[i].name, texts[i].text), texts[i].text);
		for (const struct conf_stmt *s = first[i]; s; s = s->next)
			take_statement(l, s, true);
	}
	for (size_t i = 0; i < n; i++)
		for (const struct conf_stmt *s = first[i]; s; s = s->next)
			take_statement(l, s, false);
	free(first);
	return statements_settle(l);
}

static uint64_t
hash_of(const struct rules_text *texts, size_t n)
{
	uint64_t h = hash_bytes(STR(GUARITA_VERSION), 1);

	for (size_t i = 0; i < n; i++) {
		h = hash_mix(h, hash_bytes(texts[i].name, 1));
		h = hash_mix(h, hash_bytes(texts[i].text, 1));
	}
	return h;
}

static struct ruleset *
ruleset_new(void)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->arena.max = rs->trees.max = RULESET_ARENA_MAX;
	rs->fields = fields_new();
	rs->kinds = kinds_new();
	rs->decoders = ARENA_NEW(&rs->arena, struct decoders);
	if (rs->fields && rs->kinds && rs->decoders)
		return rs;
	ruleset_free(rs);
	return NULL;
}

void
ruleset_free(struct ruleset *rs)
{
	if (!rs)
		return;
	if (rs->decoders) {
		refine_free(rs->decoders);
		groups_free(rs->decoders);
	}
	fields_free(rs->fields);
	kinds_free(rs->kinds);
	arena_free(&rs->arena);
	arena_free(&rs->trees);
	free(rs);
}

void
ruleset_forget_samples(struct ruleset *rs)
{
	for (uint32_t i = 0; rs->rules && i < rs->rules->nrules; i++)
		rs->rules->rules[i].stmt = NULL;
	rs->decoders->samples = NULL;
	rs->decoders->nsamples = 0;
	arena_free(&rs->trees);
	rs->forgotten = true;
}

static int
build(struct load *l, struct ruleset_cache *cache)
{
	bool samples_passed = false;
	size_t run;
	int err;

	err = groups_build(l);
	if (err == 0)
		err = refine_build(l);
	rules_finish(l);
	if (err == 0 && diags_errors(l->d) > 0)
		err = -EINVAL;
	if (err == 0)
		err = cache_literals(l->rs, cache, &samples_passed);
	if (err == 0 && !samples_passed && ruleset_test(l->rs, l->d, &run) > 0)
		err = -EINVAL;
	return err == 0 ? cache_save(l->rs, cache, samples_passed) : err;
}

void
load_end(struct load *l)
{
	free(l->lists);
	free(l->reader);
}

int
ruleset_load(const struct rules_text *texts, size_t n, struct ruleset_cache *cache, struct diags *d,
    struct ruleset **ret)
{
	struct load l = { .rs = ruleset_new(), .d = d };
	int err;

	if (!l.rs)
		return -ENOMEM;
	l.rs->hash = hash_of(texts, n);
	err = take_texts(&l, texts, n);
	if (err == 0)
		err = build(&l, cache);
	load_end(&l);
	if (err < 0) {
		ruleset_free(l.rs);
		return err;
	}
	*ret = l.rs;
	return 0;
}

size_t
ruleset_test(const struct ruleset *rs, struct diags *d, size_t *ret_run)
{
	size_t decoders = 0, rules = 0, failed;

	assert(!rs->forgotten);
	failed = decoders_test(rs, d, &decoders);
	failed += rules_test(rs, d, &rules);
	*ret_run = decoders + rules;
	return failed;
}
