/*
 * audit: are logs owned and protected as they should be? A table of paths and a judgement over the
 * facts of one of them. Looks at nothing itself: the caller hands in what stat(2) says.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_AUDIT_H
#define GUARITA_WATCH_ACCOUNTS_AUDIT_H

#include "base/str.h"

struct audit_row {
	const char *pattern;           /* as of fnmatch(3), a slash is matched by a slash only */
	bool directory;
	unsigned mode;                 /* bits that it may have */
	const char *groups;            /* that it may be given to; the first is the usual one */
	const char *article, *why;
};

enum audit_fault {
	AUDIT_OK = 0,
	AUDIT_WORLD_WRITABLE = 1 << 0, /* anybody may change or empty it */
	AUDIT_TOO_OPEN = 1 << 1,       /* more may read or write it than should */
	AUDIT_OWNER = 1 << 2,          /* belongs to somebody who is not root, or the logger */
	AUDIT_GROUP = 1 << 3,          /* a group may write or read it that should not */
	AUDIT_LINK = 1 << 4,           /* a symbolic link: whoever made it decides what is written where */
	AUDIT_LINKS = 1 << 5,          /* has a second name */
	AUDIT_DIRECTORY = 1 << 6,      /* stands in a directory in which somebody else may rename */
};

struct audit_facts {
	struct str path;
	unsigned mode;                 /* permission bits */
	bool is_link, is_directory;
	uint64_t links;
	bool system_owner;             /* of root or of a system account, such as syslog */
	bool root_owner;
	struct str group;
	bool directory_loose;          /* a directory above it: somebody else may rename in it */
};

size_t audit_rows(const struct audit_row **ret);
/* A mask of enum audit_fault. row NULL: a log that the table does not know; only the gravest is told. */
unsigned audit_judge(const struct audit_row *row, const struct audit_facts *f);
/* What the mode should become. */
unsigned audit_mode(const struct audit_row *row, unsigned mode);
bool audit_group_fits(const struct audit_row *row, struct str group);
/* One fault in words; NULL for none. */
const char *audit_say(enum audit_fault one);

#endif
