/*
 * Searching: whatever the query, a search over segments finds exactly the lines that the query matches one by one, in
 * order from the newest; a damaged segment is named and hides nothing of the others.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lines.h"
#include "vault/search.h"

#define SEGMENTS 3u
#define ROWS 1500u
#define TOTAL (SEGMENTS * ROWS)

static const struct str names[] = { STR_INIT("kind"), STR_INIT("src"), STR_INIT("user"), STR_INIT("port") };

struct kept {
	struct buf raw;
	struct str source;
	int64_t recv_ns;
	struct query_fact facts[4];
	size_t nfacts;
};

struct store {
	struct kept *lines;             /* TOTAL */
	struct buf files[SEGMENTS];
	struct segment segments[SEGMENTS];
};

static void
add_fact(struct kept *k, size_t name, struct str value)
{
	k->facts[k->nfacts++] = (struct query_fact){ .name = names[name], .value = value };
}

/* The word behind a word, as a decoder would take it out. */
static void
add_behind(struct kept *k, size_t name, struct str word)
{
	struct str raw = buf_str(&k->raw);
	size_t at = str_find(raw, word);

	if (at < raw.n) {
		struct str rest = str_from(raw, at + word.n);
		struct str value = str_head(rest, str_find_byte(rest, ' '));

		if (value.n > 0)
			add_fact(k, name, value);
	}
}

static void
make_line(struct kept *k, uint32_t i, uint64_t *seed)
{
	struct str raw;

	k->raw = BUF_INIT(1u << 20);
	lines_make(seed, &k->raw);
	raw = buf_str(&k->raw);
	k->recv_ns = INT64_C(1790000000000000000) + (int64_t)(i / 4) * 5000000;
	k->source = i % 9 ? STR("tcp 192.0.2.1") : STR("/var/log/auth.log");
	if (str_find(raw, STR("Failed")) < raw.n)
		add_fact(k, 0, STR("auth.fail"));
	else if (str_find(raw, STR("Accepted")) < raw.n)
		add_fact(k, 0, STR("auth.ok"));
	add_behind(k, 1, STR("from "));
	add_behind(k, 2, STR(" for "));
	add_behind(k, 3, STR("port "));
}

static void
make_segment(struct store *st, uint32_t s)
{
	struct segment_opts o = { .hash_seed = s, .salt = 5 + s, .names = names, .nnames = ARRAY_LEN(names) };
	struct segment_writer *w = segment_writer_new(&o);
	struct digest d;

	st->files[s] = BUF_INIT(64u << 20);
	for (uint32_t i = s * ROWS; i < (s + 1) * ROWS; i++) {
		struct kept *k = &st->lines[i];
		struct vault_entry e = { .index = i, .recv_ns = k->recv_ns, .source = k->source, .transport = VAULT_TCP, .raw = buf_str(&k->raw) };
		struct fact facts[4];

		for (size_t f = 0; f < k->nfacts; f++) {
			for (uint16_t n = 0; n < ARRAY_LEN(names); n++) {
				if (str_eq(names[n], k->facts[f].name))
					facts[f] = (struct fact){ .name = n, .value = k->facts[f].value };
			}
		}
		assert_int_equal(segment_add(w, &e, facts, k->nfacts, &st->files[s]), 0);
	}
	assert_int_equal(segment_finish(w, 0, &st->files[s], &d), 0);
	segment_writer_free(w);
	assert_int_equal(segment_open(&st->segments[s], buf_str(&st->files[s]), NULL), 0);
}

static int
setup(void **state)
{
	struct store *st = calloc(1, sizeof(*st));
	uint64_t seed = 21;

	st->lines = calloc(TOTAL, sizeof(*st->lines));
	for (uint32_t i = 0; i < TOTAL; i++)
		make_line(&st->lines[i], i, &seed);
	for (uint32_t s = 0; s < SEGMENTS; s++)
		make_segment(st, s);
	*state = st;
	return 0;
}

static int
teardown(void **state)
{
	struct store *st = *state;

	for (uint32_t s = 0; s < SEGMENTS; s++) {
		segment_close(&st->segments[s]);
		buf_free(&st->files[s]);
	}
	for (uint32_t i = 0; i < TOTAL; i++)
		buf_free(&st->lines[i].raw);
	free(st->lines);
	free(st);
	return 0;
}

