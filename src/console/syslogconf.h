/*
 * syslogconf: an /etc/syslog.conf as rules of ours. Reads what syslogd, sysklogd, the BSDs and rsyslog's old form share:
 * selectors, files, hosts, blocks of programs and hosts. What has no word here is listed with its line and the reason. Pure.
 */
#ifndef GUARITA_CONSOLE_SYSLOGCONF_H
#define GUARITA_CONSOLE_SYSLOGCONF_H

#include "base/buf.h"

#define SYSLOGCONF_TEXT_MAX (4u << 20)

struct syslogconf_counts {
	unsigned converted, not_converted;
};

/* Appends a whole configuration. 0, or -ENOMEM. */
int syslogconf_convert(struct str text, struct buf *out, struct syslogconf_counts *ret) WARN_UNUSED;

#endif
