/* rule: see rule.h. Statements are only remembered while files are read; all is compiled when all names are known. */
#include "watch/rule.h"

#include <stdio.h>

#include "base/hash.h"
#include "watch/correlate/plan.h"
#include "watch/rule_parse.h"
#include "watch/rule_words.h"
#include "watch/correlate/say.h"
#include "watch/wanted.h"

struct rules_build {
	const struct conf_stmt *rules[RULES_MAX];
	const struct conf_stmt *joins[JOINS_MAX];
	uint32_t nrules, njoins;
};

/* Fields that every incident tells. */
static const uint16_t told[] = {
	FIELD_src, FIELD_src_host, FIELD_user, FIELD_host, FIELD_program, FIELD_service, FIELD_dst,
	    FIELD_dst_port,
};

static void
no_memory(struct load *l)
{
	diag_error(l->d, (struct conf_pos){ .line = 1, .col = 1 }, 1, NULL,
	    "not enough memory for the rules");
}

static struct rules *
rules_of(struct load *l)
{
	if (!l->rs->rules) {
		l->rs->rules = ARENA_NEW(&l->rs->arena, struct rules);
		if (l->rs->rules)
			l->rs->rules->build = ARENA_NEW(&l->rs->trees, struct rules_build);
		if (!l->rs->rules || !l->rs->rules->build) {
			no_memory(l);
			l->rs->rules = NULL;
		}
	}
	return l->rs->rules;
}

static void
refuse(struct load *l, const struct conf_stmt *s, const char *hint, const char *message)
{
	diag_error(l->d, s->words[0].pos, (uint32_t)s->words[0].text.n, hint, "%s", message);
}

void
rules_take(struct load *l, const struct conf_stmt *s)
{
	struct rules *rules = rules_of(l);
	bool is_join = str_eq(conf_arg(s, 0), STR("join"));

	if (!rules)
		return;
	if (s->nwords != 2 || !s->block)
		refuse(l, s, "rule NAME { ... }", "a rule or join has one name and a block");
	else if (is_join && rules->build->njoins == JOINS_MAX)
		refuse(l, s, NULL, "too many joins");
	else if (is_join)
		rules->build->joins[rules->build->njoins++] = s;
	else if (rules->build->nrules == RULES_MAX)
		refuse(l, s, NULL, "too many rules");
	else
		rules->build->rules[rules->build->nrules++] = s;
}

/* Statements that change how an incident is told, but not what its state means. */
static bool
only_told(struct str keyword)
{
	static const char *const words[] = { "title", "say", "sample", "attack", "severity",
	    "worse", "risk" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(keyword, str_z(words[i])))
			return true;
	}
	return false;
}

/* `risk` alone is told, `risk N by ...` is the shape. */
static uint64_t
hash_statements(const struct conf_stmt *s, uint64_t h)
{
	for (; s; s = s->next) {
		if (only_told(conf_arg(s, 0)) && s->nwords < 4)
			continue;
		for (uint32_t i = 0; i < s->nwords; i++)
			h = hash_mix(h, hash_bytes(s->words[i].text, 1 + s->words[i].comma));
		h = hash_statements(s->child, hash_mix(h, 7));
	}
	return h;
}

static uint32_t
find_rule(const struct rules *rules, struct str name)
{
	uint32_t i = 0;

	while (i < rules->nrules && !str_eq(rules->rules[i].name, name))
		i++;
	return i;
}

static void
compile_all(struct load *l, struct rules *rules)
{
	struct rules_build *b = rules->build;
	struct strmap names = { .seed = 1 };

	rules->rules = ARENA_ARRAY(&l->rs->arena, struct rule, b->nrules + 1);
	rules->joins = ARENA_ARRAY(&l->rs->arena, struct join, b->njoins + 1);
	if (!rules->rules || !rules->joins) {
		no_memory(l);
		return;
	}
	for (uint32_t i = 0; i < b->nrules; i++) {
		struct rule *r = &rules->rules[rules->nrules];

		if (strmap_get(&names, conf_arg(b->rules[i], 1)) != STRMAP_NONE)
			refuse(l, b->rules[i], NULL, "a rule of this name exists already");
		if (strmap_put(&names, conf_arg(b->rules[i], 1), i) < 0)
			no_memory(l);
		rule_parse(l, b->rules[i], r);
		r->text_hash = hash_statements(b->rules[i]->child, hash_bytes(r->name, 1));
		r->index = rules->nrules++;
	}
	for (uint32_t i = 0; i < b->njoins; i++) {
		join_parse(l, b->joins[i], &rules->joins[i]);
		rules->joins[i].text_hash = hash_statements(b->joins[i]->child, 2);
		rules->njoins++;
	}
	strmap_free(&names);
}

