/*
 * say: the sentence of an incident, from a rule's template. {FIELD} stands for what was seen in that field, {count},
 * {span}, {title} and {rule} for facts of the incident, {watched} for how long there was something to learn from before. [A part in brackets] is left out when something in it is not
 * known. Foreign text is escaped, so it can be shown anywhere.
 */
#ifndef GUARITA_WATCH_CORRELATE_SAY_H
#define GUARITA_WATCH_CORRELATE_SAY_H

#include "watch/rule.h"

/* Calls for each field that the template names; false when a brace is not closed. */
bool say_fields(struct str say, struct fields *fields, void (*on_field)(void *ctx, uint16_t field),
    void *ctx);

/* What the template may ask for. */
struct say_facts {
	const struct rule *rule;
	uint64_t count;
	int64_t first_us, last_us;
	int64_t since_us;          /* time of the first record of all; WHEN_NONE when there was none */
	void *ctx;
	/* "root, admin and 3 more", escaped; writes nothing and returns false when nothing is known. */
	bool (*value)(void *ctx, uint16_t field, struct buf *out);
};
void say(const struct say_facts *f, const struct fields *fields, struct buf *out);

#endif
