/*
 * refine: a second look at one field of records of certain kinds. All literals about one field are one set, scanned
 * once per record and only for kinds that some block is about. Never looks at kinds nobody named.
 */
#include "watch/refine.h"

#include <errno.h>
#include <stdlib.h>

#define SETS_MAX 32
#define HITS_MAX 64
#define NEEDLE_MIN 3               /* shorter ones would announce a pattern for every other line */

struct refine_to {                     /* to KIND has ... { when ... } */
	uint16_t kind;
	uint32_t block;
	struct condition what;         /* of the block's field */
	const struct condition *when;
	uint32_t nwhen;
};

struct refine_block {
	struct str name;
	uint16_t field;
	uint64_t kinds[KIND_MAX / 64];
	struct conf_pos where;
};

struct refine_set {                    /* everything about one field */
	uint16_t field;
	struct literal *literals;
	uint32_t *to_of;               /* by literal: index in tos */
	uint32_t nliterals;
	uint32_t *plain;               /* tos that no literal announces, in order */
	uint32_t *plain_end;           /* of each: where those of its block end in `plain` */
	uint32_t nplain;
	struct literals *compiled;
};

struct refinement {
	struct refine_block *blocks;
	uint32_t nblocks, blocks_size;
	struct refine_to *tos;
	uint32_t ntos, tos_size;
	struct refine_set sets[SETS_MAX];
	uint32_t nsets;
	uint32_t by_kind[KIND_MAX];    /* bit per set */
};

struct taking {
	struct load *l;
	struct refinement *f;
	struct refine_block *block;
	struct refine_to *to;
	const struct conf_word *field;
};

static void *
grow(struct arena *a, void *v, uint32_t n, uint32_t *size, size_t each)
{
	void *more;

	if (n < *size)
		return v;
	more = arena_array(a, *size ? *size * 2 : 8, each);
	if (more) {
		if (n)
			memcpy(more, v, n * each);
		*size = *size ? *size * 2 : 8;
	}
	return more;
}

static void
take_of(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	for (uint32_t i = 1; i < s->nwords; i++) {
		bool known = false;

		for (uint16_t kind = 0; kind < kinds_count(t->l->rs->kinds); kind++) {
			if (!kinds_covers(t->l->rs->kinds, s->words[i].text, kind))
				continue;
			known = true;
			t->block->kinds[kind / 64] |= UINT64_C(1) << (kind % 64);
		}
		if (!known)
			diag_error(d, s->words[i].pos, (uint32_t)s->words[i].text.n, NULL, "no kind is called '%.*s'",
			    STR_FMT(s->words[i].text));
	}
}

static void
take_field(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->block->field = load_field(t->l, &s->words[1]);
	t->field = &s->words[1];
}

static void
take_when(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct condition *conds;
	uint32_t n;

	if (conditions_compile(t->l, s, 1, &conds, &n) < 0)
		return;
	t->to->when = conds;
	t->to->nwhen = n;
}

static const struct conf_row to_rows[] = {
	{ "when", 2, UINT16_MAX, CONF_NO_BLOCK, true, take_when, "conditions that must hold",
	    "when status not 404;" },
};

/* `to KIND OP VALUES` is a condition on the block's field: it is compiled as `FIELD OP VALUES`. */
static int
take_what(struct taking *t, const struct conf_stmt *s)
{
	struct conf_word *words = ARENA_ARRAY(&t->l->rs->arena, struct conf_word, s->nwords);
	struct conf_stmt what = *s;
	uint32_t at = 0;

	if (!words)
		return -ENOMEM;
	words[0] = *t->field;
	memcpy(words + 1, s->words + 2, (s->nwords - 2) * sizeof(*words));
	what.words = words;
	what.nwords = s->nwords - 1;
	if (condition_compile(t->l, &what, &at, &t->to->what) < 0)
		return -EINVAL;
	if (at == what.nwords)
		return 0;
	diag_error(t->l->d, words[at].pos, (uint32_t)words[at].text.n, "put further conditions in { when ...; }",
	    "'%.*s' was not expected", STR_FMT(words[at].text));
	return -EINVAL;
}

