/* rule_parse: see rule_parse.h. The rows below are the whole grammar of a rule's block. */
#include "watch/rule_parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "watch/rule_words.h"

#define QUIET_LEAST (10 * WHEN_MINUTE)
#define WHERE_MAX 16

struct parse {
	struct load *l;
	struct rule *rule;
	struct join *join;
	bool shaped;               /* a shape was given */
	bool severe;
	struct condition where[WHERE_MAX];
};

static void
take_shape(struct parse *p, struct rule_words *w, enum rule_shape shape)
{
	if (p->shaped)
		rule_words_fail(w, "split it into two rules", "a rule has one shape only");
	p->shaped = true;
	p->rule->shape = shape;
}

/* KINDS by KEY: the one step of all shapes but sequences. */
static void
take_kinds_by_key(struct parse *p, struct rule_words *w)
{
	p->rule->nsteps = 1;
	p->rule->steps[0].need = 1;
	p->rule->steps[0].kinds = rule_words_kinds(w);
	rule_words_where(w, &p->rule->steps[0].where, &p->rule->steps[0].nwhere);
	rule_words_want(w, "by");
	p->rule->key = rule_words_key(w);
}

static void
take_each(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	take_shape(p, &w, RULE_EACH);
	take_kinds_by_key(p, &w);
	rule_words_end(&w);
}

static void
take_count(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	take_shape(p, &w, RULE_COUNT);
	p->rule->need = rule_words_number(&w, 2, RULE_COUNT_MAX);
	rule_words_want(&w, "of");
	take_kinds_by_key(p, &w);
	rule_words_want(&w, "within");
	p->rule->within_us = rule_words_duration(&w);
	if (rule_words_if(&w, "distinct")) {
		struct key_part part = rule_words_part(&w);

		p->rule->distinct = part.field;
		p->rule->distinct_net = part.net;
		if (p->rule->need > RULE_DISTINCT_MAX)
			rule_words_fail(&w, NULL, "at most %d different values can be asked for",
			    RULE_DISTINCT_MAX);
	}
	rule_words_end(&w);
}

/* [N of] KINDS [where ...] */
static void
take_step(struct rule_words *w, struct rule_step *step)
{
	const struct conf_stmt *s = w->s;
	uint64_t n;

	step->absent = rule_words_if(w, "not");
	step->need = 1;
	if (w->at + 1 < s->nwords && text_u64(s->words[w->at].text, &n) == 0) {
		step->need = rule_words_number(w, 1, 1000);
		rule_words_want(w, "of");
	}
	step->kinds = rule_words_kinds(w);
	rule_words_where(w, &step->where, &step->nwhere);
}

