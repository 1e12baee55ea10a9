/* rule_parse: one `rule` or `join` statement to its compiled form. Names of other rules are resolved by rule.c. */
#ifndef GUARITA_WATCH_RULE_PARSE_H
#define GUARITA_WATCH_RULE_PARSE_H

#include "watch/rule.h"

void rule_parse(struct load *l, const struct conf_stmt *s, struct rule *ret);
void join_parse(struct load *l, const struct conf_stmt *s, struct join *ret);

#endif
