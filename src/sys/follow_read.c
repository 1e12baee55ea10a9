/*
 * follow_read: reading one followed file. Must never hand out half a line as a whole one, nor a
 * line twice.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "sys/file.h"
#include "sys/follow_private.h"

#define TEXT_SIZE (FOLLOW_CHUNK / 2 * 3)   /* a chunk of UTF-16 as UTF-8, at most */

enum utf16
follow_file_order(const struct follow_file *file)
{
	return utf16_find(str_of((const char *)file->head, file->head_len));
}

uint64_t
follow_head_hash(const struct follow_file *file, uint32_t len)
{
	return hash_bytes(str_of((const char *)file->head, len), file->follow->opts.hash_seed);
}

bool
follow_file_check_head(struct follow_file *file)
{
	uint8_t now[FOLLOW_HEAD_MAX];
	ssize_t n = file_read_at(file->fd, now, sizeof(now), 0);

	if (n < (ssize_t)file->head_len || memcmp(now, file->head, file->head_len) != 0)
		return false;
	memcpy(file->head, now, (size_t)n);
	file->head_len = (uint32_t)n;
	return true;
}

/* The copy among the files that we follow already, asleep till now. */
static struct follow_file *
known_copy(const struct follow_file *file)
{
	const struct follow *f = file->follow;

	for (size_t i = 0; i < f->nfiles; i++) {
		struct follow_file *o = f->files[i];
		if (o->copy && o->head_len == file->head_len &&
		    memcmp(o->head, file->head, o->head_len) == 0)
			return o;
	}
	return NULL;
}

static bool
begins_alike(const struct follow_file *file, const char *path)
{
	uint8_t head[FOLLOW_HEAD_MAX];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0)
		return false;
	bool alike = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino != file->ino &&
	    (uint64_t)st.st_size >= file->offset &&
	    file_read_at(fd, head, file->head_len, 0) == (ssize_t)file->head_len &&
	    memcmp(head, file->head, file->head_len) == 0;
	close(fd);
	return alike;
}

/* A copy beside the file whose name begins like its name: app.log.1, app.log-20260101. */
static struct follow_file *
new_copy(struct follow_file *file)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct follow_file *hit = NULL;

	if (snprintf(dir, sizeof(dir), "%s", file->path) >= (int)sizeof(dir) || !strrchr(dir, '/'))
		return NULL;
	char *base = strrchr(dir, '/');
	*base++ = '\0';
	DIR *d = opendir(dir[0] ? dir : "/");
	for (struct dirent *e; d && !hit && (e = readdir(d));)
		if (str_starts(str_z(e->d_name), str_z(base)) && strcmp(e->d_name, base) != 0 &&
		    file_path(path, sizeof(path), dir, e->d_name) == 0 && begins_alike(file, path))
			hit = follow_open_file(file->follow, path, true);
	if (d)
		closedir(d);
	return hit;
}

/* Cut after a copy was made is rotation: what we had not read yet stands in the copy. */
static bool
read_on_in_copy(struct follow_file *file)
{
	if (file->head_len == 0)
		return false;
	struct follow_file *copy = known_copy(file);
	if (!copy)
		copy = new_copy(file);
	if (!copy)
		return false;
	copy->copy = false;
	follow_rewind(copy, file->offset, file->line);
	return true;
}

static void
restart(struct follow_file *file, enum follow_event e, uint64_t now)
{
	struct follow *f = file->follow;
	uint64_t was = file->offset;

	if (e == FOLLOW_SHRUNK && read_on_in_copy(file))
		e = FOLLOW_REPLACED;
	file->offset = file->line = file->part = 0;
	file->head_len = 0;
	f->calls.on_event(f->calls.ctx, str_z(file->path), e, was, now);
}

