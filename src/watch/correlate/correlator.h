/*
 * correlator: the inside of correlate.h, shared by its parts only.
 *
 * How the outcome stays the same in any order of arrival. What an incident holds is a function of the set of records,
 * not of their sequence: an event belongs to it when it lies in a window that fulfils the rule, or follows such an
 * event within the rule's quiet time. That only ever grows with more records, so each record can be judged at once,
 * and a late one corrects by adding: it may complete a window, reach back, or join two incidents into one. Times that
 * are equal count as simultaneous. An event is forgotten only when the watermark says nothing older can come.
 */
#ifndef GUARITA_WATCH_CORRELATE_CORRELATOR_H
#define GUARITA_WATCH_CORRELATE_CORRELATOR_H

#include "base/hash.h"
#include "base/pool.h"
#include "watch/correlate/correlate.h"
#include "watch/correlate/due.h"
#include "watch/correlate/fact.h"
#include "watch/correlate/recall.h"
#include "watch/rule.h"
#include "watch/correlate/track.h"

struct renames;

#define DOSSIERS_MAX 16384u        /* open incidents; the one nearest to its end is closed early, and counted */
#define DOSSIER_INTO_MAX 4
#define TOUCHED_MAX 64
#define FAMILY_MAX 4096u            /* parts of one incident, and parts of parts */
#define KEYS_DEFAULT 98000u        /* 8 MiB with their table; of a flood of sources the oldest go, and are counted */
#define HELD_MAX (256u << 10)      /* records of all open incidents; beyond, each keeps HELD_LEAST and counts the rest */
#define HELD_LEAST 16u
#define SESSIONS_MAX (32u << 10)
#define RISK_PART_OF_RULE 0x10000u /* a part of a risk is 1 + kind, or this + rule */
#define REPEAT_MAX 1000000u
#define PASSED 256u                /* records in which a repeat mark looks for the one it means; power of two */

/* Yes and no are bytes in what is saved: foreign bytes may hold any value. */
struct held {                      /* a record of an incident */
	int64_t time_us;
	uint64_t ref;
	uint32_t weight;
	uint8_t context;
	uint8_t guess;             /* only a generic decoder could read it */
};

struct dossier {                   /* an incident that is not closed */
	uint64_t serial;
	uint64_t told_as;          /* id it was told under; 0: not yet */
	uint64_t next_count;       /* told as worse at this count */
	uint64_t next_grew;
	int64_t first_us, last_us; /* of its own records, context left out */
	int64_t late_us;           /* how far time was when one came late; WHEN_NONE: none did */
	uint64_t count;            /* own, repeats multiplied */
	uint64_t guessed;          /* of count, read by a guess */
	uint64_t cut, cut_count;   /* own records not kept, and the events they stood for */
	struct held *held;         /* by time and ref */
	uint32_t nheld, held_size;
	uint16_t rule, kind;
	uint8_t severity, told_severity;
	uint8_t ninto;
	uint8_t touched;
	uint8_t rated;             /* severity comes from a record */
	uint32_t worsened;
	uint32_t into[DOSSIER_INTO_MAX];   /* incidents that absorb it */
	uint32_t *parts;           /* incidents it absorbs */
	uint32_t nparts, parts_size;
	uint32_t told_round;       /* in which it was last looked at, see tell.c */
	uint32_t family;           /* epoch in which it was last met, see tell.c */
	uint8_t told_unsure;       /* the last that was told of it rested on guesses */
	uint8_t apart;             /* some that it may meet are still too far in time */
	uint32_t home, sibling;    /* track it hangs on, next one there */
	uint32_t meets;            /* first of its meeting places */
	struct facts facts;
};

struct meeting {                   /* a dossier at a key that a rule which absorbs, or is absorbed, shares */
	uint64_t hash;
	uint32_t dossier;
	uint16_t key;
	uint32_t next;             /* in the bucket */
	uint32_t mine;             /* next of the same dossier */
	uint32_t seen;             /* generation of the bucket when it was last looked at */
};

#define MEETING_BUCKETS 4096u

enum session_queue { SESSION_LIVE, SESSION_BRIEF };    /* brief: ended, or not opened yet */

struct session {                   /* what a join knows of one key */
	uint64_t hash;
	int64_t opened_us, ended_us;
	int64_t late_us;           /* how far time was when it was queued, if it came late; else WHEN_NONE */
	int64_t replaced_us;       /* when the next of this key opened; that one may be forgotten before */
	uint32_t orphans;          /* seq in recall: records that came before their session, newest first */
	uint32_t next;             /* in the bucket */
	uint32_t prev, after;      /* in its queue */
	uint8_t queue;             /* enum session_queue */
	uint16_t join;
	uint16_t len;              /* of text; 0: not opened yet */
	uint16_t pid_tag;
	char *text;                /* {key, length, bytes} of each carried field */
};