struct found {
	uint64_t at[TOTAL];
	size_t n, limit;
};

static bool
on_hit(void *ctx, const struct search_hit *h)
{
	struct found *f = ctx;

	f->at[f->n++] = h->index;
	return f->n < f->limit;
}

static bool
brute(const struct store *st, const struct query *q, struct query_scratch *scratch, uint32_t i, const struct search_opts *o)
{
	const struct kept *k = &st->lines[i];
	struct query_line l = { .raw = buf_str(&k->raw), .source = k->source, .facts = k->facts, .nfacts = k->nfacts };

	return k->recv_ns >= o->since_ns && k->recv_ns < o->until_ns && query_match(q, scratch, &l);
}

/* Compares a search with looking at every line. Returns how many lines match. */
static size_t
compare(struct store *st, const char *text, int64_t since, int64_t until, size_t limit)
{
	struct query q;
	int rc = query_parse(&q, str_z(text));
	struct search_opts o = { .query = &q, .since_ns = since, .until_ns = until, .cache_bytes = 1 };
	struct query_scratch *scratch;
	struct found *f = calloc(1, sizeof(*f));
	struct search *s;
	size_t n = 0;
	uint64_t bad;

	if (rc < 0)
		fail_msg("%s: %s (at %zu)", text, q.fault, q.fault_at);
	scratch = query_scratch_new(&q);
	s = search_new(&o);
	f->limit = limit;
	assert_int_equal(search_run(s, st->segments, SEGMENTS, on_hit, f, &bad), 0);
	for (uint32_t i = TOTAL; i > 0 && n < limit; i--) {
		if (!brute(st, &q, scratch, i - 1, &o))
			continue;
		if (n >= f->n || f->at[n] != i - 1)
			fail_msg("query `%s`: line %u (%.*s) is not found in its place", text, i - 1, STR_FMT(buf_str(&st->lines[i - 1].raw)));
		n++;
	}
	if (n != f->n)
		fail_msg("query `%s`: line %u (%.*s) does not match", text, (unsigned)f->at[n], STR_FMT(buf_str(&st->lines[f->at[n]].raw)));
	search_free(s);
	query_scratch_free(scratch);
	query_free(&q);
	free(f);
	return n;
}

static const char *const atoms[] = { "failed", "FAILED", "password", "root", "ana", "user17", "user", "user*", "17", "caf\xc3\xa9", "hara", "gw0", "gw",
	"gw*", "sshd", "ssh2", "\"password for root\"", "\"for ana from\"", "\"sshd[103]\"", "203.0.113.7", "203.0.113.0/28", "10.0.0.0/8",
	"198.51.100.0/24", "nov", "dec", "2026", "11", "10", "t10", "bb", "\"00:1b:21\"", "52:54:00:00:01:05", "1b*", "e29b", "446655440000",
	"\"550e8400-e29b\"", "eth0", "eth1", "eth", "0", "5", "id=550e8400", "kind:auth", "kind:auth.fail", "kind:auth.f*", "src:203.0.113.0/24", "src:203.0.113.5",
	"src:2001:db8::/32", "user:root", "user:ROOT", "user:caf*", "port:22..20000", "port>60000", "port<=100", "port:4711", "nosuch:1",
	"source:/var/log/auth.log", "source:tcp*", "user~/^r.*t$/", "/for (root|ana) from/", "/accepted/", "/[0-9]{5} ssh2/", "/^Nov/", "/password.*port 1/", "/x{3}/", "/[0-9]{5}/", "/(\\d{1,3}\\.){3}7/",
	"/[aeiou]{3}/", "/0:[0-9a-f]{2}:0/", "/:[0-9a-f]{2}:.*[13579]$/", "/eth[01] mac/", "/h1 M/s", "/gw[0-2] sshd\\[10[1-5]/", "/T1[0-9]:.*Z gw/",
	"/[a-f0-9]{8}-[a-f0-9]{4}-/", "/=<(root|ana)@/", "/(?=accepted)a/", "/\\[\\d+\\]: [^ ]+ p/", "/| of /", "/ 1[0-9]?:/", "/nov +[0-9]/", "/\\d/", "/2998\\.2999/",
	"/0 \"get/", "/[0-9a-f]{12}/s", "/q=[^ ]*r/", "/\\x1b/", "/t'?h/",
	"/failed/s", "/Failed/s", "kernel", "one", "\"one of its kind\"", "kind", "2001:db8::1", "item", "example", "org", "delay", "\"delay=0.0\"", "0.05", "05", "to=",
	"*", "zzz", "line", "of", "3", "\"line 3\"", "\"1.2.3.4\"", "1.2.3.4", "2999", "\"2998.2999\"", "dead*", "get", "http", "200", "1.1" };

