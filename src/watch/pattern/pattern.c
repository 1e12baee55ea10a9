/*
 * pattern: reads the text of a pattern into its graph of steps and checks what cannot work. Runs at load only; what
 * it makes is immutable. Faults are reported at the byte of the pattern where they stand.
 */
#include "watch/pattern/find.h"
#include "watch/pattern/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

struct ends {                    /* the steps that what comes next is linked behind; STEP_START among them */
	uint16_t v[PATTERN_STEPS_MAX + 1];
	uint16_t n;
};

struct link {
	uint16_t from, to;
};

struct reader {
	struct load *l;
	const struct conf_word *word;
	struct str text;
	size_t at;
	unsigned depth;
	bool nocase, failed;
	uint16_t nholes, nsteps, nwilds, nlinks;
	struct hole holes[PATTERN_HOLES_MAX];    /* from here on only what is counted is set */
	struct step steps[PATTERN_STEPS_MAX];
	struct link links[PATTERN_LINKS_MAX];
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

static void
add_link(struct reader *r, uint16_t from, uint16_t to)
{
	if (r->nlinks == PATTERN_LINKS_MAX)
		fault(r, r->at, "split it in several lines", "the pattern has too many ways through it");
	else
		r->links[r->nlinks++] = (struct link){ from, to };
}

/* A new step behind all ends; it is the only end then. */
static void
add_step(struct reader *r, struct ends *e, struct step s)
{
	uint16_t i = r->nsteps;

	if (i == PATTERN_STEPS_MAX) {
		fault(r, r->at, "split it in several lines", "more than %d parts", PATTERN_STEPS_MAX);
		return;
	}
	r->steps[r->nsteps++] = s;
	for (uint16_t k = 0; k < e->n; k++)
		add_link(r, e->v[k], i);
	e->v[0] = i;
	e->n = 1;
}

static void
join_ends(struct ends *all, const struct ends *more)
{
	for (uint16_t i = 0; i < more->n; i++) {
		uint16_t k = 0;

		while (k < all->n && all->v[k] != more->v[i])
			k++;
		if (k == all->n)
			all->v[all->n++] = more->v[i];
	}
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

static bool
is_untrusted(uint8_t type)
{
	return type == HOLE_USER || type == HOLE_TEXT_UNTRUSTED;
}

static void
add_hole(struct reader *r, struct ends *e, struct hole h)
{
	bool wild = hole_is_wild(h.type), kept = h.field != FIELD_NONE || h.type == HOLE_KV;

	if (r->nholes == PATTERN_HOLES_MAX || (wild && r->nwilds == PATTERN_WILDS_MAX)) {
		fault(r, r->at, "split it in several lines", "more than %d holes, or %d wildcards", PATTERN_HOLES_MAX,
		    PATTERN_WILDS_MAX);
		return;
	}
	add_step(r, e, (struct step){
		.code = !wild ? STEP_HOLE : is_untrusted(h.type) ? STEP_PIVOT : STEP_SKIP,
		.type = h.type,
		.hole = kept ? (uint8_t)r->nholes : STEP_NOT_KEPT,
		.wild = (uint8_t)r->nwilds,
	});
	r->nwilds = (uint16_t)(r->nwilds + wild);
	r->holes[r->nholes++] = h;
}

/* At '<': name, name:type or *. */
static void
read_hole(struct reader *r, struct ends *e)
{
	size_t at = r->at + 1;
	struct str inside = str_from(r->text, at);
	size_t n = str_find_byte(inside, '>'), colon;
	struct hole h = { .field = FIELD_NONE, .type = HOLE_TEXT };

	if (n == inside.n || n > 64) {
		fault(r, r->at, "write \\< for the byte itself", "'<' without '>'");
		return;
	}
	inside = str_head(inside, n);
	if (!str_eq(inside, STR("*"))) {
		colon = str_find_byte(inside, ':');
		h.field = hole_field(r, str_head(inside, colon), at);
		h.type = (uint8_t)hole_type(r, str_from(inside, colon + 1), h.field, at);
	}
	add_hole(r, e, h);
	r->at += n + 2;
}

static bool
ends_literal(const struct reader *r, char c)
{
	return c == '<' || c == '{' || is_blank(c) || (r->depth && (c == '|' || c == '}'));
}

/* One byte of a literal, escapes resolved; false at a fault. */
static bool
read_byte(struct reader *r, char *ret)
{
	char c = r->text.p[r->at];

	if (c == '}') {
		fault(r, r->at, "write \\} for the byte itself", "'}' without '{'");
		return false;
	}
	if (c == '\\') {
		if (++r->at == r->text.n) {
			fault(r, r->at - 1, "write \\\\ for the byte itself", "'\\' at the end");
			return false;
		}
		c = r->text.p[r->at];
		if (!strchr("<>{}|\\", c)) {
			fault(r, r->at - 1, "write \\\\ for the byte itself", "'\\%c' means nothing", c);
			return false;
		}
	}
	r->at++;
	*ret = r->nocase && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	return true;
}

static void
read_literal(struct reader *r, struct ends *e)
{
	char lit[1024];
	size_t n = 0;
	struct str kept;

	while (r->at < r->text.n && n < sizeof(lit) && !ends_literal(r, r->text.p[r->at]))
		if (!read_byte(r, &lit[n++]))
			return;
	kept = arena_str(&r->l->rs->arena, str_of(lit, n));
	if (!kept.p)
		fault(r, r->at, NULL, "no memory");
	else
		add_step(r, e, (struct step){ .code = STEP_LIT, .lit = kept.p, .len = (uint16_t)n, .nocase = r->nocase });
}

static void read_sequence(struct reader *r, struct ends *e);

/* At '{': every alternative goes on from where the braces began. */
static void
read_braces(struct reader *r, struct ends *e)
{
	size_t open = r->at;
	struct ends before = *e, all;

	all.n = 0;
	if (++r->depth > 8)
		fault(r, open, NULL, "braces nested too deep");
	do {
		struct ends one = before;

		r->at++;
		read_sequence(r, &one);
		join_ends(&all, &one);
	} while (!r->failed && r->at < r->text.n && r->text.p[r->at] == '|');
	r->depth--;
	if (r->at >= r->text.n)
		fault(r, open, "write \\{ for the byte itself", "'{' without '}'");
	r->at++;
	*e = all;
}

static void
read_sequence(struct reader *r, struct ends *e)
{
	while (!r->failed && r->at < r->text.n) {
		char c = r->text.p[r->at];

		if (r->depth && (c == '|' || c == '}'))
			break;
		if (c == '{') {
			read_braces(r, e);
		} else if (c == '<') {
			read_hole(r, e);
		} else if (is_blank(c)) {
			while (r->at < r->text.n && is_blank(r->text.p[r->at]))
				r->at++;
			add_step(r, e, (struct step){ .code = STEP_BLANKS });
		} else {
			read_literal(r, e);
		}
	}
}

static void
check_link(struct reader *r, const struct link *link)
{
	const struct step *a = link->from == STEP_START ? NULL : &r->steps[link->from];
	const struct step *b = link->to == STEP_END ? NULL : &r->steps[link->to];

	if (a && b && (a->type == HOLE_REST || a->type == HOLE_KV) && step_is_wild(a))
		fault(r, 0, "rest and kv take all that is left", "something follows a hole of type %s",
		    hole_type_name(a->type));
	if (a && b && step_is_wild(a) && step_is_wild(b))
		fault(r, 0, "put a literal or a blank between them", "two wildcards with nothing between them");
}

/* The links of one step (or of both ends) side by side, in the order in which they were made. */
static uint16_t
sort_links(const struct reader *r, uint16_t *links, uint16_t *n, bool forward, uint16_t of)
{
	uint16_t first = *n;

	for (uint16_t i = 0; i < r->nlinks; i++)
		if ((forward ? r->links[i].from : r->links[i].to) == of)
			links[(*n)++] = forward ? r->links[i].to : r->links[i].from;
	return first;
}

/* The shortest text that can match. */
static uint16_t
min_len(const struct pattern *p)
{
	uint16_t need[PATTERN_STEPS_MAX], best = UINT16_MAX;

	for (uint16_t i = p->nsteps; i-- > 0;) {
		const struct step *s = &p->steps[i];
		uint16_t least = UINT16_MAX, own = s->code == STEP_LIT ? s->len : s->code == STEP_HOLE;

		for (uint16_t k = 0; k < s->nnext; k++) {
			uint16_t v = p->links[s->next + k], rest = v == STEP_END ? 0 : need[v];

			least = rest < least ? rest : least;
		}
		need[i] = (uint16_t)(least > UINT16_MAX - own ? UINT16_MAX : least + own);
	}
	for (uint16_t k = 0; k < p->nfirst; k++) {
		uint16_t v = p->links[p->first + k], rest = v == STEP_END ? 0 : need[v];

		best = rest < best ? rest : best;
	}
	return best;
}

static bool
all_end_literal(const struct pattern *p)
{
	for (uint16_t i = 0; i < p->nlast; i++) {
		uint16_t u = p->links[p->last + i];

		if (u == STEP_START || p->steps[u].code != STEP_LIT)
			return false;
	}
	return true;
}

static bool
only_blanks_follow(const struct pattern *p, const struct step *s)
{
	for (uint16_t k = 0; k < s->nnext; k++) {
		uint16_t v = p->links[s->next + k];

		if (v != STEP_END && p->steps[v].code != STEP_BLANKS)
			return false;
	}
	return true;
}

/* Steps stand in order, so a link from before i to behind i goes around it. */
bool
step_stands_in(const struct step *literal, struct str text)
{
	return find_literal(text, str_of(literal->lit, literal->len), literal->nocase) < text.n;
}

bool
pattern_always_passes(const struct pattern *p, uint16_t i)
{
	for (uint16_t k = 0; k < p->nfirst; k++)
		if (p->links[p->first + k] > i)
			return false;
	for (uint16_t u = 0; u < i; u++)
		for (uint16_t k = 0; k < p->steps[u].nnext; k++)
			if (p->links[p->steps[u].next + k] > i)
				return false;
	return true;
}

const struct step *
pattern_needle(const struct pattern *p)
{
	const struct step *best = NULL;

	for (uint16_t i = 0; i < p->nsteps; i++) {
		const struct step *s = &p->steps[i];

		if (s->code == STEP_LIT && (!best || s->len > best->len) && pattern_always_passes(p, i))
			best = s;
	}
	return best;
}

/* Keeps the longest literals that every match must hold, in order. */
static void
find_must(struct pattern *p)
{
	/* A pattern that begins with a literal fails at once anyhow: only what stands behind a wildcard is looked for. */
	bool looked_for = !(p->nfirst == 1 && p->links[p->first] != STEP_END && p->steps[0].code == STEP_LIT);

	for (uint16_t i = 0; i < p->nsteps; i++) {
		const struct step *s = &p->steps[i];
		uint8_t at = p->nmust, shortest = 0;

		looked_for |= s->code == STEP_SKIP;
		if (!looked_for || s->code != STEP_LIT || s->len < 2 || !pattern_always_passes(p, i))
			continue;
		for (uint8_t k = 1; k < p->nmust; k++)
			if (p->steps[p->must[k]].len < p->steps[p->must[shortest]].len)
				shortest = k;
		if (p->nmust == PATTERN_MUST_MAX) {
			if (p->steps[p->must[shortest]].len >= s->len)
				continue;
			at = (uint8_t)(p->nmust - 1);
			memmove(&p->must[shortest], &p->must[shortest + 1], (at - shortest) * sizeof(p->must[0]));
		} else {
			p->nmust++;
		}
		p->must[at] = i;
	}
}

static int
finish(struct reader *r, struct pattern *ret)
{
	struct arena *a = &r->l->rs->arena;
	struct step *steps = ARENA_ARRAY(a, struct step, r->nsteps + 1u);
	struct hole *holes = ARENA_ARRAY(a, struct hole, r->nholes + 1u);
	uint16_t *links = ARENA_ARRAY(a, uint16_t, 2u * r->nlinks + 1u);
	uint16_t n = 0;
	struct pattern p = { .source = r->word->text, .steps = steps, .links = links, .holes = holes,
	    .nsteps = r->nsteps, .nholes = r->nholes, .nwilds = r->nwilds, .nocase = r->nocase };

	if (!steps || !holes || !links) {
		fault(r, 0, NULL, "no memory");
		return -ENOMEM;
	}
	p.first = sort_links(r, links, &n, true, STEP_START);
	p.nfirst = (uint16_t)(n - p.first);
	for (uint16_t i = 0; i < r->nsteps; i++) {
		steps[i] = r->steps[i];
		steps[i].next = sort_links(r, links, &n, true, i);
		steps[i].nnext = (uint16_t)(n - steps[i].next);
		steps[i].prev = sort_links(r, links, &n, false, i);
		steps[i].nprev = (uint16_t)(n - steps[i].prev);
	}
	for (uint16_t i = 0; i < r->nsteps; i++)
		steps[i].then_blank = only_blanks_follow(&p, &steps[i]);
	p.last = sort_links(r, links, &n, false, STEP_END);
	p.nlast = (uint16_t)(n - p.last);
	memcpy(holes, r->holes, r->nholes * sizeof(*holes));
	p.min_len = min_len(&p);
	p.ends_literal = all_end_literal(&p);
	find_must(&p);
	*ret = p;
	return 0;
}

int
pattern_compile(struct load *l, const struct conf_word *w, bool nocase, struct pattern *ret)
{
	struct reader *r = l->reader ? l->reader : malloc(sizeof(*r));
	struct ends ends;
	int err = -EINVAL;

	if (!r)
		return -ENOMEM;
	l->reader = r;
	memset(r, 0, offsetof(struct reader, holes));
	ends.v[0] = STEP_START;
	ends.n = 1;
	r->l = l;
	r->word = w;
	r->text = w->text;
	r->nocase = nocase;
	read_sequence(r, &ends);
	for (uint16_t i = 0; i < ends.n; i++)
		add_link(r, ends.v[i], STEP_END);
	for (uint16_t i = 0; i < r->nlinks && !r->failed; i++)
		check_link(r, &r->links[i]);
	if (!r->failed)
		err = finish(r, ret);
	return err;
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
