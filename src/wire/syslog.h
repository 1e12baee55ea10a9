/*
 * syslog: the head of a log line, as slices into it. Reads RFC 5424 exactly, and everything that
 * calls itself RFC 3164: BSD, Linux, Solaris, AIX, FreeBSD, OpenWrt, systemd, rsyslog, Cisco
 * IOS/ASA/Nexus, Juniper, HP, Huawei, MikroTik. Never copies, never guesses times; what cannot be
 * told for certain stays in the message.
 */
#ifndef GUARITA_WIRE_SYSLOG_H
#define GUARITA_WIRE_SYSLOG_H

#include "wire/stamp.h"

enum syslog_form {
	SYSLOG_BARE,    /* no head; message is the whole line */
	SYSLOG_STAMPED, /* a time stamp, or a PRI alone, then a message without host or tag */
	SYSLOG_BSD,     /* RFC 3164 and its kin: a host or a tag was found */
	SYSLOG_RFC5424,
	SYSLOG_CISCO,    /* program is the mnemonic; message begins with it */
	SYSLOG_ROUTEROS, /* program and data are the topics; message begins with them */
};

enum {
	/* A head is expected: a first word is a host even without a tag behind it. */
	SYSLOG_EXPECTED = 1 << 0,
	/* Only a full head counts (stamp, host, tag): for a head inside another one's message. */
	SYSLOG_STRICT = 1 << 1,
};

#define SYSLOG_HOST_MAX 255
#define SYSLOG_TAG_MAX 96

struct syslog_head {
	uint8_t form;              /* enum syslog_form */
	int8_t facility, severity; /* RFC 5424 6.2.1; -1 when not said */
	bool has_pri;
	struct stamp stamp; /* form STAMP_NONE when there is none */
	struct str host, program, pid, message;
	struct str module; /* "pam_unix" of "sshd(pam_unix)[12]:" */
	struct str data;   /* structured data of RFC 5424 with its brackets; RouterOS topics */
	struct str msgid;  /* RFC 5424 */
};

/* Never fails. Trailing CR, LF and NUL belong to no part. Slices that are absent have n == 0. */
void syslog_parse(struct str line, unsigned flags, struct syslog_head *ret);

static inline struct str
syslog_without_end(struct str s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\0'))
		s.n--;
	return s;
}

/*
 * The head "host tag: message" or "host tag[pid]: message" that stands behind a BSD stamp and its blank, where nothing
 * about it is in doubt: then syslog_parse() finds the same parts, and nothing else. False: ask that.
 */
struct syslog_plain {
	struct str host, program, pid, message;
};
bool syslog_plain(struct str s, struct syslog_plain *ret);

/* "<0>" to "<191>" at the start of s: bytes taken, or 0. */
size_t syslog_pri(struct str s, int8_t *ret_facility, int8_t *ret_severity);

/*
 * Walks RFC 5424 structured data ("[id a="b"][...]"): next parameter of *rest. Value is raw: \" \\
 * \] are undone by syslog_unescape(). False at the end or where the data is malformed.
 */
struct syslog_param {
	struct str id, name, value;
	bool escaped;
};
bool syslog_data_next(struct str *rest, struct syslog_param *io);
/* Copies value to dst (at least value.n bytes) without its escapes; returns the length. */
size_t syslog_unescape(struct str value, char *dst);

#endif
