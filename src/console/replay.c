/* replay: see replay.h. A heap over the lanes gives the earliest record; a single lane needs none. */
#include "console/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "console/i18n.h"
#include "event/repeat.h"

#define REF_LINE_BITS 40
#define SNIFF_LINES 64
#define SORT_BYTES_MAX (4u << 20)         /* inputs up to this size are checked for order, and sorted if need be */
#define MANY_LANES 16u

struct place {                             /* a line of a lane that must be sorted */
	int64_t time_us;
	uint32_t off, len;
	uint64_t line;
};

struct lane {
	struct source src;
	struct lens *lens;
	struct decode_route route;         /* what the file's name says of lines that name no program */
	struct record rec;
	struct buf extra;
	int64_t key;                       /* time by which the heap orders */
	uint64_t decoded, undecoded, cut, lines;
	int error;
	char *path;
	char *text;                        /* whole content, only when sorted */
	struct place *sorted;
	size_t nsorted, at;
	bool open;
};

static void
problem(struct replay *r, const char *path, const char *reason)
{
	buf_add_escaped(&r->problems, str_z(path));
	buf_addf(&r->problems, ": %s\n", reason);
	r->nproblems++;
}

static int
lens_begin(struct replay *r, struct lane *l)
{
	struct lens_opts o = { .place = str_z(l->path), .anchor_us = l->src.mtime_us };

	if (o.anchor_us == WHEN_NONE)
		o.anchor_us = r->now_us;
	lens_free(l->lens);
	l->lens = lens_new(r->zones, &o);
	return l->lens ? 0 : -ENOMEM;
}

/* The first lines teach the lens its dialect, year and zone; then the input starts over. */
static int
sniff(struct lane *l)
{
	struct str line;

	for (int i = 0; i < SNIFF_LINES && source_next(&l->src, &line); i++)
		lens_sniff(l->lens, line);
	return source_rewind(&l->src);
}

static void
read_record(struct replay *r, struct lane *l, struct str line, uint64_t number)
{
	uint32_t index = (uint32_t)(l - r->lanes);

	record_begin(&l->rec, line, &l->extra, r->now_us);
	l->rec.source = index;
	l->rec.line = number;
	l->rec.ref = (uint64_t)index << REF_LINE_BITS | number;
	lens_read(l->lens, &l->rec);
	(void)repeat_read(&l->rec);
	decode_routed(r->engine->rules, r->engine->work, &l->route, &l->rec);
	lens_time(l->lens, &l->rec);
}

static int
by_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->line < y->line ? -1 : 1;
}

/* Reads a small input once for its times; keeps it, sorted, when its lines are not in order. */
static int
check_order(struct replay *r, struct lane *l)
{
	struct buf text = BUF_INIT(4 * SORT_BYTES_MAX), places = BUF_INIT(64u << 20);
	int64_t last = WHEN_NONE;
	bool disorder = false;
	struct str line;

	if (l->src.bytes_total > SORT_BYTES_MAX)
		return 0;
	while (source_next(&l->src, &line) && buf_ok(&text)) {
		struct place p = { .off = (uint32_t)text.n, .len = (uint32_t)line.n, .line = l->src.line };

		read_record(r, l, line, l->src.line);
		p.time_us = l->rec.time_us == WHEN_NONE ? last : l->rec.time_us;
		disorder |= p.time_us < last;
		last = p.time_us;
		buf_add(&text, line);
		buf_add(&places, str_of((const char *)&p, sizeof(p)));
	}
	if (disorder && buf_ok(&text) && buf_ok(&places)) {
		l->cut = l->src.cut;
		l->error = l->src.error;
		l->text = text.p;
		l->sorted = (struct place *)(void *)places.p;
		l->nsorted = places.n / sizeof(struct place);
		qsort(l->sorted, l->nsorted, sizeof(struct place), by_time);
		return lens_begin(r, l);
	}
	buf_free(&text);
	buf_free(&places);
	return lens_begin(r, l) < 0 ? -ENOMEM : source_rewind(&l->src);
}

static bool
lane_next(struct replay *r, struct lane *l)
{
	struct str line;
	uint64_t number;

	if (l->sorted) {
		if (l->at == l->nsorted)
			return false;
		line = str_of(l->text + l->sorted[l->at].off, l->sorted[l->at].len);
		number = l->sorted[l->at++].line;
	} else {
		if (!source_next(&l->src, &line))
			return false;
		number = l->src.line;
	}
	read_record(r, l, line, number);
	l->lines++;
	if (l->rec.kind == KIND_unknown)
		l->undecoded++;
	else
		l->decoded++;
	if (l->rec.time_us != WHEN_NONE)
		l->key = l->rec.time_us;
	return true;
}

static void
lane_end(struct lane *l)
{
	if (!l->sorted) {
		l->cut = l->src.cut;
		l->error = l->src.error;
	}
	l->open = false;
}

static int
lane_open(struct replay *r, const char *path, bool small)
{
	struct lane *l = &r->lanes[r->nlanes];
	int rc = source_open(&l->src, path, small);

	if (rc == -ENOTSUP) {
		problem(r, path, _("not a text log (binary)"));
		return 0;
	}
	if (rc < 0) {
		problem(r, path, strerror(-rc));
		return rc == -ENOMEM ? rc : 0;
	}
	*l = (struct lane){ .src = l->src, .extra = BUF_INIT(RECORD_EXTRA_MAX), .key = WHEN_NONE, .open = true,
		.path = strdup(path) };
	decode_route(r->engine->rules, str_z(path), &l->route);
	r->nlanes++;
	r->bytes_total += l->src.bytes_total;
	return l->path ? lens_begin(r, l) : -ENOMEM;
}

