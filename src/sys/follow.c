/*
 * follow: which files are followed, and what became of their names. Must never decide by name alone
 * that two files are the same, nor forget a file whose last lines were not read.
 */
#include "sys/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "base/hash.h"
#include "sys/file.h"
#include "sys/follow_private.h"

/* A program may write its last lines to a renamed file until it opens the new one. */
#define ORPHAN_LINGER_US (60 * WHEN_SECOND)
#define COPY_HEAD_MIN 64               /* shorter heads say too little */
#define COUNT_LINES_MAX (16u << 20)
#define FILE_EVENTS (IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)
#define DIR_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR)

int
follow_new(const struct follow_calls *calls, const struct follow_opts *o, struct follow **ret)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->calls = *calls;
	f->opts = *o;
	f->told.seed = o->hash_seed;
	f->chunk = malloc(FOLLOW_CHUNK);
	if (!f->chunk) {
		free(f);
		return -ENOMEM;
	}
	/* Without inotify (none left for this user) rescans do its work, only later. */
	f->inotify = o->polling ? -1 : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	*ret = f;
	return 0;
}

static void
free_file(struct follow_file *file)
{
	struct follow *f = file->follow;

	if (file->wd >= 0)
		inotify_rm_watch(f->inotify, file->wd);
	fd_close(&file->fd);
	free(file->path);
	free(file);
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nfiles; i++)
		free_file(f->files[i]);
	for (size_t i = 0; i < f->npatterns; i++)
		free(f->patterns[i]);
	for (size_t i = 0; i < f->nsaved; i++)
		free(f->saved[i].path);
	for (size_t i = 0; i < f->ntold; i++)
		free(f->told_paths[i]);
	free(f->told_paths);
	strmap_free(&f->told);
	fd_close(&f->inotify);
	free(f->files);
	free(f->patterns);
	free(f->saved);
	free(f->chunk);
	free(f->text);
	free(f);
}

/* Room for one more element; the array may move. */
static int
grow(void **array, size_t n, size_t size)
{
	void *p = reallocarray(*array, n + 1, size);

	if (!p)
		return -ENOMEM;
	*array = p;
	return 0;
}

int
follow_add(struct follow *f, const char *pattern)
{
	struct stat st;
	char dir[PATH_MAX];
	bool is_dir = stat(pattern, &st) == 0 && S_ISDIR(st.st_mode);

	if (snprintf(dir, sizeof(dir), "%s%s", pattern, is_dir ? "/*" : "") >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	if (grow((void **)&f->patterns, f->npatterns, sizeof(void *)) < 0)
		return -ENOMEM;
	f->patterns[f->npatterns] = strdup(dir);
	if (!f->patterns[f->npatterns])
		return -ENOMEM;
	f->npatterns++;
	return 0;
}

int
follow_resume(struct follow *f, const char *path, const struct follow_pos *pos)
{
	if (grow((void **)&f->saved, f->nsaved, sizeof(*f->saved)) < 0)
		return -ENOMEM;
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	f->saved[f->nsaved++] = (struct saved_pos){ .path = copy, .pos = *pos };
	return 0;
}

static struct follow_file *
find_file(const struct follow *f, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < f->nfiles; i++)
		if (f->files[i]->ino == ino && f->files[i]->dev == dev)
			return f->files[i];
	return NULL;
}

static void
watch_file(struct follow_file *file)
{
	struct follow *f = file->follow;
	char by_fd[64];

	file->wd = -1;
	if (f->inotify < 0)
		return;
	/*
	 * By descriptor, so that what is watched is what is read, whatever the name means by now.
	 */
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", file->fd);
	file->wd = inotify_add_watch(f->inotify, by_fd, FILE_EVENTS);
	if (file->wd < 0)
		file->wd = inotify_add_watch(f->inotify, file->path, FILE_EVENTS);
}

static bool
head_fits(struct follow_file *file, const struct follow_pos *pos)
{
	return pos->head_len <= file->head_len &&
	    follow_head_hash(file, pos->head_len) == pos->head_hash;
}

/*
 * A copy made by copy-and-truncate begins like a file that we follow: its lines are read there. It
 * sleeps until the original is cut; only then is it clear from where on its lines are new.
 */
static bool
is_copy(const struct follow_file *file)
{
	const struct follow *f = file->follow;

	for (size_t i = 0; i < f->nfiles; i++) {
		const struct follow_file *o = f->files[i];
		if (o != file && file->head_len >= COPY_HEAD_MIN && o->head_len == file->head_len &&
		    memcmp(o->head, file->head, file->head_len) == 0)
			return true;
	}
	return false;
}

