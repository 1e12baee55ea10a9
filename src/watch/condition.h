/*
 * condition: FIELD OP VALUES, the one small language of `when`, `where`, `need` and `refine`. Compiled once, asked
 * per record without allocating. Never looks at anything but the record and the caller's own networks.
 *
 * FIELD is any field. `host`, `program`, `pid` and `message` mean the head of the line when no field of that name was
 * decoded. `kind`, `hour` (0-23) and `weekday` (sun mon tue wed thu fri sat) are facts of the record itself.
 */
#ifndef GUARITA_WATCH_CONDITION_H
#define GUARITA_WATCH_CONDITION_H

#include "watch/load.h"

/* What only the running program knows. NULL is allowed everywhere: no own networks, UTC. */
struct watch_env {
	const struct cidr *own;
	size_t nown;
	int zone_offset_min;       /* for `hour` and `weekday` */
};

enum condition_op {
	CONDITION_IS,
	CONDITION_NOT,
	CONDITION_HAS,
	CONDITION_LACKS,
	CONDITION_STARTS,
	CONDITION_ENDS,
	CONDITION_IN,
	CONDITION_OUTSIDE,
	CONDITION_ABOVE,
	CONDITION_BELOW,
	CONDITION_BETWEEN,
	CONDITION_SAME,
	CONDITION_DIFFERS,
	CONDITION_HOLDS,
	CONDITION_EXISTS,
	CONDITION_ABSENT,
	CONDITION_EXTERNAL,
	CONDITION_LIKE,
};

enum condition_about {
	CONDITION_FIELD,
	CONDITION_KIND,
	CONDITION_HOUR,
	CONDITION_WEEKDAY,
};

struct pattern;

struct condition {
	enum condition_about about;
	enum condition_op op;
	uint16_t field;
	uint16_t other;            /* same, differs, holds; else FIELD_NONE */
	bool plain;                /* the field is nowhere but among the fields of a record */
	bool if_absent;            /* the answer for a record without the field */
	bool own;                  /* `in $own`: the caller's own networks count too */
	uint32_t nvalues;
	union {
		const struct str *values;         /* is not has starts ends; kinds by name */
		const struct cidr *nets;          /* in */
		const struct pattern *patterns;   /* like */
	};
	const uint32_t *letters;   /* by pattern, or by many values of has: condition_letters() that a text must have */
	const uint16_t *shapes;    /* of many values: CONDITION_SHAPES + 1 places where those of a shape begin */
	double low, high;          /* above, below, between */
};

/* Which bytes a text holds, one bit each for those that are alike in the last five bits: letters in either case. */
static inline uint32_t
condition_letters(struct str s)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < s.n; i++)
		letters |= 1u << ((uint8_t)s.p[i] & 31);
	return letters;
}

#define CONDITION_SHAPES 64u

/* Texts that differ in this are different in any case. */
static inline uint32_t
condition_shape(struct str s)
{
	return s.n == 0 ? 0 : ((uint32_t)s.n + 7u * (uint8_t)ascii_lower(s.p[0]) +
	    13u * (uint8_t)ascii_lower(s.p[s.n - 1])) % CONDITION_SHAPES;
}

/*
 * Compiles the condition that begins at word *at of s and moves *at behind it. 0, or -EINVAL with a fault reported.
 * Lives in the rule set's arena.
 */
int condition_compile(struct load *l, const struct conf_stmt *s, uint32_t *at, struct condition *ret) WARN_UNUSED;
/* COND [and COND ...] up to the end of the statement; *ret_conds in the arena. */
int conditions_compile(struct load *l, const struct conf_stmt *s, uint32_t at, struct condition **ret_conds,
    uint32_t *ret_n) WARN_UNUSED;

/* Absent fields: only `absent`, `not`, `lacks` and `differs` hold. */
bool condition_holds(const struct condition *c, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env);
bool conditions_hold(const struct condition *c, uint32_t n, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env);

/* The question alone, about a value that the field has; r and env may be NULL. */
bool condition_ask(const struct condition *c, struct str value, const struct record *r, const struct watch_env *env);

/* The same, soon answered: two of three conditions ask about a field that is not there. */
static inline bool
condition_holds_soon(const struct condition *c, const struct ruleset *rs, const struct record *r,
    const struct watch_env *env)
{
	const struct field *f;

	if (!c->plain)
		return condition_holds(c, rs, r, env);
	f = record_field(r, c->field);
	return f ? condition_ask(c, record_text(r, f->at), r, env) : c->if_absent;
}

/* The same of conditions that stand apart. */
static inline bool
conditions_all_hold(const struct condition *const *c, uint32_t n, const struct ruleset *rs,
    const struct record *r, const struct watch_env *env)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!condition_holds_soon(c[i], rs, r, env))
			return false;
	}
	return true;
}

/* The same for one value that is not in a record (keys of `need`, before a record has fields). NULL p: absent. */
bool condition_holds_value(const struct condition *c, struct str value);

/* A decimal number, perhaps signed and with a point; false when the text is anything else. */
bool condition_number(struct str s, double *ret);
/* A field, else the part of the head with that name; STR_NULL when absent. */
struct str record_fact(const struct record *r, uint16_t key);
/* Not private, loopback, link-local, multicast or own. */
bool addr_external(const struct addr *a, const struct watch_env *env);

#endif