static bool
earlier(const struct replay *r, uint32_t a, uint32_t b)
{
	const struct lane *x = &r->lanes[a], *y = &r->lanes[b];

	if (r->in_file_order || x->key == y->key)
		return a < b;
	return x->key < y->key;
}

static void
sift_down(struct replay *r, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1, lane = r->heap[i];

		if (child >= r->nheap)
			return;
		if (child + 1 < r->nheap && earlier(r, r->heap[child + 1], r->heap[child]))
			child++;
		if (!earlier(r, r->heap[child], lane))
			return;
		r->heap[i] = r->heap[child];
		r->heap[child] = lane;
		i = child;
	}
}

/* Takes the first record of every lane, and orders the lanes. */
static int
heap_begin(struct replay *r)
{
	r->heap = calloc(r->nlanes + 1, sizeof(*r->heap));
	if (!r->heap)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->nlanes; i++) {
		if (lane_next(r, &r->lanes[i]))
			r->heap[r->nheap++] = i;
		else
			lane_end(&r->lanes[i]);
	}
	for (uint32_t i = r->nheap; i-- > 0;)
		sift_down(r, i);
	return 0;
}

struct record *
replay_next(struct replay *r)
{
	if (r->started && r->nheap > 0) {
		struct lane *l = &r->lanes[r->heap[0]];

		if (!lane_next(r, l)) {
			lane_end(l);
			r->heap[0] = r->heap[--r->nheap];
		}
		if (r->nheap > 1)
			sift_down(r, 0);
	}
	r->started = true;
	return r->nheap > 0 ? &r->lanes[r->heap[0]].rec : NULL;
}

uint64_t
replay_taken(const struct replay *r)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->nlanes; i++)
		sum += r->lanes[i].open ? source_taken(&r->lanes[i].src) : r->lanes[i].src.bytes_total;
	return sum;
}

void
replay_count(const struct replay *r, uint32_t lane, struct lane_count *ret)
{
	const struct lane *l = &r->lanes[lane];

	*ret = (struct lane_count){ .path = l->path, .lines = l->lines, .decoded = l->decoded,
		.undecoded = l->undecoded, .cut = l->cut, .error = l->error };
}

struct str
replay_place(const struct replay *r, uint64_t ref, uint64_t *ret_line)
{
	*ret_line = ref & ((UINT64_C(1) << REF_LINE_BITS) - 1);
	return str_z(r->lanes[ref >> REF_LINE_BITS].path);
}

void
replay_quote(struct replay *r, const uint64_t *refs, size_t n,
    void (*on_line)(void *ctx, uint64_t ref, struct str line), void *ctx)
{
	for (size_t i = 0; i < n;) {
		uint64_t lane = refs[i] >> REF_LINE_BITS;
		struct source *s = &r->lanes[lane].src;
		struct str line;

		if (source_rewind(s) < 0) {
			while (i < n && refs[i] >> REF_LINE_BITS == lane)
				i++;
			continue;
		}
		while (i < n && refs[i] >> REF_LINE_BITS == lane && source_next(s, &line)) {
			if ((lane << REF_LINE_BITS | s->line) == refs[i])
				on_line(ctx, refs[i++], line);
		}
		while (i < n && refs[i] >> REF_LINE_BITS == lane)
			i++;
	}
}

/* Every input is sniffed before any is read: what one teaches about zones holds for its neighbours. */
int
replay_open(struct replay *r, struct engine *e, const struct path_list *paths, bool in_file_order, int64_t now_us)
{
	int rc = 0;

	*r = (struct replay){ .engine = e, .in_file_order = in_file_order, .now_us = now_us,
		.problems = BUF_INIT(1u << 20) };
	r->zones = zone_book_new(0);
	r->lanes = calloc(paths->n + 1, sizeof(*r->lanes));
	if (!r->zones || !r->lanes)
		return -ENOMEM;
	buf_add(&r->problems, buf_str(&paths->problems));
	r->nproblems = paths->nproblems;
	for (size_t i = 0; rc == 0 && i < paths->n; i++)
		rc = lane_open(r, paths->paths[i], paths->n > MANY_LANES);
	for (uint32_t i = 0; rc == 0 && i < r->nlanes; i++)
		rc = sniff(&r->lanes[i]);
	for (uint32_t i = 0; rc == 0 && i < r->nlanes; i++) {
		if (!in_file_order)
			rc = check_order(r, &r->lanes[i]);
	}
	return rc == 0 ? heap_begin(r) : rc;
}

void
replay_close(struct replay *r)
{
	for (uint32_t i = 0; i < r->nlanes; i++) {
		struct lane *l = &r->lanes[i];

		source_close(&l->src);
		lens_free(l->lens);
		buf_free(&l->extra);
		free(l->path);
		free(l->text);
		free(l->sorted);
	}
	free(r->lanes);
	free(r->heap);
	zone_book_free(r->zones);
	buf_free(&r->problems);
	*r = (struct replay){ 0 };
}

