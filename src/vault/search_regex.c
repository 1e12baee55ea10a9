/*
 * search_regex: an expression answered from columns. A match runs over literals and values of its line's template. So, group
 * by group: which positions are begun before a value, and from which can the rest behind it, whatever it is, still end a
 * match? Mostly none, and no row is looked at. Where a value may take part, each different value of its column
 * is read once by the machine of positions, and only rows with a value that can take part are left. Never reads a line.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vault/search_private.h"

#define SHAPE_MAX 24u
#define WITHOUT_END UINT32_MAX

/* All texts that a value may have: so many bytes of one set, then so many of the next. */
struct shape {
	uint32_t n;
	struct {
		struct posset at;
		uint32_t least, most;
	} span[SHAPE_MAX];
};

/* Positions of the sets of bytes that values are made of. */
struct alphabets {
	struct posset digits, hex, hex_upper, letters, day, run, any;
};

struct expression {
	struct eval *e;
	const struct positions *p;
	struct runner *runner;
	struct alphabets alphabets;
	struct word_set matching;       /* words in which a match lies wholly */
	bool has_matching;
	uint32_t *seen;                 /* per word: (turn << 2 | answer), so that a turn needs no clearing */
	uint32_t turn;
	struct rows *rows;
};

static struct posset
positions_of_text(const struct positions *p, const char *ranges)
{
	struct posset bytes = { 0 };

	for (; *ranges; ranges += 2) {
		for (unsigned c = (unsigned char)ranges[0]; c <= (unsigned char)ranges[1]; c++)
			posset_add(&bytes, c);
	}
	return positions_of(p, &bytes);
}

static void
make_alphabets(const struct positions *p, struct alphabets *ret)
{
	struct posset run = { 0 }, any = { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };

	for (unsigned c = 0; c < 256; c++) {
		if (token_byte((char)c))
			posset_add(&run, c);
	}
	ret->digits = positions_of_text(p, "09");
	ret->hex = positions_of_text(p, "09af");
	ret->hex_upper = positions_of_text(p, "09AF");
	ret->letters = positions_of_text(p, "azAZ");
	ret->day = positions_of_text(p, "09  ");
	ret->run = positions_of(p, &run);
	ret->any = positions_of(p, &any);
}

static void
add_span(struct shape *s, const struct posset *at, uint32_t least, uint32_t most)
{
	assert(s->n < SHAPE_MAX);
	s->span[s->n].at = *at;
	s->span[s->n].least = least;
	s->span[s->n++].most = most;
}

/* A picture of a text: d a digit, m a letter, b a digit or blank; anything else is itself. */
static void
add_picture(const struct expression *x, struct shape *s, const char *picture)
{
	for (; *picture; picture++) {
		const struct posset *at = *picture == 'd' ? &x->alphabets.digits : *picture == 'm' ? &x->alphabets.letters :
		    *picture == 'b' ? &x->alphabets.day : &x->p->at[(unsigned char)*picture];

		add_span(s, at, 1, 1);
	}
}

