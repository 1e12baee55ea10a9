/* Literal sets: Vectorscan and our own automaton give the same answers, on chosen and on made-up texts. */
#include "engine_help.h"

#include "watch/pattern/find.h"
#include "watch/pattern/literals.h"

#define SETS 20
#define TEXTS 200

struct hits {
	bool hit[64];
};

static void
on_hit(void *ctx, uint32_t id)
{
	((struct hits *)ctx)->hit[id] = true;
}

static void
scan(const struct literal *v, size_t n, bool plain, struct str text, struct hits *ret)
{
	struct literals *l;
	struct literals_work *w = literals_work_new();
	bool compiled = false;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(literals_new(v, n, STR_NULL, plain, &l, &compiled), 0);
	assert_int_equal(literals_prepare(w, l), 0);
	literals_scan(l, w, text, on_hit, ret);
	literals_work_free(w);
	literals_free(l);
}

static void
chosen_texts(void **state)
{
	static const struct literal v[] = {
		{ { "he", 2 }, false }, { { "she", 3 }, false }, { { "hers", 4 }, true }, { { "His", 3 }, false },
		{ { "s", 1 }, true },
	};

	for (int plain = 0; plain < 2; plain++) {
		struct hits h;

		scan(v, ARRAY_LEN(v), plain, STR("usHERS his"), &h);
		assert_false(h.hit[0]);
		assert_false(h.hit[1]);
		assert_true(h.hit[2]);
		assert_false(h.hit[3]);
		assert_true(h.hit[4]);
		scan(v, ARRAY_LEN(v), plain, STR("ushers His"), &h);
		assert_true(h.hit[0] && h.hit[1] && h.hit[2] && h.hit[3] && h.hit[4]);
	}
}

/* A small generator: the same texts in every run. */
static unsigned
next(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static size_t
make_text(unsigned *seed, char *dst, size_t most)
{
	size_t n = 1 + next(seed) % most;

	for (size_t i = 0; i < n; i++)
		dst[i] = "abABc "[next(seed) % 6];
	return n;
}

static void
both_agree_on_made_up_texts(void **state)
{
	unsigned seed = 7;

	for (int set = 0; set < SETS; set++) {
		static char texts[64][8];
		struct literal v[64];
		struct literals *l[2];
		struct literals_work *w = literals_work_new();
		bool compiled;

		for (size_t i = 0; i < ARRAY_LEN(v); i++) {
			v[i].nocase = i % 2;
			v[i].text = str_of(texts[i], make_text(&seed, texts[i], 5));
			for (size_t k = 0; v[i].nocase && k < v[i].text.n; k++)
				texts[i][k] = texts[i][k] >= 'A' && texts[i][k] <= 'Z' ? (char)(texts[i][k] + 32) : texts[i][k];
		}
		for (int plain = 0; plain < 2; plain++) {
			assert_int_equal(literals_new(v, ARRAY_LEN(v), STR_NULL, plain, &l[plain], &compiled), 0);
			assert_int_equal(literals_prepare(w, l[plain]), 0);
		}
		for (int i = 0; i < TEXTS; i++) {
			char text[100];
			size_t n = make_text(&seed, text, sizeof(text));
			struct hits a = { 0 }, b = { 0 };

			literals_scan(l[0], w, str_of(text, n), on_hit, &a);
			literals_scan(l[1], w, str_of(text, n), on_hit, &b);
			assert_memory_equal(&a, &b, sizeof(a));
		}
		literals_free(l[0]);
		literals_free(l[1]);
		literals_work_free(w);
	}
}

/* The fast search for one literal agrees with the plain one at every length, place and end. */
static void
one_literal_in_made_up_texts(void **state)
{
	unsigned seed = 11;

	for (int i = 0; i < 20000; i++) {
		char text[80], lit[8];
		size_t n = make_text(&seed, text, sizeof(text)), len = make_text(&seed, lit, 6);
		bool nocase = i % 2;
		char *exact = malloc(n);          /* a sanitizer sees any byte read behind it */
		struct str whole = str_of(exact, n), what = str_of(lit, len);

		memcpy(exact, text, n);
		for (size_t k = 0; nocase && k < len; k++)
			lit[k] = lit[k] >= 'A' && lit[k] <= 'Z' ? (char)(lit[k] + 32) : lit[k];
		assert_int_equal(find_literal(whole, what, nocase),
		    nocase ? str_find_nocase(whole, what) : str_find(whole, what));
		free(exact);
	}
}

static void
saved_sets_come_back(void **state)
{
	static const struct literal v[] = { { { "failed", 6 }, true }, { { "Refused", 7 }, false } };
	struct buf saved = BUF_INIT(1u << 20);
	struct literals *l;
	struct literals_work *w = literals_work_new();
	struct hits h = { 0 };
	bool compiled = false;

	assert_int_equal(literals_new(v, 2, STR_NULL, false, &l, &compiled), 0);
	assert_true(compiled);
	assert_int_equal(literals_save(l, &saved), 0);
	literals_free(l);
	compiled = false;
	assert_int_equal(literals_new(v, 2, buf_str(&saved), false, &l, &compiled), 0);
	assert_false(compiled);
	assert_int_equal(literals_prepare(w, l), 0);
	literals_scan(l, w, STR("it FAILED"), on_hit, &h);
	assert_true(h.hit[0] && !h.hit[1]);
	literals_free(l);
	/* A broken one is made anew. */
	saved.p[saved.n / 2] ^= 0x55;
	assert_int_equal(literals_new(v, 2, buf_str(&saved), false, &l, &compiled), 0);
	assert_true(compiled);
	literals_free(l);
	literals_work_free(w);
	buf_free(&saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_texts),
		cmocka_unit_test(both_agree_on_made_up_texts),
		cmocka_unit_test(one_literal_in_made_up_texts),
		cmocka_unit_test(saved_sets_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
