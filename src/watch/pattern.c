/*
 * pattern: reads the text of a pattern, expands its braces and checks what cannot work. Runs at load only; what it
 * makes is immutable. Faults are reported at the byte of the pattern where they stand.
 */
#include "watch/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum item_code { ITEM_LIT, ITEM_BLANK, ITEM_HOLE };

struct item {
	enum item_code code;
	uint8_t hole;            /* ITEM_HOLE: index in reader.holes */
	struct str lit;
};

struct seq {                     /* one expansion */
	struct item *items;
	uint32_t n;
};

struct seqs {
	struct seq *v;
	uint32_t n;
};

struct reader {
	struct load *l;
	const struct conf_word *word;
	struct arena *scratch;
	struct str text;
	size_t at;
	unsigned depth;
	bool nocase, failed;
	struct hole holes[PATTERN_HOLES_MAX];
	bool skip[PATTERN_HOLES_MAX];       /* `<*>` */
	uint32_t nholes;
};

static void __attribute__((format(printf, 4, 5)))
fault(struct reader *r, size_t at, const char *hint, const char *fmt, ...)
{
	struct conf_pos pos = r->word->pos;
	char text[200];
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	pos.col += (uint32_t)at + (r->word->quote != CONF_BARE);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(r->l->d, pos, 1, hint, "%s", text);
}

static void *
scratch(struct reader *r, size_t n, size_t size)
{
	void *p = arena_array(r->scratch, n ? n : 1, size);

	if (!p)
		fault(r, 0, "split it in several lines", "the pattern is too large");
	return p;
}

/* Every expansion of a followed by every expansion of b. */
static struct seqs
cross(struct reader *r, struct seqs a, struct seqs b)
{
	struct seqs all = { .n = a.n * b.n };

	if (all.n > PATTERN_PLANS_MAX) {
		fault(r, r->at, "split it in several lines", "more than %d expansions", PATTERN_PLANS_MAX);
		return a;
	}
	all.v = scratch(r, all.n, sizeof(*all.v));
	for (uint32_t i = 0; all.v && i < a.n; i++) {
		for (uint32_t j = 0; j < b.n; j++) {
			struct seq *s = &all.v[i * b.n + j];

			s->n = a.v[i].n + b.v[j].n;
			s->items = scratch(r, s->n, sizeof(*s->items));
			if (!s->items)
				return a;
			for (uint32_t k = 0; k < s->n; k++)
				s->items[k] = k < a.v[i].n ? a.v[i].items[k] : b.v[j].items[k - a.v[i].n];
		}
	}
	return all.v ? all : a;
}

static struct seqs
both(struct reader *r, struct seqs a, struct seqs b)
{
	struct seqs all = { .n = a.n + b.n, .v = scratch(r, a.n + b.n, sizeof(struct seq)) };

	if (!all.v)
		return a;
	for (uint32_t i = 0; i < all.n; i++)
		all.v[i] = i < a.n ? a.v[i] : b.v[i - a.n];
	return all;
}

static struct seqs
single(struct reader *r, struct item item)
{
	struct seqs one = { .v = scratch(r, 1, sizeof(struct seq)), .n = 1 };

	if (!one.v)
		return (struct seqs){ 0 };
	one.v->items = scratch(r, 1, sizeof(struct item));
	if (!one.v->items)
		return (struct seqs){ 0 };
	one.v->items[0] = item;
	one.v->n = 1;
	return one;
}

static uint16_t
hole_field(struct reader *r, struct str name, size_t at)
{
	uint16_t key;

	if (str_eq(name, STR("-")))
		return FIELD_NONE;
	key = fields_intern(r->l->rs->fields, name);
	if (key == FIELD_NONE)
		fault(r, at, "small letters, digits, _ . and - make a name", "bad field name '%.*s'", STR_FMT(name));
	return key;
}

static enum hole_type
hole_type(struct reader *r, struct str name, uint16_t field, size_t at)
{
	enum hole_type t;

	if (name.n == 0)
		name = field == FIELD_NONE ? STR("word") : str_z(fields_type(field));
	t = hole_type_of(name);
	if (t == HOLE_TYPES) {
		fault(r, at, "ip addr host port int num hex word text text! user quoted time mac rest kv",
		    "unknown type '%.*s' of a hole", STR_FMT(name));
		t = HOLE_WORD;
	}
	return t;
}

