/*
 * engine: a rule set made of the real rules, for targets that decode. Loaded once; a fault in the
 * rules ends the run.
 */
#ifndef GUARITA_FUZZ_ENGINE_H
#define GUARITA_FUZZ_ENGINE_H

#include "event/lens.h"
#include "fuzz.h"
#include "watch/decoder.h"

/* Reads every *.rules of the folder, in the order of their names, and loads them. */
const struct ruleset *engine_rules(const char *folder);

/* Decodes lines of one source after another. */
struct engine {
	const struct ruleset *rules;
	struct decode_work *work;
	struct zone_book *zones;
	struct lens *lens;
	struct buf extra;
	struct record record;
};

void engine_open(struct engine *e, const struct ruleset *rules);
void engine_close(struct engine *e);
/*
 * Begins a source: a file named `place`, or the network (envelope). Forgets what was learned from the
 * one before, so that an input means the same in any order.
 */
void engine_source(struct engine *e, const char *place, bool envelope);
/* Decodes into e->record and checks what must hold of every record. */
void engine_line(struct engine *e, struct str line);

#endif
