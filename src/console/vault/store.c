/* store: see store.h. Foreign all the way down: what a file says of itself is believed by its hash only. */
#include "console/vault/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "console/i18n.h"
#include "console/vault/segment_keys.h"
#include "sys/file.h"
#include "vault/frame.h"

#define NAME_DIGITS 20u
#define PROBLEMS_SHOWN 20u

__attribute__((format(printf, 2, 3))) void
store_problem(struct store *s, const char *fmt, ...)
{
	va_list ap;

	if (s->nproblems++ < PROBLEMS_SHOWN) {
		va_start(ap, fmt);
		buf_vaddf(&s->problems, fmt, ap);
		va_end(ap);
		buf_add_byte(&s->problems, '\n');
	}
}

static int
only_numbers(const struct dirent *e)
{
	return strspn(e->d_name, "0123456789") == NAME_DIGITS;
}

/* Numbers of the files of a folder with this ending, rising. A folder that is not there has none. */
static int
list(const char *dir, const char *ending, uint64_t **ret, size_t *ret_n)
{
	struct dirent **names;
	int n = scandir(dir, &names, only_numbers, alphasort), rc = 0;
	uint64_t *numbers;

	*ret = NULL;
	*ret_n = 0;
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	numbers = calloc((size_t)n + 1, sizeof(*numbers));
	if (!numbers)
		rc = -ENOMEM;
	for (int i = 0; i < n; i++) {
		struct str name = str_z(names[i]->d_name);

		if (rc == 0 && str_eq(str_from(name, NAME_DIGITS), str_z(ending)) &&
		    text_u64(str_head(name, NAME_DIGITS), &numbers[*ret_n]) == 0)
			++*ret_n;
		free(names[i]);
	}
	free(names);
	*ret = numbers;
	return rc;
}

static void *
grown(void *array, size_t n, size_t *size, size_t each)
{
	void *bigger;

	if (n < *size)
		return array;
	bigger = reallocarray(array, *size ? 2 * *size : 16, each);
	if (bigger)
		*size = *size ? 2 * *size : 16;
	return bigger;
}

static int
keep_map(struct store *s, struct str bytes, bool log)
{
	void *maps = grown(s->maps, s->nmaps, &s->maps_size, sizeof(*s->maps));

	if (!maps)
		return -ENOMEM;
	s->maps = maps;
	s->maps[s->nmaps++] = (struct store_map){ .bytes = bytes, .log = log };
	return 0;
}

/* Segments of which no line is left: the log says why. */
static void
skip_gone(struct store *s)
{
	const struct gone *g;

	while ((g = gone_list_find(&s->gone, s->next)))
		s->next = g->end;
}

/* Without its key only the head of a segment can be read, and a search says so. */
static void
use_key(struct store *s, uint64_t number, size_t slot)
{
	struct segment *segment = &s->segments[s->nsegments];
	int rc = segment_key_find(NULL, s->dir, number, &segment->digest, s->keys[slot]);

	if (rc == 0)
		segment->seal.key = s->keys[slot];
	else
		store_problem(s, _("seg/%020llu.seg: its key cannot be read: %s"), (unsigned long long)number, strerror(-rc));
}

static int
add_segment(struct store *s, uint64_t number, size_t slot)
{
	struct segment *segment = &s->segments[s->nsegments];
	struct str bytes;
	char *path = NULL;
	int rc;

	if (asprintf(&path, "%s/seg/%020llu.seg", s->dir, (unsigned long long)number) < 0)
		return -ENOMEM;
	rc = file_map(path, &bytes);
	if (rc == 0) {
		rc = segment_open(segment, bytes, NULL);
		if (rc == 0 && segment->encrypted)
			use_key(s, number, slot);
		if (rc < 0) {
			store_problem(s, "%s: %s", path, rc == -EBADMSG ? segment->fault : strerror(-rc));
			file_unmap(bytes);
		} else if (segment->first_index != number || number < s->next) {
			store_problem(s, _("%s: holds entries that belong elsewhere (%llu)"), path, (unsigned long long)segment->first_index);
			segment_close(segment);
			file_unmap(bytes);
		} else {
			skip_gone(s);
			if (number > s->next && s->nsegments > 0)
				store_problem(s, _("%s: the %llu entries before it are missing"), path, (unsigned long long)(number - s->next));
			s->next = segment->first_index + segment->rows;
			s->nsegments++;
			rc = keep_map(s, bytes, false);
		}
	} else {
		store_problem(s, "%s: %s", path, strerror(-rc));
	}
	free(path);
	return rc == -ENOMEM ? rc : 0;
}

static int
open_segments(struct store *s)
{
	char path[4096];
	uint64_t *numbers = NULL;
	size_t n = 0;
	int rc = file_path(path, sizeof(path), s->dir, "seg");

	if (rc == 0)
		rc = list(path, ".seg", &numbers, &n);
	if (rc < 0)
		return rc;
	s->segments = calloc(n + 1, sizeof(*s->segments));
	s->keys = calloc(n + 1, sizeof(*s->keys));
	s->nkeys = n;
	if (!s->segments || !s->keys)
		rc = -ENOMEM;
	if (rc == 0 && gone_list_read(s->dir, &s->gone) < 0)
		store_problem(s, _("seg/%020llu.gone: cannot be read"), (unsigned long long)s->gone.bad);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_segment(s, numbers[i], i);
	skip_gone(s);
	free(numbers);
	return rc;
}

