/*
 * syslog_write: a line as other syslog hosts expect it: RFC 5424, RFC 3164, or as it stands in a file. A line that already has
 * the form goes on byte for byte; what is made anew gets the time at which it was received. Pure.
 */
#ifndef GUARITA_WIRE_SYSLOG_WRITE_H
#define GUARITA_WIRE_SYSLOG_WRITE_H

#include "base/buf.h"
#include "wire/syslog.h"

enum syslog_style { SYSLOG_AS_RFC5424, SYSLOG_AS_RFC3164, SYSLOG_AS_FILE };

struct syslog_line {
	struct str raw;
	struct syslog_head head;       /* syslog_parse() of raw */
	int facility, severity;        /* what counts, also where the line says none */
	struct str host;               /* where it names none */
	int64_t received_us;
	int offset_min;                /* of local time, for forms without a zone */
};

/* What a line means whose head says nothing: RFC 3164 4.3.3 has user.notice. */
void syslog_line_read(struct str raw, unsigned flags, struct syslog_line *ret);
/* Appends it, without an end of line; control bytes inside are written as #ooo, as relays do. */
void syslog_write(const struct syslog_line *l, enum syslog_style style, struct buf *out);

#endif
