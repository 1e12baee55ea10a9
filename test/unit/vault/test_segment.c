/*
 * Segments: every entry and every fact comes back, the bytes depend on the entries alone, and no damage goes unseen:
 * a reader that checks finds every changed bit, a reader that merely reads gets an error or never the changed bytes.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdlib.h>

#include "lines.h"
#include "vault/segment.h"

#define ROWS 3000u

static const struct str names[] = { STR_INIT("kind"), STR_INIT("src"), STR_INIT("user") };
static const uint8_t key[BLOB_KEY_BYTES] = { 9, 8, 7 };

/* Facts of a line: some stand in it, some do not, some are missing. */
static size_t
facts_of(struct str line, uint32_t row, struct fact *ret)
{
	static const struct str kinds[] = { STR_INIT("auth.fail"), STR_INIT("auth.ok") };
	size_t n = 0, at = str_find(line, STR("from "));

	if (row % 5 != 0)
		ret[n++] = (struct fact){ .name = 0, .value = kinds[at < line.n ? 0 : 1] };
	if (at < line.n) {
		struct str rest = str_from(line, at + 5);

		ret[n++] = (struct fact){ .name = 1, .value = str_head(rest, str_find_byte(rest, ' ')) };
	}
	if (row % 7 == 0)
		ret[n++] = (struct fact){ .name = 2, .value = row % 2 ? STR("somebody else") : str_head(line, row % 11) };
	return n;
}

static struct vault_entry
entry_of(uint32_t row, struct str line)
{
	return (struct vault_entry){ .index = 1000 + row, .recv_ns = INT64_C(1790000000000000000) + (int64_t)(row / 8) * 1000003,
		.source = row % 50 < 40 ? STR("tcp 192.0.2.1") : STR("/var/log/auth.log"), .transport = row % 50 < 40 ? VAULT_TCP : VAULT_FILE,
		.flags = row % 1000 == 7 ? VAULT_CUT : 0, .raw = line };
}

static void
make(uint64_t hash_seed, uint32_t rows, const uint8_t *with_key, struct buf *out, struct digest *ret)
{
	struct segment_opts o = { .hash_seed = hash_seed, .salt = 5, .key = with_key, .names = names, .nnames = ARRAY_LEN(names) };
	struct segment_writer *w = segment_writer_new(&o);
	struct buf line = BUF_INIT(1u << 20);
	uint64_t seed = 77;

	for (uint32_t r = 0; r < rows; r++) {
		struct fact facts[4];
		struct vault_entry e;
		size_t n;

		buf_reset(&line);
		lines_make(&seed, &line);
		e = entry_of(r, buf_str(&line));
		n = facts_of(e.raw, r, facts);
		assert_int_equal(segment_add(w, &e, facts, n, out), 0);
	}
	assert_int_equal(segment_finish(w, 0, out, ret), 0);
	segment_writer_free(w);
	buf_free(&line);
}

static void
assert_facts(struct view *v, struct view_group *g, uint32_t row, struct str raw, const struct extents *x)
{
	struct fact want[4], got[FACTS_MAX];
	size_t n = facts_of(raw, row, want), found = 0;
	int have = view_facts(v, g, v->ordinal[row], raw, x, got, FACTS_MAX);

	assert_true(have >= 0);
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < have; k++)
			found += got[k].name == want[i].name && str_eq(got[k].value, want[i].value);
	}
	assert_int_equal(found, n);
	assert_int_equal(have, n);
}

static void
assert_all(struct segment *s, uint32_t rows)
{
	struct buf line = BUF_INIT(1u << 20), got = BUF_INIT(1u << 20);
	uint64_t seed = 77;
	uint32_t row = 0;

	assert_int_equal(s->rows, rows);
	for (uint32_t i = 0; i < s->ngranules; i++) {
		struct view *v;

		assert_int_equal(segment_view(s, i, &v), 0);
		for (uint32_t r = 0; r < v->rows; r++, row++) {
			struct vault_entry e, want;
			struct extents x;

			buf_reset(&line);
			buf_reset(&got);
			lines_make(&seed, &line);
			want = entry_of(row, buf_str(&line));
			assert_int_equal(view_entry(v, 1000 + row, r, &got, &e, &x), 0);
			assert_true(str_eq(e.raw, want.raw) && str_eq(e.source, want.source));
			assert_true(e.recv_ns == want.recv_ns && e.transport == want.transport && e.flags == want.flags);
			if (s->ngranules == 1)
				assert_facts(v, view_group_of(v, r), r, e.raw, &x);
		}
	}
	assert_int_equal(row, rows);
	buf_free(&line);
	buf_free(&got);
}

