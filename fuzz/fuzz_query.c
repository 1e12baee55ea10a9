/*
 * Queries: any text is understood or refused with a place inside it, and what was understood gives an answer for any
 * line. The first line of the input is the query, the rest the line.
 */
#include "fuzz.h"
#include "vault/positions.h"
#include "vault/query.h"

/* What an expression's positions say holds beside PCRE2. */
static void
agree(const struct query_regex *r, struct query_scratch *s, struct str line)
{
	struct runner *run = r->positions ? runner_new(r->positions) : NULL;
	struct posset none = { { 0 } }, to;
	uint64_t gave_up = query_scratch_gave_up(s);
	bool want = query_test_regex(r, s, line);

	if (run && query_scratch_gave_up(s) == gave_up) {
		bool got = r->positions->nullable || runner_run(run, &none, line, &to);

		CLAIM(got || !want);
		CLAIM(got == want || !r->positions->exact);
	}
	runner_free(run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	size_t end = str_find_byte(in, '\n');
	struct str text = str_head(in, end), line = str_from(in, end + 1);
	struct query_fact fact = { .name = STR("user"), .value = str_head(line, 20) };
	struct query_line l = { .raw = line, .source = STR("udp 192.0.2.1"), .facts = &fact, .nfacts = 1 };
	struct query_hit hits[4];
	struct query q;
	int rc = query_parse(&q, text);

	if (rc == 0) {
		struct query_scratch *s = query_scratch_new(&q);
		size_t n;

		CLAIM(s);
		CLAIM(query_match(&q, s, &l) == query_match(&q, s, &l));
		n = query_hits(&q, line, hits, 4);
		for (size_t i = 0; i < n; i++)
			CLAIM(hits[i].from <= hits[i].to && hits[i].to <= line.n);
		for (uint32_t i = 0; i < q.nregexes; i++)
			agree(&q.regexes[i], s, line);
		query_scratch_free(s);
	} else {
		CLAIM(q.fault_at <= text.n || rc != -22);
		CLAIM(rc != -22 || q.fault[0]);
	}
	query_free(&q);
	return 0;
}