/* Shrunk, or rewritten in place: both mean that our position belongs to bytes that are no more. */
static void
notice_rewrite(struct follow_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return;
	if ((uint64_t)st.st_size < file->offset + file->part)
		restart(file, FOLLOW_SHRUNK, (uint64_t)st.st_size);
	else if (!follow_file_check_head(file))
		restart(file, FOLLOW_REPLACED, (uint64_t)st.st_size);
	else
		return;
	(void)follow_file_check_head(file);
}

/* raw: how many bytes of the file the text stands for. */
static void
hand_out(struct follow_file *file, struct str bytes, size_t raw, bool open_end, uint64_t newlines)
{
	struct follow *f = file->follow;
	struct follow_chunk c = {
		.bytes = bytes,
		.offset = file->offset,
		.line = file->line + 1,
		.continued = file->part > 0,
		.open_end = open_end,
	};

	if (open_end) {
		file->part += raw;
	} else {
		file->offset += file->part + raw;
		file->line += newlines;
		file->part = 0;
	}
	f->calls.on_chunk(f->calls.ctx, file, &c);
}

static uint64_t
count_newlines(struct str s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

/* What is left behind the last newline, and whole chunks of a line that has none. */
static void
hand_out_plain(struct follow_file *file, struct str got)
{
	const char *last = memrchr(got.p, '\n', got.n);
	struct str whole = str_head(got, last ? (size_t)(last - got.p) + 1 : 0);

	if (last)
		hand_out(file, whole, whole.n, false, count_newlines(whole));
	else if (got.n == FOLLOW_CHUNK)
		hand_out(file, got, got.n, true, 0);
}

/* The room for text of a UTF-16 file; without it the file waits for the next wake. */
static char *
text_room(struct follow *f)
{
	if (!f->text)
		f->text = malloc(TEXT_SIZE);
	return f->text;
}

/* Positions stay those of the file: each line goes by itself, and says how many bytes it was. */
static void
hand_out_utf16(struct follow_file *file, struct str got, bool end)
{
	enum utf16 order = follow_file_order(file);
	char *text = text_room(file->follow);
	size_t whole = end ? got.n : utf16_whole_lines(order, got), taken, n;
	bool open_end = whole == 0 && got.n == FOLLOW_CHUNK;
	struct str rest = open_end ? got : str_head(got, whole);

	while (text && rest.n) {
		size_t lf = utf16_find_lf(order, rest);
		struct str line = str_head(rest, lf + 2);
		n = utf16_to_utf8(order, line, !open_end, text, TEXT_SIZE, &taken);
		hand_out(file, str_of(text, n), taken, open_end, 1);
		if (open_end)
			return;
		rest = str_from(rest, line.n);
	}
}

bool
follow_file_read(struct follow_file *file)
{
	struct follow *f = file->follow;

	if (file->copy)
		return false;
	notice_rewrite(file);
	ssize_t n = file_read_at(file->fd, f->chunk, FOLLOW_CHUNK, file->offset + file->part);
	if (n < 0)
		follow_tell_unreadable(f, file->path, (int)-n);
	file->size_seen = file->offset + file->part + (n > 0 ? (uint64_t)n : 0);
	if (n <= 0)
		return false;
	struct str got = str_of(f->chunk, (size_t)n);
	if (follow_file_order(file) == UTF16_NOT)
		hand_out_plain(file, got);
	else
		hand_out_utf16(file, got, false);
	/*
	 * A short read that still left something whole: the end is reached, what follows will wake
	 * us.
	 */
	return got.n == FOLLOW_CHUNK;
}

void
follow_file_flush_tail(struct follow_file *file)
{
	struct follow *f = file->follow;

	if (file->copy)
		return;
	ssize_t n = file_read_at(file->fd, f->chunk, FOLLOW_CHUNK, file->offset + file->part);
	struct str got = str_of(f->chunk, n > 0 ? (size_t)n : 0);
	if (got.n && follow_file_order(file) != UTF16_NOT)
		hand_out_utf16(file, got, true);
	else if (got.n || file->part)
		hand_out(file, got, got.n, false, 1);
}
