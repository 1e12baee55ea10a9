/*
 * watchd: what the files of watchd share. One instance holds the rules, the correlator, the
 * sources, and what was told of incidents; the links are watchd.c's.
 */
#ifndef GUARITA_ROLE_WATCH_WATCHD_H
#define GUARITA_ROLE_WATCH_WATCHD_H

#include "role/watch/quotes.h"
#include "role/role.h"
#include "role/watch/spared.h"
#include "role/streams.h"
#include "watch/correlate/correlate.h"
#include "watch/correlate/respond.h"

#define WATCHING_CREDIT 32             /* batches on the way at once */

struct wire_source {                   /* a number on the link, and who that is */
	uint32_t stream;
	bool declared, cut;
	struct buf part;               /* of a line that comes in parts */
};

struct told {                          /* told behind the saved state, before a restart */
	uint64_t id;
	bool opens, ends;
	bool met;                      /* understood anew since */
};

enum { GUARD_NETD, GUARD_LINKD, GUARDS };      /* who are told of bans: our gate, and other sites */

struct guard {
	struct chan *chan;             /* NULL: not there */
	struct waiting_ban *first, **last;     /* bans that wait for it */
	uint32_t n;
};

struct watching {
	struct role *role;
	struct arena texts;            /* of the rules */
	struct ruleset *rules;
	struct decode_work *work;
	struct correlator *engine;
	struct streams streams;
	struct quotes *quotes;
	struct buf extra;
	uint64_t seed;
	int zone_offset_min;
	uint64_t spooled;              /* last line of the spool, or entry of the vault, that was handled */
	uint64_t feeder;               /* the vault that numbers them; 0: the spool of intaked */
	int64_t event_us;              /* newest event time, WHEN_NONE before the first */
	int64_t event_mono_us;         /* when that was */
	int64_t advanced_us;           /* the engine was told that time came so far */
	uint32_t own;                  /* stream of our own records */
	struct str own_site;           /* of lines received here, where other sites' come too; else empty */

	struct wire_source *wires[2];  /* received lines, files: by number */
	uint32_t nwires[2];

	int journal;                   /* incidents.jsonl, appended */
	uint64_t journal_bytes;
	struct strmap told;            /* by key: row in told_rows */
	struct arena told_keys;
	struct told *told_rows;
	uint32_t ntold;
	size_t told_pending;           /* of them, not met again yet */
	uint64_t told_from;            /* where in the journal they begin */
	uint64_t last_id;              /* the highest in what was recalled of the journal */

	struct chan *intake, *runner;
	uint64_t lines, decoded, undecoded, cut, incidents, suppressed, journal_lost;
	uint64_t dirty;                /* changes since the start */

	struct checkpoint *checkpoint;

	struct responder *responder;
	struct addr spared[SPARED_MAX];
	size_t nspared;
	int *files;                    /* of respond rows that append; -1 for the others */
	uint32_t nfiles;
	int bans;                      /* the list of bans asked for, appended */
	struct pending *pending, **last_pending;       /* commands that wait for runnerd */
	uint32_t npending;
	uint64_t banned, commands, commands_failed, actions_lost;
	struct guard guards[GUARDS];
};

/* Lines. lines.c */
/* A records message: 0, or -EBADMSG when it is not what it should be. */
int watching_records(struct watching *w, const struct msg_records *m) WARN_UNUSED;
/* Tells the engine how far time has come. */
void watching_advance(struct watching *w, int64_t mono_us);
void watching_forget_wires(struct watching *w);

/* The journal of incidents. journal.c */
int journal_open(struct watching *w) WARN_UNUSED;
void journal_write(struct watching *w, struct str line);
/* From where it must be recalled after a restart now. */
uint64_t journal_mark(const struct watching *w);
#define JOURNAL_UNKNOWN UINT64_MAX
/*
 * Reads what was told behind `from`, so that it is not told again, nor its ids given anew. JOURNAL_UNKNOWN: the state
 * that would say is lost; only the ids are taken.
 */
int journal_recall(struct watching *w, uint64_t from) WARN_UNUSED;
/* The id under which this was told behind the saved state and not since the restart; 0: it was not. */
uint64_t journal_told_id(const struct watching *w, const char *key);
/* True when it was, once. */
bool journal_was_told(struct watching *w, const char *key);
/* An id that was told, is not over, and that nothing goes by now; each once. False: no more of them. */
bool journal_next_unmet(struct watching *w, uint64_t *ret_id);

/* Where a vault is kept: a line of our own to be sealed in it. */
void watching_seal(struct watching *w, struct str line);

/* Incidents. tell.c */
/* Everything that was handled before a restart was handled again: what was not met then is withdrawn. */
void watching_withdraw(struct watching *w);
uint64_t watching_told_as(void *ctx, const struct incident *i, enum incident_change change);
void watching_tell(void *ctx, const struct incident *i, enum incident_change change);
/* The object without its closing brace. */
void watching_incident_json(struct watching *w, const struct incident *i, enum incident_change change,
    struct buf *out);

/* Responses. act.c */
int acting_prepare(struct watching *w) WARN_UNUSED;    /* with all rights still */
int acting_begin(struct watching *w) WARN_UNUSED;
void acting_end(struct watching *w);
void acting_answer(struct watching *w, const struct incident *i, enum incident_change change);
void acting_runner_ready(struct watching *w);
void acting_ran(struct watching *w, const struct msg_ran *m);
void acting_status(const struct watching *w, struct buf *json);

/* Bans, by the gate and by other sites. guard.c */
void guarding_ban(struct watching *w, const struct ban_request *b);
void guarding_link(struct watching *w, enum msg_peer peer, int fd);
void guarding_end(struct watching *w);

/* Makes the engine, with its saved state when there is one. watchd.c */
int watching_engine(struct watching *w, struct str state) WARN_UNUSED;

/* State. state.c */
int checkpoint_open(struct watching *w, void (*on_saved)(void *ctx, uint64_t spooled)) WARN_UNUSED;
void checkpoint_close(struct watching *w);
/*
 * Takes the saved state and makes the engine; without a state, or with a damaged one, everything
 * begins anew.
 */
int checkpoint_load(struct watching *w) WARN_UNUSED;
void checkpoint_tick(struct watching *w, int64_t mono_us);
/* Now, and wait for the disk. */
int checkpoint_now(struct watching *w) WARN_UNUSED;
void checkpoint_status(const struct watching *w, struct buf *json);

#endif
