/*
 * incident_json: an incident as one line of JSON, the same wherever it is shown: `guarita scan --json`, incidents.jsonl,
 * the control socket, files of responses. guarita(1) describes it.
 */
#ifndef GUARITA_WATCH_CORRELATE_INCIDENT_JSON_H
#define GUARITA_WATCH_CORRELATE_INCIDENT_JSON_H

#include "watch/correlate/correlate.h"

#define INCIDENT_TEXT_MAX 1024     /* bytes of one value; all are from foreign lines */

/* What only the caller knows. */
struct incident_words {
	bool has_change;           /* a report has none: its incidents are over */
	enum incident_change change;
	struct str site;           /* STR_NULL: not said */
	size_t room;               /* bytes to leave free in a bounded buffer; lines that do not fit are counted */
	void *ctx;
	/* The members that say where the record stands, and what it says if that is known; no braces. */
	void (*place)(void *ctx, const struct proof *p, struct buf *out);
};

/* The object, its closing brace left out: the caller may have more to say. */
void incident_json(const struct ruleset *rs, const struct incident *i, const struct incident_words *words,
    struct buf *out);
void incident_json_text(struct buf *out, const char *name, struct str value);

#endif
