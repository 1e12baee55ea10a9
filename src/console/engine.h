/*
 * engine: the rule set as a command finds it: reads rules/ and the cached pattern database, says what is wrong with
 * them in plain words, and keeps the fresh database for the next time.
 */
#ifndef GUARITA_CONSOLE_ENGINE_H
#define GUARITA_CONSOLE_ENGINE_H

#include "console/source.h"
#include "watch/correlate/correlate.h"
#include "watch/decoder.h"

struct engine {
	struct ruleset *rules;
	struct decode_work *work;
	struct diags *diags;       /* warnings, and errors when it failed */
	struct arena texts;
	char *dir;                 /* where the rules came from */
	struct rules_text *files;  /* as read, sorted by name; live in texts */
	size_t nfiles;
};

/*
 * dir: NULL looks in $GUARITA_RULES, beside the program (a build tree), then in the installed place. Faults are in
 * e->diags (show them with diags_show); then, and when dir cannot be read, a negative errno.
 */
int engine_open(struct engine *e, const char *dir) WARN_UNUSED;
/* The same without compiling: e->files only. */
int engine_read(struct engine *e, const char *dir) WARN_UNUSED;
/* For who only decodes and correlates from now on: texts, samples and faults are given back. */
void engine_settle(struct engine *e);
void engine_close(struct engine *e);

#endif
