/*
 * search: finds the lines of a query in segments, newest first, and stops as soon as enough are found. Each part of a
 * query is answered from the columns of its granule as two sets of rows: those that surely match and those that may;
 * only the rows between the two are put together and read. The answer is always the one that query_match() would give
 * for each line. Opens nothing: segments are handed in.
 */
#ifndef GUARITA_VAULT_SEARCH_H
#define GUARITA_VAULT_SEARCH_H

#include "base/hash.h"
#include "vault/query.h"
#include "vault/segment.h"

struct search_opts {
	const struct query *query;
	int64_t since_ns, until_ns;     /* times received: since <= t < until; INT64_MIN, INT64_MAX: no bound */
	size_t cache_bytes;             /* of decoded granules kept between calls; 0: 40 MiB */
};

struct search_stats {
	uint64_t granules, by_time, by_filter;    /* looked at; of those put aside by their times, by their filters */
	uint64_t rows_read;                       /* lines put together to be sure */
	uint64_t gave_up;                         /* lines on which a regular expression reached its limit */
};

struct search;
struct search *search_new(const struct search_opts *o);
void search_free(struct search *s);
void search_stats(const struct search *s, struct search_stats *ret);

struct search_hit {
	struct segment *segment;
	struct view *view;              /* valid during the call */
	uint32_t granule, row;
	uint64_t index;
};

/*
 * Newest first over segments in the order of their indexes; on_hit returns false to stop. 0, or the errno of the first
 * segment that could not be read (its fault says why) after all others were searched: *ret_bad counts them.
 */
int search_run(struct search *s, struct segment *segments, size_t n, bool (*on_hit)(void *ctx, const struct search_hit *h),
    void *ctx, uint64_t *ret_bad) WARN_UNUSED;
/* The whole line of a hit (or of another row of its view) into out. Slices live until out or the view change. */
int search_line(struct search *s, const struct search_hit *h, struct buf *out, struct vault_entry *ret,
    struct query_fact *facts, size_t *nfacts) WARN_UNUSED;

/* What comes of `count`, `top` and `histogram`. */
struct tally {
	struct arena arena;
	struct strmap map;
	struct tally_row {
		struct str value;
		uint64_t count;
	} *rows;                        /* as met; tally_sort() puts the largest first */
	uint32_t n, size;
	uint64_t total;                 /* lines that match */
	uint64_t without;               /* of those, lines without the field */
	int64_t bucket_ns;              /* histogram: width; 0: no histogram */
	int64_t first_ns;               /* of bucket 0 */
	uint64_t *buckets;
	size_t nbuckets;
};

/*
 * Counts instead of showing: by the field of the query, or into buckets that the caller has laid out (first_ns,
 * bucket_ns, buckets, nbuckets).
 */
int search_tally(struct search *s, struct segment *segments, size_t n, struct tally *t, uint64_t *ret_bad) WARN_UNUSED;
int tally_add(struct tally *t, struct str value, uint64_t count) WARN_UNUSED;
void tally_sort(struct tally *t);
void tally_free(struct tally *t);

#endif
