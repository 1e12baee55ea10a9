/*
 * condition: FIELD OP VALUES, compiled from words. Each op is a row of one table: how many words it takes, how they are
 * compiled, what it says of an absent field; how it is asked stands in condition_ask.c. Must never remember anything
 * beside the rule set.
 */
#include "watch/condition.h"

#include <errno.h>
#include <stdio.h>

#include "watch/pattern/pattern.h"

#define VALUES_MAX 4096
#define FEW_VALUES 3               /* are sooner compared than sorted */

static void *
grow(struct load *l, void *v, uint32_t n, size_t size)
{
	void *more;

	if (n & (n + 1))           /* room is doubled when n + 1 is a power of two, so n is one less */
		return v;
	more = arena_array(&l->rs->arena, 2 * ((size_t)n + 1), size);
	if (more && v)
		memcpy(more, v, n * size);
	return more;
}

static void
bad_value(struct load *l, const struct conf_word *w, const char *hint, const char *what)
{
	diag_error(l->d, w->pos, (uint32_t)w->text.n, hint, "'%.*s' is not %s", STR_FMT(w->text), what);
}

static int
add_text(struct load *l, struct condition *c, const struct conf_word *w, struct str text)
{
	struct str *v = grow(l, (void *)c->values, c->nvalues, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v[c->nvalues++] = text;
	c->values = v;
	return 0;
}

static int
add_net(struct load *l, struct condition *c, const struct conf_word *w, struct str text)
{
	struct cidr *v = grow(l, (void *)c->nets, c->nvalues, sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (cidr_parse(text, &v[c->nvalues]) < 0) {
		bad_value(l, w, "write an address or a network as 192.0.2.0/24", "a network");
		return -EINVAL;
	}
	c->nvalues++;
	c->nets = v;
	return 0;
}

static int
add_pattern(struct load *l, struct condition *c, const struct conf_word *w, struct str text)
{
	struct pattern *v = grow(l, (void *)c->patterns, c->nvalues, sizeof(*v));
	struct conf_word word = *w;

	word.text = text;
	if (!v)
		return -ENOMEM;
	if (pattern_compile(l, &word, false, &v[c->nvalues]) < 0)
		return -EINVAL;
	c->nvalues++;
	c->patterns = v;
	return 0;
}

typedef int add_fn(struct load *l, struct condition *c, const struct conf_word *w, struct str text);

static int
take_value(struct load *l, struct condition *c, const struct conf_word *w, add_fn *add)
{
	const struct rule_list *list;
	int err = 0;

	if (w->quote != CONF_BARE || w->text.n < 2 || w->text.p[0] != '$')
		return add(l, c, w, w->text);
	if ((c->op == CONDITION_IN || c->op == CONDITION_OUTSIDE) && str_eq(w->text, STR("$own"))) {
		c->own = true;
		return 0;
	}
	list = load_list(l, str_from(w->text, 1));
	if (!list) {
		diag_error(l->d, w->pos, (uint32_t)w->text.n, "write `list NAME { value, value; }` somewhere in rules/",
		    "no list is called '%.*s'", STR_FMT(w->text));
		return -EINVAL;
	}
	for (uint32_t i = 0; i < list->nvalues && err == 0; i++)
		err = add(l, c, w, list->values[i]);
	return err;
}

/* The words of a comma list that begins at *at. */
static int
take_values(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c, add_fn *add)
{
	bool more = true;
	int err = 0;

	while (more && *at < s->nwords) {
		const struct conf_word *w = &s->words[(*at)++];

		if (c->nvalues >= VALUES_MAX) {
			diag_error(l->d, w->pos, 1, NULL, "more than %d values", VALUES_MAX);
			return -EINVAL;
		}
		if (take_value(l, c, w, add) < 0)
			err = -EINVAL;
		more = w->comma;
	}
	return err;
}

static int
take_texts(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c)
{
	return take_values(l, s, at, c, add_text);
}

static int
take_nets(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c)
{
	return take_values(l, s, at, c, add_net);
}

static int
take_patterns(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c)
{
	return take_values(l, s, at, c, add_pattern);
}

static int
take_number(struct load *l, const struct conf_stmt *s, uint32_t *at, double *ret)
{
	const struct conf_word *w = &s->words[*at];

	if (!condition_number(w->text, ret)) {
		bad_value(l, w, NULL, "a number");
		return -EINVAL;
	}
	++*at;
	return 0;
}

static int
take_limit(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c)
{
	int err = take_number(l, s, at, &c->low);

	c->high = c->low;
	return err;
}

static int
take_range(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c)
{
	int err = take_number(l, s, at, &c->low);

	return err < 0 ? err : take_number(l, s, at, &c->high);
}

static int
take_other(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c)
{
	c->other = load_field(l, &s->words[(*at)++]);
	return c->other == FIELD_NONE ? -EINVAL : 0;
}

static const struct op {
	const char *word;
	uint16_t args;             /* words it needs at least */
	int (*take)(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c);
	bool if_absent;            /* what it says of an absent field */
} ops[] = {
	[CONDITION_IS] = { "is", 1, take_texts },
	[CONDITION_NOT] = { "not", 1, take_texts, true },
	[CONDITION_LACKS] = { "lacks", 1, take_texts, true },
	[CONDITION_HAS] = { "has", 1, take_texts },
	[CONDITION_STARTS] = { "starts", 1, take_texts },
	[CONDITION_ENDS] = { "ends", 1, take_texts },
	[CONDITION_IN] = { "in", 1, take_nets },
	[CONDITION_OUTSIDE] = { "outside", 1, take_nets },
	[CONDITION_ABOVE] = { "above", 1, take_limit },
	[CONDITION_BELOW] = { "below", 1, take_limit },
	[CONDITION_BETWEEN] = { "between", 2, take_range },
	[CONDITION_SAME] = { "same", 1, take_other },
	[CONDITION_DIFFERS] = { "differs", 1, take_other, true },
	[CONDITION_HOLDS] = { "holds", 1, take_other },
	[CONDITION_EXISTS] = { "exists", 0, NULL },
	[CONDITION_ABSENT] = { "absent", 0, NULL, true },
	[CONDITION_EXTERNAL] = { "external", 0, NULL },
	[CONDITION_LIKE] = { "like", 1, take_patterns },
};

static int
take_op(struct load *l, const struct conf_word *w, struct condition *c)
{
	struct str names[ARRAY_LEN(ops)], near;
	char hint[64];

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		names[i] = str_z(ops[i].word);
		if (str_eq(w->text, names[i])) {
			c->op = (enum condition_op)i;
			return 0;
		}
	}
	near = text_nearest(w->text, names, ARRAY_LEN(ops));
	snprintf(hint, sizeof(hint), "did you mean '%.*s'?", STR_FMT(near));
	diag_error(l->d, w->pos, (uint32_t)w->text.n, near.n ? hint :
	    "is not has lacks starts ends in outside above below between same differs holds exists absent external like",
	    "'%.*s' is no comparison", STR_FMT(w->text));
	return -EINVAL;
}

static int
take_subject(struct load *l, const struct conf_word *w, struct condition *c)
{
	c->field = FIELD_NONE;
	if (str_eq(w->text, STR("kind")))
		c->about = CONDITION_KIND;
	else if (str_eq(w->text, STR("hour")))
		c->about = CONDITION_HOUR;
	else if (str_eq(w->text, STR("weekday")))
		c->about = CONDITION_WEEKDAY;
	else
		c->field = load_field(l, w);
	return c->about == CONDITION_FIELD && c->field == FIELD_NONE ? -EINVAL : 0;
}

static int
check_kinds(struct load *l, const struct condition *c, const struct conf_word *w)
{
	if (c->op != CONDITION_IS && c->op != CONDITION_NOT) {
		diag_error(l->d, w->pos, (uint32_t)w->text.n, NULL, "kind is only compared with `is` and `not`");
		return -EINVAL;
	}
	return 0;
}

/* Of many values only those of the text's shape are compared. */
static int
sort_by_shape(struct load *l, struct condition *c)
{
	uint16_t *shapes = ARENA_ARRAY(&l->rs->arena, uint16_t, CONDITION_SHAPES + 1);
	struct str *sorted = ARENA_ARRAY(&l->rs->arena, struct str, c->nvalues);
	uint16_t n = 0;

	if (!shapes || !sorted)
		return -ENOMEM;
	for (uint32_t shape = 0; shape < CONDITION_SHAPES; shape++) {
		shapes[shape] = n;
		for (uint32_t i = 0; i < c->nvalues; i++) {
			if (condition_shape(c->values[i]) == shape)
				sorted[n++] = c->values[i];
		}
	}
	shapes[CONDITION_SHAPES] = n;
	c->values = sorted;
	c->shapes = shapes;
	return 0;
}

static uint32_t
pattern_letters(const struct pattern *p)
{
	uint32_t letters = 0;

	for (uint8_t m = 0; m < p->nmust; m++) {
		const struct step *s = &p->steps[p->must[m]];

		letters |= condition_letters(str_of(s->lit, s->len));
	}
	return letters;
}

/* A text that lacks a letter of what is looked for need not be searched. */
static int
find_letters(struct load *l, struct condition *c)
{
	uint32_t *letters = ARENA_ARRAY(&l->rs->arena, uint32_t, c->nvalues);

	if (!letters)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nvalues; i++)
		letters[i] = c->op == CONDITION_LIKE ? pattern_letters(&c->patterns[i]) :
		    condition_letters(c->values[i]);
	c->letters = letters;
	return 0;
}