static void
take_to(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct refinement *f = t->f;
	struct refine_to *v = grow(&t->l->rs->arena, f->tos, f->ntos, &f->tos_size, sizeof(*v));

	if (!v)
		return;
	f->tos = v;
	t->to = &v[f->ntos];
	*t->to = (struct refine_to){ .kind = load_kind(t->l, &s->words[1]), .block = f->nblocks };
	if (!t->field) {
		diag_error(d, s->words[0].pos, 2, "name it first: `field path;`", "which field is meant is not said");
		return;
	}
	if (take_what(t, s) < 0)
		return;
	conf_walk(s->child, to_rows, ARRAY_LEN(to_rows), t, d);
	if (t->to->kind != KIND_NONE)
		f->ntos++;
}

static const struct conf_row rows[] = {
	{ "of", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_of, "kinds that it looks at", "of http.*;" },
	{ "field", 1, 1, CONF_NO_BLOCK, true, take_field, "the field that it looks at", "field path;" },
	{ "to", 3, UINT16_MAX, CONF_MAY_BLOCK, false, take_to, "the kind when the field has one of these",
	    "to exploit.web_traversal has '../..';" },
};

static struct refinement *
refinement_of(struct load *l)
{
	if (!l->rs->decoders->refinement)
		l->rs->decoders->refinement = ARENA_NEW(&l->rs->arena, struct refinement);
	return l->rs->decoders->refinement;
}

void
refine_take(struct load *l, const struct conf_stmt *s)
{
	struct taking t = { .l = l, .f = refinement_of(l) };
	struct refine_block *v;

	if (!t.f)
		return;
	v = grow(&l->rs->arena, t.f->blocks, t.f->nblocks, &t.f->blocks_size, sizeof(*v));
	if (!v)
		return;
	if (s->nwords != 2 || !s->block) {
		diag_error(l->d, s->words[0].pos, 6, "write `refine NAME { ... }`", "refine needs a name and a block");
		return;
	}
	t.f->blocks = v;
	t.block = &v[t.f->nblocks];
	*t.block = (struct refine_block){ .name = conf_arg(s, 1), .field = FIELD_NONE, .where = s->words[0].pos };
	conf_walk(s->child, rows, ARRAY_LEN(rows), &t, l->d);
	t.f->nblocks++;
}

static struct refine_set *
set_of(struct refinement *f, uint16_t field)
{
	for (uint32_t i = 0; i < f->nsets; i++)
		if (f->sets[i].field == field)
			return &f->sets[i];
	if (f->nsets == SETS_MAX)
		return NULL;
	f->sets[f->nsets].field = field;
	return &f->sets[f->nsets++];
}