struct sessions {
	struct pool pool;
	uint32_t *buckets;
	uint32_t mask;
	uint32_t first[2], last[2];        /* by enum session_queue; each in order of age */
	uint8_t pids[4096];        /* how many live sessions have a pid of this tag; 255 sticks */
	uint32_t by_others;        /* live sessions whose key has no pid */
	uint64_t opened, evicted;
};

struct keepsake {                  /* the record of a track that may have to be told of long after */
	uint64_t track;            /* hash */
	uint32_t len;
	char *bytes;               /* recall_read() */
};

#define KEEPSAKE_BITS 12
#define KEEPSAKES (1u << KEEPSAKE_BITS)

struct passed {                    /* one of the last records, whatever it was */
	uint64_t host;             /* hash of source and host */
	int64_t time_us;
	uint32_t recall;           /* RECALL_NONE: nobody had asked for it */
};

/* A hash of the record in hand, good while its epoch is. */
struct hash_memo {
	uint64_t hash;
	uint32_t epoch;
};

struct correlator {
	const struct ruleset *rs;
	const struct rules *rules;
	struct correlate_calls calls;
	struct correlate_opts opts;
	struct watch_env env;
	int64_t lateness_us, watermark_us, now_us, started_us, last_time_us;
	uint64_t seed;
	bool batch;
	bool *off;                 /* by rule: switched off, or old logs teach it nothing */
	uint16_t *most;            /* by rule: events that a track of it may need at once */
	struct tracks tracks;
	struct recall recall;
	struct sessions sessions;
	struct pool dossiers;
	uint32_t held;             /* records that they hold */
	uint64_t next_serial, next_id;
	struct pool meetings;
	uint32_t *meeting_buckets;
	uint32_t *meeting_generations;     /* by bucket: how many came so far */
	struct dues dues;
	uint32_t touched[TOUCHED_MAX];
	uint32_t ntouched;
	uint32_t *family;
	uint32_t nfamily, family_epoch;
	uint32_t round;
	uint32_t epoch;            /* another for each record, and when more became known of it */
	struct hash_memo *key_memos;       /* by key */
	struct hash_memo *part_memos;      /* by part */
	struct passed passed[PASSED];
	uint32_t npassed;
	struct keepsake *keepsakes;        /* KEEPSAKES places by hash; NULL until the first */
	struct buf why;
	struct buf sources;                /* of the incident that is told */
	struct buf proofs;
	struct correlate_stats stats;
};

/* A record on its way through the rules. */
struct input {
	struct record *r;
	int64_t time_us;
	uint64_t ref;
	uint32_t weight;
	uint32_t recall;           /* RECALL_NONE until someone asks: input_recall() */
};

static inline struct dossier *
dossier_at(const struct correlator *c, uint32_t i)
{
	return pool_at(&c->dossiers, i);
}

static inline bool
rule_is_off(const struct correlator *c, const struct rule *rule)
{
	return c->off[rule->index];
}

/* correlate.c */
void correlator_empty(struct correlator *c);
/* The hash of a key of the record in hand, 0 when it lacks a part: computed once for all who ask. */
uint64_t correlator_key_anew(struct correlator *c, uint16_t key, const struct record *r);
uint64_t correlator_part_anew(struct correlator *c, uint16_t part, const struct record *r);
void correlator_begin_epochs(struct correlator *c);

static inline uint64_t
correlator_key(struct correlator *c, uint16_t key, const struct record *r)
{
	const struct hash_memo *m = &c->key_memos[key];

	if (c->rules->plans[key].needs & ~r->keys_seen)
		return 0;
	return m->epoch == c->epoch ? m->hash : correlator_key_anew(c, key, r);
}

/* The same for one part. */
static inline uint64_t
correlator_part(struct correlator *c, uint16_t part, const struct record *r)
{
	const struct hash_memo *m = &c->part_memos[part];

	return m->epoch == c->epoch ? m->hash : correlator_part_anew(c, part, r);
}

/* Another record comes, or more became known of this one. */
static inline void
correlator_forget_keys(struct correlator *c)
{
	if (++c->epoch == 0)
		correlator_begin_epochs(c);
}

/* The same for the same rule text in whatever order rules stand, so that saved state finds its place again. */
static inline uint64_t
track_hash(uint64_t key, const struct rule *rule, enum track_role role)
{
	return hash_mix(key, rule->text_hash + role);
}

/* count.c: a record through the rules that want it. */
/* The copy of the record in hand, made when the first rule keeps something of it. */
uint32_t input_recall(struct correlator *c, struct input *in);
/* All that want it count it. May add what sessions know to in->r, if `join`. True when any rule might want it. */
bool count_record(struct correlator *c, struct input *in, bool join);
/* Counts an early record again, now with what its session brought. */
void count_again(struct correlator *c, uint32_t recall, const struct session *s);

