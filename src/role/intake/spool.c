/* spool: segments of received lines. Must never write into a segment whose end it did not check. */
#include "role/intake/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "msg/entry.h"
#include "sys/file.h"

#define MAGIC "GSPOOL1\n"
#define SEGMENT_HEAD 16

static int
segment_path(const struct spool *s, uint64_t number, char dst[PATH_MAX])
{
	return snprintf(dst, PATH_MAX, "%s/%016llx.spool", s->dir, (unsigned long long)number) >=
		PATH_MAX
	    ? -ENAMETOOLONG
	    : 0;
}

static struct spool_segment *
last(const struct spool *s)
{
	return &s->segments[s->nsegments - 1];
}

/*
 * Walks the entries of a segment: how many bytes of it are whole, and the number of the last line.
 */
static void
walk(struct str bytes, uint64_t *ret_whole, uint64_t *ret_last_seq)
{
	struct cur c = cur_of(str_from(bytes, SEGMENT_HEAD));
	struct entry e;
	uint64_t whole = SEGMENT_HEAD;

	while (entry_next(&c, &e) == 1) {
		/* A line in parts counts when its last part is there. */
		if (!(e.flags & (ENTRY_SOURCE | ENTRY_MORE)))
			*ret_last_seq = e.seq;
		if (!(e.flags & ENTRY_MORE))
			whole = bytes.n - c.n;
	}
	*ret_whole = whole;
}

/* One segment left by an earlier run; what is torn at its end is cut off. */
static int
adopt(struct spool *s, uint64_t number)
{
	char path[PATH_MAX];
	struct str map;
	struct spool_segment g = { .number = number };
	int r = segment_path(s, number, path);

	if (r == 0)
		r = file_map(path, &map);
	if (r < 0)
		return r;
	if (map.n < SEGMENT_HEAD || !str_starts(map, STR(MAGIC))) {
		file_unmap(map);
		return unlink(path) < 0 ? -errno : 0;
	}
	struct cur head = cur_of(str_of(map.p + 8, 8));
	g.first_seq = cur_u64(&head);
	uint64_t end = g.first_seq - 1;
	walk(map, &g.bytes, &end);
	bool torn = g.bytes < map.n;
	file_unmap(map);
	if (torn && truncate(path, (off_t)g.bytes) < 0)
		return -errno;
	void *p = reallocarray(s->segments, s->nsegments + 1, sizeof(*s->segments));
	if (!p)
		return -ENOMEM;
	s->segments = p;
	s->segments[s->nsegments++] = g;
	s->bytes += g.bytes;
	s->next_seq = end + 1;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int
list_segments(const struct spool *s, uint64_t **ret, size_t *ret_n)
{
	DIR *d = opendir(s->dir);
	uint64_t *numbers = NULL;
	size_t n = 0;
	int r = 0;

	if (!d)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		char *end;
		unsigned long long v = strtoull(e->d_name, &end, 16);
		if (end != e->d_name + 16 || strcmp(end, ".spool") != 0)
			continue;
		void *p = reallocarray(numbers, n + 1, sizeof(*numbers));
		if (!p) {
			r = -ENOMEM;
			break;
		}
		numbers = p;
		numbers[n++] = v;
	}
	closedir(d);
	if (n)
		qsort(numbers, n, sizeof(*numbers), by_number);
	*ret = numbers;
	*ret_n = n;
	return r;
}

static int
scan_segment(const struct spool *s, uint64_t number, void (*each)(void *ctx, const struct entry *e),
    void *ctx)
{
	char path[PATH_MAX];
	struct str map;
	struct entry e;
	int r = segment_path(s, number, path);

	if (r == 0)
		r = file_map(path, &map);
	if (r < 0)
		return r;
	struct cur c = cur_of(str_from(map, SEGMENT_HEAD));
	while (map.n > SEGMENT_HEAD && entry_next(&c, &e) == 1)
		each(ctx, &e);
	file_unmap(map);
	return 0;
}

int
spool_scan(const char *dir, void (*each)(void *ctx, const struct entry *e), void *ctx)
{
	struct spool s = { .dir = strdup(dir) };
	uint64_t *numbers = NULL;
	size_t n = 0;
	int r = s.dir ? list_segments(&s, &numbers, &n) : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = scan_segment(&s, numbers[i], each, ctx);
	free(numbers);
	free(s.dir);
	return r;
}

static int
create_segment(struct spool *s, struct spool_segment *g)
{
	char path[PATH_MAX];
	uint8_t head[SEGMENT_HEAD];
	struct enc e = enc_of(head, sizeof(head));
	int r = segment_path(s, g->number, path);

	if (r < 0)
		return r;
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return -errno;
	enc_bytes(&e, STR(MAGIC));
	enc_u64(&e, g->first_seq);
	r = file_write_all(s->fd, str_of((char *)head, e.n));
	if (r < 0) {
		fd_close(&s->fd);
		unlink(path);
	}
	return r;
}

void
spool_cut(struct spool *s)
{
	void *p = reallocarray(s->segments, s->nsegments + 1, sizeof(*s->segments));

	/* Without memory for one more row the old segment grows on. */
	if (!p)
		return;
	s->segments = p;
	struct spool_segment g = {
		.number = s->nsegments ? last(s)->number + 1 : 1,
		.first_seq = s->next_seq,
		.bytes = SEGMENT_HEAD,
	};
	fd_close(&s->fd);
	int r = s->dir ? create_segment(s, &g) : 0;
	g.in_memory = !s->dir || r < 0;
	s->error = -r;
	s->segments[s->nsegments++] = g;
	if (!g.in_memory)
		s->bytes += g.bytes;
}

