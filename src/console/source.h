/*
 * source: the lines of one input of a scan: a file, an archive, or standard input, in UTF-8 or UTF-16. Lines come with their number; the
 * slice is good until the next call. Nothing is lost silently: lines cut for length and read errors are counted.
 */
#ifndef GUARITA_CONSOLE_SOURCE_H
#define GUARITA_CONSOLE_SOURCE_H

#include "base/buf.h"
#include "console/recode.h"
#include "console/unpack.h"

struct source {
	char *path;            /* as given, or "-" */
	struct unpack *unpack; /* NULL once read to its end */
	struct recode *recode; /* NULL unless the file is UTF-16 */
	struct account_source *account;  /* an account file, read as lines; NULL for text */
	char *buf;
	size_t size;           /* of buf */
	size_t start, end;     /* unread bytes in buf */
	uint64_t line;         /* number of the line handed out last */
	uint64_t bytes_total;  /* of the file, packed; 0 when unknown */
	int64_t mtime_us;
	uint64_t cut;          /* lines longer than RECORD_RAW_MAX, cut there */
	int error;             /* negative errno that ended it early, 0 */
	bool skip_rest;        /* inside the tail of a cut line */
};

/* Opens path ("-": standard input). small: start with a small buffer, for scans of many files. 0 or negative errno;
 * -EISDIR for directories, -ENOTSUP for what is neither text (but for runs of NUL bytes, as a crash leaves them) nor an account
 * file. */
int source_open(struct source *s, const char *path, bool small) WARN_UNUSED;
/* Starts over from the first line. 0 or a negative errno. */
int source_rewind(struct source *s) WARN_UNUSED;
bool source_next(struct source *s, struct str *ret_line);
uint64_t source_taken(const struct source *s);    /* packed bytes read so far */
void source_close(struct source *s);

/* All files named by the paths: directories are walked (sorted, no hidden files), links to files followed. */
struct path_list {
	char **paths;
	size_t n;
	struct buf problems;   /* lines "path: reason" of what could not be opened */
	size_t nproblems;
};
int path_list_add(struct path_list *l, const char *path) WARN_UNUSED;
void path_list_free(struct path_list *l);

#endif
