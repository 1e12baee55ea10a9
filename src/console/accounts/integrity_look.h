/*
 * integrity_look: the files that `guarita integrity` looks at: the account files found, the oldest of each log first,
 * and what is no account file.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_LOOK_H
#define GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_LOOK_H

#include "console/accounts/file.h"
#include "watch/accounts/integrity_memory.h"

struct look {                          /* one file, and what is remembered of it */
	struct account_file file;
	struct integrity_memory *now, *old;
	char stem[256];                /* of files that are one log: the name without what rotation adds */
};

struct looks {
	struct look *v;
	size_t n;
	struct path_list texts;        /* what is no account file */
	uint64_t unreadable;           /* what could not be read; it was said */
};

/* named: files and folders; usual: also where account files lie on this machine. 0, -ENOENT: none is there, -ENOMEM. */
int looks_gather(struct looks *l, char *const *named, int n, bool usual) WARN_UNUSED;
void looks_free(struct looks *l);
/* "wtmp", "wtmp.1", "wtmp.2.gz", "wtmp-20261101.xz" are one log. */
void look_stem(const char *path, char *dst, size_t size);
/* Its first records, as the memory wants them. */
struct str look_head(struct account_file *f);
/* Who is logged in: rewritten all day. */
bool look_is_present(const struct look *l);
/* A log that only grows, or a table: something can be remembered of it. */
bool look_is_remembered(const struct look *l);

#endif
