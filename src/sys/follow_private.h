/*
 * follow_private: what follow.c (finding files) and follow_read.c (reading them) share; for nobody
 * else.
 */
#ifndef GUARITA_SYS_FOLLOW_PRIVATE_H
#define GUARITA_SYS_FOLLOW_PRIVATE_H

#include "base/hash.h"
#include "base/utf16.h"
#include "sys/follow.h"

struct follow_file {
	struct follow *follow;
	char *path;
	int fd, wd;
	uint64_t dev, ino;
	uint64_t offset, line;
	uint64_t size_seen;        /* up to where the last reading came */
	uint64_t part;             /* bytes of an overlong line handed out behind offset */
	uint8_t head[FOLLOW_HEAD_MAX];
	uint32_t head_len;
	bool dirty;                /* may have more to read */
	bool seen;                 /* found by the scan that runs */
	bool copy;                 /* sleeps: a copy of another followed file */
	bool replaced;             /* its successor under the same name was found */
	bool orphan;               /* its name is gone or leads elsewhere: read to the end, then close */
	int64_t orphan_since_us;
	void *user;
};

struct saved_pos {
	char *path;
	struct follow_pos pos;
	bool used;
};

struct follow {
	struct follow_calls calls;
	struct follow_opts opts;
	char **patterns;
	size_t npatterns;
	struct follow_file **files;
	size_t nfiles;
	struct saved_pos *saved;
	size_t nsaved;
	struct strmap told;        /* paths of which it was told that they cannot be read */
	char **told_paths;
	size_t ntold;
	int inotify;
	bool scanned;              /* the first scan is over: new files are read from their start */
	bool rescan_wanted;
	size_t turn;               /* whose turn it is to be read */
	char *chunk;
	char *text;                /* a line of a UTF-16 file as UTF-8; made for the first such file */
};

/* old: a file of an earlier name, not to be skipped. NULL when it cannot be read. */
struct follow_file *follow_open_file(struct follow *f, const char *path, bool old);
/* Tells once that a file cannot be read; told again after it could be. */
void follow_tell_unreadable(struct follow *f, const char *path, int error);
void follow_tell_readable(struct follow *f, const char *path);
/* Reads one chunk; false when there was nothing (more) to read. */
bool follow_file_read(struct follow_file *file);
/* Hands out what is left behind the last newline. */
void follow_file_flush_tail(struct follow_file *file);
/* Extends the remembered head; false when the first bytes are not those remembered. */
bool follow_file_check_head(struct follow_file *file);
/* As the first bytes tell; they are remembered, so it is the same over restarts. */
enum utf16 follow_file_order(const struct follow_file *file);
uint64_t follow_head_hash(const struct follow_file *file, uint32_t len);

#endif
