/*
 * forms: messages that are no sentence: JSON objects, key=value pairs, structured data of RFC 5424, CEF and LEEF,
 * comma separated values, and columns named by a header line. They become fields under the writer's own keys; the lines of a decoder then map
 * and judge them. Only keys that some rule names are kept.
 */
#ifndef GUARITA_WATCH_FORMS_H
#define GUARITA_WATCH_FORMS_H

#include "watch/engine.h"

struct forms_work;
struct forms_work *forms_work_new(void);
void forms_work_free(struct forms_work *w);

/*
 * key=value pairs of the text at `at`, each under its key in lower case; bare words go to `flags`. What line l drops
 * unread is passed over (l may be NULL).
 */
void forms_pairs(const struct ruleset *rs, struct forms_work *w, const struct line *l, struct record *r, struct slot at);
/* The field that rules know a writer's key by, or FIELD_NONE; and does line l (or NULL) drop it unread? */
uint16_t forms_field(const struct ruleset *rs, struct str key);
bool forms_is_unread(const struct line *l, uint16_t field);
/* Tries the decoders of a group for these forms (1 << enum form, or together) on a message. True when one took it. */
bool forms_decode(const struct ruleset *rs, struct decode_work *w, const struct group *g, unsigned forms,
    struct slot message, struct record *r);

#endif
