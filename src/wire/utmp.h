/*
 * utmp: records of utmp, wtmp and btmp as the systems of forty years write them: fixed sizes, no
 * magic number, the byte order of the machine that wrote them. The layout belongs to the file, not
 * to this host: it is recognised by its content. Everything works on one record's bytes; nothing
 * is copied.
 */
#ifndef GUARITA_WIRE_UTMP_H
#define GUARITA_WIRE_UTMP_H

#include "base/text.h"
#include "base/when.h"

enum utmp_layout {
	UTMP_LINUX_LE,             /* 384 bytes: glibc on x86, 32-bit ARM, POWER LE */
	UTMP_LINUX_BE,
	UTMP_LINUX64_LE,           /* 400 bytes: glibc on aarch64, riscv64, musl */
	UTMP_LINUX64_BE,
	UTMP_SOLARIS_LE,           /* 372 bytes: utmpx of Solaris and illumos, struct futmpx */
	UTMP_SOLARIS_BE,
	UTMP_OPENBSD_LE,           /* 304 bytes */
	UTMP_FREEBSD_LE,           /* 44 bytes: FreeBSD before 9 */
	UTMP_SUNOS_LE,             /* 36 bytes: SunOS 4, NetBSD; host names end after 16 bytes */
	UTMP_SUNOS_BE,
	UTMP_LAYOUTS,
};

#define UTMP_SIZE_MAX 400
#define UTMP_DETECT_BYTES (64u << 10)  /* so many first bytes are enough to tell the layout */

enum utmp_type {
	UTMP_EMPTY,
	UTMP_RUN_LEVEL,
	UTMP_BOOT,
	UTMP_NEW_TIME,
	UTMP_OLD_TIME,
	UTMP_INIT,
	UTMP_LOGIN,                /* a terminal waits for a name */
	UTMP_USER,
	UTMP_DEAD,
	UTMP_ACCOUNTING,
	UTMP_SHUTDOWN,
	UTMP_STRANGE,              /* a number that no system gives; kept in `number` */
	UTMP_TYPES,
};

struct utmp {
	enum utmp_type type;
	int16_t number;            /* of the type, as written; 0 where the layout has none */
	int64_t pid, session;
	struct str line, id, user, host;   /* up to the first NUL */
	int16_t termination, exit;
	int64_t time_us;           /* 0: the field is zero */
	struct addr addr;
	bool has_addr;
	bool blank;                /* every byte is zero: no program writes such a record */
	bool host_full;            /* the host fills its room: it may have been longer */
	bool dirty;                /* bytes other than NUL behind the end of a text */
};

size_t utmp_size(enum utmp_layout l);
const char *utmp_layout_name(enum utmp_layout l);       /* "linux", "linux64", "solaris" ... with "-be" */
const char *utmp_type_name(enum utmp_type t);           /* "user", "dead", "boot" ... */
/* record.n must be utmp_size(l). Never fails: what makes no sense is marked. */
void utmp_read(enum utmp_layout l, struct str record, struct utmp *ret);
/* The same record as bytes again; texts that are too long are cut. dst has utmp_size(l) bytes. */
void utmp_write(enum utmp_layout l, const struct utmp *u, uint8_t *dst);
/* Bytes that could have been written by the programs of that system: texts, times and types fit. */
bool utmp_plausible(enum utmp_layout l, struct str record);
/*
 * The layout of a file by its first bytes and its whole size (0: unknown). -ENOENT when nothing
 * fits: it is no such file.
 */
int utmp_detect(struct str head, uint64_t size, enum utmp_layout *ret) WARN_UNUSED;

#endif