static uint32_t
digits_of(uint64_t v)
{
	uint32_t n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

static void
add_iso(const struct expression *x, struct shape *s, uint8_t param)
{
	add_picture(x, s, param & TOKEN_ISO_BLANK ? "dddd-dd-dd dd:dd:dd" : "dddd-dd-ddTdd:dd:dd");
	if (param & TOKEN_ISO_DIGITS) {
		add_picture(x, s, param & TOKEN_ISO_COMMA ? "," : ".");
		add_span(s, &x->alphabets.digits, 1, 9);
	}
	if (param & TOKEN_ISO_Z)
		add_picture(x, s, "Z");
}

/* Colons between pairs count as part of their alphabet: more texts than there are, never fewer. */
static void
add_pairs(const struct expression *x, struct shape *s, const struct posset *hex)
{
	struct posset at = *hex;

	posset_join(&at, &x->p->at[':']);
	add_span(s, &at, 2, TOKEN_RENDER_MAX);
}

static void
shape_of(const struct expression *x, const struct part *p, const struct column *c, struct shape *ret)
{
	const struct alphabets *a = &x->alphabets;

	ret->n = 0;
	switch (p->type) {
	case TOKEN_WORD:
		add_span(ret, &a->run, 1, WITHOUT_END);
		break;
	case TOKEN_INT:
		add_span(ret, &a->digits, digits_of(c->min), digits_of(c->max));
		break;
	case TOKEN_FIXED:
		add_span(ret, &a->digits, p->param < 20 ? p->param : 20, p->param);
		break;
	case TOKEN_HEX:
		add_span(ret, &a->hex, p->param < 16 ? p->param : 16, p->param);
		break;
	case TOKEN_HEX_UPPER:
		add_span(ret, &a->hex_upper, p->param < 16 ? p->param : 16, p->param);
		break;
	case TOKEN_PAIRS:
		add_pairs(x, ret, &a->hex);
		break;
	case TOKEN_PAIRS_UPPER:
		add_pairs(x, ret, &a->hex_upper);
		break;
	case TOKEN_IPV4:
		for (int i = 0; i < 4; i++) {
			add_span(ret, &a->digits, 1, 3);
			if (i < 3)
				add_picture(x, ret, ".");
		}
		break;
	case TOKEN_CLOCK:
		add_picture(x, ret, "dd:dd:dd");
		break;
	case TOKEN_ISO:
		add_iso(x, ret, p->param);
		break;
	case TOKEN_BSD:
		add_picture(x, ret, "mmm ");
		add_span(ret, &a->day, 1, 2);
		add_picture(x, ret, " dd:dd:dd");
		break;
	case TOKEN_CLF:
		add_picture(x, ret, "dd/mmm/dddd:dd:dd:dd");
		break;
	default:
		add_span(ret, &a->any, 0, WITHOUT_END);
		break;
	}
}

/* Positions behind any text of a shape; *ret_whole: some text ends a match. */
static struct posset
through(const struct positions *p, const struct shape *s, struct posset from, bool *ret_whole)
{
	bool whole = false;

	for (uint32_t i = 0; i < s->n; i++) {
		struct posset all, now = from, before;

		for (uint32_t k = 0; k < s->span[i].least; k++) {
			now = positions_step(p, now, &s->span[i].at);
			whole = whole || posset_meets(&now, &p->last);
		}
		all = now;
		for (uint32_t k = s->span[i].least; k < s->span[i].most; k++) {
			before = all;
			now = positions_step(p, all, &s->span[i].at);
			whole = whole || posset_meets(&now, &p->last);
			posset_join(&all, &now);
			if (memcmp(&before, &all, sizeof(all)) == 0)
				break;
		}
		from = all;
	}
	*ret_whole = whole;
	return from;
}

/* Positions from which some text of a shape leads on to `to`, or to the end of a match. */
static struct posset
back_through(const struct positions *p, const struct shape *s, struct posset to)
{
	for (uint32_t i = s->n; i > 0; i--) {
		struct posset all, now = to, before;

		for (uint32_t k = 0; k < s->span[i - 1].least; k++)
			now = positions_back(p, now, &s->span[i - 1].at);
		all = now;
		for (uint32_t k = s->span[i - 1].least; k < s->span[i - 1].most; k++) {
			before = all;
			now = positions_back(p, all, &s->span[i - 1].at);
			posset_join(&all, &now);
			if (memcmp(&before, &all, sizeof(all)) == 0)
				break;
		}
		to = all;
	}
	return to;
}

static struct posset
back_through_text(const struct positions *p, struct posset to, struct str text)
{
	for (size_t i = text.n; i > 0; i--)
		to = positions_back(p, to, &p->at[(unsigned char)text.p[i - 1]]);
	return to;
}

/* A value that all rows of the group share is as good as a literal. */
static bool
shared(const struct view_group *g, uint32_t part)
{
	return part != g->template.stamp && g->set.columns[part].mode == COLUMN_SAME;
}

static struct str
text_of(const struct view *v, const struct part *p, uint64_t value, char place[TOKEN_RENDER_MAX])
{
	if (token_is_name(p->type))
		return view_word(v, value);
	return str_of(place, token_render(p->type, p->param, value, place));
}

/*
 * What a group's template says before any row is looked at. A match belongs to the first value it runs over that is not
 * shared: so what may have begun before a value is what literals and shared values alone begin.
 */
struct outlook {
	struct posset begun[TOKENS_MAX];      /* before each value */
	struct posset open[TOKENS_MAX];       /* behind each value: from where the rest may end a match */
	bool sure;                            /* literals and shared values alone make a match */
};

static void
look_back(struct expression *x, const struct view_group *g, struct outlook *o)
{
	struct posset to = { 0 };
	struct shape shape;

	for (uint32_t i = g->template.n; i > 0; i--) {
		const struct part *p = &g->template.parts[i - 1];
		const struct column *c = &g->set.columns[i - 1];
		char place[TOKEN_RENDER_MAX];

		to = back_through_text(x->p, to, g->template.parts[i].literal);
		o->open[i - 1] = to;
		if (shared(g, i - 1)) {
			to = back_through_text(x->p, to, text_of(x->e->view, p, c->base, place));
		} else {
			shape_of(x, p, c, &shape);
			to = back_through(x->p, &shape, to);
		}
	}
}

static void
look_ahead(struct expression *x, const struct view_group *g, struct outlook *o)
{
	static const struct posset none;
	struct posset begun = none;

	o->sure = false;
	for (uint32_t i = 0; i <= g->template.n; i++) {
		const struct part *p = &g->template.parts[i];
		char place[TOKEN_RENDER_MAX];

		o->sure = runner_run(x->runner, &begun, p->literal, &begun);
		if (i == g->template.n || o->sure)
			return;
		o->begun[i] = begun;
		if (!shared(g, i))
			begun = none;
		else if (runner_run(x->runner, &begun, text_of(x->e->view, p, g->set.columns[i].base, place), &begun))
			o->sure = true;
		if (o->sure)
			return;
	}
}

static enum answer
judge(struct expression *x, const struct outlook *o, uint32_t part, struct str text)
{
	static const struct posset none;
	struct posset to;

	if (runner_run(x->runner, &none, text, &to))
		return x->p->exact ? YES : PERHAPS;
	if (posset_meets(&to, &o->open[part]))
		return PERHAPS;
	if (posset_empty(&o->begun[part]))
		return NO;
	return runner_run(x->runner, &o->begun[part], text, &to) || posset_meets(&to, &o->open[part]) ? PERHAPS : NO;
}

static void
set_row(struct expression *x, const struct view_group *g, uint32_t ordinal, enum answer a)
{
	if (a == NO)
		return;
	rows_set(x->rows->may, x->e, g, ordinal);
	if (a == YES)
		rows_set(x->rows->sure, x->e, g, ordinal);
}

/* Rows by their value of a part; neighbours are often alike. */
static int
judge_values(struct expression *x, struct view_group *g, const struct outlook *o, uint32_t part)
{
	const struct part *p = &g->template.parts[part];
	struct view *v = x->e->view;
	enum answer a = NO;
	const uint64_t *values;
	uint64_t last = 0;
	bool known = false;
	int rc = 0;

	if (part == g->template.stamp) {
		rc = view_stamps(v);
		values = rc == 0 ? v->stamps + g->start : NULL;
	} else {
		rc = view_column(v, &g->set, part, &values);
	}
	for (uint32_t i = 0; rc == 0 && i < g->set.rows; i++) {
		char place[TOKEN_RENDER_MAX];

		if (rows_has(x->rows->sure, x->e, g, i))
			continue;
		if (!known || values[i] != last)
			a = judge(x, o, part, text_of(v, p, values[i], place));
		known = true;
		last = values[i];
		set_row(x, g, i, a);
	}
	return rc;
}

static int
find_matching(struct expression *x)
{
	static const struct posset none;
	struct view *v = x->e->view;
	struct word_set set = { .low = UINT32_MAX };
	struct posset to;

	if (x->has_matching)
		return 0;
	set.bits = ARENA_ARRAY(&x->e->s->work, uint64_t, v->nwords / 64 + 1u);
	if (!set.bits)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->nwords; i++) {
		if (!runner_run(x->runner, &none, view_word(v, i), &to))
			continue;
		set.bits[i / 64] |= UINT64_C(1) << i % 64;
		set.n++;
		set.low = i < set.low ? i : set.low;
		set.high = i;
	}
	x->matching = set;
	x->has_matching = true;
	return 0;
}