int
spool_open(struct spool *s, const char *dir)
{
	uint64_t *numbers = NULL;
	size_t n = 0;
	int r = 0;

	*s = (struct spool){ .fd = -1, .read_fd = -1, .next_seq = 1 };
	if (dir) {
		s->dir = strdup(dir);
		r = s->dir ? file_make_dirs(dir, 0700) : -ENOMEM;
		if (r == 0)
			r = list_segments(s, &numbers, &n);
		for (size_t i = 0; i < n && r == 0; i++)
			r = adopt(s, numbers[i]);
		free(numbers);
	}
	if (r == 0)
		spool_cut(s);
	if (r == 0 && s->nsegments == 0)
		r = -ENOMEM;
	if (r < 0)
		spool_close(s);
	return r;
}

void
spool_close(struct spool *s)
{
	fd_close(&s->fd);
	fd_close(&s->read_fd);
	free(s->segments);
	free(s->dir);
	s->segments = NULL;
	s->dir = NULL;
}

bool
spool_full_segment(const struct spool *s)
{
	const struct spool_segment *g = last(s);

	return g->bytes >= SPOOL_SEGMENT_BYTES ||
	    (s->dir && g->in_memory && g->bytes >= SPOOL_SEGMENT_BYTES / 16);
}

/* A half-written batch must not stay: the segment ends before it. */
static void
to_memory(struct spool *s, struct spool_segment *g, int error)
{
	s->error = -error;
	(void)!ftruncate(s->fd, (off_t)g->bytes);
	spool_cut(s);
	g = last(s);
	if (!g->in_memory)
		s->bytes -= g->bytes;
	g->in_memory = true;
	s->error = -error;
}

struct spool_place
spool_append(struct spool *s, struct str bytes, uint64_t lines)
{
	struct spool_segment *g = last(s);

	if (!g->in_memory) {
		int r = file_write_all(s->fd, bytes);
		if (r < 0) {
			to_memory(s, g, r);
			g = last(s);
		}
	}
	struct spool_place at = { .segment = g->number, .offset = g->bytes };
	g->bytes += bytes.n;
	if (!g->in_memory)
		s->bytes += bytes.n;
	s->next_seq += lines;
	return at;
}

void
spool_skip_to(struct spool *s, uint64_t seq)
{
	if (seq < s->next_seq)
		return;
	s->next_seq = seq + 1;
	spool_cut(s);
}

void
spool_forget(struct spool *s, uint64_t seq)
{
	char path[PATH_MAX];
	size_t n = 0;

	while (n + 1 < s->nsegments && s->segments[n + 1].first_seq <= seq + 1)
		n++;
	for (size_t i = 0; i < n; i++) {
		struct spool_segment *g = &s->segments[i];
		if (s->dir && segment_path(s, g->number, path) == 0)
			unlink(path);
		if (!g->in_memory)
			s->bytes -= g->bytes;
	}
	memmove(s->segments, s->segments + n, (s->nsegments - n) * sizeof(*s->segments));
	s->nsegments -= n;
}

struct spool_place
spool_find(const struct spool *s, uint64_t seq)
{
	size_t i = 0;

	while (i + 1 < s->nsegments && s->segments[i + 1].first_seq <= seq)
		i++;
	return (struct spool_place){ .segment = s->segments[i].number, .offset = SEGMENT_HEAD };
}

struct spool_place
spool_end(const struct spool *s)
{
	return (struct spool_place){ .segment = last(s)->number, .offset = last(s)->bytes };
}

static const struct spool_segment *
segment_at(const struct spool *s, uint64_t number)
{
	for (size_t i = 0; i < s->nsegments; i++)
		if (s->segments[i].number >= number)
			return &s->segments[i];
	return NULL;
}

static int
open_to_read(struct spool *s, uint64_t number)
{
	char path[PATH_MAX];

	if (s->read_fd >= 0 && s->read_segment == number)
		return 0;
	fd_close(&s->read_fd);
	int r = segment_path(s, number, path);
	if (r < 0)
		return r;
	s->read_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	s->read_segment = number;
	return s->read_fd < 0 ? -errno : 0;
}

/* The longest run of whole entries at the front. */
static size_t
whole_entries(struct str bytes)
{
	struct cur c = cur_of(bytes);
	struct entry e;

	while (entry_next(&c, &e) == 1)
		;
	return bytes.n - c.n;
}

int64_t
spool_read(
    struct spool *s, struct spool_place *place, struct spool_place until, void *dst, size_t size)
{
	const struct spool_segment *g = segment_at(s, place->segment);

	while (g && (g->number != place->segment || place->offset >= g->bytes)) {
		/* A segment that was forgotten, or is read to its end: on to the next. */
		if (g->number == place->segment)
			g = segment_at(s, place->segment + 1);
		if (g)
			*place = (struct spool_place){ .segment = g->number, .offset = SEGMENT_HEAD };
		if (g && g->in_memory)
			return -ENODATA;
	}
	if (!g || !spool_place_before(*place, until))
		return 0;
	if (g->in_memory)
		return -ENODATA;
	uint64_t stop = until.segment == g->number && until.offset < g->bytes ? until.offset
									      : g->bytes;
	size_t want = stop - place->offset < size ? (size_t)(stop - place->offset) : size;
	int r = open_to_read(s, g->number);
	if (r < 0)
		return r;
	ssize_t n = file_read_at(s->read_fd, dst, want, place->offset);
	if (n < 0)
		return n;
	size_t whole = whole_entries(str_of(dst, (size_t)n));
	if (whole == 0)
		return -EBADMSG;
	place->offset += whole;
	return (int64_t)whole;
}
