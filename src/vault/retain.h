/*
 * retain: which lines of a segment have had their time, by the rules of retention and what is held against them. The
 * first rule that fits a line decides how long it stays; what is held stays in any case. Time is handed in.
 */
#ifndef GUARITA_VAULT_RETAIN_H
#define GUARITA_VAULT_RETAIN_H

#include "vault/query.h"
#include "vault/segment.h"

#define RETAIN_RULES_MAX 63             /* a bit each, and one for all others */

struct retain_rule {
	struct str name;               /* for people: "sshd 400d" */
	struct query query;
	int64_t for_us;                /* 0: for ever */
};

struct retain {
	struct retain_rule rules[RETAIN_RULES_MAX];
	size_t nrules;
	struct retain_rule others;     /* no query is read */
	struct retain_rule holds[RETAIN_RULES_MAX];
	size_t nholds;
};

/*
 * Adds a rule; `what` is a program's name (a plain word) or a query. 0, -EINVAL (the query's fault says why), -ENOSPC,
 * -ENOMEM.
 */
int retain_rule_read(struct retain_rule *r, struct str name, struct str what, int64_t for_us) WARN_UNUSED;
void retain_free(struct retain *p);

/* Rules whose time is over for every line of a segment that ends at max_ns: a bit each, others at bit nrules. */
uint64_t retain_due(const struct retain *p, int64_t max_ns, int64_t now_us);
uint64_t retain_all(const struct retain *p);   /* every bit: for a vault that is too large */

/*
 * gone[row] (as many as the segment has rows, zeroed by the caller) is set for lines that are to go by the rules in `due`.
 * Of `due` itself only what took a line is left in *ret_took. 0 or -errno.
 */
int retain_rows(const struct retain *p, struct segment *s, uint64_t due, bool *gone, uint64_t *ret_took) WARN_UNUSED;

#endif