static struct key_spec
common_key(const struct key_spec *a, const struct key_spec *b)
{
	struct key_spec both = { 0 };

	for (uint8_t i = 0; i < a->n; i++) {
		for (uint8_t j = 0; j < b->n; j++) {
			if (a->part[i].field == b->part[j].field &&
			    a->part[i].net == b->part[j].net)
				both.part[both.n++] = a->part[i];
		}
	}
	return both;
}

static void
add_meet(struct load *l, struct rule *r, struct rule_meet meet)
{
	struct rule_meet *grown = ARENA_ARRAY(&l->rs->arena, struct rule_meet, r->nmeets + 1);

	if (!grown) {
		no_memory(l);
		return;
	}
	if (r->nmeets)
		memcpy(grown, r->meets, r->nmeets * sizeof(*grown));
	grown[r->nmeets++] = meet;
	r->meets = grown;
}

static void
unknown_rule(struct load *l, const struct rules *rules, const struct conf_word *w)
{
	struct str *names = ARENA_ARRAY(&l->rs->arena, struct str, rules->nrules + 1),
	    near = STR_NULL;
	char hint[160];

	for (uint32_t i = 0; names && i < rules->nrules; i++)
		names[i] = rules->rules[i].name;
	if (names)
		near = text_nearest(w->text, names, rules->nrules);
	if (near.n)
		snprintf(hint, sizeof(hint), "did you mean %.*s?", STR_FMT(near));
	diag_error(l->d, w->pos, (uint32_t)w->text.n, near.n ? hint : NULL,
	    "no rule is called %.*s",
	    STR_FMT(w->text));
}

static void
resolve_absorb(struct load *l, struct rules *rules, struct rule *r, const struct conf_word *w)
{
	uint32_t i = find_rule(rules, w->text);
	struct key_spec key;
	uint16_t common;

	if (i == rules->nrules) {
		unknown_rule(l, rules, w);
		return;
	}
	key = common_key(&rules->keys[r->key], &rules->keys[rules->rules[i].key]);
	if (i == r->index || key.n == 0) {
		diag_error(l->d, w->pos, (uint32_t)w->text.n, NULL, "%s", i == r->index ?
		    "a rule cannot absorb itself" : "both rules must count by a field in common");
		return;
	}
	common = rules_key(l, &key);
	add_meet(l, r, (struct rule_meet){ .other = (uint16_t)i, .key = common, .absorbs = true });
	add_meet(l, &rules->rules[i], (struct rule_meet){ .other = (uint16_t)r->index,
	    .key = common });
}

static void
resolve_absorbs(struct load *l, struct rules *rules)
{
	for (uint32_t i = 0; i < rules->nrules; i++) {
		for (const struct conf_stmt *s = rules->rules[i].stmt->child; s; s = s->next) {
			for (uint32_t w = 1; str_eq(conf_arg(s, 0), STR("absorb")) &&
			    w < s->nwords; w++)
				resolve_absorb(l, rules, &rules->rules[i], &s->words[w]);
		}
	}
}

static bool
waits(const struct rule *r)
{
	return r->nsteps && r->steps[r->nsteps - 1].absent;
}

/* An incident is known when its last record comes or time is up, and may have begun a window earlier. */
static void
set_lingers(struct rules *rules)
{
	for (uint32_t i = 0; i < rules->nrules; i++) {
		struct rule *r = &rules->rules[i];

		r->linger_us = waits(r) ? r->within_us : 0;
		for (uint32_t m = 0; m < r->nmeets; m++) {
			const struct rule *other = &rules->rules[r->meets[m].other];
			int64_t reach = waits(other) ? 2 * other->within_us : other->within_us;

			r->linger_us = reach > r->linger_us ? reach : r->linger_us;
		}
	}
}

enum { WHITE, GREY, BLACK };

/* Depth first over who absorbs whom: an incident must not become part of itself. */
static bool
absorbs_in_circle(const struct rules *rules, uint32_t i, uint8_t *colour)
{
	const struct rule *r = &rules->rules[i];

	if (colour[i] != WHITE)
		return colour[i] == GREY;
	colour[i] = GREY;
	for (uint32_t m = 0; m < r->nmeets; m++) {
		if (r->meets[m].absorbs && absorbs_in_circle(rules, r->meets[m].other, colour))
			return true;
	}
	colour[i] = BLACK;
	return false;
}

