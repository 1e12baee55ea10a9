/* search: granule after granule from the newest on; see search.h. */
#include "vault/search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/search_private.h"

#define CACHE_DEFAULT (40u << 20)

struct search *
search_new(const struct search_opts *o)
{
	struct search *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->opts = *o;
	if (s->opts.cache_bytes == 0)
		s->opts.cache_bytes = CACHE_DEFAULT;
	s->line = BUF_INIT(BLOB_MAX);
	s->value = BUF_INIT(BLOB_MAX);
	s->scratch = query_scratch_new(o->query);
	s->nrunners = o->query->nregexes;
	s->runners = calloc(s->nrunners + 1u, sizeof(struct runner *));
	if (!s->scratch || !s->runners) {
		search_free(s);
		return NULL;
	}
	return s;
}

void
search_free(struct search *s)
{
	if (!s)
		return;
	query_scratch_free(s->scratch);
	for (uint32_t i = 0; s->runners && i < s->nrunners; i++)
		runner_free(s->runners[i]);
	free(s->runners);
	free(s->counts);
	buf_free(&s->line);
	buf_free(&s->value);
	arena_free(&s->work);
	free(s);
}

void
search_stats(const struct search *s, struct search_stats *ret)
{
	*ret = s->stats;
	ret->gave_up = query_scratch_gave_up(s->scratch);
}

/*
 * Drops the views that were not used for longest until what is held fits. Most granules are put aside by their filters
 * without a view: then there is nothing to do.
 */
static void
trim(struct search *s, struct segment *segments, size_t n, const struct segment_granule *keep)
{
	if (!keep->view || keep->used != s->clock)
		return;
	for (;;) {
		struct segment *oldest = NULL;
		uint32_t which = 0;
		uint64_t used = UINT64_MAX;
		size_t held = 0;

		for (size_t i = 0; i < n; i++) {
			for (uint32_t g = 0; g < segments[i].ngranules; g++) {
				struct segment_granule *granule = &segments[i].granules[g];

				if (!granule->view)
					continue;
				held += granule->view->held + granule->view->arena.used;
				if (granule != keep && granule->used < used) {
					used = granule->used;
					oldest = &segments[i];
					which = g;
				}
			}
		}
		if (held <= s->opts.cache_bytes || !oldest)
			return;
		segment_drop_view(oldest, which);
	}
}

int
search_line(struct search *s, const struct search_hit *h, struct buf *out, struct vault_entry *ret,
    struct query_fact *facts, size_t *nfacts)
{
	struct extents extents;
	struct fact found[FACTS_MAX];
	int rc = view_entry(h->view, h->segment->granules[h->granule].info.first_index + h->row, h->row, out, ret, &extents), n;

	if (rc < 0 || !facts)
		return rc;
	n = view_facts(h->view, view_group_of(h->view, h->row), h->view->ordinal[h->row], ret->raw, &extents, found, FACTS_MAX);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		facts[i] = (struct query_fact){ .name = view_name(h->view, found[i].name), .value = found[i].value };
	*nfacts = (size_t)n;
	return 0;
}

struct work {
	struct search *s;
	struct segment *segment;
	uint32_t granule;
	struct view *view;
	struct eval eval;
	struct rows rows;
	const uint64_t *times;          /* only when the granule is not wholly within the bounds */
};

static bool
in_time(const struct search *s, const struct granule_info *i)
{
	return i->max_ns >= s->opts.since_ns && i->min_ns < s->opts.until_ns;
}

static bool
wholly_in_time(const struct search *s, const struct granule_info *i)
{
	return i->min_ns >= s->opts.since_ns && i->max_ns < s->opts.until_ns;
}

static bool
any_row(const struct work *w)
{
	for (uint32_t i = 0; i < w->eval.nwords; i++) {
		if (w->rows.may[i])
			return true;
	}
	return false;
}

/* What was erased by law matches nothing: its bytes are a hash. */
static int
drop_erased(struct work *w)
{
	const struct column *c = &w->view->head.columns[HEAD_FLAGS];
	const uint64_t *flags;
	int rc;

	if (c->max < VAULT_ERASED)
		return 0;
	rc = view_rows(w->view);
	if (rc == 0)
		rc = view_column(w->view, &w->view->head, HEAD_FLAGS, &flags);
	for (uint32_t r = 0; rc == 0 && r < w->view->rows; r++) {
		if (flags[r] & VAULT_ERASED) {
			struct view_group *g = view_group_of(w->view, r);

			rows_clear(w->rows.may, &w->eval, g, w->view->ordinal[r]);
			rows_clear(w->rows.sure, &w->eval, g, w->view->ordinal[r]);
		}
	}
	return rc;
}