/* At '<': name, name:type or *. */
static struct item
read_hole(struct reader *r)
{
	struct item item = { .code = ITEM_HOLE };
	size_t at = r->at + 1;
	struct str inside = str_from(r->text, at);
	size_t n = str_find_byte(inside, '>'), colon;

	if (n == inside.n || n > 64) {
		fault(r, r->at, "write \\< for the byte itself", "'<' without '>'");
		return item;
	}
	if (r->nholes == PATTERN_HOLES_MAX) {
		fault(r, r->at, NULL, "more than %d holes", PATTERN_HOLES_MAX);
		return item;
	}
	inside = str_head(inside, n);
	item.hole = (uint8_t)r->nholes;
	r->at += n + 2;
	if (str_eq(inside, STR("*"))) {
		r->holes[r->nholes] = (struct hole){ .field = FIELD_NONE, .type = HOLE_TEXT };
	} else {
		uint16_t field;

		colon = str_find_byte(inside, ':');
		field = hole_field(r, str_head(inside, colon), at);
		r->holes[r->nholes] = (struct hole){ .field = field,
		    .type = (uint8_t)hole_type(r, str_from(inside, colon + 1), field, at) };
	}
	r->nholes++;
	return item;
}

/* A run of bytes that are neither blank nor special; escapes are resolved. */
static struct item
read_literal(struct reader *r)
{
	struct item item = { .code = ITEM_LIT };
	char *lit = scratch(r, r->text.n - r->at, 1);
	size_t n = 0;

	while (lit && r->at < r->text.n) {
		char c = r->text.p[r->at];

		if (c == '<' || c == '{' || is_blank(c) || (r->depth && (c == '|' || c == '}')))
			break;
		if (c == '}') {
			fault(r, r->at, "write \\} for the byte itself", "'}' without '{'");
			break;
		}
		if (c == '\\') {
			if (++r->at == r->text.n) {
				fault(r, r->at - 1, "write \\\\ for the byte itself", "'\\' at the end");
				break;
			}
			c = r->text.p[r->at];
			if (!strchr("<>{}|\\", c)) {
				fault(r, r->at - 1, "write \\\\ for the byte itself", "'\\%c' means nothing", c);
				break;
			}
		}
		if (r->nocase && c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		lit[n++] = c;
		r->at++;
	}
	item.lit = str_of(lit, n);
	return item;
}

static struct seqs read_sequence(struct reader *r);

/* At '{': the expansions of all alternatives. */
static struct seqs
read_braces(struct reader *r)
{
	size_t open = r->at;
	struct seqs all = { 0 };

	if (++r->depth > 8)
		fault(r, open, NULL, "braces nested too deep");
	do {
		struct seqs one;

		r->at++;
		one = read_sequence(r);
		all = all.n ? both(r, all, one) : one;
	} while (!r->failed && r->at < r->text.n && r->text.p[r->at] == '|');
	r->depth--;
	if (r->at >= r->text.n)
		fault(r, open, "write \\{ for the byte itself", "'{' without '}'");
	r->at++;
	return all;
}

static struct seqs
read_sequence(struct reader *r)
{
	struct seqs all = { .v = scratch(r, 1, sizeof(struct seq)), .n = 1 };

	while (!r->failed && r->at < r->text.n) {
		char c = r->text.p[r->at];

		if (r->depth && (c == '|' || c == '}'))
			break;
		if (c == '{') {
			all = cross(r, all, read_braces(r));
		} else if (c == '<') {
			all = cross(r, all, single(r, read_hole(r)));
		} else if (is_blank(c)) {
			r->at++;
			all = cross(r, all, single(r, (struct item){ .code = ITEM_BLANK }));
		} else {
			all = cross(r, all, single(r, read_literal(r)));
		}
	}
	return all;
}

static bool
is_untrusted(uint8_t type)
{
	return type == HOLE_USER || type == HOLE_TEXT_UNTRUSTED;
}

static void
add_literal(struct reader *r, struct step *s, struct str more)
{
	char *lit = arena_alloc(&r->l->rs->arena, s->len + more.n);

	if (!lit || s->len + more.n > UINT16_MAX) {
		fault(r, 0, NULL, "the pattern is too large");
		return;
	}
	memcpy(lit, s->lit ? s->lit : "", s->len);
	memcpy(lit + s->len, more.p, more.n);
	s->lit = lit;
	s->len = (uint16_t)(s->len + more.n);
	s->nocase = r->nocase;
}

static struct step
hole_step(struct reader *r, const struct item *item, bool pivot_seen)
{
	const struct hole *h = &r->holes[item->hole];
	bool kept = h->field != FIELD_NONE || h->type == HOLE_KV;

	return (struct step){
		.code = !hole_is_wild(h->type) ? STEP_HOLE :
		    is_untrusted(h->type) && !pivot_seen ? STEP_PIVOT : STEP_SKIP,
		.type = h->type,
		.hole = kept ? item->hole : STEP_NOT_KEPT,
	};
}

/* Joins neighbours: literals to one, blanks to one; a blank at either end goes, for texts come trimmed. */
static size_t
plan_steps(struct reader *r, const struct seq *s, struct step *steps)
{
	size_t n = 0;
	bool pivot = false;

	for (uint32_t i = 0; i < s->n && !r->failed; i++) {
		const struct item *item = &s->items[i];
		struct step *last = n ? &steps[n - 1] : NULL;

		if (n == PATTERN_STEPS_MAX) {
			fault(r, 0, "split it in several lines", "more than %d parts", PATTERN_STEPS_MAX);
		} else if (item->code == ITEM_HOLE) {
			steps[n] = hole_step(r, item, pivot);
			pivot |= steps[n++].code == STEP_PIVOT;
		} else if (item->code == ITEM_BLANK) {
			if (last && last->code != STEP_BLANKS)
				steps[n++] = (struct step){ .code = STEP_BLANKS };
		} else if (last && last->code == STEP_LIT) {
			add_literal(r, last, item->lit);
		} else {
			steps[n] = (struct step){ .code = STEP_LIT };
			add_literal(r, &steps[n++], item->lit);
		}
	}
	while (n && steps[n - 1].code == STEP_BLANKS)
		n--;
	return n;
}

static bool
wild(const struct step *s)
{
	return s->code == STEP_SKIP || s->code == STEP_PIVOT;
}

static void
check_steps(struct reader *r, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((steps[i].type == HOLE_REST || steps[i].type == HOLE_KV) && wild(&steps[i]) && i + 1 < n)
			fault(r, 0, "rest and kv take all that is left", "something follows a hole of type %s",
			    hole_type_name(steps[i].type));
		if (i && wild(&steps[i]) && wild(&steps[i - 1]))
			fault(r, 0, "put a literal or a blank between them",
			    "two wildcards with nothing between them");
	}
}

