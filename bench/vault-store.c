/*
 * bench/vault-store: the store alone, on one core, in one process:
 *
 *     vault-store build LOG DIR [KEYED]      lines to segments: lines/s, bytes, ratio
 *     vault-store check LOG DIR              every line comes back byte for byte, every hash holds: lines/s
 *     vault-store find DIR QUERY [COUNT]     the newest 100 lines of a query, or its counts: time of each of COUNT runs in
 *                                            one process, the first (nothing decoded yet) and the median
 *     vault-store needles LOG DIR COUNT      as many addresses and words, each taken from a random line: p50, p99
 *
 * Lines are read into memory first. Each block of 64 KiB has one time of arrival, as when it comes from a socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/when.h"
#include "sys/file.h"
#include "vault/search.h"

#define BLOCK 65536u

static const uint8_t some_key[BLOB_KEY_BYTES] = { 1, 2, 3 };

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what, int rc)
{
	fprintf(stderr, "vault-store: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static int64_t
arrival(const struct str *log, struct str line)
{
	return INT64_C(1795251600000000000) + (int64_t)((size_t)(line.p - log->p) / BLOCK) * 3200000;
}

/* What a decoder would say of the head of these lines: host and program. */
static size_t
facts_of(struct str line, struct fact *ret)
{
	struct str rest = line, word;

	for (int i = 0; str_word(&rest, &word) && i < 3; i++) {
		if (i == 2)
			ret[0] = (struct fact){ .name = 0, .value = word };
	}
	ret[1] = (struct fact){ .name = 1, .value = word };
	return word.n > 0 ? 2 : 0;
}

static uint64_t
write_segment(const char *dir, uint64_t first, struct buf *out)
{
	char path[4096];
	uint64_t n = out->n;
	int rc;

	snprintf(path, sizeof(path), "%s/%020llu.seg", dir, (unsigned long long)first);
	rc = file_replace(path, buf_str(out), 0600, false);
	if (rc < 0)
		die(path, rc);
	buf_reset(out);
	return n;
}

static void
build(struct str log, const char *dir, bool keyed)
{
	static const struct str names[] = { STR_INIT("host"), STR_INIT("program") };
	struct segment_opts o = { .hash_seed = 7, .salt = 11, .key = keyed ? some_key : NULL, .names = names, .nnames = ARRAY_LEN(names) };
	struct segment_writer *w = segment_writer_new(&o);
	struct buf out = BUF_INIT(512u << 20);
	struct str rest = log, line;
	uint64_t n = 0, first = 0, stored = 0;
	double begin = cpu(), seconds;
	struct digest d;
	int rc = w ? file_make_dirs(dir, 0700) : -ENOMEM;

	while (rc == 0 && str_split(&rest, '\n', &line)) {
		struct vault_entry e = { .index = n, .recv_ns = arrival(&log, line), .source = STR("tcp 192.0.2.1"), .transport = VAULT_TCP,
			.raw = line };

		struct fact facts[2];

		rc = segment_add(w, &e, facts, facts_of(line, facts), &out);
		n++;
		if (rc == 0 && segment_rows(w) == SEGMENT_ROWS) {
			rc = segment_finish(w, n, &out, &d);
			if (rc == 0)
				stored += write_segment(dir, first, &out);
			first = n;
		}
	}
	if (rc == 0 && segment_rows(w) > 0) {
		rc = segment_finish(w, n, &out, &d);
		if (rc == 0)
			stored += write_segment(dir, first, &out);
	}
	if (rc < 0)
		die("build", rc);
	seconds = cpu() - begin;
	printf("build: %llu lines, %.1f MB to %.1f MB (%.2fx, %.2f bytes a line), %.2f CPU s, %.0f lines/s on one core\n", (unsigned long long)n,
	    (double)log.n / 1e6, (double)stored / 1e6, (double)log.n / (double)stored, (double)stored / (double)n, seconds, (double)n / seconds);
	segment_writer_free(w);
	buf_free(&out);
}

static void
check_segment(const char *dir, uint64_t first, struct str *rest, const struct str *log, uint64_t *n)
{
	struct segment s;
	struct buf line = BUF_INIT(1u << 20);
	struct str map, want;
	char path[4096];
	int rc;

	snprintf(path, sizeof(path), "%s/%020llu.seg", dir, (unsigned long long)first);
	rc = file_map(path, &map);
	if (rc < 0)
		die(path, rc);
	rc = segment_open(&s, map, some_key);
	for (uint32_t g = 0; rc == 0 && g < s.ngranules; g++) {
		struct view *v;

		rc = segment_view(&s, g, &v);
		for (uint32_t r = 0; rc == 0 && r < v->rows; r++) {
			struct vault_entry e;

			buf_reset(&line);
			rc = view_entry(v, *n, r, &line, &e, NULL);
			if (rc < 0 || !str_split(rest, '\n', &want) || !str_eq(want, e.raw) || e.recv_ns != arrival(log, want)) {
				fprintf(stderr, "line %llu differs: %d %s\n  %.*s\n  %.*s\n", (unsigned long long)*n, rc, v->fault, STR_FMT(want), STR_FMT(e.raw));
				exit(1);
			}
			++*n;
		}
		segment_drop_view(&s, g);
	}
	if (rc < 0)
		die(s.fault, rc);
	segment_close(&s);
	file_unmap(map);
	buf_free(&line);
}