static void
check_circles(struct load *l, const struct rules *rules)
{
	uint8_t *colour = ARENA_ARRAY(&l->rs->arena, uint8_t, rules->nrules + 1);

	for (uint32_t i = 0; colour && i < rules->nrules; i++) {
		if (absorbs_in_circle(rules, i, colour)) {
			refuse(l, rules->rules[i].stmt, NULL,
			    "rules absorb each other in a circle");
			return;
		}
	}
}

/* What its incidents remember: what all tell, and what this one says. */
static void
take_fact(void *ctx, uint16_t field)
{
	struct rule *rule = ctx;
	uint8_t i = 0;

	while (i < rule->nfacts && rule->facts[i] != field)
		i++;
	if (i == rule->nfacts && i < RULE_FACTS_MAX)
		rule->facts[rule->nfacts++] = field;
}

static void
find_facts(struct load *l, struct rule *r)
{
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		take_fact(r, told[i]);
	if (!say_fields(r->say, l->rs->fields, take_fact, r))
		refuse(l, r->stmt, "for instance {src}",
		    "`say` has a brace that is not closed, or no field's name in braces");
}

/* The wants of one kind, in the order of the rules; with out NULL only counts. */
static uint32_t
wants_of(const struct rules *rules, uint16_t kind, struct want *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rules->nrules; i++) {
		const struct rule *r = &rules->rules[i];

		for (uint8_t s = 0; s < r->nsteps; s++) {
			if (!kind_set_has(&r->steps[s].kinds, kind))
				continue;
			if (out)
				out[n] = (struct want){ .rule = (uint16_t)i, .role = WANT_STEP,
				    .step = s };
			n++;
		}
		if (r->context != UINT16_MAX && kind_set_has(&r->context_kinds, kind)) {
			if (out)
				out[n] = (struct want){ .rule = (uint16_t)i, .role = WANT_CONTEXT };
			n++;
		}
	}
	return n;
}

static void
index_kinds(struct load *l, struct rules *rules)
{
	uint16_t nkinds = kinds_count(l->rs->kinds);
	uint32_t total = 0, at = 0;

	rules->nfields = fields_count(l->rs->fields);
	if (plan_keys(&l->rs->arena, rules) < 0) {
		no_memory(l);
		return;
	}
	rules->kinds = ARENA_ARRAY(&l->rs->arena, struct kind_wants, nkinds);
	for (uint16_t k = 0; rules->kinds && k < nkinds; k++)
		total += wants_of(rules, k, NULL);
	rules->wants = ARENA_ARRAY(&l->rs->arena, struct want, total + 1);
	if (!rules->kinds || !rules->wants) {
		no_memory(l);
		return;
	}
	for (uint16_t k = 0; k < nkinds; k++) {
		struct kind_wants *kw = &rules->kinds[k];

		kw->first = at;
		kw->n = wants_of(rules, k, &rules->wants[at]);
		at += kw->n;
		for (uint32_t j = 0; j < rules->njoins; j++) {
			kw->opens |= kind_set_has(&rules->joins[j].open, k) ? 1u << j : 0;
			kw->ends |= kind_set_has(&rules->joins[j].end, k) ? 1u << j : 0;
		}
		if (plan_wants(&l->rs->arena, rules, &rules->wants[kw->first], kw->n) < 0 ||
		    plan_keep(&l->rs->arena, rules, kw) < 0 || wanted_index(&l->rs->arena, rules, kw) < 0) {
			no_memory(l);
			return;
		}
	}
	rules->nkinds = nkinds;
}

void
rules_finish(struct load *l)
{
	struct rules *rules = rules_of(l);

	if (!rules)
		return;
	compile_all(l, rules);
	if (diags_errors(l->d) == 0)
		resolve_absorbs(l, rules);
	check_circles(l, rules);
	set_lingers(rules);
	for (uint32_t i = 0; i < rules->nrules; i++)
		find_facts(l, &rules->rules[i]);
	for (uint32_t i = 0; i < rules->nrules; i++) {
		if (rules->rules[i].shape == RULE_RISK && rules->nrisk < RISK_RULES_MAX)
			rules->risk_rules[rules->nrisk++] = (uint16_t)i;
	}
	if (diags_errors(l->d) == 0)
		index_kinds(l, rules);
	rules->build = NULL;
}
