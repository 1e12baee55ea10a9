/*
 * lastlog: tables indexed by uid: lastlog (when and whence each account came last), faillog
 * (failed logins of shadow and pam_tally), tallylog (pam_tally2) and the tally files of
 * pam_faillock. Sparse and perhaps terabytes long by their size: the caller reads only what is
 * there.
 */
#ifndef GUARITA_WIRE_LASTLOG_H
#define GUARITA_WIRE_LASTLOG_H

#include "base/str.h"

enum lastlog_layout {
	LASTLOG_LE,                /* 292 bytes: glibc on x86 */
	LASTLOG_BE,
	LASTLOG64_LE,              /* 296 bytes: 64-bit time, aarch64, musl */
	LASTLOG64_BE,
	FAILLOG_LE,                /* 24 bytes: shadow, 32-bit */
	FAILLOG64_LE,              /* 32 bytes */
	FAILLOG64_BE,
	TALLYLOG_LE,               /* 64 bytes: pam_tally2; also the tally files of pam_faillock */
	TALLYLOG_BE,
	LASTLOG_LAYOUTS,
};

#define LASTLOG_SIZE_MAX 296

struct lastlog {
	int64_t time_s;            /* 0: never */
	struct str line, host;     /* up to the first NUL; faillog has no host */
	int32_t fails, max;        /* faillog and tallylog */
	int64_t lock_s;
	bool blank;                /* every byte is zero: this uid has no entry */
	bool host_full;            /* may have been longer */
	bool dirty;                /* bytes behind the end of a text */
};

size_t lastlog_size(enum lastlog_layout l);
const char *lastlog_layout_name(enum lastlog_layout l);
bool lastlog_is_fails(enum lastlog_layout l);            /* a table of failures */
void lastlog_read(enum lastlog_layout l, struct str record, struct lastlog *ret);
void lastlog_write(enum lastlog_layout l, const struct lastlog *u, uint8_t *dst);
bool lastlog_plausible(enum lastlog_layout l, struct str record);
/*
 * The layout of bytes that begin at `offset` of the file (where its first data lies), among the
 * layouts of failures or of logins. -ENOENT when nothing fits.
 */
int lastlog_detect(struct str bytes, uint64_t offset, bool fails, enum lastlog_layout *ret) WARN_UNUSED;

#endif