#define SEGMENTS_MAX 4096u

struct opened {
	struct segment *segments;
	size_t n;
};

/* Segments follow each other: the number of the next is the end of the one before. */
static void
open_all(const char *dir, struct opened *ret)
{
	uint64_t next = 0;

	ret->segments = calloc(SEGMENTS_MAX, sizeof(*ret->segments));
	for (ret->n = 0; ret->segments && ret->n < SEGMENTS_MAX; ret->n++) {
		struct segment *s = &ret->segments[ret->n];
		char path[4096];
		struct str map;
		int rc;

		snprintf(path, sizeof(path), "%s/%020llu.seg", dir, (unsigned long long)next);
		if (file_map(path, &map) < 0)
			return;
		rc = segment_open(s, map, some_key);
		if (rc < 0)
			die(s->fault, rc);
		next = s->first_index + s->rows;
	}
}

static bool
count_hit(void *ctx, const struct search_hit *h)
{
	uint64_t *n = ctx;

	return ++*n < 100;
}

static int
by_time(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* One query from its text to its lines; milliseconds of this process' CPU time, so that others on the machine do not count. */
static double
run_once(struct opened *o, struct str text, uint64_t *found, struct search_stats *stats)
{
	double begin = cpu();
	struct query q;
	struct search_opts opts = { .query = &q, .since_ns = INT64_MIN, .until_ns = INT64_MAX };
	struct tally t = { 0 };
	struct search *s;
	uint64_t bad;
	int rc = query_parse(&q, text);

	*found = 0;
	s = rc == 0 ? search_new(&opts) : NULL;
	if (!s)
		die(q.fault, rc);
	if (q.then == QUERY_SHOW)
		rc = search_run(s, o->segments, o->n, count_hit, found, &bad);
	else
		rc = search_tally(s, o->segments, o->n, &t, &bad);
	if (rc < 0)
		die("search", rc);
	*found += t.total;
	search_stats(s, stats);
	search_free(s);
	tally_free(&t);
	query_free(&q);
	return (cpu() - begin) * 1e3;
}

static void
find(const char *dir, const char *text, unsigned count)
{
	struct opened o;
	struct search_stats stats;
	double *ms = calloc(count, sizeof(*ms)), first;
	uint64_t found = 0;

	open_all(dir, &o);
	for (unsigned i = 0; ms && i < count; i++)
		ms[i] = run_once(&o, str_z(text), &found, &stats);
	first = ms ? ms[0] : 0;
	qsort(ms, count, sizeof(*ms), by_time);
	printf("find: %-44s %9llu lines  first %9.3f ms  median %9.3f ms  (granules %llu, by filter %llu, lines read %llu)\n", text,
	    (unsigned long long)found, first, ms[count / 2], (unsigned long long)stats.granules, (unsigned long long)stats.by_filter,
	    (unsigned long long)stats.rows_read);
	free(ms);
}

static void
needles(struct str log, const char *dir, unsigned count)
{
	struct opened o;
	struct search_stats stats;
	double *ms = calloc(count, sizeof(*ms));
	uint64_t seed = 5, found;
	unsigned n = 0;

	open_all(dir, &o);
	for (unsigned tries = 0; ms && n < count && tries < 100 * count; tries++) {
		struct str line, rest, word;
		struct buf text = BUF_INIT(256);

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		rest = str_from(log, seed >> 11 > 0 ? (size_t)((seed >> 11) % log.n) : 0);
		if (!str_split(&rest, '\n', &line) || !str_split(&rest, '\n', &line))
			continue;
		rest = str_from(line, str_find(line, n % 2 ? STR("SRC=") : STR("from ")));
		rest = str_from(rest, n % 2 ? 4 : 5);
		if (!str_word(&rest, &word) || word.n < 7 || word.n > 15)
			continue;
		buf_add(&text, word);
		ms[n++] = run_once(&o, buf_str(&text), &found, &stats);
		if (found == 0)
			die("a needle was not found", -ENOENT);
		buf_free(&text);
	}
	qsort(ms, n, sizeof(*ms), by_time);
	printf("needles: %u addresses of random lines, all found: p50 %.3f ms, p90 %.3f ms, p99 %.3f ms\n", n, ms[n / 2], ms[n * 9 / 10], ms[n * 99 / 100]);
	free(ms);
}

int
main(int argc, char **argv)
{
	struct str log, rest;
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: vault-store build|check|needles LOG DIR [...]; find DIR QUERY [COUNT]\n");
		return 2;
	}
	if (strcmp(argv[1], "find") == 0) {
		find(argv[2], argv[3], argc > 4 ? (unsigned)atol(argv[4]) : 11);
		return 0;
	}
	rc = file_map(argv[2], &log);
	if (rc < 0)
		die(argv[2], rc);
	if (strcmp(argv[1], "needles") == 0) {
		needles(log, argv[3], argc > 4 ? (unsigned)atol(argv[4]) : 1000);
	} else if (strcmp(argv[1], "build") == 0) {
		build(log, argv[3], argc > 4);
	} else {
		uint64_t n = 0;
		double begin = cpu();

		for (rest = log; rest.n > 0;)
			check_segment(argv[3], n, &rest, &log, &n);
		printf("check: %llu lines came back byte for byte, %.0f lines/s on one core\n", (unsigned long long)n, (double)n / (cpu() - begin));
	}
	return 0;
}
