/*
 * rule: joins and correlation rules as compiled from rules/. Immutable after rules_finish(); everything lives in the
 * rule set's arena. Rules speak of kinds and fields only, never of raw text. The state of rules is watch/correlate/track.h.
 */
#ifndef GUARITA_WATCH_RULE_H
#define GUARITA_WATCH_RULE_H

#include "watch/condition.h"
#include "watch/load.h"

#define RULES_MAX 16384
#define RULE_STEPS_MAX 6
#define RULE_KEY_PARTS_MAX 6
#define RULE_WORSE_MAX 8
#define RULE_COUNT_MAX 10000       /* "count N of": more than this needs another kind of tool */
#define RULE_FACTS_MAX 16
#define RULE_DISTINCT_MAX 1000
#define JOIN_CARRY_MAX 12
#define JOINS_MAX 32
#define RISK_RULES_MAX 8

enum rule_shape {
	RULE_EACH,
	RULE_COUNT,
	RULE_SEQUENCE,
	RULE_FIRST,
	RULE_RARE,
	RULE_SILENCE,
	RULE_RISK,
};

struct key_part {
	uint16_t field;            /* src means: src, else src_host */
	uint8_t net;               /* the /24 or /64 of the address */
};

/* What a rule or join counts by. Equal keys are one key_spec, so a record's hash for it is computed once. */
struct key_spec {
	uint8_t n;
	struct key_part part[RULE_KEY_PARTS_MAX];
};

/* The same, made ready for every record: watch/correlate/plan. */
struct key_plan {
	uint64_t needs;            /* record.keys_seen lacks one of these: the key is not there */
	uint8_t n;
	uint8_t optional;          /* parts that may be absent, one bit each */
	uint16_t part[RULE_KEY_PARTS_MAX];     /* of rules.parts */
};

/* Kinds that a step, a context or a join asks for: one bit per kind. */
struct kind_set {
	const uint64_t *bits;
	bool any;
};

struct rule_step {
	struct kind_set kinds;
	uint32_t need;             /* so many of it, normally 1 */
	bool absent;               /* `then not`: must not follow */
	const struct condition *where;
	uint32_t nwhere;
};

struct rule_severity {             /* `severity X when ...`, `severity X at N` */
	enum severity severity;
	uint64_t at;               /* of an incident that counts so many; 0: by the condition */
	const struct condition *when;
	uint32_t nwhen;
};

/* Two rules of which one absorbs the other, and the fields both count by. */
struct rule_meet {
	uint16_t other;
	uint16_t key;
	bool absorbs;              /* this one takes the other's incidents */
};

struct rule {
	struct str name, title, say;
	const char *name_z;
	struct str attack;         /* empty: that of the incident's kind */
	struct conf_pos where_pos;
	uint64_t text_hash;        /* of everything that gives its state a meaning */
	enum rule_shape shape;
	uint32_t index;
	uint16_t open;             /* kind of the incident; KIND_NONE with open_record */
	bool open_record;          /* the kind of the gravest of its records, and severity with it */
	bool severe;               /* a severity was given */
	uint16_t mark;             /* kind given to counted records, or KIND_NONE */
	bool mark_none;            /* counted records are left as they are */
	enum severity severity;
	const struct rule_severity *severities;
	uint32_t nseverities;
	const struct condition *where;
	uint32_t nwhere;
	uint16_t key;              /* index in rules.keys */
	struct rule_step steps[RULE_STEPS_MAX];
	uint8_t nsteps;
	uint32_t need;             /* count N, rare below N, risk N */
	uint16_t distinct;         /* field, or FIELD_NONE */
	uint16_t distinct_part;    /* of rules.parts */
	bool distinct_net;         /* its network is meant, not the address */
	int64_t within_us;         /* window; 0 for each and first */
	int64_t after_us;          /* learning period of first and rare */
	int64_t quiet_us;          /* never less than within_us */
	int64_t same_us;           /* `same ... within`: incidents this close are one; 0: quiet_us */
	int64_t keep_us;           /* a track of it is of use so long after its last event; INT64_MAX: always */
	int64_t linger_us;         /* an incident is kept so long after its end: one that it meets may yet reach back */
	uint16_t same;             /* key of `same`, or the rule's own */
	uint16_t context;          /* key of `context by`, or UINT16_MAX */
	struct kind_set context_kinds;
	const struct condition *context_where;
	uint32_t ncontext_where;
	uint64_t worse[RULE_WORSE_MAX];
	uint32_t nworse;           /* 0: ten times the last report */
	uint32_t risk;
	const struct rule_meet *meets;   /* rules it absorbs, and that absorb it */
	uint32_t nmeets;
	uint16_t facts[RULE_FACTS_MAX];  /* fields whose values its incidents remember: those told, and those said */
	uint8_t nfacts;
	const struct conf_stmt *stmt;  /* for samples and for `rules show` */
};

struct join {
	struct str name;
	uint16_t key;
	struct kind_set open, end;
	const struct condition *where;     /* on the record that opens */
	uint32_t nwhere;
	uint16_t carry[JOIN_CARRY_MAX];
	uint8_t ncarry;
	int64_t for_us;
	uint64_t text_hash;
	bool by_pid;               /* the key has a pid */
};

struct want_gate;

/* Who wants a kind: rows of rules.wants, from .first, .n of them. */
struct kind_wants {
	uint32_t first;
	uint32_t n;
	uint32_t opens, ends;      /* joins, one bit each */
	const uint64_t *keep;      /* fields that must outlive a record of it: one bit per field of the rule set */
	const struct want_gate *gate;   /* watch/wanted: NULL where every want is walked */
};

enum want_role { WANT_STEP, WANT_CONTEXT };

struct want {
	uint16_t rule;
	uint8_t role;
	uint8_t step;
	uint16_t nasks;
	uint16_t nearly;           /* of asks, the first: what no session brings decides them */
	const struct condition *const *asks;   /* all must hold */
};

struct rules {
	struct rule *rules;
	uint32_t nrules;
	struct join *joins;
	uint32_t njoins;
	struct key_spec *keys;
	struct key_plan *plans;    /* by key */
	uint32_t nkeys;
	struct key_part *parts;    /* of all keys, and what is counted distinct: each once */
	uint32_t nparts;
	struct kind_wants *kinds;  /* by kind */
	uint32_t nkinds;
	struct want *wants;
	const uint64_t *carried;   /* fields that a session may bring: one bit per field */
	uint16_t nfields;          /* of the rule set, when it was compiled */
	uint16_t lacking;          /* the field whose lack all joins go by, or FIELD_NONE: they differ */
	uint16_t risk_rules[RISK_RULES_MAX];
	uint32_t nrisk;
	struct rules_build *build; /* while loading only */
};

/* One top-level `join` or `rule` statement. Faults go to l->d. Creates l->rs->rules when it is the first. */
void rules_take(struct load *l, const struct conf_stmt *s);
/* After the last statement of all files: resolves names of rules, builds the index by kind. Call it always. */
void rules_finish(struct load *l);
/* Runs the samples of all rules through decoder and correlator; returns how many failed. Faults into d. */
size_t rules_test(const struct ruleset *rs, struct diags *d, size_t *ret_run);

static inline bool
kind_set_has(const struct kind_set *s, uint16_t kind)
{
	return s->any || (s->bits && (s->bits[kind >> 6] >> (kind & 63) & 1));
}

#endif