static struct str
lower_copy(struct arena *a, struct str s)
{
	char *p = arena_strdup(a, s);

	for (size_t i = 0; p && i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	return str_of(p, s.n);
}

/* The texts of which one must stand in the field for this `to` to hold; false when there are none to search for. */
static bool
announced_by(const struct condition *c, struct str *ret, uint32_t *ret_n)
{
	if (c->op == CONDITION_LIKE) {
		for (uint32_t i = 0; i < c->nvalues; i++) {
			const struct step *s = pattern_needle(&c->patterns[i]);

			if (!s || s->len < NEEDLE_MIN)
				return false;
			ret[i] = str_of(s->lit, s->len);
		}
	} else if (c->op == CONDITION_HAS || c->op == CONDITION_IS || c->op == CONDITION_STARTS || c->op == CONDITION_ENDS) {
		for (uint32_t i = 0; i < c->nvalues; i++) {
			if (c->values[i].n == 0)
				return false;
			ret[i] = c->values[i];
		}
	} else {
		return false;
	}
	*ret_n = c->nvalues;
	return true;
}

static void
end_blocks(const struct refinement *f, struct refine_set *set)
{
	for (uint32_t i = set->nplain; i-- > 0;) {
		bool last = i + 1 == set->nplain || f->tos[set->plain[i]].block != f->tos[set->plain[i + 1]].block;

		set->plain_end[i] = last ? i + 1 : set->plain_end[i + 1];
	}
}

static int
fill_set(struct load *l, struct refinement *f, struct refine_set *set)
{
	struct arena *a = &l->rs->arena;
	uint32_t n = 0, most = 0;
	struct str *texts;

	for (uint32_t i = 0; i < f->ntos; i++) {
		uint32_t values = f->tos[i].what.nvalues;

		n += f->blocks[f->tos[i].block].field == set->field ? values : 0;
		most = values > most ? values : most;
	}
	set->literals = ARENA_ARRAY(a, struct literal, n + 1);
	set->to_of = ARENA_ARRAY(a, uint32_t, n + 1);
	set->plain = ARENA_ARRAY(a, uint32_t, f->ntos + 1);
	set->plain_end = ARENA_ARRAY(a, uint32_t, f->ntos + 1);
	texts = ARENA_ARRAY(a, struct str, most + 1);
	if (!set->literals || !set->to_of || !set->plain || !set->plain_end || !texts)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->ntos; i++) {
		uint32_t ntexts = 0;

		if (f->blocks[f->tos[i].block].field != set->field)
			continue;
		if (!announced_by(&f->tos[i].what, texts, &ntexts))
			set->plain[set->nplain++] = i;
		for (uint32_t k = 0; k < ntexts; k++) {
			set->to_of[set->nliterals] = i;
			set->literals[set->nliterals++] = (struct literal){ lower_copy(a, texts[k]), true };
		}
	}
	end_blocks(f, set);
	return 0;
}

int
refine_build(struct load *l)
{
	struct refinement *f = l->rs->decoders->refinement;
	int err = 0;

	for (uint32_t i = 0; f && i < f->nblocks; i++) {
		const struct refine_block *b = &f->blocks[i];
		struct refine_set *set = b->field == FIELD_NONE ? NULL : set_of(f, b->field);

		if (!set) {
			diag_error(l->d, b->where, 6, NULL, "this block names no field, or one field too many");
			continue;
		}
		for (uint16_t kind = 0; kind < KIND_MAX; kind++)
			if (b->kinds[kind / 64] >> (kind % 64) & 1)
				f->by_kind[kind] |= 1u << (set - f->sets);
	}
	for (uint32_t i = 0; f && i < f->nsets && err == 0; i++)
		err = fill_set(l, f, &f->sets[i]);
	return err;
}

void
refine_free(struct decoders *d)
{
	for (uint32_t i = 0; d->refinement && i < d->refinement->nsets; i++)
		literals_free(d->refinement->sets[i].compiled);
}

uint32_t
refine_sets(const struct decoders *d)
{
	return d->refinement ? d->refinement->nsets : 0;
}

int
refine_literals(struct decoders *d, uint32_t set, struct str cached, bool plain, bool *ret_compiled)
{
	struct refine_set *s = &d->refinement->sets[set];

	if (s->nliterals == 0)
		return 0;
	return literals_new(s->literals, s->nliterals, cached, plain, &s->compiled, ret_compiled);
}

const struct literals *
refine_set(const struct decoders *d, uint32_t set)
{
	return d->refinement->sets[set].compiled;
}

int
refine_prepare(const struct decoders *d, struct literals_work *w)
{
	int err = 0;

	for (uint32_t i = 0; i < refine_sets(d) && err == 0; i++)
		if (d->refinement->sets[i].compiled)
			err = literals_prepare(w, d->refinement->sets[i].compiled);
	return err;
}

