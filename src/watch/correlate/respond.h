/*
 * respond: what to do about an incident: pure decisions. The configuration's `respond` rows, an incident and the time
 * go in; actions come out. It does nothing itself: it prints, writes, runs and blocks nothing, and reads no clock.
 *
 * A ban is asked for an address only, never for a name that a log claims, never on the word of a decoder that guesses
 * (incident.sure), and never for own networks, addresses that
 * the operator excepted, gateways, or those from which he is working. Every argument of a command is one argument,
 * whatever foreign text it holds; there is no shell.
 */
#ifndef GUARITA_WATCH_CORRELATE_RESPOND_H
#define GUARITA_WATCH_CORRELATE_RESPOND_H

#include "conf/config.h"
#include "watch/correlate/correlate.h"

#define RESPOND_ARGS_MAX 64
#define BANS_REMEMBERED (64u << 10)
#define BAN_FORGOTTEN_AFTER (90 * WHEN_DAY)    /* then a source starts anew */

enum respond_what { RESPOND_PRINT, RESPOND_FILE, RESPOND_COMMAND, RESPOND_BAN };

struct ban_request {
	struct cidr net;               /* one address, or the /24 or /64 around it */
	enum conf_ban_scope scope;
	struct str program;            /* CONF_BAN_PROGRAM: only its service */
	int64_t duration_us;           /* 0: for ever */
	uint32_t times;                /* this is the so-many-th of this source */
	uint64_t incident;
	struct str reason;             /* one sentence, escaped */
};

/* Good until the call that hands it over returns. */
struct respond_action {
	enum respond_what what;
	const struct conf_respond *row;
	const struct incident *incident;
	enum incident_change change;
	struct str argv[RESPOND_ARGS_MAX];     /* RESPOND_COMMAND; each NUL-terminated */
	size_t nargv;
	struct ban_request ban;                /* RESPOND_BAN */
};

struct responder;
struct respond_opts {
	const struct conf_respond *rows;
	size_t nrows;
	struct conf_cidrs own, never_ban;
	const struct addr *spared;     /* gateways, name servers, the operator's present addresses */
	size_t nspared;
	const struct ruleset *rules;
	struct str site;
	uint64_t hash_seed;
};

struct respond_stats {
	uint64_t actions, throttled;
	uint64_t spared;               /* bans not asked for: own, excepted, no address, or one that is forged */
	uint64_t unsure;               /* nor these: only a guess speaks for them */
	uint64_t banned_already;
};

/* Rows and lists must outlive it. */
int responder_new(const struct respond_opts *o, struct responder **ret) WARN_UNUSED;
void responder_free(struct responder *r);
/* New gateways or operator's addresses; replaces the list. */
void responder_spare(struct responder *r, const struct addr *spared, size_t n);
/* Decides about a change of an incident; only those that opened or got worse are answered. */
void respond(struct responder *r, const struct incident *i, enum incident_change change,
    int64_t now_us,
    void (*on_action)(void *ctx, const struct respond_action *a), void *ctx);
void responder_stats(const struct responder *r, struct respond_stats *ret);
/* Somebody let a banned network in again: it may be banned anew. */
void responder_let_in(struct responder *r, const struct cidr *net);
/* Memory of bans, for escalation over restarts. -EINVAL: not its bytes, nothing was taken. */
int responder_save(const struct responder *r, struct buf *out) WARN_UNUSED;
int responder_load(struct responder *r, struct str state) WARN_UNUSED;

#endif