static void
every_atom(void **state)
{
	size_t some = 0;

	for (size_t i = 0; i < ARRAY_LEN(atoms); i++)
		some += compare(*state, atoms[i], INT64_MIN, INT64_MAX, SIZE_MAX) > 0;
	/* Most of them must find something, or this test says nothing. */
	assert_true(some > ARRAY_LEN(atoms) * 3 / 4);
}

static void
joined_at_random(void **state)
{
	uint64_t seed = 99;

	for (int i = 0; i < 300; i++) {
		const char *a = atoms[prng_below(&seed, ARRAY_LEN(atoms))], *b = atoms[prng_below(&seed, ARRAY_LEN(atoms))],
		    *c = atoms[prng_below(&seed, ARRAY_LEN(atoms))];
		static const char *const forms[] = { "%s %s", "%s OR %s %s", "NOT %s %s", "-%s -%s", "(%s OR %s) AND NOT %s", "NOT (%s %s)",
			"%s NOT NOT %s" };
		int64_t since = i % 3 ? INT64_MIN : INT64_C(1790000000000000000) + (int64_t)prng_below(&seed, TOTAL) * 1250000;
		int64_t until = i % 4 ? INT64_MAX : since + (int64_t)prng_below(&seed, TOTAL) * 1250000;
		size_t limit = i % 5 ? SIZE_MAX : 1 + prng_below(&seed, 20);
		struct buf text = BUF_INIT(4096);
		const char *form = forms[prng_below(&seed, ARRAY_LEN(forms))];
		const char *in[] = { a, b, c };

		for (size_t k = 0; *form; form++) {
			if (form[0] == '%' && form[1] == 's')
				buf_add(&text, str_z(in[k++])), form++;
			else
				buf_add_byte(&text, *form);
		}
		if (until <= since)
			until = INT64_MAX;
		compare(*state, buf_cstr(&text), since, until, limit);
		buf_free(&text);
	}
}

/* Expressions made of pieces of lines: they match here and there, over literals, words, numbers and stamps. */
static void
expressions_of_pieces(void **state)
{
	static const char *const by[] = { "\\d", "[0-9]+", "\\w+", "[^ ]", ".*", "[[:alpha:]]", "\\W", ".", "[a-z]*", "\\b" };
	struct store *st = *state;
	uint64_t seed = 4;
	unsigned found = 0;

	for (int i = 0; i < 250; i++) {
		struct str line = buf_str(&st->lines[prng_below(&seed, TOTAL)].raw);
		size_t from = prng_below(&seed, line.n + 1), n = 1 + prng_below(&seed, 14);
		struct str piece = str_head(str_from(line, from), n);
		struct buf text = BUF_INIT(4096);

		buf_add_byte(&text, '/');
		for (size_t k = 0; k < piece.n; k++) {
			unsigned char c = (unsigned char)piece.p[k];

			if (prng_below(&seed, 4) == 0)
				buf_add(&text, str_z(by[prng_below(&seed, ARRAY_LEN(by))]));
			else
				buf_addf(&text, "\\x%02x", c);
		}
		buf_add(&text, STR("[^\\x00]?/"));
		found += compare(st, buf_cstr(&text), INT64_MIN, INT64_MAX, SIZE_MAX) > 0;
		buf_free(&text);
	}
	assert_true(found > 150);
}

