/* fact: the values that were seen in some fields of an incident: how many different ones, and the first few of them. */
#ifndef GUARITA_WATCH_CORRELATE_FACT_H
#define GUARITA_WATCH_CORRELATE_FACT_H

#include "watch/rule.h"

#define FACT_VALUES 3              /* shown by name */
#define FACT_DISTINCT_MAX 1024u    /* counted exactly up to here */
#define FACT_TEXT_MAX 8192u        /* of all values of one incident */

struct renames;

struct fact {
	uint16_t field;
	uint16_t size;             /* of set; 0: none yet */
	uint32_t n;                /* different values; more than FACT_VALUES need the set */
	uint32_t *set;             /* hashes, open addressing */
	uint32_t hash[FACT_VALUES];
	uint16_t off[FACT_VALUES];
	uint8_t len[FACT_VALUES];
};

struct facts {
	struct fact *fact;
	uint8_t n;
	char *text;
	uint32_t text_n;
};

/* False without memory; then nothing is known of further values. */
bool facts_begin(struct facts *f, const struct rule *rule);
void facts_free(struct facts *f);
void facts_add(struct facts *f, const struct record *r, uint64_t seed);
/* Takes over what another incident of the same or another rule saw. */
void facts_merge(struct facts *to, const struct facts *from);
const struct fact *facts_find(const struct facts *f, uint16_t field);
struct str facts_text(const struct facts *f, const struct fact *fact, uint32_t i);
/* "root, admin and 3 more", escaped; false when nothing was seen. */
bool facts_say(const struct facts *f, uint16_t field, struct buf *out);
void facts_save(const struct facts *f, struct buf *out);
bool facts_load(struct facts *f, const struct rule *rule, const struct renames *names, struct str *in);

#endif