/* A match that begins or ends outside the word: each different word of the column is judged with what is around it. */
static int
judge_words(struct expression *x, struct view_group *g, const struct outlook *o, uint32_t part)
{
	struct view *v = x->e->view;
	const uint64_t *values;
	int rc = view_column(v, &g->set, part, &values);

	if (!x->seen)
		x->seen = ARENA_ARRAY(&x->e->s->work, uint32_t, v->nwords);
	if (rc < 0 || !x->seen)
		return rc < 0 ? rc : -ENOMEM;
	x->turn++;
	for (uint32_t i = 0; i < g->set.rows; i++) {
		uint32_t *seen = &x->seen[values[i]];

		if (*seen >> 2 != x->turn)
			*seen = x->turn << 2 | judge(x, o, part, view_word(v, values[i]));
		set_row(x, g, i, (enum answer)(*seen & 3));
	}
	return 0;
}

/* Whether a position that was begun before a value can go on in it. */
static bool
goes_on(const struct positions *p, const struct posset *begun, const struct posset *at)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (posset_has(begun, i) && posset_meets(&p->follow[i], at))
			return true;
	}
	return false;
}

static int
eval_name(struct expression *x, struct view_group *g, const struct outlook *o, uint32_t part)
{
	static const struct posset none;
	struct posset end;
	struct shape shape;
	bool whole;
	int rc;

	if (g->set.columns[part].max >= x->e->view->nwords)
		return -EBADMSG;
	shape_of(x, &g->template.parts[part], &g->set.columns[part], &shape);
	end = through(x->p, &shape, none, &whole);
	if (posset_meets(&end, &o->open[part]) || goes_on(x->p, &o->begun[part], &shape.span[0].at) ||
	    (shape.span[0].least == 0 && posset_meets(&o->begun[part], &o->open[part])))
		return judge_words(x, g, o, part);
	rc = find_matching(x);
	return rc < 0 ? rc : eval_in_words(x->e, g, part, &x->matching, NULL, x->p->exact, x->rows);
}

