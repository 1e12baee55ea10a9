/*
 * pacct: process accounting of Linux (acct(5)): one record of 64 bytes per finished process, in
 * versions 0 to 3, in the byte order of the machine that wrote it. Every record says its version
 * and order itself.
 */
#ifndef GUARITA_WIRE_PACCT_H
#define GUARITA_WIRE_PACCT_H

#include "base/str.h"

#define PACCT_SIZE 64
#define PACCT_DETECT_BYTES (64u << 10)
#define PACCT_TICKS 100            /* AHZ: the unit of times, on every Linux */

enum {                             /* ac_flag */
	PACCT_FORK = 0x01,         /* forked, never executed */
	PACCT_SU = 0x02,           /* used superuser rights */
	PACCT_COMPAT = 0x04,
	PACCT_CORE = 0x08,         /* dumped core */
	PACCT_SIGNAL = 0x10,       /* killed by a signal */
	PACCT_GROUP = 0x20,        /* the last task of its process */
	PACCT_FLAGS = 0x3f,
};

struct pacct {
	uint8_t flags;
	uint8_t version;           /* 0 to 3 */
	bool big;                  /* written by a big-endian machine */
	uint32_t uid, gid;
	uint16_t tty;              /* device number; 0: none */
	uint32_t pid, ppid;        /* version 3 only, else 0 */
	uint32_t begin;            /* seconds since 1970 */
	uint64_t user_ticks, system_ticks, elapsed_ticks;
	uint64_t memory, io, minor, major;
	uint32_t exit;             /* as wait(2) gives it */
	struct str command;        /* at most 16 bytes, up to the first NUL */
	bool dirty;                /* bytes other than NUL behind the end of the command */
};

/* 0, or -EINVAL: no version that is known, or every byte zero. record.n must be PACCT_SIZE. */
int pacct_read(struct str record, struct pacct *ret) WARN_UNUSED;
/* Numbers that are too large for comp_t lose their lower bits, as in the kernel. */
void pacct_write(const struct pacct *p, uint8_t dst[PACCT_SIZE]);
/* When the process ended. Long times are kept with 12 bits only, rounded down (acct(5)): it may have been a little earlier. */
int64_t pacct_end_us(const struct pacct *p);
/* comp_t: 13 bits and a 3-bit exponent of 8. */
uint64_t pacct_comp_read(uint16_t c);
uint16_t pacct_comp_write(uint64_t v);
bool pacct_plausible(struct str record);
/* By the first bytes of a file: process accounting? */
bool pacct_detect(struct str head);
/* "SFCXD" as lastcomm prints them: S, F, C, D, X in that order, blanks where not set; NUL-ended. */
void pacct_flags_show(uint8_t flags, char dst[6]);
/* "pts/3", "tty1", "ttyS0" ... of a device number; "-" for none, "12:34" for others. */
size_t pacct_tty_show(uint16_t device, char dst[24]);

#endif
