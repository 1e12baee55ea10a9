/*
 * correlate: records to incidents. Event time only: the engine never reads a clock; the caller says how far time has
 * come. The same records give the same incidents whether they come in one batch, live, or shuffled within the
 * lateness allowed.
 */
#ifndef GUARITA_WATCH_CORRELATE_CORRELATE_H
#define GUARITA_WATCH_CORRELATE_CORRELATE_H

#include "watch/ruleset.h"

struct correlator;
struct incident;

struct proof {                    /* a record that belongs to an incident */
	uint64_t ref;             /* record.ref */
	int64_t time_us;
	bool context;             /* shown for the story, not counted */
};

#define INCIDENT_PROOF_MAX 4096   /* further ones are only counted */

struct incident {
	uint64_t id;
	uint64_t into;            /* INCIDENT_MERGED: the id that goes on; 0: nothing is left of it, it is withdrawn */
	uint32_t rule;            /* index; rules_name() */
	uint16_t kind;
	enum severity severity;
	bool open;
	uint32_t worsened;        /* how many times it got worse since it opened */
	int64_t first_us, last_us;
	uint64_t count;           /* records, repeats multiplied */
	uint64_t proofs_cut;      /* proof records not kept */
	struct str src, user, host, program, service, dst, dst_port;   /* empty when absent or many */
	struct str sources;          /* where src are many: some of them, apart by blanks */
	uint32_t sources_more;       /* and so many besides */
	bool sure;                /* what was read without guessing would have sufficed: only then may anyone be blocked */
	bool src_is_name;         /* src is only a name that the log claims: nobody must be blocked for it */
	struct str why;           /* one sentence: "6 failed logins from 192.0.2.7 in 42s as root, admin" */
	const struct proof *proofs;  /* in time order */
	size_t nproofs;
};

/*
 * OPENED once, WORSE when graver, ten times as much, or no guess any more, GREW now and then, CLOSED once, with everything it holds. An
 * incident that was told and turns out to be part of another is MERGED (`into`) and not heard of again.
 */
enum incident_change { INCIDENT_OPENED, INCIDENT_WORSE, INCIDENT_GREW, INCIDENT_CLOSED,
    INCIDENT_MERGED };

struct correlate_calls {
	void *ctx;
	void (*on_incident)(void *ctx, const struct incident *i, enum incident_change change);
	/*
	 * Optional, asked before an incident is told for the first time: the id under which it was told already, by
	 * an engine that has died since; 0: it is new.
	 */
	uint64_t (*id_of)(void *ctx, const struct incident *i, enum incident_change change);
	/* A record handed in earlier is part of an attack: its kind (KIND_NONE: unchanged) and that it is hostile. */
	void (*on_mark)(void *ctx, uint64_t ref, uint16_t kind);
};

struct correlate_opts {
	int64_t lateness_us;         /* default 60 s: how late a record may come in event time */
	uint32_t keys_max;           /* live keys over all rules; the oldest are evicted and counted */
	uint64_t hash_seed;
	const struct cidr *own;      /* own networks: never blamed as outsiders, never banned */
	size_t nown;
	int zone_offset_min;         /* for `hour` and `weekday` */
	const struct str *disabled;  /* names of rules that count nothing; must outlive the correlator */
	size_t ndisabled;
	bool join_wanted_only;       /* nobody reads what sessions add to a record, but the rules that may want it */
	bool batch;                  /* old logs: no baseline is learned, so nothing is `first` or silent by learning */
};

struct correlate_stats {
	uint64_t records, keys, keys_evicted, late, joins, joins_evicted, incidents, proofs_cut;
};

int correlator_new(const struct ruleset *rs, const struct correlate_opts *o,
    const struct correlate_calls *calls,
    struct correlator **ret) WARN_UNUSED;
void correlator_free(struct correlator *c);
/* May add joined fields (FIELD_JOINED) to r. Records may come out of order. */
void correlate(struct correlator *c, struct record *r);
/* No record older than now_us - lateness will come: closes what is quiet, expires windows, finds silence. */
void correlate_advance(struct correlator *c, int64_t now_us);
/* Ids up to this one are given already: an engine that has died since told incidents under them. */
void correlate_ids_behind(struct correlator *c, uint64_t id);
/* Something goes by this id that is not closed. */
bool correlate_is_open(const struct correlator *c, uint64_t id);
/* End of input: closes everything that is open. */
void correlate_finish(struct correlator *c);
/* Each record that may yet be told of: those of open incidents and of windows. Some come more than once. */
void correlate_refs(const struct correlator *c, void (*each)(void *ctx, uint64_t ref), void *ctx);
/*
 * Whole state as bytes, and back; -ESTALE when it belongs to another version (nothing is taken). Of another rule set
 * the state of those rules is taken that stand there word for word. */
int correlate_save(const struct correlator *c, struct buf *out) WARN_UNUSED;
int correlate_load(struct correlator *c, struct str state) WARN_UNUSED;
void correlate_stats(const struct correlator *c, struct correlate_stats *ret);
/* ATT&CK ids of a rule, separated by blanks; empty when it has none. */
struct str rule_attack(const struct ruleset *rs, uint32_t rule);
const char *rule_name(const struct ruleset *rs, uint32_t rule);
/* Its index; UINT32_MAX: there is none of this name. */
uint32_t rule_find(const struct ruleset *rs, struct str name);
/* Rules that would count this record, each with how near it is: for `guarita explain`. */
void correlate_explain(struct correlator *c, const struct record *r,
    void (*on_rule)(void *ctx, uint32_t rule, uint64_t have, uint64_t need, const char *why_not),
    void *ctx);

#endif