static uint64_t
count_ends(enum utf16 order, struct str s)
{
	uint64_t n = 0;

	if (order == UTF16_NOT) {
		for (size_t i = 0; i < s.n; i++)
			n += s.p[i] == '\n';
		return n;
	}
	for (size_t at; (at = utf16_find_lf(order, s)) < s.n; s = str_from(s, at + 2))
		n++;
	return n;
}

/* Counting the lines of what is skipped must not delay the start. */
static uint64_t
count_lines(const struct follow_file *file, uint64_t end)
{
	const struct follow *f = file->follow;
	uint64_t lines = 0, at = 0;

	if (end > COUNT_LINES_MAX)
		return FOLLOW_LINE_UNKNOWN;
	while (at < end) {
		size_t want = end - at < FOLLOW_CHUNK ? (size_t)(end - at) : FOLLOW_CHUNK;
		ssize_t n = file_read_at(file->fd, f->chunk, want, at);
		if (n <= 0)
			break;
		lines += count_ends(follow_file_order(file), str_of(f->chunk, (size_t)n));
		at += (uint64_t)n;
	}
	return lines;
}

/* Up to and with its last line end. */
static size_t
whole_lines(enum utf16 order, struct str s)
{
	if (order != UTF16_NOT)
		return utf16_whole_lines(order, s);
	const char *last = s.n ? memrchr(s.p, '\n', s.n) : NULL;
	return last ? (size_t)(last - s.p) + 1 : 0;
}

/* To the end, or rather to the start of a line that is still being written there. */
static void
skip_to_end(struct follow_file *file)
{
	struct follow *f = file->follow;
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return;
	uint64_t size = (uint64_t)st.st_size;
	uint64_t from = size > FOLLOW_CHUNK ? size - FOLLOW_CHUNK : 0;
	from -= from % 2;                      /* where a character of UTF-16 begins */
	size_t want = size - from < FOLLOW_CHUNK ? (size_t)(size - from) : FOLLOW_CHUNK;
	ssize_t n = file_read_at(file->fd, f->chunk, want, from);
	struct str end = str_of(f->chunk, n > 0 ? (size_t)n : 0);
	file->offset = from + whole_lines(follow_file_order(file), end);
	file->line = count_lines(file, file->offset);
}

static void
set_start(struct follow_file *file, bool old)
{
	struct follow *f = file->follow;

	for (size_t i = 0; i < f->nsaved; i++) {
		struct saved_pos *s = &f->saved[i];
		if (s->used || s->pos.ino != file->ino || s->pos.dev != file->dev)
			continue;
		s->used = true;
		if (head_fits(file, &s->pos)) {
			file->offset = s->pos.offset;
			file->line = s->pos.line;
			return;
		}
		f->calls.on_event(
		    f->calls.ctx, str_z(file->path), FOLLOW_REPLACED, s->pos.offset, 0);
		return;
	}
	bool known = false;
	for (size_t i = 0; i < f->nsaved; i++)
		known |= strcmp(f->saved[i].path, file->path) == 0;
	file->copy = is_copy(file);
	if (!f->scanned && !f->opts.from_start && !known && !old)
		skip_to_end(file);
}

#define TOLD_MAX 1024

enum { TOLD_READABLE, TOLD_UNREADABLE };

void
follow_tell_unreadable(struct follow *f, const char *path, int error)
{
	if (strmap_get(&f->told, str_z(path)) == TOLD_UNREADABLE)
		return;
	/* Without room to remember it is told again and again, which is better than never. */
	if (f->ntold < TOLD_MAX &&
	    grow((void **)&f->told_paths, f->ntold, sizeof(void *)) == 0) {
		char *copy = strdup(path);
		if (copy && strmap_put(&f->told, str_z(copy), TOLD_UNREADABLE) == 0)
			f->told_paths[f->ntold++] = copy;
		else
			free(copy);
	}
	f->calls.on_event(f->calls.ctx, str_z(path), FOLLOW_UNREADABLE, 0, (uint64_t)error);
}

void
follow_tell_readable(struct follow *f, const char *path)
{
	for (size_t i = 0; i < f->ntold; i++)
		if (strcmp(f->told_paths[i], path) == 0 &&
		    strmap_put(&f->told, str_z(f->told_paths[i]), TOLD_READABLE) < 0)
			return;
}

