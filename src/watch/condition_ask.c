/*
 * condition_ask: whether a condition holds. Each op is a row of one table: what it says of an absent field, and the
 * question. Must never allocate or remember anything.
 */
#include <stdio.h>

#include "watch/condition.h"
#include "watch/pattern.h"

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

bool
condition_number(struct str s, double *ret)
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

	return condition_number(q->value, &v) && v > q->c->low;
}

static bool
below(const struct asked *q)
{
	double v;

	return condition_number(q->value, &v) && v < q->c->low;
}

/* A range that wraps (22 to 5 o'clock) is what lies outside its inside. */
static bool
between(const struct asked *q)
{
	double v;

	if (!condition_number(q->value, &v))
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

static const struct {
	bool absent;               /* what it says of an absent field */
	bool (*ask)(const struct asked *q);
} asks[] = {
	[CONDITION_IS] = { false, is_one },
	[CONDITION_NOT] = { true, is_none },
	[CONDITION_LACKS] = { true, has_none },
	[CONDITION_HAS] = { false, has_one },
	[CONDITION_STARTS] = { false, starts_one },
	[CONDITION_ENDS] = { false, ends_one },
	[CONDITION_IN] = { false, in_nets },
	[CONDITION_OUTSIDE] = { false, outside_nets },
	[CONDITION_ABOVE] = { false, above },
	[CONDITION_BELOW] = { false, below },
	[CONDITION_BETWEEN] = { false, between },
	[CONDITION_SAME] = { false, same },
	[CONDITION_DIFFERS] = { true, differs },
	[CONDITION_HOLDS] = { false, holds_other },
	[CONDITION_EXISTS] = { false, yes },
	[CONDITION_ABSENT] = { true, no },
	[CONDITION_EXTERNAL] = { false, is_external },
	[CONDITION_LIKE] = { false, like_one },
};

static bool
ask(const struct asked *q)
{
	return q->value.p ? asks[q->c->op].ask(q) : asks[q->c->op].absent;
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

/* Two of three conditions ask about a field that is not there. */
static inline bool
holds_soon(const struct condition *c, const struct ruleset *rs, const struct record *r, const struct watch_env *env)
{
	if (c->plain && !record_field(r, c->field))
		return asks[c->op].absent;
	return condition_holds(c, rs, r, env);
}

bool
conditions_hold(const struct condition *c, uint32_t n, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!holds_soon(&c[i], rs, r, env))
			return false;
	}
	return true;
}

bool
conditions_all_hold(const struct condition *const *c, uint32_t n, const struct ruleset *rs,
    const struct record *r, const struct watch_env *env)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!holds_soon(c[i], rs, r, env))
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