static void
take_sequence(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);
	struct rule *r = p->rule;

	(void)d;
	take_shape(p, &w, RULE_SEQUENCE);
	do {
		if (r->nsteps == RULE_STEPS_MAX)
			rule_words_fail(&w, NULL, "at most %d steps", RULE_STEPS_MAX);
		else if (r->nsteps > 0 && r->steps[r->nsteps - 1].absent)
			rule_words_fail(&w, NULL, "`then not` is the last step");
		else
			take_step(&w, &r->steps[r->nsteps++]);
	} while (rule_words_if(&w, "then"));
	if (!w.failed && (r->nsteps < 2 || r->steps[0].absent))
		rule_words_fail(&w, "sequence su.fail then su.ok by user within 10m",
		    "a sequence has at least two steps");
	rule_words_want(&w, "by");
	r->key = rule_words_key(&w);
	rule_words_want(&w, "within");
	r->within_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_first(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	take_shape(p, &w, RULE_FIRST);
	take_kinds_by_key(p, &w);
	if (rule_words_if(&w, "after"))
		p->rule->after_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_rare(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	take_shape(p, &w, RULE_RARE);
	take_kinds_by_key(p, &w);
	rule_words_want(&w, "below");
	p->rule->need = rule_words_number(&w, 1, 1000);
	rule_words_want(&w, "within");
	p->rule->within_us = rule_words_duration(&w);
	if (rule_words_if(&w, "after"))
		p->rule->after_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_silence(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	take_shape(p, &w, RULE_SILENCE);
	rule_words_want(&w, "of");
	take_kinds_by_key(p, &w);
	rule_words_want(&w, "for");
	p->rule->within_us = rule_words_duration(&w);
	rule_words_end(&w);
}

/* Statement `risk 100 by src within 1h` is a shape; `risk 40` is the weight of this rule's incidents. */
static void
take_risk(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);
	uint32_t n = rule_words_number(&w, 0, 1000000);

	(void)d;
	if (!rule_words_more(&w)) {
		p->rule->risk = n;
		return;
	}
	take_shape(p, &w, RULE_RISK);
	p->rule->need = n;
	p->rule->nsteps = 1;
	p->rule->steps[0] = (struct rule_step){ .kinds = rules_hostile_kinds(p->l), .need = 1 };
	rule_words_want(&w, "by");
	p->rule->key = rule_words_key(&w);
	rule_words_want(&w, "within");
	p->rule->within_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_title(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;

	(void)d;
	p->rule->title = conf_arg(s, 1);
}

static void
take_say(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;

	(void)d;
	p->rule->say = conf_arg(s, 1);
}

static void
take_attack(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct str id = conf_arg(s, 1);

	if (id.n < 5 || id.p[0] != 'T')
		diag_error(d, s->words[1].pos, (uint32_t)id.n, "for instance T1110.001",
		    "not an ATT&CK technique");
	p->rule->attack = id;
}

static void
take_where(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct condition *conds;
	uint32_t n;

	if (conditions_compile(p->l, s, 1, &conds, &n) < 0)
		return;
	if (p->rule->nwhere + n > WHERE_MAX) {
		diag_error(d, s->words[0].pos, (uint32_t)s->words[0].text.n, NULL,
		    "more than %d conditions", WHERE_MAX);
		return;
	}
	memcpy(&p->where[p->rule->nwhere], conds, n * sizeof(*conds));
	p->rule->nwhere += n;
}

static void
take_open(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;

	(void)d;
	p->rule->open_record = str_eq(conf_arg(s, 1), STR("record"));
	if (!p->rule->open_record)
		p->rule->open = load_kind(p->l, &s->words[1]);
}

static void
take_mark(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;

	(void)d;
	p->rule->mark_none = str_eq(conf_arg(s, 1), STR("none"));
	if (!p->rule->mark_none)
		p->rule->mark = load_kind(p->l, &s->words[1]);
}

static void
add_severity(struct parse *p, struct rule_severity row)
{
	struct rule *r = p->rule;
	struct rule_severity *grown = ARENA_ARRAY(&p->l->rs->arena, struct rule_severity,
	    r->nseverities + 1);

	if (!grown)
		return;
	if (r->nseverities)
		memcpy(grown, r->severities, r->nseverities * sizeof(*grown));
	grown[r->nseverities++] = row;
	r->severities = grown;
}

/* severity X when FIELD OP VALUE;  severity X at N; */
static void
take_severity_case(struct parse *p, const struct conf_stmt *s, enum severity severity)
{
	struct rule_severity row = { .severity = severity };
	struct rule_words w = rule_words_of(p->l, s);
	struct condition *conds;

	w.at = 3;
	if (str_eq(conf_arg(s, 2), STR("at"))) {
		row.at = rule_words_number(&w, 2, UINT32_MAX);
		rule_words_end(&w);
		add_severity(p, row);
	} else if (conditions_compile(p->l, s, 3, &conds, &row.nwhen) == 0) {
		row.when = conds;
		add_severity(p, row);
	}
}

static void
take_severity(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	enum severity severity;

	if (severity_parse(conf_arg(s, 1), &severity) < 0) {
		diag_error(d, s->words[1].pos, (uint32_t)s->words[1].text.n,
		    "info, low, medium, high or critical",
		    "not a severity");
		return;
	}
	if (s->nwords > 3 && (str_eq(conf_arg(s, 2), STR("when")) || str_eq(conf_arg(s, 2),
	    STR("at")))) {
		take_severity_case(p, s, severity);
		return;
	}
	if (p->severe || s->nwords > 2)
		diag_error(d, s->words[0].pos, (uint32_t)s->words[0].text.n,
		    "severity critical when FIELD OP VALUE;  severity high at 8;",
		    "a rule has one severity; further ones need `when` or `at`");
	p->severe = true;
	p->rule->severity = severity;
}

/* context [of KINDS] by KEY [where COND and ...] */
static void
take_context(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->rule->context_kinds = (struct kind_set){ .any = true };
	if (rule_words_if(&w, "of"))
		p->rule->context_kinds = rule_words_kinds(&w);
	rule_words_want(&w, "by");
	p->rule->context = rule_words_key(&w);
	rule_words_where(&w, &p->rule->context_where, &p->rule->ncontext_where);
	rule_words_end(&w);
}

static void
take_quiet(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->rule->quiet_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_worse(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);
	uint32_t last = 0;

	(void)d;
	rule_words_want(&w, "count");
	while (rule_words_more(&w) && p->rule->nworse < RULE_WORSE_MAX) {
		last = rule_words_number(&w, last + 1, UINT32_MAX);
		p->rule->worse[p->rule->nworse++] = last;
	}
	rule_words_end(&w);
}

static void
take_same(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->rule->same = rule_words_key(&w);
	rule_words_want(&w, "within");
	p->rule->same_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_later(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	(void)ctx;
	(void)s;
	(void)d;
}

static const struct conf_row rule_rows[] = {
	{ "title", 1, 1, CONF_NO_BLOCK, true, take_title, "a name for people",
	    "title \"Password guessing\";" },
	{ "each", 3, UINT16_MAX, CONF_NO_BLOCK, true, take_each, "one record is enough",
	    "each scan.stealth by src;" },
	{ "count", 6, UINT16_MAX, CONF_NO_BLOCK, true, take_count,
	    "so many within a sliding window",
		"count 5 of auth.fail by src within 10m;" },
	{ "sequence", 6, UINT16_MAX, CONF_NO_BLOCK, true, take_sequence, "one thing after another",
		"sequence su.fail then su.ok by user within 10m;" },
	{ "first", 3, UINT16_MAX, CONF_NO_BLOCK, true, take_first, "a key never seen before",
		"first auth.ok by user, net:src after 7d;" },
	{ "rare", 7, UINT16_MAX, CONF_NO_BLOCK, true, take_rare, "a key seldom seen",
		"rare proc.exec by user, command below 3 within 30d after 7d;" },
	{ "silence", 6, UINT16_MAX, CONF_NO_BLOCK, true, take_silence, "nothing comes any more",
		"silence of any by host for 1h;" },
	{ "risk", 1, UINT16_MAX, CONF_NO_BLOCK, false, take_risk,
		"weight of these incidents; or the shape: many small things add up", "risk 40;" },
	{ "where", 2, UINT16_MAX, CONF_NO_BLOCK, false, take_where,
	    "further conditions on the records",
		"where service is ssh;" },
	{ "open", 1, 1, CONF_NO_BLOCK, true, take_open,
	    "kind of the incident; `record`: that of its gravest record",
		"open auth.brute;" },
	{ "severity", 1, UINT16_MAX, CONF_NO_BLOCK, false, take_severity,
	    "how grave; that of the kind if not given",
		"severity critical when status is 200;" },
	{ "mark", 1, 1, CONF_NO_BLOCK, true, take_mark,
	    "kind that counted records get; `none` leaves them alone",
		"mark scan.ports;" },
	{ "context", 2, UINT16_MAX, CONF_NO_BLOCK, true, take_context,
	    "records of the same key that tell the story",
		"context of ftp.* by host, program, pid;" },
	{ "absorb", 1, UINT16_MAX, CONF_NO_BLOCK, false, take_later,
	    "lesser incidents that become part of this one",
		"absorb password-guessing;" },
	{ "quiet", 1, 1, CONF_NO_BLOCK, true, take_quiet, "closes when nothing comes for so long",
	    "quiet 30m;" },
	{ "worse", 2, UINT16_MAX, CONF_NO_BLOCK, true, take_worse,
	    "counts at which it is told again",
		"worse count 100, 1000;" },
	{ "same", 3, UINT16_MAX, CONF_NO_BLOCK, true, take_same,
	    "incidents with these equal are one",
		"same src within 6h;" },
	{ "attack", 1, 1, CONF_NO_BLOCK, true, take_attack, "ATT&CK technique",
	    "attack T1110.001;" },
	{ "say", 1, 1, CONF_NO_BLOCK, true, take_say, "the why, with {fields}",
		"say \"{count} failed logins from {src} in {span}\";" },
	{ "sample", 0, 0, CONF_MUST_BLOCK, false, take_later, "lines and the incidents they give",
		"sample { lines '...'; expect none; }" },
};

static void
bad_rule(struct parse *p, const struct conf_stmt *s, const char *hint, const char *message)
{
	const struct conf_word *name = &s->words[s->nwords > 1];

	diag_error(p->l->d, name->pos, (uint32_t)(name->text.n ? name->text.n : 1), hint, "%s",
	    message);
}

/* Defaults, and what no single statement can check. */
static void
settle(struct parse *p, const struct conf_stmt *s)
{
	struct rule *r = p->rule;
	int64_t gap = r->within_us > QUIET_LEAST ? r->within_us : QUIET_LEAST;

	if (!p->shaped)
		bad_rule(p, s, "each, count, sequence, first, rare, silence or risk",
		    "this rule has no shape");
	r->severe = p->severe;
	if (r->open == KIND_NONE && !r->open_record)
		bad_rule(p, s, "open auth.brute;", "this rule opens no incident");
	else if (!p->severe && !r->open_record)
		r->severity = kinds_row(p->l->rs->kinds, r->open)->severity;
	if (r->quiet_us == 0)
		r->quiet_us = r->shape == RULE_RARE || r->shape == RULE_SILENCE ? QUIET_LEAST : gap;
	if ((r->shape == RULE_COUNT || r->shape == RULE_SEQUENCE) && r->quiet_us < r->within_us)
		bad_rule(p, s, NULL, "`quiet` is shorter than the window");
	if (r->same == UINT16_MAX)
		r->same = r->key;
	if (r->open_record && r->shape == RULE_SILENCE)
		bad_rule(p, s, NULL, "silence has no record whose kind it could take");
	if (r->same != r->key && r->shape != RULE_EACH)
		bad_rule(p, s, NULL, "`same` with other fields than the key is for `each` only");
	if (r->same_us < r->quiet_us)
		r->same_us = r->quiet_us;
	if (r->context != UINT16_MAX && r->context != r->key && r->shape != RULE_EACH)
		bad_rule(p, s, NULL, "`context` by another key than the rule's is for `each` only");
	if (r->shape != RULE_EACH && r->shape != RULE_FIRST && r->within_us <= 0)
		bad_rule(p, s, NULL, "the window must be longer than nothing");
	if (!r->title.n)
		r->title = r->name;
}

void
rule_parse(struct load *l, const struct conf_stmt *s, struct rule *ret)
{
	struct parse p = { .l = l, .rule = ret };
	struct condition *kept;

	*ret = (struct rule){ .name = conf_arg(s, 1), .where_pos = s->words[0].pos, .open = KIND_NONE, .mark = KIND_NONE,
		.distinct = FIELD_NONE, .same = UINT16_MAX, .context = UINT16_MAX, .stmt = s };
	conf_walk(s->child, rule_rows, ARRAY_LEN(rule_rows), &p, l->d);
	settle(&p, s);
	kept = ARENA_ARRAY(&l->rs->arena, struct condition, ret->nwhere + 1);
	if (kept)
		memcpy(kept, p.where, ret->nwhere * sizeof(*kept));
	else
		bad_rule(&p, s, NULL, "not enough memory");
	ret->where = kept;
	ret->name_z = arena_strdup(&l->rs->arena, ret->name);
	if (!ret->name_z)
		ret->name_z = "";
}

static void
take_join_by(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->join->key = rule_words_key(&w);
	rule_words_end(&w);
}

static void
take_join_open(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->join->open = rule_words_kinds(&w);
	rule_words_end(&w);
}

static void
take_join_end(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->join->end = rule_words_kinds(&w);
	rule_words_end(&w);
}

static void
take_join_carry(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	while (rule_words_more(&w)) {
		if (p->join->ncarry == JOIN_CARRY_MAX)
			rule_words_fail(&w, NULL, "at most %d fields are carried", JOIN_CARRY_MAX);
		else
			p->join->carry[p->join->ncarry++] = rule_words_field(&w);
	}
}

static void
take_join_for(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct rule_words w = rule_words_of(p->l, s);

	(void)d;
	p->join->for_us = rule_words_duration(&w);
	rule_words_end(&w);
}

static void
take_join_where(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct parse *p = ctx;
	struct condition *conds;

	(void)d;
	if (conditions_compile(p->l, s, 1, &conds, &p->join->nwhere) < 0)
		p->join->nwhere = 0;
	else
		p->join->where = conds;
}

static const struct conf_row join_rows[] = {
	{ "by", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_join_by, "what makes a session",
	    "by host, program, pid;" },
	{ "open", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_join_open, "records that begin one",
	    "open conn.open;" },
	{ "carry", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_join_carry, "fields handed on",
	    "carry src, src_port;" },
	{ "for", 1, 1, CONF_NO_BLOCK, true, take_join_for, "how long a session is remembered",
	    "for 1h;" },
	{ "where", 2, UINT16_MAX, CONF_NO_BLOCK, true, take_join_where,
	    "conditions on the record that begins one",
		"where session absent;" },
	{ "end", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_join_end, "records that end one",
	    "end conn.closed;" },
};

void
join_parse(struct load *l, const struct conf_stmt *s, struct join *ret)
{
	struct parse p = { .l = l, .join = ret };

	*ret = (struct join){ .name = conf_arg(s, 1), .key = UINT16_MAX, .for_us = WHEN_HOUR };
	conf_walk(s->child, join_rows, ARRAY_LEN(join_rows), &p, l->d);
	if (ret->key == UINT16_MAX || ret->ncarry == 0 || (!ret->open.bits && !ret->open.any))
		bad_rule(&p, s, "by host, program, pid; open conn.open; carry src;",
		    "a join needs `by`, `open` and `carry`");
}