static void
assert_tally(struct store *st, const char *text)
{
	struct query q;
	struct search_opts o = { .query = &q, .since_ns = INT64_MIN, .until_ns = INT64_MAX };
	struct tally t = { 0 }, want = { 0 };
	struct query_scratch *scratch;
	struct search *s;
	uint64_t bad;

	assert_int_equal(query_parse(&q, str_z(text)), 0);
	scratch = query_scratch_new(&q);
	s = search_new(&o);
	assert_int_equal(search_tally(s, st->segments, SEGMENTS, &t, &bad), 0);
	for (uint32_t i = 0; i < TOTAL; i++) {
		size_t has = 0;

		if (!brute(st, &q, scratch, i, &o))
			continue;
		want.total++;
		for (size_t f = 0; f < st->lines[i].nfacts; f++) {
			if (str_eq(st->lines[i].facts[f].name, q.by)) {
				assert_int_equal(tally_add(&want, st->lines[i].facts[f].value, 1), 0);
				has++;
			}
		}
		want.without += has == 0;
	}
	tally_sort(&t);
	tally_sort(&want);
	assert_int_equal(t.total, want.total);
	assert_true(q.by.n == 0 || t.without == want.without);
	assert_int_equal(t.n, want.n);
	for (uint32_t i = 0; i < t.n; i++) {
		assert_int_equal(t.rows[i].count, want.rows[i].count);
		assert_true(str_eq(t.rows[i].value, want.rows[i].value));
	}
	tally_free(&t);
	tally_free(&want);
	search_free(s);
	query_scratch_free(scratch);
	query_free(&q);
}

static void
counted(void **state)
{
	static const char *const queries[] = { "| count", "| count by user", "| count by src", "| count by kind", "| count by port", "root | count by src",
		"password OR accepted | count by user", "NOT root | top 3 user", "user:ana | count by kind", "/port 1/ | count by port", "zzz | count by user",
		"| count by nosuch" };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++)
		assert_tally(*state, queries[i]);
}

static void
in_buckets(void **state)
{
	struct store *st = *state;
	struct query q;
	struct search_opts o = { .query = &q, .since_ns = INT64_MIN, .until_ns = INT64_MAX };
	struct tally t = { .bucket_ns = INT64_C(1000000000), .first_ns = INT64_C(1790000000000000000), .nbuckets = 6 };
	struct search *s;
	uint64_t bad, sum = 0;

	t.buckets = calloc(t.nbuckets, sizeof(*t.buckets));
	assert_int_equal(query_parse(&q, STR("* | histogram")), 0);
	s = search_new(&o);
	assert_int_equal(search_tally(s, st->segments, SEGMENTS, &t, &bad), 0);
	for (size_t i = 0; i < t.nbuckets; i++)
		sum += t.buckets[i];
	assert_int_equal(t.total, TOTAL);
	assert_int_equal(sum, TOTAL);
	assert_int_equal(t.buckets[0], 800);
	tally_free(&t);
	search_free(s);
	query_free(&q);
}

static void
a_damaged_segment_is_named(void **state)
{
	struct store *st = *state;
	struct query q;
	struct search_opts o = { .query = &q, .since_ns = INT64_MIN, .until_ns = INT64_MAX };
	struct found *f = calloc(1, sizeof(*f));
	struct segment bad_one;
	struct segment three[SEGMENTS];
	struct buf copy = BUF_INIT(64u << 20);
	struct search *s;
	uint64_t bad;

	/* The middle of the second segment: some blob of its only granule. */
	buf_add(&copy, buf_str(&st->files[1]));
	copy.p[copy.n / 3] ^= 1;
	assert_int_equal(segment_open(&bad_one, buf_str(&copy), NULL), 0);
	for (uint32_t i = 0; i < SEGMENTS; i++)
		assert_int_equal(segment_open(&three[i], i == 1 ? buf_str(&copy) : buf_str(&st->files[i]), NULL), 0);
	assert_int_equal(query_parse(&q, STR("/./ OR /^$/")), 0);
	s = search_new(&o);
	f->limit = SIZE_MAX;
	assert_int_equal(search_run(s, three, SEGMENTS, on_hit, f, &bad), -EBADMSG);
	assert_int_equal(bad, 1);
	assert_true(f->n >= 2 * ROWS);
	assert_true(str_starts(str_z(three[1].fault), STR("granule 0")));
	for (uint32_t i = 0; i < SEGMENTS; i++)
		segment_close(&three[i]);
	segment_close(&bad_one);
	search_free(s);
	query_free(&q);
	buf_free(&copy);
	free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_atom),
		cmocka_unit_test(joined_at_random),
		cmocka_unit_test(expressions_of_pieces),
		cmocka_unit_test(counted),
		cmocka_unit_test(in_buckets),
		cmocka_unit_test(a_damaged_segment_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
