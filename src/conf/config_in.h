/* config_in: what the files of config share among themselves. */
#ifndef GUARITA_CONF_CONFIG_IN_H
#define GUARITA_CONF_CONFIG_IN_H

#include "conf/config.h"

/* Replaces the include statements of a list by what they name; returns the new first statement. */
struct conf_stmt *config_expand(struct arena *a, struct diags *d, const struct conf_reader *reader,
    struct str name, struct conf_stmt *first);
/* Faults that no single row can see. Values that a fault left empty are passed over. */
void config_check(const struct config *c, struct diags *d);

/* The statement whose keyword stands at `where`, or NULL. */
const struct conf_stmt *config_stmt_at(const struct conf_stmt *first, struct conf_pos where);
/* The first statement with this keyword, or NULL. */
const struct conf_stmt *config_stmt(const struct conf_stmt *first, const char *keyword);

#endif