static void
everything_comes_back(void **state)
{
	static const uint32_t counts[] = { 1, 2, 11, 12, 13, 500, ROWS, 70000 };

	for (size_t i = 0; i < 2 * ARRAY_LEN(counts); i++) {
		struct buf file = BUF_INIT(64u << 20);
		struct segment s;
		struct digest d;

		make(1, counts[i / 2], i % 2 ? key : NULL, &file, &d);
		assert_int_equal(segment_open(&s, buf_str(&file), i % 2 ? key : NULL), 0);
		assert_true(digest_eq(&s.digest, &d));
		assert_int_equal(s.ngranules, counts[i / 2] > GRANULE_ROWS ? 2 : 1);
		assert_int_equal(segment_check(&s), 0);
		assert_all(&s, counts[i / 2]);
		segment_close(&s);
		buf_free(&file);
	}
}

static void
same_entries_same_bytes(void **state)
{
	struct buf a = BUF_INIT(64u << 20), b = BUF_INIT(64u << 20);
	struct digest x, y;

	make(1, ROWS, NULL, &a, &x);
	make(0xfeedface, ROWS, NULL, &b, &y);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));
	assert_true(digest_eq(&x, &y));
	buf_free(&a);
	buf_free(&b);
}

static void
without_its_key_nothing_is_read(void **state)
{
	static const uint8_t other[BLOB_KEY_BYTES] = { 1 };
	struct buf file = BUF_INIT(64u << 20);
	struct segment s;
	struct digest d;
	struct view *v;

	make(1, ROWS, key, &file, &d);
	assert_int_equal(str_find(buf_str(&file), STR("password")), file.n);
	assert_int_equal(segment_open(&s, buf_str(&file), NULL), 0);
	assert_int_equal(s.rows, ROWS);
	assert_int_equal(segment_view(&s, 0, &v), -EACCES);
	segment_close(&s);
	assert_int_equal(segment_open(&s, buf_str(&file), other), 0);
	assert_int_equal(segment_view(&s, 0, &v), -EBADMSG);
	segment_close(&s);
	buf_free(&file);
}

static int
read_all(struct str file)
{
	struct segment s;
	int rc = segment_open(&s, file, NULL);

	if (rc == 0)
		rc = segment_check(&s);
	segment_close(&s);
	return rc;
}

static void
no_changed_bit_goes_unseen(void **state)
{
	struct buf file = BUF_INIT(64u << 20);
	struct digest d;
	uint64_t seed = 3;

	make(1, 400, NULL, &file, &d);
	assert_int_equal(read_all(buf_str(&file)), 0);
	for (int i = 0; i < 3000; i++) {
		size_t at = prng_below(&seed, file.n);
		char was = file.p[at];

		file.p[at] ^= (char)(1u << prng_below(&seed, 8));
		assert_int_equal(read_all(buf_str(&file)), -EBADMSG);
		file.p[at] = was;
	}
	for (size_t n = 0; n < file.n; n += 1 + n / 50)
		assert_int_equal(read_all(str_of(file.p, n)), -EBADMSG);
	buf_free(&file);
}

static void
gaps_are_refused(void **state)
{
	struct segment_opts o = { .names = names, .nnames = ARRAY_LEN(names) };
	struct segment_writer *w = segment_writer_new(&o);
	struct buf out = BUF_INIT(1u << 20);
	struct vault_entry e = entry_of(0, STR("a"));
	struct fact f = { .name = 3, .value = STR("x") };
	struct digest d;

	assert_int_equal(segment_finish(w, 0, &out, &d), -EINVAL);
	assert_int_equal(segment_add(w, &e, NULL, 0, &out), 0);
	e.index += 2;
	assert_int_equal(segment_add(w, &e, NULL, 0, &out), -EINVAL);
	e.index -= 1;
	assert_int_equal(segment_add(w, &e, &f, 1, &out), -EINVAL);
	segment_writer_free(w);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(same_entries_same_bytes),
		cmocka_unit_test(without_its_key_nothing_is_read),
		cmocka_unit_test(no_changed_bit_goes_unseen),
		cmocka_unit_test(gaps_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
