/* log: `guarita log`: finds lines in the vault and shows the newest, in the order they came. It changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "console/i18n.h"
#include "console/vault/log.h"

#define LINES_DEFAULT 100u
#define OUT_FLUSH (64u << 10)
#define FOLLOW_EVERY_NS 200000000L
#define BUCKETS_WANTED 48
#define BUCKETS_MAX 100000u

struct hits {
	struct log_hit *v;
	size_t n, size;
	uint64_t limit;
	bool full;                      /* no memory for more */
};

static bool
keep_hit(void *ctx, const struct log_hit *h)
{
	struct hits *hits = ctx;

	if (hits->n == hits->size) {
		size_t size = hits->size ? 2 * hits->size : 256;
		struct log_hit *v = reallocarray(hits->v, size, sizeof(*v));

		if (!v) {
			hits->full = true;
			return false;
		}
		hits->v = v;
		hits->size = size;
	}
	hits->v[hits->n++] = *h;
	return hits->limit == 0 || hits->n < hits->limit;
}

struct shower {
	struct log *l;
	struct term term;
	struct buf out;
	uint64_t next;                  /* index behind the line shown last */
	bool any;
};

static int
flush(struct shower *s, bool all)
{
	int rc = 0;

	if (all || s->out.n >= OUT_FLUSH) {
		if (!buf_ok(&s->out) || !out_write(stdout, buf_str(&s->out)) || fflush(stdout) != 0)
			rc = -EPIPE;
		buf_reset(&s->out);
	}
	return rc;
}

static int
show(struct shower *s, const struct log_hit *h, bool around)
{
	struct log_line line;
	int rc = log_read(s->l, h, s->l->o->json, &line);

	if (rc < 0)
		return rc;
	if (s->l->o->json)
		log_show_json(&line, &s->out);
	else
		log_show_line(&s->term, s->l, &line, around, &s->out);
	s->next = h->index + 1;
	s->any = true;
	return flush(s, false);
}

/* Lines of the neighbourhood that were not shown yet. */
static int
show_around(struct shower *s, uint64_t from, uint64_t to)
{
	int rc = 0;

	if (s->any && from < s->next)
		from = s->next;
	else if (s->any && from > s->next && !s->l->o->json)
		term_ink(&s->term, &s->out, INK_DIM, "--\n");
	for (uint64_t i = from; rc == 0 && i < to; i++) {
		struct log_hit h;

		if (log_find(s->l, i, &h))
			rc = show(s, &h, true);
	}
	return rc;
}

/* What was found newest first, shown as it came. */
static int
show_hits(struct shower *s, const struct hits *hits)
{
	uint64_t context = s->l->o->context;
	int rc = 0;

	for (size_t i = hits->n; rc == 0 && i > 0; i--) {
		const struct log_hit *h = &hits->v[i - 1];
		uint64_t next = i > 1 ? hits->v[i - 2].index : UINT64_MAX;
		uint64_t behind = h->index + 1 + context;

		if (context > 0)
			rc = show_around(s, h->index > context ? h->index - context : 0, h->index);
		if (rc == 0)
			rc = show(s, h, false);
		if (rc == 0 && context > 0)
			rc = show_around(s, h->index + 1, behind < next ? behind : next);
	}
	return rc;
}

static int
show_lines(struct shower *s)
{
	struct hits hits = { .limit = s->l->o->lines_given ? s->l->o->lines : s->l->o->all ? 0 : LINES_DEFAULT };
	int rc = log_run(s->l, keep_hit, &hits);

	if (rc == 0 && hits.full)
		rc = -ENOMEM;
	if (rc == 0)
		rc = show_hits(s, &hits);
	if (rc == 0)
		rc = flush(s, true);
	if (rc == 0 && !s->l->o->json && s->term.tty && hits.limit > 0 && hits.n == hits.limit && !s->l->o->follow)
		complain(_("The newest %zu; --lines 0 shows all, --since and --until narrow the time.\n"), hits.n);
	free(hits.v);
	return rc;
}

/* Only what comes after is looked at from now on. */
static int
follow(struct shower *s)
{
	struct log *l = s->l;
	int rc = 0;

	while (rc == 0) {
		struct timespec wait = { .tv_nsec = FOLLOW_EVERY_NS };
		struct hits hits = { 0 };
		size_t segments = l->store.nsegments;

		store_forget_tail(&l->store);
		nanosleep(&wait, NULL);
		rc = store_refresh(&l->store);
		l->store.nsegments = 0;
		if (rc == 0 && l->store.nframes > 0)
			rc = log_run(l, keep_hit, &hits);
		l->store.nsegments = segments;
		if (rc == 0)
			rc = show_hits(s, &hits);
		if (rc == 0)
			rc = flush(s, true);
		free(hits.v);
	}
	return rc;
}