/* Evaluates a granule. *ret_any: there are rows to look at. */
static int
begin(struct search *s, struct segment *segment, uint32_t granule, struct work *w, bool *ret_any)
{
	struct segment_granule *g = &segment->granules[granule];
	struct str filter;
	int rc;

	*ret_any = false;
	s->stats.granules++;
	if (!in_time(s, &g->info)) {
		s->stats.by_time++;
		return 0;
	}
	rc = segment_filter(segment, granule, &filter);
	if (rc < 0)
		return rc;
	if (filter.n > 0 && !eval_filter(s->opts.query->root, filter, segment->salt)) {
		s->stats.by_filter++;
		return 0;
	}
	*w = (struct work){ .s = s, .segment = segment, .granule = granule };
	rc = segment_view(segment, granule, &w->view);
	if (rc < 0)
		return rc;
	g->used = ++s->clock;
	rc = eval_begin(s, segment, w->view, &w->eval);
	if (rc == 0)
		rc = eval_node(&w->eval, s->opts.query->root, &w->rows);
	if (rc == 0 && !any_row(w))
		return 0;
	if (rc == 0)
		rc = drop_erased(w);
	if (rc == 0 && !wholly_in_time(s, &g->info)) {
		rc = view_column(w->view, &w->view->head, HEAD_RECV, &w->times);
		if (rc == 0)
			rc = view_rows(w->view);
	}
	*ret_any = rc == 0;
	return rc;
}

/* Reads a line to be sure. What the query does not ask for is not put together. */
static int
verify(struct work *w, struct view_group *g, uint32_t ordinal, bool *ret)
{
	struct search *s = w->s;
	const struct query *q = s->opts.query;
	struct query_fact facts[FACTS_MAX];
	struct query_line l = { .facts = facts };
	struct extents extents;
	struct fact found[FACTS_MAX];
	uint64_t source;
	int rc, n = 0;

	buf_reset(&s->line);
	rc = view_line(w->view, g, ordinal, &s->line, q->wants_facts ? &extents : NULL);
	l.raw = buf_str(&s->line);
	if (rc == 0 && q->wants_facts)
		rc = n = view_facts(w->view, g, ordinal, l.raw, &extents, found, FACTS_MAX);
	for (int i = 0; i < n; i++)
		facts[l.nfacts++] = (struct query_fact){ .name = view_name(w->view, found[i].name), .value = found[i].value };
	if (rc >= 0 && q->wants_source) {
		rc = view_rows(w->view);
		if (rc == 0)
			rc = view_value(w->view, &w->view->head, HEAD_SOURCE, w->view->row_of[g->start + ordinal], &source);
		l.source = rc == 0 ? view_word(w->view, source) : STR_NULL;
	}
	if (rc < 0)
		return rc;
	*ret = query_match(q, s->scratch, &l);
	s->stats.rows_read++;
	return 0;
}

/* Whether a row that may match does. */
static int
matches(struct work *w, struct view_group *g, uint32_t ordinal, bool *ret)
{
	if (w->times) {
		int64_t at = (int64_t)w->times[w->view->row_of[g->start + ordinal]];

		*ret = at >= w->s->opts.since_ns && at < w->s->opts.until_ns;
		if (!*ret)
			return 0;
	}
	*ret = true;
	return rows_has(w->rows.sure, &w->eval, g, ordinal) ? 0 : verify(w, g, ordinal, ret);
}

