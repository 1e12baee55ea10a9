/*
 * cache: the compiled literal sets of a rule set as bytes, so that a warm start compiles nothing and need not run
 * the samples again. Bound to the texts, the library and the CPU; anything else is ignored.
 */
#ifndef GUARITA_WATCH_CACHE_H
#define GUARITA_WATCH_CACHE_H

#include "watch/ruleset.h"

/* Makes all literal sets of rs, from the cache where it fits. *ret_passed: the cache says that all samples passed. */
int cache_literals(struct ruleset *rs, const struct ruleset_cache *cache, bool *ret_passed) WARN_UNUSED;
/* Fills cache->ret_fresh unless the cache was good. Samples must have passed. */
int cache_save(const struct ruleset *rs, struct ruleset_cache *cache, bool was_good) WARN_UNUSED;

#endif
