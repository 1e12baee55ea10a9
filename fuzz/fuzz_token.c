/*
 * Lines into a segment and back: every line of the input comes back byte for byte, and is found by each of its words.
 */
#include "fuzz.h"
#include "vault/search.h"

#define LINES_MAX 300u

struct found {
	uint64_t wanted;
	bool seen;
};

static bool
on_hit(void *ctx, const struct search_hit *h)
{
	struct found *f = ctx;

	f->seen = f->seen || h->index == f->wanted;
	return !f->seen;
}

/* The first words of a line find it. */
static void
check_words(struct segment *s, struct str line, uint64_t index)
{
	struct str run;
	size_t at = 0;

	for (int i = 0; i < 4 && token_run(line, &at, &run); i++) {
		struct buf text = BUF_INIT(QUERY_TEXT_MAX);
		struct query q;
		struct search_opts o = { .query = &q, .since_ns = INT64_MIN, .until_ns = INT64_MAX };
		struct found f = { .wanted = index };
		uint64_t bad;

		buf_addf(&text, "\"%.*s\"", STR_FMT(run));
		if (buf_ok(&text) && query_parse(&q, buf_str(&text)) == 0) {
			struct search *search = search_new(&o);

			CLAIM(search && search_run(search, s, 1, on_hit, &f, &bad) == 0);
			CLAIM(f.seen);
			search_free(search);
		}
		query_free(&q);
		buf_free(&text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str names[] = { STR_INIT("a"), STR_INIT("b") };
	struct segment_opts o = { .hash_seed = 1, .salt = 2, .names = names, .nnames = 2 };
	struct segment_writer *w = segment_writer_new(&o);
	struct buf out = BUF_INIT(64u << 20), got = BUF_INIT(1u << 20);
	struct str rest = fuzz_input(data, size), line, lines[LINES_MAX];
	struct segment s;
	struct digest d;
	struct view *v;
	uint32_t n = 0;

	while (n < LINES_MAX && str_split(&rest, '\n', &line)) {
		struct vault_entry e = { .index = n, .recv_ns = n, .source = STR("x"), .transport = VAULT_FILE, .raw = str_head(line, VAULT_RAW_MAX) };
		struct fact facts[] = { { .name = 0, .value = str_head(str_from(e.raw, n % 5), n % 7) }, { .name = 1, .value = STR("b") } };

		lines[n++] = e.raw;
		CLAIM(segment_add(w, &e, facts, 2, &out) == 0);
	}
	if (n > 0) {
		CLAIM(segment_finish(w, 0, &out, &d) == 0);
		CLAIM(segment_open(&s, buf_str(&out), NULL) == 0);
		CLAIM(segment_view(&s, 0, &v) == 0 && v->rows == n);
		for (uint32_t i = 0; i < n; i++) {
			struct vault_entry e;

			buf_reset(&got);
			CLAIM(view_entry(v, i, i, &got, &e, NULL) == 0);
			CLAIM(str_eq(e.raw, lines[i]));
		}
		check_words(&s, lines[n / 2], n / 2);
		CLAIM(segment_check(&s) == 0);
		segment_close(&s);
	}
	segment_writer_free(w);
	buf_free(&out);
	buf_free(&got);
	return 0;
}