/* Rows that may match, by their place in the granule. */
static int
collect(struct work *w, uint32_t **ret, uint32_t *ret_n)
{
	struct view *v = w->view;
	uint64_t *bits = ARENA_ARRAY(&w->s->work, uint64_t, (v->rows + 63u) / 64);
	uint32_t *rows = ARENA_ARRAY(&w->s->work, uint32_t, v->rows + 1u), n = 0;
	int rc = bits && rows ? view_rows(v) : -ENOMEM;

	if (rc < 0)
		return rc;
	for (uint32_t g = 0; g < v->ngroups; g++) {
		uint32_t words = (v->groups[g].set.rows + 63) / 64;

		for (uint32_t i = 0; i < words; i++) {
			for (uint64_t left = w->rows.may[w->eval.base[g] + i]; left; left &= left - 1) {
				uint32_t row = v->row_of[v->groups[g].start + i * 64 + (uint32_t)__builtin_ctzll(left)];

				bits[row / 64] |= UINT64_C(1) << row % 64;
			}
		}
	}
	for (uint32_t i = 0; i < (v->rows + 63) / 64; i++) {
		for (uint64_t left = bits[i]; left; left &= left - 1)
			rows[n++] = i * 64 + (uint32_t)__builtin_ctzll(left);
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

/* Finishes a call on a granule: a fault names its place, and the segment is not asked again. */
static void
note_fault(struct work *w, int rc)
{
	if (rc == -EBADMSG && w->view && w->segment->fault[0] == '\0')
		snprintf(w->segment->fault, sizeof(w->segment->fault), "granule %u (entries from %llu): %s", w->granule,
		    (unsigned long long)w->segment->granules[w->granule].info.first_index,
		    w->view->fault[0] ? w->view->fault : "numbers that lead nowhere");
}

static int
run_granule(struct search *s, struct segment *segment, uint32_t granule, bool (*on_hit)(void *ctx, const struct search_hit *h),
    void *ctx, bool *ret_stop)
{
	struct work w = { .segment = segment };
	uint32_t *rows = NULL, n = 0;
	bool any, hit;
	int rc = begin(s, segment, granule, &w, &any);

	if (rc == 0 && any)
		rc = collect(&w, &rows, &n);
	for (uint32_t i = n; rc == 0 && i > 0 && !*ret_stop; i--) {
		uint32_t r = rows[i - 1];
		struct search_hit h = { .segment = segment, .view = w.view, .granule = granule, .row = r,
			.index = segment->granules[granule].info.first_index + r };

		rc = matches(&w, view_group_of(w.view, r), w.view->ordinal[r], &hit);
		if (rc == 0 && hit)
			*ret_stop = !on_hit(ctx, &h);
	}
	note_fault(&w, rc);
	return rc;
}

int
search_run(struct search *s, struct segment *segments, size_t n, bool (*on_hit)(void *ctx, const struct search_hit *h),
    void *ctx, uint64_t *ret_bad)
{
	bool stop = false;
	int first = 0;

	*ret_bad = 0;
	for (size_t i = n; i > 0 && !stop; i--) {
		int rc = 0;

		for (uint32_t g = segments[i - 1].ngranules; g > 0 && !stop && rc == 0; g--) {
			rc = run_granule(s, &segments[i - 1], g - 1, on_hit, ctx, &stop);
			trim(s, segments, n, &segments[i - 1].granules[g - 1]);
		}
		if (rc < 0) {
			first = first ? first : rc;
			++*ret_bad;
		}
	}
	return first;
}

/* Leaves in may what matches of a group. */
static int
settle_group(struct work *w, struct view_group *g)
{
	uint32_t base = w->eval.base[g->number], words = (g->set.rows + 63) / 64;
	bool hit;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < words; i++) {
		uint64_t left = w->times ? w->rows.may[base + i] : w->rows.may[base + i] & ~w->rows.sure[base + i];

		for (; rc == 0 && left; left &= left - 1) {
			uint32_t ordinal = i * 64 + (uint32_t)__builtin_ctzll(left);

			rc = matches(w, g, ordinal, &hit);
			if (rc == 0 && !hit)
				rows_clear(w->rows.may, &w->eval, g, ordinal);
		}
	}
	return rc;
}

static int
settle(struct work *w)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < w->view->ngroups; i++)
		rc = settle_group(w, &w->view->groups[i]);
	return rc;
}

int
search_tally(struct search *s, struct segment *segments, size_t n, struct tally *t, uint64_t *ret_bad)
{
	int first = 0;

	*ret_bad = 0;
	for (size_t i = n; i > 0; i--) {
		int rc = 0;

		for (uint32_t g = segments[i - 1].ngranules; g > 0 && rc == 0; g--) {
			struct work w = { .segment = &segments[i - 1] };
			bool any;

			rc = begin(s, &segments[i - 1], g - 1, &w, &any);
			if (rc == 0 && any)
				rc = settle(&w);
			if (rc == 0 && any)
				rc = tally_granule(&w.eval, w.rows.may, t);
			note_fault(&w, rc);
			trim(s, segments, n, &segments[i - 1].granules[g - 1]);
		}
		if (rc < 0) {
			first = first ? first : rc;
			++*ret_bad;
		}
	}
	return first;
}