static void
note_time(int64_t min, int64_t max, int64_t *from, int64_t *to)
{
	*from = min < *from ? min : *from;
	*to = max > *to ? max : *to;
}

/* First and last time that a line of the store was received. */
static bool
span_of(struct log *l, int64_t *ret_from, int64_t *ret_to)
{
	int64_t from = INT64_MAX, to = INT64_MIN;
	struct vault_entry e[1];

	for (size_t i = 0; i < l->store.nsegments; i++)
		note_time(l->store.segments[i].min_ns, l->store.segments[i].max_ns, &from, &to);
	for (size_t f = 0; f < l->store.nframes; f++) {
		if (store_entries(&l->store.frames[f], e, 1) == 1)
			note_time(e[0].recv_ns, e[0].recv_ns, &from, &to);
	}
	if (from > to)
		return false;
	/* The newest frame's lines may be a little younger than its first. */
	if (l->store.nframes > 0)
		to += INT64_C(1000000000);
	*ret_from = l->opts.since_ns > from ? l->opts.since_ns : from;
	*ret_to = l->opts.until_ns < to ? l->opts.until_ns : to;
	return *ret_from <= *ret_to;
}

/* A round length of time, so that about BUCKETS_WANTED of them cover the span. */
static int64_t
bucket_for(int64_t span_ns)
{
	static const int64_t seconds[] = { 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 4 * 3600, 12 * 3600, 86400, 7 * 86400, 28 * 86400 };

	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		if (span_ns / (seconds[i] * INT64_C(1000000000)) < BUCKETS_WANTED)
			return seconds[i] * INT64_C(1000000000);
	}
	return 365 * 86400 * INT64_C(1000000000);
}

static int
lay_buckets(struct log *l, struct tally *y)
{
	int64_t from, to;

	if (!span_of(l, &from, &to))
		return 0;
	y->bucket_ns = l->query.bucket_us > 0 ? l->query.bucket_us * 1000 : bucket_for(to - from);
	y->first_ns = from - from % y->bucket_ns;
	y->nbuckets = (size_t)((to - y->first_ns) / y->bucket_ns) + 1;
	if (y->nbuckets > BUCKETS_MAX) {
		complain(_("guarita log: the histogram would have %zu rows; take a longer time than this or a shorter span\n"), y->nbuckets);
		return -E2BIG;
	}
	y->buckets = calloc(y->nbuckets, sizeof(*y->buckets));
	return y->buckets ? 0 : -ENOMEM;
}

static int
show_tally(struct shower *s)
{
	struct log *l = s->l;
	struct tally y = { 0 };
	int rc = l->query.then == QUERY_HISTOGRAM ? lay_buckets(l, &y) : 0;

	if (rc == 0)
		rc = log_tally(l, &y);
	if (rc == 0) {
		tally_sort(&y);
		if (l->o->json)
			log_json_tally(&l->query, &y, &s->out);
		else if (l->query.then == QUERY_HISTOGRAM)
			log_show_histogram(&s->term, &y, &s->out);
		else
			log_show_tally(&s->term, &l->query, &y, &s->out);
		rc = flush(s, true);
	}
	tally_free(&y);
	return rc;
}

static void
join_words(const struct options *o, struct buf *out)
{
	for (int i = 0; i < o->nargs; i++) {
		if (i > 0)
			buf_add_byte(out, ' ');
		buf_add(out, str_z(o->args[i]));
	}
}

int
command_log(const struct options *o)
{
	struct shower s = { .out = BUF_INIT(64u << 20) };
	struct buf text = BUF_INIT(QUERY_TEXT_MAX + 1);
	struct log l;
	bool troubled = false;
	int rc;

	join_words(o, &text);
	rc = buf_ok(&text) ? log_open(&l, o, buf_str(&text)) : -E2BIG;
	if (rc == -E2BIG) {
		complain(_("guarita log: a query has at most %u bytes\n"), QUERY_TEXT_MAX);
		buf_free(&text);
		return EXIT_USAGE;
	}
	if (rc == 0) {
		s.l = &l;
		term_init(&s.term, stdout, o->plain);
		rc = l.query.then == QUERY_SHOW ? show_lines(&s) : show_tally(&s);
		troubled = log_complain(&l);
		if (rc == 0 && o->follow && l.query.then == QUERY_SHOW)
			rc = follow(&s);
		if (rc < 0 && rc != -EPIPE)
			complain(_("guarita log: %s\n"), strerror(-rc));
	}
	log_close(&l);
	buf_free(&s.out);
	buf_free(&text);
	return rc == -EINVAL ? EXIT_USAGE : rc < 0 || troubled ? EXIT_FAILED : EXIT_CLEAN;
}
