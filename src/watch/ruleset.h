/*
 * ruleset: everything read from rules/: decoders, refinements, joins, rules. Immutable once loaded, shared by all
 * engines. Loading runs every sample; one that fails refuses the set (or, with RULESET_KEEP_GOING, its decoder).
 */
#ifndef GUARITA_WATCH_RULESET_H
#define GUARITA_WATCH_RULESET_H

#include "conf/tree.h"
#include "event/record.h"

struct decoders;     /* watch/decoder.h: compiled patterns, refinements */
struct rules;        /* watch/rule.h: joins and correlation rules */

struct ruleset {
	struct arena arena;
	struct arena trees;    /* statements and samples */
	bool forgotten;        /* they are */
	struct fields *fields;
	struct kinds *kinds;
	struct decoders *decoders;
	struct rules *rules;
	uint64_t hash;         /* of all texts: key of the cached database, and of saved state */
};

struct rules_text {            /* one file, already read: the wings do no I/O */
	struct str name, text;
};

/*
 * Serialized pattern database kept from an earlier load, and where to put the new one. Both may be empty.
 * `cached` that does not fit (other rules, other CPU) is ignored.
 */
struct ruleset_cache {
	struct str cached;
	struct buf *ret_fresh;     /* filled when the cache was not used */
};

/* 0, or -EINVAL with at least one error in d, or -ENOMEM. Texts must live as long as d is asked. */
int ruleset_load(const struct rules_text *texts, size_t n, struct ruleset_cache *cache, struct diags *d,
    struct ruleset **ret) WARN_UNUSED;
void ruleset_free(struct ruleset *rs);
/* For who will not run the samples again: a fifth of the memory is given back. */
void ruleset_forget_samples(struct ruleset *rs);
/*
 * Runs every sample of decoders and rules; faults into d. Returns the number that failed; *ret_run of all. Not after
 * they were forgotten.
 */
size_t ruleset_test(const struct ruleset *rs, struct diags *d, size_t *ret_run);

#endif
