/*
 * syslog_select: selectors as syslog.conf(5) has them, "*.err;kern.notice;user.none", as one mask of severities a facility.
 * A selector means its severity and all graver ones; "=" only this one, "!" not those, "none" nothing of the facility; what
 * stands further to the right is added to, or taken from, what stands before it.
 */
#ifndef GUARITA_CONF_SYSLOG_SELECT_H
#define GUARITA_CONF_SYSLOG_SELECT_H

#include "base/str.h"

#define SYSLOG_FACILITIES 24

struct syslog_select {
	uint8_t mask[SYSLOG_FACILITIES];       /* bit 0: emergency ... bit 7: debug */
};

/* Adds a text: 0, or -EINVAL with the word that is none. */
int syslog_select_add(struct syslog_select *s, struct str text, struct str *ret_bad) WARN_UNUSED;
static inline bool
syslog_select_has(const struct syslog_select *s, int facility, int severity)
{
	return facility >= 0 && facility < SYSLOG_FACILITIES && severity >= 0 && severity < 8 && s->mask[facility] >> severity & 1;
}

#endif
