/*
 * log: what a role has to say to the operator, on standard error. Only roles speak; libraries
 * return.
 */
#ifndef GUARITA_ROLE_LOG_H
#define GUARITA_ROLE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log {
	const char *name;          /* of the process */
	enum log_level level;      /* graver ones are written too */
	bool marked;               /* begin lines with <N>, for a service manager that understands it */
};

struct log log_open(const char *name);
/* One line: "guarita watchd: text". Control bytes are escaped. */
void log_say(const struct log *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
