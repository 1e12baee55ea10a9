/*
 * load: what everybody who compiles a statement of rules/ needs: the set being built, where faults go, and the lists.
 * Lives only while ruleset_load() runs.
 */
#ifndef GUARITA_WATCH_LOAD_H
#define GUARITA_WATCH_LOAD_H

#include "watch/ruleset.h"

struct rule_list {                 /* list NAME { v1, v2; } */
	struct str name;           /* without the $ */
	struct str *values;
	uint32_t nvalues;
	struct conf_pos where;
};

struct load {
	struct ruleset *rs;        /* arena, fields and kinds are ready before the first statement is taken */
	struct diags *d;
	struct rule_list *lists;   /* all of them: lists are read before everything else */
	uint32_t nlists;
	uint32_t lists_size;
	struct reader *reader;     /* pattern.c's, for one pattern after the other; load_end() frees it */
};

/* Frees what only the loading needed. */
void load_end(struct load *l);

/* The list that `$name` means, or NULL. `name` without the $. */
const struct rule_list *load_list(const struct load *l, struct str name);
/* The kind called `w`; reports an unknown one with the nearest known. KIND_NONE then. */
uint16_t load_kind(struct load *l, const struct conf_word *w);
/* The field called `w`, added when new; reports a bad name. FIELD_NONE then. */
uint16_t load_field(struct load *l, const struct conf_word *w);

#endif