static void
forget_frames(struct store *s, size_t kept)
{
	for (size_t i = kept; i < s->nframes; i++)
		free(s->frames[i].own);
	s->nframes = kept;
}

/* The lines of an encrypted frame stand in the cipher's room, which the next one takes. */
static int
add_frame(struct store *s, const struct frame *f)
{
	struct store_frame new = { .first = f->first, .count = f->count, .lines = f->lines };
	void *frames = grown(s->frames, s->nframes, &s->frames_size, sizeof(*s->frames));

	if (!frames)
		return -ENOMEM;
	s->frames = frames;
	if (f->encrypted) {
		new.own = malloc(f->lines.n);
		if (!new.own)
			return -ENOMEM;
		memcpy(new.own, f->lines.p, f->lines.n);
		new.lines.p = new.own;
	}
	s->frames[s->nframes++] = new;
	s->next = f->first + f->count;
	return 0;
}

/* Frames that are not known yet; of the others the heads are enough. */
static int
add_frames(struct store *s, struct str bytes, struct frame_cipher *cipher)
{
	struct frame f;
	int rc = 0;

	for (struct str rest = bytes; rc == 0 && frame_skim(rest, &f) == 1; rest = str_from(rest, frame_bytes(&f))) {
		if (f.count == 0 || f.first + f.count <= s->next)
			continue;
		rc = frame_read(rest, cipher, &f);
		if (rc == 1)
			rc = add_frame(s, &f);
	}
	return rc == -EBADMSG ? 0 : rc;
}

/* A torn frame at the end is what a writer at work, or a crash, leaves: it was never acknowledged. */
static int
add_log(struct store *s, uint64_t number)
{
	struct frame_cipher *cipher = NULL;
	struct str bytes;
	uint64_t next = s->next;
	size_t known = s->nframes;
	char *path = NULL;
	int rc;

	if (asprintf(&path, "%s/wal/%020llu.wal", s->dir, (unsigned long long)number) < 0)
		return -ENOMEM;
	rc = file_map(path, &bytes);
	free(path);
	/* Gone since it was listed: its lines are in a segment now. */
	if (rc == -ENOENT)
		return 0;
	if (rc < 0) {
		store_problem(s, "wal/%020llu.wal: %s", (unsigned long long)number, strerror(-rc));
		return 0;
	}
	rc = keyring_cipher(NULL, s->dir, number, &cipher);
	if (rc == 0)
		rc = add_frames(s, bytes, cipher);
	frame_cipher_free(cipher);
	if (s->nframes > known && rc == 0)
		return keep_map(s, bytes, true);
	forget_frames(s, known);
	s->next = next;
	file_unmap(bytes);
	if (rc < 0 && rc != -ENOMEM)
		store_problem(s, _("wal/%020llu.wal: its key cannot be read: %s"), (unsigned long long)number, strerror(-rc));
	return rc == -ENOMEM ? rc : 0;
}

void
store_forget_tail(struct store *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nmaps; i++) {
		if (s->maps[i].log)
			file_unmap(s->maps[i].bytes);
		else
			s->maps[kept++] = s->maps[i];
	}
	s->nmaps = kept;
	forget_frames(s, 0);
}

int
store_refresh(struct store *s)
{
	uint64_t *numbers = NULL;
	char path[4096];
	size_t n = 0;
	int rc = file_path(path, sizeof(path), s->dir, "wal");

	if (rc == 0)
		rc = list(path, ".wal", &numbers, &n);
	if (rc < 0)
		return rc;
	/* A file whose successor begins at or before what is known has nothing new. */
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (i + 1 == n || numbers[i + 1] > s->next)
			rc = add_log(s, numbers[i]);
	}
	free(numbers);
	return rc;
}

static bool
has_folder(const char *dir, const char *name)
{
	char path[4096];
	DIR *d = file_path(path, sizeof(path), dir, name) == 0 ? opendir(path) : NULL;

	if (d)
		closedir(d);
	return d != NULL;
}

int
store_open(struct store *s, const char *dir)
{
	int rc;

	*s = (struct store){ .dir = strdup(dir), .problems = BUF_INIT(1u << 16) };
	if (!s->dir)
		return -ENOMEM;
	if (!has_folder(dir, "seg") && !has_folder(dir, "wal"))
		return errno == EACCES ? -EACCES : -ENOENT;
	rc = open_segments(s);
	return rc < 0 ? rc : store_refresh(s);
}

void
store_close(struct store *s)
{
	for (size_t i = 0; i < s->nsegments; i++)
		segment_close(&s->segments[i]);
	for (size_t i = 0; i < s->nmaps; i++)
		file_unmap(s->maps[i].bytes);
	free(s->segments);
	if (s->keys)
		explicit_bzero(s->keys, s->nkeys * sizeof(*s->keys));
	free(s->keys);
	free(s->maps);
	forget_frames(s, 0);
	free(s->frames);
	gone_list_free(&s->gone);
	free(s->dir);
	buf_free(&s->problems);
	*s = (struct store){ 0 };
}

uint64_t
store_lines(const struct store *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->nsegments; i++)
		n += s->segments[i].rows;
	for (size_t i = 0; i < s->nframes; i++)
		n += s->frames[i].count;
	return n;
}

size_t
store_entries(const struct store_frame *f, struct vault_entry *ret, size_t max)
{
	struct cur in = cur_of(f->lines);
	struct str record;
	size_t n = 0;

	while (n < max && frame_record(&in, &record) == 1) {
		if (vault_entry_decode(record, f->first + n, &ret[n]) < 0)
			break;
		n++;
	}
	return n;
}
