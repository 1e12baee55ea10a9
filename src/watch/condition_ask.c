/*
 * condition_ask: whether a condition holds. Each op is a row of one table: the question. Must never allocate or
 * remember anything.
 */
#include <stdio.h>

#include "watch/condition.h"
#include "watch/pattern/pattern.h"

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

/* RFC 1918, 6598, 3927, 1122 (this host, loopback), 5771 and 919 */
static bool
v4_inside(const struct addr *a)
{
	static const struct { uint32_t net, mask; } inside[] = {
		{ 0x0a000000, 0xff000000 }, { 0xac100000, 0xfff00000 }, { 0xc0a80000, 0xffff0000 },
		{ 0x64400000, 0xffc00000 }, { 0xa9fe0000, 0xffff0000 }, { 0x7f000000, 0xff000000 },
		{ 0x00000000, 0xff000000 }, { 0xe0000000, 0xe0000000 },
	};
	uint32_t v = (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 | a->b[15];

	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if ((v & inside[i].mask) == inside[i].net)
			return true;
	return false;
}

/* RFC 4193, 4291 */
static bool
v6_inside(const struct addr *a)
{
	static const struct cidr inside[] = {
		{ { { 0xfc } }, 7 }, { { { 0xfe, 0x80 } }, 10 }, { { { 0xff } }, 8 }, { { { 0 } }, 127 },
	};

	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (cidr_has(&inside[i], a))
			return true;
	return false;
}

bool
addr_external(const struct addr *a, const struct watch_env *env)
{
	if (addr_is_v4(a) ? v4_inside(a) : v6_inside(a))
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

/* r and env may be NULL: then only the value is known. */
typedef bool ask_fn(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env);

/* Might two bytes be one letter? Mostly not, which spares a closer look. */
static inline bool
alike(char a, char b)
{
	return ((a ^ b) & ~0x20) == 0;
}

static bool
is_one(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	const uint16_t *shape = c->shapes ? &c->shapes[condition_shape(value)] : NULL;
	uint32_t end = shape ? shape[1] : c->nvalues;

	for (uint32_t i = shape ? shape[0] : 0; i < end; i++) {
		struct str v = c->values[i];

		if (v.n == value.n && (v.n == 0 || (alike(v.p[0], value.p[0]) && str_eq_nocase(value, v))))
			return true;
	}
	return false;
}

static bool
is_none(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	return !is_one(c, value, r, env);
}

static bool
has(struct str value, struct str v)
{
	return v.n == 0 || (v.n <= value.n && str_find_nocase(value, v) < value.n);
}

static bool
has_one(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	uint32_t letters = c->letters ? condition_letters(value) : 0;

	for (uint32_t i = 0; i < c->nvalues; i++) {
		if (c->letters && (c->letters[i] & ~letters))
			continue;
		if (has(value, c->values[i]))
			return true;
	}
	return false;
}

static bool
has_none(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	return !has_one(c, value, r, env);
}

static bool
starts_one(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	for (uint32_t i = 0; i < c->nvalues; i++)
		if (str_starts_nocase(value, c->values[i]))
			return true;
	return false;
}

static bool
ends_one(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	for (uint32_t i = 0; i < c->nvalues; i++) {
		struct str end = c->values[i];

		if (value.n >= end.n && str_eq_nocase(str_from(value, value.n - end.n), end))
			return true;
	}
	return false;
}

static bool
in_nets(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	struct addr a;

	if (addr_parse(value, &a) < 0)
		return false;
	for (uint32_t i = 0; i < c->nvalues; i++)
		if (cidr_has(&c->nets[i], &a))
			return true;
	for (size_t i = 0; c->own && env && i < env->nown; i++)
		if (cidr_has(&env->own[i], &a))
			return true;
	return false;
}

/* An address that is in none of them; what is no address is not outside either. */
static bool
outside_nets(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	struct addr a;

	return addr_parse(value, &a) == 0 && !in_nets(c, value, r, env);
}

static bool
is_external(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	struct addr a;

	return addr_parse(value, &a) == 0 && addr_external(&a, env);
}

static bool
above(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	double v;

	return condition_number(value, &v) && v > c->low;
}

static bool
below(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	double v;

	return condition_number(value, &v) && v < c->low;
}

/* A range that wraps (22 to 5 o'clock) is what lies outside its inside. */
static bool
between(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	double v;

	if (!condition_number(value, &v))
		return false;
	if (c->low <= c->high)
		return v >= c->low && v <= c->high;
	return v >= c->low || v <= c->high;
}

static bool
same(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	struct str other = r ? record_fact(r, c->other) : STR_NULL;

	return other.p && str_eq_nocase(value, other);
}

static bool
differs(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	return !same(c, value, r, env);
}

static bool
holds_other(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	struct str other = r ? record_fact(r, c->other) : STR_NULL;

	return other.n && str_find_nocase(value, other) < value.n;
}

static bool
yes(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	return true;
}

static bool
no(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	return false;
}

static bool
matches(const struct pattern *p, struct str value)
{
	struct match m = { .lead_limited = false };

	return pattern_match(p, pattern_trim(value), &m);
}

static bool
like_one(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	uint32_t letters = condition_letters(value);

	for (uint32_t i = 0; i < c->nvalues; i++)
		if ((c->letters[i] & ~letters) == 0 && matches(&c->patterns[i], value))
			return true;
	return false;
}

static ask_fn *const asks[] = {
	[CONDITION_IS] = is_one,
	[CONDITION_NOT] = is_none,
	[CONDITION_LACKS] = has_none,
	[CONDITION_HAS] = has_one,
	[CONDITION_STARTS] = starts_one,
	[CONDITION_ENDS] = ends_one,
	[CONDITION_IN] = in_nets,
	[CONDITION_OUTSIDE] = outside_nets,
	[CONDITION_ABOVE] = above,
	[CONDITION_BELOW] = below,
	[CONDITION_BETWEEN] = between,
	[CONDITION_SAME] = same,
	[CONDITION_DIFFERS] = differs,
	[CONDITION_HOLDS] = holds_other,
	[CONDITION_EXISTS] = yes,
	[CONDITION_ABSENT] = no,
	[CONDITION_EXTERNAL] = is_external,
	[CONDITION_LIKE] = like_one,
};

bool
condition_ask(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env)
{
	return value.p ? asks[c->op](c, value, r, env) : c->if_absent;
}

static bool
kind_holds(const struct condition *c, const struct ruleset *rs, const struct record *r)
{
	bool covered = false;

	for (uint32_t i = 0; i < c->nvalues && !covered; i++)
		covered = kinds_covers(rs->kinds, c->values[i], r->kind);
	return covered == (c->op == CONDITION_IS);
}

/* Hour and weekday become a short text, so that every op works on them. */
static bool
time_holds(const struct condition *c, const struct record *r, const struct watch_env *env)
{
	int64_t local = r->time_us;
	struct civil civil;
	char text[8];

	if (local == WHEN_NONE)
		return c->if_absent;
	local += (env ? env->zone_offset_min : 0) * WHEN_MINUTE;
	if (c->about == CONDITION_WEEKDAY)
		return condition_ask(c, str_z(weekdays[when_weekday(local)]), r, env);
	when_to_civil(local, &civil);
	return condition_ask(c, str_of(text, (size_t)snprintf(text, sizeof(text), "%d", civil.hour)), r, env);
}

bool
condition_holds(const struct condition *c, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env)
{
	struct str value;
	char pid[24];

	switch (c->about) {
	case CONDITION_KIND:
		return kind_holds(c, rs, r);
	case CONDITION_HOUR:
	case CONDITION_WEEKDAY:
		return time_holds(c, r, env);
	case CONDITION_FIELD:
		break;
	}
	value = record_fact(r, c->field);
	if (!value.p && c->field == FIELD_pid && r->pid >= 0)
		value = str_of(pid, (size_t)snprintf(pid, sizeof(pid), "%lld", (long long)r->pid));
	return condition_ask(c, value, r, env);
}

bool
conditions_hold(const struct condition *c, uint32_t n, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!condition_holds_soon(&c[i], rs, r, env))
			return false;
	}
	return true;
}

bool
condition_holds_value(const struct condition *c, struct str value)
{
	return c->about == CONDITION_FIELD && condition_ask(c, value, NULL, NULL);
}
