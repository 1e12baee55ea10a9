/*
 * decoder: lines to kinds and fields, by the patterns of the rule set. Head first (event/lens.h does that), then the
 * program's own patterns, then those of any program; within a group the longest literal wins, so that the order of
 * files never matters. Linear in the length of the line: nothing here backtracks.
 */
#ifndef GUARITA_WATCH_DECODER_H
#define GUARITA_WATCH_DECODER_H

#include "watch/ruleset.h"

struct decode_work;          /* scratch of one thread: Vectorscan scratch, key-value tables */
struct decode_work *decode_work_new(const struct ruleset *rs);
void decode_work_free(struct decode_work *w);

/*
 * Takes a record whose head is parsed (message, program, dialect set) and fills kind, hostile, sure, decoder, fields.
 * A record nobody understands keeps KIND_unknown. Never fails.
 */
void decode(const struct ruleset *rs, struct decode_work *w, struct record *r);

/* What a source's file name says about lines that name no program: looked up once per source. */
#define DECODE_ROUTE_MAX 4
struct decode_route {
	uint32_t group[DECODE_ROUTE_MAX];
	uint32_t n;
};
void decode_route(const struct ruleset *rs, struct str path, struct decode_route *ret);
/* decode() for a line of such a source; route may be NULL. */
void decode_routed(const struct ruleset *rs, struct decode_work *w, const struct decode_route *route, struct record *r);

const char *decoder_name(const struct ruleset *rs, uint32_t decoder);   /* "sshd" ; NULL for UINT32_MAX */
size_t decoder_count(const struct ruleset *rs);

/* Why a line decoded as it did: one row per candidate that was tried. */
struct decode_try {
	uint32_t decoder;
	struct conf_pos where;       /* of the line statement in rules/ */
	struct str pattern;
	bool matched;
	struct str stopped_at;       /* rest of the message where it stopped to match */
	struct str wanted;           /* literal or hole that was wanted there */
};
/* Decodes and reports each candidate in the order tried. */
void decode_explain(const struct ruleset *rs, struct decode_work *w, struct record *r,
    void (*on_try)(void *ctx, const struct decode_try *t), void *ctx);

#endif