/* Values are made ready so that most need no look. */
static int
make_ready(struct load *l, struct condition *c)
{
	bool many = c->about != CONDITION_KIND && c->nvalues > FEW_VALUES;

	if (many && (c->op == CONDITION_IS || c->op == CONDITION_NOT))
		return sort_by_shape(l, c);
	if (c->op == CONDITION_LIKE || (many && (c->op == CONDITION_HAS || c->op == CONDITION_LACKS)))
		return find_letters(l, c);
	return 0;
}

int
condition_compile(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *ret)
{
	struct condition c = { .about = CONDITION_FIELD, .other = FIELD_NONE };
	const struct conf_word *word;
	int err;

	if (*at + 2 > s->nwords) {
		const struct conf_word *last = &s->words[s->nwords - 1];

		diag_error(l->d, last->pos, (uint32_t)last->text.n, "write FIELD OP VALUE, as in `status is 404`",
		    "a condition is missing or not complete");
		return -EINVAL;
	}
	if (take_subject(l, &s->words[*at], &c) < 0)
		return -EINVAL;
	word = &s->words[*at + 1];
	if (take_op(l, word, &c) < 0 || (c.about == CONDITION_KIND && check_kinds(l, &c, word) < 0))
		return -EINVAL;
	*at += 2;
	if (*at + ops[c.op].args > s->nwords) {
		diag_error(l->d, word->pos, (uint32_t)word->text.n, NULL, "'%s' needs %s", ops[c.op].word,
		    ops[c.op].args == 1 ? "a value" : "two values");
		return -EINVAL;
	}
	err = ops[c.op].take ? ops[c.op].take(l, s, at, &c) : 0;
	c.plain = c.about == CONDITION_FIELD && c.field != FIELD_program && c.field != FIELD_host &&
	    c.field != FIELD_message && c.field != FIELD_pid;
	c.if_absent = ops[c.op].if_absent;
	if (err == 0)
		err = make_ready(l, &c);
	if (err == 0)
		*ret = c;
	return err;
}

int
conditions_compile(struct load *l, const struct conf_stmt *s, uint32_t at, struct condition **ret_conds,
    uint32_t *ret_n)
{
	struct condition *v = NULL;
	uint32_t n = 0;

	for (;;) {
		v = grow(l, v, n, sizeof(*v));
		if (!v)
			return -ENOMEM;
		if (condition_compile(l, s, &at, &v[n]) < 0)
			return -EINVAL;
		n++;
		if (at == s->nwords)
			break;
		if (!str_eq(s->words[at].text, STR("and"))) {
			diag_error(l->d, s->words[at].pos, (uint32_t)s->words[at].text.n,
			    "join conditions with `and`, values with commas", "'%.*s' was not expected here",
			    STR_FMT(s->words[at].text));
			return -EINVAL;
		}
		at++;
	}
	*ret_conds = v;
	*ret_n = n;
	return 0;
}
