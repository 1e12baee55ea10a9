/*
 * condition: FIELD OP VALUES, compiled from words and asked per record. Each op is a row of one table: how many
 * words it takes, how they are compiled, how it is asked. Must never allocate or remember anything when asked.
 */
#include "watch/condition.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "watch/pattern.h"

#define VALUES_MAX 4096

static const char *const weekdays[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

struct str
record_fact(const struct record *r, uint16_t key)
{
	struct str value = record_value(r, key);

	if (value.p)
		return value;
	if (key == FIELD_program && r->program.len)
		return record_text(r, r->program);
	if (key == FIELD_host && r->host.len)
		return record_text(r, r->host);
	if (key == FIELD_message && r->message.len)
		return record_text(r, r->message);
	return STR_NULL;
}

bool
addr_external(const struct addr *a, const struct watch_env *env)
{
	/* RFC 1918, 6598, 3927, 1122 (this host, loopback), 5771 and 919; RFC 4193, 4291 */
	static const struct cidr inside[] = {
		{ { { [10] = 0xff, 0xff, 10 } }, 104 }, { { { [10] = 0xff, 0xff, 172, 16 } }, 108 },
		{ { { [10] = 0xff, 0xff, 192, 168 } }, 112 }, { { { [10] = 0xff, 0xff, 100, 64 } }, 106 },
		{ { { [10] = 0xff, 0xff, 169, 254 } }, 112 }, { { { [10] = 0xff, 0xff, 127 } }, 104 },
		{ { { [10] = 0xff, 0xff, 0 } }, 104 }, { { { [10] = 0xff, 0xff, 224 } }, 99 },
		{ { { 0xfc } }, 7 }, { { { 0xfe, 0x80 } }, 10 }, { { { 0xff } }, 8 }, { { { 0 } }, 127 },
	};

	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (cidr_has(&inside[i], a))
			return false;
	for (size_t i = 0; env && i < env->nown; i++)
		if (cidr_has(&env->own[i], a))
			return false;
	return true;
}

/* Compiling. */

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

static bool
number_of(struct str s, double *ret)
{
	double value = 0, unit = 1;
	bool minus = s.n && s.p[0] == '-', point = false, digits = false;
	size_t i = minus || (s.n && s.p[0] == '+');

	for (; i < s.n; i++) {
		if (s.p[i] == '.' && !point) {
			point = true;
		} else if (s.p[i] >= '0' && s.p[i] <= '9') {
			digits = true;
			value = value * 10 + (s.p[i] - '0');
			unit *= point ? 10 : 1;
		} else {
			return false;
		}
	}
	*ret = (minus ? -value : value) / unit;
	return digits;
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

	if (!number_of(w->text, ret)) {
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

/* Asking. */

/* What a condition is asked about: the value of its field, and where it came from. */
struct asked {
	const struct condition *c;
	const struct ruleset *rs;          /* these three may be NULL: then only the value is known */
	const struct record *r;
	const struct watch_env *env;
	struct str value;
};

/* Might two bytes be one letter? Mostly not, which spares a closer look. */
static inline bool
alike(char a, char b)
{
	return ((a ^ b) & ~0x20) == 0;
}

static bool
is_one(const struct asked *q)
{
	struct str value = q->value;

	for (uint32_t i = 0; i < q->c->nvalues; i++) {
		struct str v = q->c->values[i];

		if (v.n == value.n && (v.n == 0 || (alike(v.p[0], value.p[0]) && str_eq_nocase(value, v))))
			return true;
	}
	return false;
}

static bool
is_none(const struct asked *q)
{
	return !is_one(q);
}

static bool
has_one(const struct asked *q)
{
	for (uint32_t i = 0; i < q->c->nvalues; i++) {
		struct str v = q->c->values[i];

		if (v.n == 0 || (v.n <= q->value.n && str_find_nocase(q->value, v) < q->value.n))
			return true;
	}
	return false;
}

static bool
has_none(const struct asked *q)
{
	return !has_one(q);
}

static bool
starts_one(const struct asked *q)
{
	for (uint32_t i = 0; i < q->c->nvalues; i++)
		if (str_starts_nocase(q->value, q->c->values[i]))
			return true;
	return false;
}

static bool
ends_one(const struct asked *q)
{
	for (uint32_t i = 0; i < q->c->nvalues; i++) {
		struct str end = q->c->values[i];

		if (q->value.n >= end.n && str_eq_nocase(str_from(q->value, q->value.n - end.n), end))
			return true;
	}
	return false;
}

static bool
in_nets(const struct asked *q)
{
	struct addr a;

	if (addr_parse(q->value, &a) < 0)
		return false;
	for (uint32_t i = 0; i < q->c->nvalues; i++)
		if (cidr_has(&q->c->nets[i], &a))
			return true;
	for (size_t i = 0; q->c->own && q->env && i < q->env->nown; i++)
		if (cidr_has(&q->env->own[i], &a))
			return true;
	return false;
}

/* An address that is in none of them; what is no address is not outside either. */
static bool
outside_nets(const struct asked *q)
{
	struct addr a;

	return addr_parse(q->value, &a) == 0 && !in_nets(q);
}

static bool
is_external(const struct asked *q)
{
	struct addr a;

	return addr_parse(q->value, &a) == 0 && addr_external(&a, q->env);
}

static bool
above(const struct asked *q)
{
	double v;

	return number_of(q->value, &v) && v > q->c->low;
}

static bool
below(const struct asked *q)
{
	double v;

	return number_of(q->value, &v) && v < q->c->low;
}

/* A range that wraps (22 to 5 o'clock) is what lies outside its inside. */
static bool
between(const struct asked *q)
{
	double v;

	if (!number_of(q->value, &v))
		return false;
	if (q->c->low <= q->c->high)
		return v >= q->c->low && v <= q->c->high;
	return v >= q->c->low || v <= q->c->high;
}

static bool
same(const struct asked *q)
{
	struct str other = q->r ? record_fact(q->r, q->c->other) : STR_NULL;

	return other.p && str_eq_nocase(q->value, other);
}

static bool
differs(const struct asked *q)
{
	return !same(q);
}

static bool
holds_other(const struct asked *q)
{
	struct str other = q->r ? record_fact(q->r, q->c->other) : STR_NULL;

	return other.n && str_find_nocase(q->value, other) < q->value.n;
}

static bool
yes(const struct asked *q)
{
	return true;
}

static bool
no(const struct asked *q)
{
	return false;
}

static bool
like_one(const struct asked *q)
{
	struct match m = { .lead_limited = false };

	for (uint32_t i = 0; i < q->c->nvalues; i++)
		if (pattern_match(&q->c->patterns[i], pattern_trim(q->value), &m))
			return true;
	return false;
}

static const struct op {
	const char *word;
	bool absent;               /* what it says of an absent field */
	uint16_t args;             /* words it needs at least */
	int (*take)(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *c);
	bool (*ask)(const struct asked *q);
} ops[] = {
	[CONDITION_IS] = { "is", false, 1, take_texts, is_one },
	[CONDITION_NOT] = { "not", true, 1, take_texts, is_none },
	[CONDITION_LACKS] = { "lacks", true, 1, take_texts, has_none },
	[CONDITION_HAS] = { "has", false, 1, take_texts, has_one },
	[CONDITION_STARTS] = { "starts", false, 1, take_texts, starts_one },
	[CONDITION_ENDS] = { "ends", false, 1, take_texts, ends_one },
	[CONDITION_IN] = { "in", false, 1, take_nets, in_nets },
	[CONDITION_OUTSIDE] = { "outside", false, 1, take_nets, outside_nets },
	[CONDITION_ABOVE] = { "above", false, 1, take_limit, above },
	[CONDITION_BELOW] = { "below", false, 1, take_limit, below },
	[CONDITION_BETWEEN] = { "between", false, 2, take_range, between },
	[CONDITION_SAME] = { "same", false, 1, take_other, same },
	[CONDITION_DIFFERS] = { "differs", true, 1, take_other, differs },
	[CONDITION_HOLDS] = { "holds", false, 1, take_other, holds_other },
	[CONDITION_EXISTS] = { "exists", false, 0, NULL, yes },
	[CONDITION_ABSENT] = { "absent", true, 0, NULL, no },
	[CONDITION_EXTERNAL] = { "external", false, 0, NULL, is_external },
	[CONDITION_LIKE] = { "like", false, 1, take_patterns, like_one },
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

int
condition_compile(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *ret)
{
	struct condition c = { .about = CONDITION_FIELD };
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
	c.plain = c.field != FIELD_program && c.field != FIELD_host && c.field != FIELD_message && c.field != FIELD_pid;
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

static bool
ask(const struct asked *q)
{
	return q->value.p ? ops[q->c->op].ask(q) : ops[q->c->op].absent;
}

static bool
kind_holds(const struct asked *q)
{
	bool covered = false;

	for (uint32_t i = 0; i < q->c->nvalues && !covered; i++)
		covered = kinds_covers(q->rs->kinds, q->c->values[i], q->r->kind);
	return covered == (q->c->op == CONDITION_IS);
}

/* Hour and weekday become a short text, so that every op works on them. */
static bool
time_holds(struct asked *q)
{
	int64_t local = q->r->time_us;
	struct civil civil;
	char text[8];

	if (local == WHEN_NONE)
		return ask(q);
	local += (q->env ? q->env->zone_offset_min : 0) * WHEN_MINUTE;
	when_to_civil(local, &civil);
	if (q->c->about == CONDITION_HOUR)
		q->value = str_of(text, (size_t)snprintf(text, sizeof(text), "%d", civil.hour));
	else
		q->value = str_z(weekdays[when_weekday(local)]);
	return ask(q);
}

bool
condition_holds(const struct condition *c, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env)
{
	struct asked q = { .c = c, .rs = rs, .r = r, .env = env };
	char pid[24];

	switch (c->about) {
	case CONDITION_KIND:
		return kind_holds(&q);
	case CONDITION_HOUR:
	case CONDITION_WEEKDAY:
		return time_holds(&q);
	case CONDITION_FIELD:
		break;
	}
	q.value = record_fact(r, c->field);
	if (!q.value.p && c->field == FIELD_pid && r->pid >= 0)
		q.value = str_of(pid, (size_t)snprintf(pid, sizeof(pid), "%lld", (long long)r->pid));
	return ask(&q);
}

bool
conditions_hold(const struct condition *c, uint32_t n, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env)
{
	for (uint32_t i = 0; i < n; i++) {
		/* Two of three conditions ask about a field that is not there. */
		bool absent = c[i].about == CONDITION_FIELD && c[i].plain && !record_field(r, c[i].field);

		if (absent ? !ops[c[i].op].absent : !condition_holds(&c[i], rs, r, env))
			return false;
	}
	return true;
}

bool
condition_holds_value(const struct condition *c, struct str value)
{
	struct asked q = { .c = c, .value = value };

	return c->about == CONDITION_FIELD && ask(&q);
}
