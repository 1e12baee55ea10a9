/*
 * follow: files that grow, followed through everything that happens to logs: rotation by rename,
 * copy and truncate, shrinking, replacement, deletion and re-creation, lines half written. A file
 * is known by device, inode and its first bytes, never by its name alone. inotify wakes; without it
 * follow_rescan() must be called often.
 *
 * Pull, not push: nothing is read outside follow_pump(), so that a slow reader slows only itself.
 */
#ifndef GUARITA_SYS_FOLLOW_H
#define GUARITA_SYS_FOLLOW_H

#include "base/str.h"

#define FOLLOW_FILES_MAX 4096
#define FOLLOW_HEAD_MAX 256        /* first bytes that tell a file from its successor in the same inode */
#define FOLLOW_CHUNK (256u << 10)  /* read at a time; a longer line comes in pieces */

#define FOLLOW_LINE_UNKNOWN (UINT64_C(1) << 63)

/* Where reading stands; the caller keeps it over restarts and hands it back to follow_resume(). */
struct follow_pos {
	uint64_t dev, ino;
	uint64_t offset;           /* first byte not yet handed out, always the start of a line */
	uint64_t line;             /* lines before offset; with FOLLOW_LINE_UNKNOWN counted from where we began */
	uint64_t head_hash;        /* of the first head_len bytes */
	uint32_t head_len;
};

enum follow_event {
	FOLLOW_SHRUNK,             /* was: our position, now: the new size; reading starts again from 0 */
	FOLLOW_REPLACED,           /* the name leads to another file, or the same file was rewritten from its start */
	FOLLOW_REMOVED,            /* the name is gone */
	FOLLOW_GAP,                /* lines were lost: the file left at a restart is not there any more; was: our position */
	FOLLOW_UNREADABLE,         /* now: the errno, EMFILE when there are too many; told once a file */
};

struct follow;
struct follow_file;

struct follow_chunk {
	struct str bytes;          /* lines with their newlines */
	uint64_t offset, line;     /* where the first line begins, and its number, from 1 */
	bool continued;            /* the first line began in an earlier chunk */
	bool open_end;             /* the last line goes on in a later chunk */
};

struct follow_calls {
	void *ctx;
	void (*on_open)(void *ctx, struct follow_file *f);
	/* After the call follow_file_pos() is the position behind the chunk's last whole line. */
	void (*on_chunk)(void *ctx, struct follow_file *f, const struct follow_chunk *c);
	void (*on_event)(
	    void *ctx, struct str path, enum follow_event e, uint64_t was, uint64_t now);
	void (*on_close)(void *ctx, struct follow_file *f);
};

struct follow_opts {
	bool polling;              /* do not use inotify, as on some network file systems */
	bool from_start;           /* files found by the first scan are read from their start, not their end */
	size_t files_max;          /* 0: FOLLOW_FILES_MAX */
	uint64_t hash_seed;        /* must be the same over restarts: it is part of the positions */
};

int follow_new(
    const struct follow_calls *calls, const struct follow_opts *o, struct follow **ret) WARN_UNUSED;
void follow_free(struct follow *f);             /* closes every file; on_close is not called */
/*
 * A path, a directory (the files in it) or a pattern as of glob(3). Takes effect at the next
 * follow_rescan().
 */
int follow_add(struct follow *f, const char *pattern) WARN_UNUSED;
/* A position kept from an earlier run; before the first scan. */
int follow_resume(struct follow *f, const char *path, const struct follow_pos *pos) WARN_UNUSED;
/* Sets the position of an open file back, so that it is read again from there. */
void follow_rewind(struct follow_file *file, uint64_t offset, uint64_t line);
int follow_fd(const struct follow *f);          /* to wait on, -1 when there is no inotify */
void follow_wake(struct follow *f);             /* the descriptor is readable */
void follow_rescan(struct follow *f, int64_t mono_us);
/* Names changed: a rescan should come soon. */
bool follow_rescan_wanted(const struct follow *f);
/* Reads at most so many chunks; true when there is more to read now. */
bool follow_pump(struct follow *f, unsigned chunks);
size_t follow_count(const struct follow *f);
void follow_each(struct follow *f, void (*each)(void *ctx, struct follow_file *file), void *ctx);

const char *follow_file_path(const struct follow_file *file);
struct follow_pos follow_file_pos(const struct follow_file *file);
void follow_file_set_user(struct follow_file *file, void *user);
void *follow_file_user(const struct follow_file *file);

#endif
