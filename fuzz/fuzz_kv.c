/*
 * Lists of values: pairs, CEF and LEEF, cells and columns: every slice lies in the text and every
 * walk comes to an end.
 */
#include "fuzz.h"
#include "wire/kv.h"

static void
check_pair(struct str in, const struct kv *pair, struct buf *text)
{
	CLAIM(fuzz_within(in, pair->key) && fuzz_within(in, pair->value));
	buf_reset(text);
	kv_unescape(pair->value, text);
	CLAIM(buf_ok(text) && text->n <= pair->value.n);
}

static void
check_pairs(struct str in, struct buf *text)
{
	struct str rest = in;
	struct kv pair;
	struct cef c;
	size_t rounds = 0;

	while (kv_next(&rest, &pair)) {
		check_pair(in, &pair, text);
		CLAIM(++rounds <= in.n);
	}
	if (!cef_parse(in, &c))
		return;
	CLAIM(
	    fuzz_within(in, c.vendor) && fuzz_within(in, c.product) && fuzz_within(in, c.version));
	CLAIM(fuzz_within(in, c.id) && fuzz_within(in, c.name) && fuzz_within(in, c.severity));
	CLAIM(fuzz_within(in, c.extension));
	rest = c.extension;
	for (rounds = 0; cef_next(&c, &rest, &pair); rounds++) {
		check_pair(in, &pair, text);
		CLAIM(rounds <= in.n);
	}
}

static void
check_cells(struct str in, char sep, struct buf *text)
{
	struct str rest = in, cell;
	size_t rounds = 0;
	bool quoted;

	while (csv_next(&rest, sep, &cell, &quoted)) {
		CLAIM(fuzz_within(in, cell));
		CLAIM(++rounds <= in.n + 1);
		buf_reset(text);
		csv_unescape(cell, text);
		CLAIM(buf_ok(text) && text->n <= cell.n);
	}
}

static void
check_columns(struct str in)
{
	size_t end = str_find_byte(in, '\n');
	struct str rest = str_from(in, end + 1), cell;
	struct columns c = { 0 };
	size_t rounds = 0;

	if (!columns_header(str_head(in, end), &c))
		return;
	CLAIM(c.count <= COLUMNS_MAX);
	for (size_t i = 0; i < c.count; i++)
		CLAIM(fuzz_within(in, c.names[i]));
	while (columns_next(&c, &rest, &cell)) {
		CLAIM(fuzz_within(in, cell));
		CLAIM(++rounds <= in.n + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct buf text = BUF_INIT(1 << 20);

	check_pairs(in, &text);
	check_cells(in, ',', &text);
	check_cells(in, ' ', &text);
	check_columns(in);
	buf_free(&text);
	return 0;
}
