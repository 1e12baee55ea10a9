/*
 * file: files of fixed records as a command finds them: the layout recognised by content,
 * packed ones unpacked into a nameless file, read in windows so that months of records need no
 * memory, and a file cut while it is read ends early instead of killing us.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_FILE_H
#define GUARITA_CONSOLE_ACCOUNTS_FILE_H

#include "console/source.h"
#include "wire/lastlog.h"
#include "wire/pacct.h"
#include "wire/utmp.h"

enum account_kind {
	ACCOUNT_LOGINS,            /* utmp, wtmp */
	ACCOUNT_FAILURES,          /* btmp */
	ACCOUNT_LASTLOG,
	ACCOUNT_FAILLOG,           /* faillog, tallylog */
	ACCOUNT_PROCESSES,         /* pacct */
	ACCOUNT_SQLITE,            /* wtmpdb, lastlog2 */
	ACCOUNT_KINDS,
};

struct account_file {
	char *path;
	int fd;
	enum account_kind kind;
	int layout;                /* enum utmp_layout or enum lastlog_layout */
	size_t record;             /* bytes of one */
	uint64_t count;            /* whole records when it was opened */
	uint64_t bytes;            /* of the file, unpacked */
	size_t rest;               /* bytes behind the last whole record */
	bool packed;
	int64_t mtime_us;
	int64_t begin_us;          /* time of the first record that has one, else mtime_us */
	uint64_t dev, ino;
	/* private */
	char *window;
	uint64_t first, have;      /* records in the window */
};

/*
 * -ENOTSUP: it is none of these files; else 0 or a negative errno. An empty file, or one of zeroes, is
 * what its name says it is.
 */
int account_open(const char *path, struct account_file *ret) WARN_UNUSED;
void account_close(struct account_file *f);
/* Looks again how long the file is; 0 or a negative errno. */
int account_refresh(struct account_file *f) WARN_UNUSED;
/* Record i of count; empty when it cannot be read any more. Good until the next call. */
struct str account_at(struct account_file *f, uint64_t i);
/*
 * The next record at or after *io_index that is not a hole of a sparse file; -ENOENT at the end.
 */
int account_next_data(struct account_file *f, uint64_t *io_index) WARN_UNUSED;

/* Several files, the newest first. */
struct account_set {
	struct account_file *files;
	size_t n;
	struct buf problems;       /* lines "path: reason" */
	size_t nproblems;
};
/*
 * The files named, or, when none is, those of the pattern `usual` (glob, such as "/var/log/wtmp*") that are of
 * this kind. What is no such file is a problem when it was named.
 */
int account_set_open(struct account_set *s, enum account_kind kind, char *const *named, size_t n,
    const char *usual) WARN_UNUSED;
void account_set_close(struct account_set *s);

#endif