struct follow_file *
follow_open_file(struct follow *f, const char *path, bool old)
{
	struct stat st;
	struct follow_file *file;

	size_t max = f->opts.files_max ? f->opts.files_max : FOLLOW_FILES_MAX;
	if (f->nfiles >= max || grow((void **)&f->files, f->nfiles, sizeof(void *)) < 0) {
		follow_tell_unreadable(f, path, EMFILE);
		return NULL;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (fd < 0 && errno != ENOENT)
			follow_tell_unreadable(f, path, errno);
		fd_close(&fd);
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	char *copy = strdup(path);
	if (!file || !copy) {
		free(file);
		free(copy);
		close(fd);
		return NULL;
	}
	*file = (struct follow_file){
		.follow = f, .path = copy, .fd = fd, .wd = -1, .dirty = true, .orphan = old,
		.dev = st.st_dev, .ino = st.st_ino,
	};
	f->files[f->nfiles++] = file;
	follow_tell_readable(f, path);
	watch_file(file);
	(void)follow_file_check_head(file);
	set_start(file, old);
	f->calls.on_open(f->calls.ctx, file);
	return file;
}

static void
close_file(struct follow *f, size_t i)
{
	struct follow_file *file = f->files[i];

	follow_file_flush_tail(file);
	f->calls.on_close(f->calls.ctx, file);
	f->files[i] = f->files[--f->nfiles];
	free_file(file);
}

static bool
is_packed(const char *path)
{
	static const char *const ends[] = { ".gz", ".xz", ".zst", ".bz2", ".lz4" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(str_z(path), str_z(ends[i])))
			return true;
	return false;
}

static void
orphan(struct follow_file *file, int64_t now_us)
{
	if (file->orphan)
		return;
	file->orphan = true;
	file->orphan_since_us = now_us;
	file->dirty = true;
}

/* Whoever had this name before is read to its end and then let go. */
static void
replace_old(struct follow *f, const char *path, uint64_t size, int64_t now_us)
{
	struct follow_file *old = NULL;

	for (size_t i = 0; i < f->nfiles; i++)
		if (strcmp(f->files[i]->path, path) == 0 && !f->files[i]->replaced)
			old = f->files[i];
	if (!old)
		return;
	orphan(old, now_us);
	old->replaced = true;
	f->calls.on_event(f->calls.ctx, str_z(path), FOLLOW_REPLACED, old->offset, size);
}

/* The name leads to this inode now: known, known under another name, or new. */
static void
found(struct follow *f, const char *path, int64_t now_us)
{
	struct stat st;

	if (is_packed(path) || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	struct follow_file *file = find_file(f, st.st_dev, st.st_ino);
	if (file && (file->seen || strcmp(file->path, path) == 0)) {
		file->seen = true;
		file->orphan = false;
		return;
	}
	if (file) {
		/* Renamed to another name that we follow too: read on, under the old name. */
		file->seen = true;
		return;
	}
	replace_old(f, path, (uint64_t)st.st_size, now_us);
	file = follow_open_file(f, path, false);
	if (file)
		file->seen = true;
}

static void
watch_dirs(struct follow *f, const char *pattern)
{
	char dir[PATH_MAX];
	glob_t g;

	if (f->inotify < 0 || snprintf(dir, sizeof(dir), "%s", pattern) >= (int)sizeof(dir))
		return;
	char *slash = strrchr(dir, '/');
	if (slash == dir)
		slash++;
	if (slash)
		*slash = '\0';
	if (glob(slash ? dir : ".", GLOB_NOSORT, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			(void)!inotify_add_watch(
			    f->inotify, g.gl_pathv[i], DIR_EVENTS | IN_MASK_ADD);
	globfree(&g);
}

static void
scan_pattern(struct follow *f, const char *pattern, int64_t now_us)
{
	glob_t g;

	watch_dirs(f, pattern);
	if (glob(pattern, 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			found(f, g.gl_pathv[i], now_us);
	globfree(&g);
}

/*
 * After a restart: the file that we left may have been renamed meanwhile; its rest comes before its
 * successor.
 */
static bool
find_renamed(struct follow *f, const struct saved_pos *s)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct stat st;
	bool hit = false;

	if (snprintf(dir, sizeof(dir), "%s", s->path) >= (int)sizeof(dir) || !strrchr(dir, '/'))
		return false;
	*strrchr(dir, '/') = '\0';
	DIR *d = opendir(dir[0] ? dir : "/");
	for (struct dirent *e; d && !hit && (e = readdir(d));) {
		if (e->d_ino != s->pos.ino || file_path(path, sizeof(path), dir, e->d_name) < 0)
			continue;
		hit = stat(path, &st) == 0 && st.st_dev == s->pos.dev && !is_packed(path) &&
		    (find_file(f, st.st_dev, st.st_ino) || follow_open_file(f, path, true));
	}
	if (d)
		closedir(d);
	return hit;
}

/*
 * Saved positions of files that we do not follow any more are dropped in silence; the others are
 * looked for.
 */
static void
settle_saved(struct follow *f)
{
	for (size_t i = 0; i < f->nsaved; i++) {
		struct saved_pos *s = &f->saved[i];
		if (!s->used && !find_file(f, s->pos.dev, s->pos.ino) && !find_renamed(f, s))
			f->calls.on_event(
			    f->calls.ctx, str_z(s->path), FOLLOW_GAP, s->pos.offset, 0);
		s->used = true;
	}
}

static void
settle_files(struct follow *f, int64_t now_us)
{
	for (size_t i = 0; i < f->nfiles;) {
		struct follow_file *file = f->files[i];
		struct stat st;
		if (!file->seen && !file->orphan) {
			/*
			 * Renamed, its successor may not be there yet; only a file without any name
			 * was removed.
			 */
			orphan(file, now_us);
			if (fstat(file->fd, &st) == 0 && st.st_nlink == 0)
				f->calls.on_event(f->calls.ctx, str_z(file->path), FOLLOW_REMOVED,
				    file->offset, 0);
		}
		bool over = file->orphan && !file->dirty &&
		    now_us - file->orphan_since_us >= ORPHAN_LINGER_US;
		if (over)
			close_file(f, i);
		else
			i++;
	}
}

static bool
has_grown(const struct follow_file *file)
{
	struct stat st;

	return fstat(file->fd, &st) == 0 && (uint64_t)st.st_size != file->size_seen;
}

void
follow_rescan(struct follow *f, int64_t mono_us)
{
	f->rescan_wanted = false;
	for (size_t i = 0; i < f->nfiles; i++) {
		f->files[i]->seen = false;
		if (f->inotify < 0 || f->files[i]->wd < 0)
			f->files[i]->dirty |= !f->files[i]->orphan || has_grown(f->files[i]);
	}
	for (size_t i = 0; i < f->npatterns; i++)
		scan_pattern(f, f->patterns[i], mono_us);
	if (!f->scanned)
		settle_saved(f);
	settle_files(f, mono_us);
	f->scanned = true;
}

int
follow_fd(const struct follow *f)
{
	return f->inotify;
}

static void
mark_dirty(struct follow *f, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		for (size_t i = 0; i < f->nfiles; i++)
			f->files[i]->dirty = true;
	for (size_t i = 0; i < f->nfiles; i++) {
		struct follow_file *file = f->files[i];
		if (file->wd != e->wd)
			continue;
		file->dirty = true;
		f->rescan_wanted |= (e->mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB)) != 0;
		if (e->mask & IN_IGNORED)
			file->wd = -1;
		return;
	}
	f->rescan_wanted |= (e->mask & IN_IGNORED) == 0;
}

void
follow_wake(struct follow *f)
{
	union {
		struct inotify_event align;
		char bytes[16384];
	} in;
	ssize_t n;

	while ((n = read(f->inotify, in.bytes, sizeof(in.bytes))) > 0) {
		for (ssize_t at = 0; at < n;) {
			struct inotify_event e;
			memcpy(&e, in.bytes + at, sizeof(e));
			mark_dirty(f, &e);
			at += (ssize_t)(sizeof(e) + e.len);
		}
	}
}

bool
follow_rescan_wanted(const struct follow *f)
{
	return f->rescan_wanted;
}

bool
follow_pump(struct follow *f, unsigned chunks)
{
	size_t idle = 0;

	while (chunks && f->nfiles && idle < f->nfiles) {
		f->turn = (f->turn + 1) % f->nfiles;
		struct follow_file *file = f->files[f->turn];
		if (!file->dirty) {
			idle++;
			continue;
		}
		idle = 0;
		file->dirty = follow_file_read(file);
		chunks--;
	}
	return idle < f->nfiles;
}

size_t
follow_count(const struct follow *f)
{
	return f->nfiles;
}

void
follow_each(struct follow *f, void (*each)(void *ctx, struct follow_file *file), void *ctx)
{
	for (size_t i = 0; i < f->nfiles; i++)
		each(ctx, f->files[i]);
}

void
follow_rewind(struct follow_file *file, uint64_t offset, uint64_t line)
{
	file->offset = offset;
	file->line = line;
	file->part = 0;
	file->dirty = true;
}

const char *
follow_file_path(const struct follow_file *file)
{
	return file->path;
}

struct follow_pos
follow_file_pos(const struct follow_file *file)
{
	return (struct follow_pos){
		.dev = file->dev, .ino = file->ino, .offset = file->offset, .line = file->line,
		.head_len = file->head_len, .head_hash = follow_head_hash(file, file->head_len),
	};
}

void
follow_file_set_user(struct follow_file *file, void *user)
{
	file->user = user;
}

void *
follow_file_user(const struct follow_file *file)
{
	return file->user;
}