static inline uint32_t
weight_of(const struct record *r)
{
	if (r->repeat == 0)
		return 1;
	return r->repeat > REPEAT_MAX ? REPEAT_MAX : r->repeat;
}

/* dossier.c: includes an event of a rule, at the track where its incidents hang. r may be NULL when it is unknown. */
void dossier_include(struct correlator *c, const struct rule *rule, uint32_t home,
    const struct event *e,
    const struct record *r);
/* The open incident of this track that time_us falls into or follows within the rule's quiet time. */
uint32_t dossier_near(const struct correlator *c, uint32_t home, int64_t time_us, int64_t gap);
void dossier_context(struct correlator *c, uint32_t dossier, const struct event *e);
/* Takes a record out again: it turned out to be counted under another key. */
void dossier_retract(struct correlator *c, uint32_t home, int64_t time_us, uint64_t ref,
    uint64_t into);
/* Takes a record out of whatever incident of this track holds it; the incident stays. */
void dossier_drop(struct correlator *c, uint32_t home, int64_t time_us, uint64_t ref);
/* More is known of a record that it holds. */
void dossier_learn(struct correlator *c, uint32_t d, const struct record *r);
bool dossier_holds(const struct correlator *c, uint32_t d, int64_t time_us, uint64_t ref);
void dossier_free(struct correlator *c, uint32_t d);
void dossier_close_due(struct correlator *c, const struct due *due);
void dossiers_finish(struct correlator *c);
/* Into c->family: the incident first, then all that became part of it, each once. */
void dossier_family(struct correlator *c, uint32_t top);
uint32_t dossier_top(const struct correlator *c, uint32_t d);

/* meet.c */
void meetings_add(struct correlator *c, uint32_t dossier, const struct record *r);
void meeting_put(struct correlator *c, uint32_t dossier, uint16_t key, uint64_t hash);
void meetings_drop(struct correlator *c, uint32_t dossier);
void meetings_look(struct correlator *c, uint32_t dossier);

/* tell.c */
void tell_touched(struct correlator *c);
void tell_closed(struct correlator *c, uint32_t d);
void tell_merged(struct correlator *c, uint32_t d, uint64_t into);

/* shape.c: one event of a rule that wants it (shape_wants()), by the rule's shape; hash: of its track for the record. */
void shape_take(struct correlator *c, const struct rule *rule, uint8_t step, uint64_t hash, struct input *in);
void shape_context(struct correlator *c, const struct rule *rule, uint64_t hash, struct input *in);
/* The id under which the incident that holds this record was told; 0 when it is in none. */
uint64_t shape_told(struct correlator *c, const struct rule *rule, const struct input *in);
/* The same key as before, but more is known of the record. */
void shape_refresh(struct correlator *c, const struct rule *rule, const struct input *in);
/* Takes its event out of its track, whatever incident holds it. The track, or TRACK_NONE. */
uint32_t shape_forget(struct correlator *c, const struct rule *rule, const struct input *in);
/* Counts it no more: it goes under another key. `into`: id of the incident there. */
void shape_retract(struct correlator *c, const struct rule *rule, const struct input *in,
    uint64_t into);
void shape_due(struct correlator *c, const struct due *due);
/* An incident of `rule` opened with e: counts for the risk of whoever r is about. */
void shape_risk(struct correlator *c, const struct rule *rule, const struct event *e,
    const struct record *r);
int64_t shape_keep_us(const void *ctx, const struct track *t);
/* What a track of the rule may need at once; more events are not kept. */
uint16_t shape_most(const struct rule *rule, int64_t lateness_us);

/* state.c */
void dossier_due(struct correlator *c, uint32_t dossier);
void shape_put_due(struct correlator *c, uint32_t track, int64_t at_us);

/* session.c */
int sessions_init(struct sessions *s) WARN_UNUSED;
void sessions_free(struct sessions *s);
/* Adds to r what its sessions know. */
void sessions_fill(struct correlator *c, struct record *r, int64_t time_us);
/* r opens or ends sessions; calls for each record that came too early for them. */
void sessions_take(struct correlator *c, const struct record *r, int64_t time_us);
/* r lacks what a session may bring: remembered until it opens. */
void sessions_wait(struct correlator *c, struct input *in);
void sessions_expire(struct correlator *c, uint32_t most);
/* A session as it was saved; one that carries what has no name any more is left out. False: it cannot be one. */
bool session_restore(struct correlator *c, const struct session *from, struct str text,
    const struct renames *names);
/* Adds the carried fields of s that r lacks. */
bool session_give(const struct correlator *c, const struct session *s, struct record *r);

#endif