struct hits {
	const struct refine_set *set;
	uint32_t to[HITS_MAX];
	uint32_t n;
};

static void
on_hit(void *ctx, uint32_t id)
{
	struct hits *h = ctx;

	if (h->n < HITS_MAX)
		h->to[h->n++] = h->set->to_of[id];
}

#define MEMO_CELLS 64u                 /* per set, power of two */
#define MEMO_TEXT 160u                 /* longer values are looked at every time */

struct memo_cell {
	uint8_t n;
	char text[MEMO_TEXT];
};

struct refine_memo {
	struct memo_cell *cells;
};

struct refine_memo *
refine_memo_new(const struct decoders *d)
{
	struct refine_memo *m = calloc(1, sizeof(*m));

	if (m)
		m->cells = calloc((size_t)(refine_sets(d) + 1) * MEMO_CELLS, sizeof(*m->cells));
	if (m && !m->cells) {
		free(m);
		m = NULL;
	}
	return m;
}

void
refine_memo_free(struct refine_memo *m)
{
	if (!m)
		return;
	free(m->cells);
	free(m);
}

/* Scans the value for the literals of a set, unless it is known to hold none. */
static void
scan_value(struct decode_work *w, uint32_t set, struct str value, struct hits *h)
{
	struct memo_cell *cell = &w->plain->cells[set * MEMO_CELLS + hash_bytes(value, 0) % MEMO_CELLS];

	if (value.n <= MEMO_TEXT && cell->n == value.n && memcmp(cell->text, value.p, value.n) == 0)
		return;
	literals_scan(h->set->compiled, w->literals, value, on_hit, h);
	if (h->n || value.n > MEMO_TEXT)
		return;
	memcpy(cell->text, value.p, value.n);
	cell->n = (uint8_t)value.n;
}

static inline bool
about_kind(const struct refine_block *b, uint16_t kind)
{
	return b->kinds[kind / 64] >> (kind % 64) & 1;
}

static bool
holds(const struct ruleset *rs, const struct refinement *f, const struct refine_to *to,
    const struct record *r)
{
	const struct refine_block *b = &f->blocks[to->block];

	return about_kind(b, r->kind) && conditions_hold(to->when, to->nwhen, rs, r, NULL) &&
	    (to->what.op == CONDITION_HAS || condition_holds(&to->what, rs, r, NULL));
}

/* The first `to` in the order of the texts that a literal or another comparison speaks for. */
static uint32_t
first_to(const struct ruleset *rs, const struct refinement *f, const struct hits *h, const struct record *r)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; i < h->n; i++)
		if (h->to[i] < best && holds(rs, f, &f->tos[h->to[i]], r))
			best = h->to[i];
	for (uint32_t i = 0; i < h->set->nplain && h->set->plain[i] < best;) {
		const struct refine_to *to = &f->tos[h->set->plain[i]];

		if (!about_kind(&f->blocks[to->block], r->kind)) {
			i = h->set->plain_end[i];
			continue;
		}
		if (holds(rs, f, to, r))
			best = h->set->plain[i];
		i++;
	}
	return best;
}

void
refine_record(const struct ruleset *rs, struct decode_work *w, struct record *r)
{
	const struct refinement *f = rs->decoders->refinement;
	uint32_t sets = f ? f->by_kind[r->kind] : 0;

	for (; sets; sets &= sets - 1) {
		uint32_t set = (uint32_t)__builtin_ctz(sets);
		struct hits h = { .set = &f->sets[set] };
		struct str value = record_fact(r, h.set->field);
		uint32_t to;

		if (!value.n)
			continue;
		if (h.set->compiled)
			scan_value(w, set, value, &h);
		to = first_to(rs, f, &h, r);
		if (to == UINT32_MAX)
			continue;
		r->kind = f->tos[to].kind;
		r->hostile = kinds_row(rs->kinds, r->kind)->hostile;
		return;
	}
}
