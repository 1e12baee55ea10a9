/*
 * syslog_part: pieces of syslog heads. Private to wire/syslog*.c. Each returns the bytes it took, 0
 * when it is not there.
 */
#ifndef GUARITA_WIRE_SYSLOG_PART_H
#define GUARITA_WIRE_SYSLOG_PART_H

#include "wire/stamp_form.h"
#include "wire/syslog.h"

enum {
	BYTE_HOST = 1 << 0,  /* letters, digits, . - _ : / @ % and [] of IPv6 */
	BYTE_TAG = 1 << 1,   /* letters, digits, - _ . / @ + ~ */
	BYTE_UPPER = 1 << 2, /* A-Z 0-9 _ : mnemonics */
	BYTE_ALNUM = 1 << 3,
	BYTE_BLANK = 1 << 4,
	BYTE_DOT = 1 << 5,
};
extern const uint8_t syslog_bytes[256];

static inline bool
byte_is(char c, unsigned classes)
{
	return syslog_bytes[(unsigned char)c] & classes;
}

static inline size_t
skip_blanks(struct str s, size_t at)
{
	while (at < s.n && byte_is(s.p[at], BYTE_BLANK))
		at++;
	return at;
}

enum {
	TAG_PID = 1 << 0,    /* only a name with a numeric pid counts */
	TAG_COLON = 1 << 1,  /* a colon must follow, a blank is not enough */
	TAG_BLANKS = 1 << 2, /* a name of several capitalised words may stand here */
	TAG_BARE = 1 << 3,   /* "[name] " is enough */
};
struct tag {
	struct str name, module, pid;
};
/* "name:", "name[pid]:", "name(module)[pid]:", "name[pid] "; blanks behind it are taken. */
size_t syslog_tag(struct str s, unsigned flags, struct tag *ret);
/* The run of host characters at the start of s, and all their classes together. */
size_t syslog_word(struct str s, unsigned *ret_classes);
/* True when a word of n bytes found by syslog_word() can be a host. */
bool syslog_host(struct str s, size_t n, unsigned classes);
/* "auth.info", "<auth.info>", "auth|security:info", with the blanks behind. */
size_t syslog_facility_word(struct str s, struct syslog_head *h);
bool syslog_is_level(struct str word); /* INFO, warn, [error] and the like: no host */
bool syslog_is_note(
    struct str s); /* "last message repeated", "-- MARK --": no tag belongs before it */

/* A message of the kernel without its time since boot. */
struct str syslog_without_uptime(struct str message);

/* Whole heads; false leaves h as it was. */
bool syslog_cisco(struct str s, struct syslog_head *h);
bool syslog_routeros(struct str s, struct syslog_head *h);
bool syslog_rfc5424(struct str s, struct syslog_head *h);
/*
 * "host program pid msgid [data] message" behind a stamp: RFC 5424 as it lies in files whose writer
 * left PRI and version out. Every field must be in its place.
 */
bool syslog_rfc5424_rest(struct str s, struct syslog_head *h);
/* "U7LT,788a20aabbcc,v4.0.21:" or ("..."): name, link address, version; blanks behind are taken. */
size_t syslog_unifi(struct str s, struct str *ret_name);

#endif