static int
eval_part(struct expression *x, struct view_group *g, const struct outlook *o, uint32_t part)
{
	struct posset end;
	struct shape shape;
	bool whole;

	if (shared(g, part))
		return 0;
	if (token_is_name(g->template.parts[part].type))
		return eval_name(x, g, o, part);
	shape_of(x, &g->template.parts[part], &g->set.columns[part], &shape);
	end = through(x->p, &shape, o->begun[part], &whole);
	if (!whole && !posset_meets(&end, &o->open[part]))
		return 0;
	return judge_values(x, g, o, part);
}

static bool
all_sure(const struct expression *x, const struct view_group *g)
{
	uint32_t from = x->e->base[g->number];

	return memcmp(x->rows->sure + from, x->e->valid + from, (g->set.rows + 63) / 64 * sizeof(uint64_t)) == 0;
}

static int
eval_group(struct expression *x, struct view_group *g)
{
	struct outlook o;
	int rc = 0;

	/* What a shared value's name leads to is checked here; of the others where they are read. */
	for (uint32_t i = 0; i < g->template.n; i++) {
		if (token_is_name(g->template.parts[i].type) && g->set.columns[i].max >= x->e->view->nwords)
			return -EBADMSG;
	}
	look_ahead(x, g, &o);
	if (o.sure) {
		eval_set_group(x->e, x->rows->may, g);
		if (x->p->exact)
			eval_set_group(x->e, x->rows->sure, g);
		return 0;
	}
	look_back(x, g, &o);
	for (uint32_t i = 0; rc == 0 && i < g->template.n && !all_sure(x, g); i++)
		rc = eval_part(x, g, &o, i);
	return rc;
}

static int
eval_positions(struct eval *e, const struct query_node *n, struct rows *ret)
{
	struct search *s = e->s;
	struct expression x = { .e = e, .p = n->regex->positions, .rows = ret };
	int rc = eval_alloc(e, ret);

	if (rc < 0)
		return rc;
	if (x.p->nullable) {
		memcpy(ret->may, e->valid, e->nwords * sizeof(*ret->may));
		if (x.p->exact)
			memcpy(ret->sure, e->valid, e->nwords * sizeof(*ret->sure));
		return 0;
	}
	if (!s->runners[n->regex->number])
		s->runners[n->regex->number] = runner_new(x.p);
	x.runner = s->runners[n->regex->number];
	if (!x.runner)
		return -ENOMEM;
	make_alphabets(x.p, &x.alphabets);
	rc = view_words(e->view);
	for (uint32_t i = 0; rc == 0 && i < e->view->ngroups; i++)
		rc = eval_group(&x, &e->view->groups[i]);
	return rc;
}

/* The literals that every match has, word by word, then the expression as a whole. */
int
eval_regex(struct eval *e, const struct query_node *n, struct rows *ret)
{
	struct rows one;
	int rc = eval_alloc(e, ret);

	if (rc < 0)
		return rc;
	memcpy(ret->may, e->valid, e->nwords * sizeof(*ret->may));
	for (uint32_t i = 0; rc == 0 && i < n->nneeds; i++) {
		struct word_set set;

		rc = eval_alloc(e, &one);
		if (rc == 0)
			rc = eval_words(e, n->needs[i], false, false, &set);
		for (uint32_t k = 0; rc == 0 && k < e->view->ngroups; k++) {
			struct view_group *g = &e->view->groups[k];

			for (uint32_t p = 0; rc == 0 && p < g->template.n; p++) {
				if (token_is_name(g->template.parts[p].type))
					rc = eval_in_words(e, g, p, &set, NULL, false, &one);
			}
		}
		if (rc == 0)
			rows_and(e, ret, &one);
	}
	if (rc < 0 || !n->regex->positions)
		return rc;
	rc = eval_positions(e, n, &one);
	for (uint32_t i = 0; rc == 0 && i < e->nwords; i++) {
		ret->may[i] &= one.may[i];
		ret->sure[i] = one.sure[i];
	}
	return rc;
}
