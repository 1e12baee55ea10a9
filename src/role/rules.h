/*
 * rules: the rule set as the processes load it: texts from the folders of the configuration, the compiled patterns from
 * a cache that a process keeps for itself. The cache is only a cache: what is missing, foreign or does not fit
 * is made anew, and no fault with it is told.
 */
#ifndef GUARITA_ROLE_RULES_H
#define GUARITA_ROLE_RULES_H

#include "conf/config.h"
#include "watch/ruleset.h"

/* All *.rules files of the directories in order of their names; texts live in the arena. */
int rules_read(struct arena *a, const struct conf_strs *dirs, struct rules_text **ret, size_t *ret_n,
    struct buf *why) WARN_UNUSED;
/*
 * Compiles them; faults go to stderr with their places. Samples are forgotten, the texts needed no more. A cache that
 * another user could have written is not read; a fresh one is written there when keep says so.
 */
int rules_load(const struct rules_text *texts, size_t n, const char *cache, bool keep, struct ruleset **ret) WARN_UNUSED;

/*
 * The texts as they are now, for a process that will need them when it can no longer read the folders: a file in dir
 * without a name, which is nobody's memory. The descriptor or -errno.
 */
int rules_keep(const char *dir, const struct rules_text *texts, size_t n) WARN_UNUSED;
int rules_kept(int fd, struct arena *a, struct rules_text **ret, size_t *ret_n) WARN_UNUSED;

#endif