static void
measure(struct plan *p)
{
	size_t best = 0;

	p->pivot = p->longest = p->nsteps;
	for (uint16_t i = 0; i < p->nsteps; i++) {
		const struct step *s = &p->steps[i];

		p->wild |= wild(s);
		p->min_len = (uint16_t)(p->min_len + (s->code == STEP_LIT ? s->len :
		    s->code == STEP_BLANKS || s->code == STEP_HOLE));
		if (s->code == STEP_LIT) {
			p->weight += (uint32_t)s->len * 64;
			if (s->len > best) {
				best = s->len;
				p->longest = i;
			}
		} else if (s->code == STEP_HOLE) {
			p->weight += hole_weight(s->type);
		} else if (s->code == STEP_PIVOT) {
			p->pivot = i;
		}
	}
}

static void
make_plan(struct reader *r, const struct seq *s, struct plan *ret)
{
	struct step steps[PATTERN_STEPS_MAX];
	size_t n = plan_steps(r, s, steps);
	struct step *kept = ARENA_ARRAY(&r->l->rs->arena, struct step, n ? n : 1);

	check_steps(r, steps, n);
	if (!kept || r->failed)
		return;
	memcpy(kept, steps, n * sizeof(*steps));
	*ret = (struct plan){ .steps = kept, .nsteps = (uint16_t)n };
	measure(ret);
}

static int
heavier_first(const void *a, const void *b)
{
	uint32_t x = ((const struct plan *)a)->weight, y = ((const struct plan *)b)->weight;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void
finish(struct reader *r, struct seqs all, struct pattern *ret)
{
	struct arena *a = &r->l->rs->arena;
	struct plan *plans = ARENA_ARRAY(a, struct plan, all.n);
	struct hole *holes = ARENA_ARRAY(a, struct hole, r->nholes ? r->nholes : 1);

	if (!plans || !holes) {
		fault(r, 0, NULL, "no memory");
		return;
	}
	for (uint32_t i = 0; i < all.n && !r->failed; i++)
		make_plan(r, &all.v[i], &plans[i]);
	qsort(plans, all.n, sizeof(*plans), heavier_first);
	memcpy(holes, r->holes, r->nholes * sizeof(*holes));
	*ret = (struct pattern){ .source = r->word->text, .plans = plans, .nplans = all.n, .holes = holes,
	    .nholes = r->nholes, .nocase = r->nocase };
}

int
pattern_compile(struct load *l, const struct conf_word *w, bool nocase, struct pattern *ret)
{
	struct arena scratch_arena = { .max = 16u << 20 };
	struct reader r = { .l = l, .word = w, .scratch = &scratch_arena, .text = w->text, .nocase = nocase };
	struct seqs all = read_sequence(&r);

	if (!r.failed)
		finish(&r, all, ret);
	arena_free(&scratch_arena);
	return r.failed ? -EINVAL : 0;
}

void
step_show(const struct step *s, struct buf *out)
{
	switch ((enum step_code)s->code) {
	case STEP_LIT:
		buf_add(out, str_of(s->lit, s->len));
		break;
	case STEP_BLANKS:
		buf_add(out, STR("a blank"));
		break;
	case STEP_HOLE:
	case STEP_SKIP:
	case STEP_PIVOT:
		buf_addf(out, "<%s>", hole_type_name(s->type));
		break;
	}
}
