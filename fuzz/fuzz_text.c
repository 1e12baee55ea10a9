/* Numbers, units, escapes, near words: what is shown can be read again, what comes out is tame. */
#include "base/buf.h"
#include "base/text.h"
#include "fuzz.h"

static void
check_numbers(struct str in)
{
	uint64_t u = 1;
	int64_t i = 1, us = 1;
	char text[32];

	if (text_u64(in, &u) == 0) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)u);
		CLAIM(in.n >= strlen(text) && str_ends(in, str_z(text)));
	}
	if (text_i64(in, &i) == 0 && i >= 0 && in.p[0] != '+' && in.p[0] != '-')
		CLAIM((uint64_t)i == u);
	if (text_duration(in, &us) == 0)
		CLAIM(us >= 0 && strlen(text_show_duration(us, text, sizeof(text))) > 1);
	if (text_size(in, &u) == 0)
		CLAIM(strlen(text_show_size(u, text, sizeof(text))) > 2);
}

static void
check_tame(struct str in)
{
	struct buf safe = BUF_INIT(1 << 20), json = BUF_INIT(1 << 20);

	buf_add_escaped(&safe, in);
	buf_add_json(&json, in);
	CLAIM(buf_ok(&safe) && buf_ok(&json));
	for (struct str s = buf_str(&safe); s.n; s = str_from(s, utf8_len(s)))
		CLAIM(utf8_len(s) && (uint8_t)s.p[0] >= 0x20 && s.p[0] != 0x7f);
	for (struct str s = buf_str(&json); s.n; s = str_from(s, utf8_len(s)))
		CLAIM(utf8_len(s) && (uint8_t)s.p[0] >= 0x20);
	CLAIM(utf8_columns(in) <= 2 * in.n);
	buf_free(&safe);
	buf_free(&json);
}

static void
check_pieces(struct str in)
{
	struct str rest = in, piece, pieces[8];
	size_t n = 0, bytes = 0;

	while (str_split(&rest, '\n', &piece)) {
		CLAIM(fuzz_within(in, piece));
		bytes += piece.n + 1;
		if (n < ARRAY_LEN(pieces))
			pieces[n++] = piece;
	}
	CLAIM(bytes == in.n || bytes == in.n + 1);
	piece = text_nearest(str_head(in, 12), pieces, n);
	CLAIM(fuzz_within(in, piece));
	if (n > 1) {
		size_t at = str_find(in, pieces[1]), last = str_rfind(in, pieces[1]);
		CLAIM(at <= (size_t)(pieces[1].p - in.p));
		CLAIM(pieces[1].n == 0 || (last >= (size_t)(pieces[1].p - in.p) && last < in.n));
		CLAIM(str_find_nocase(in, pieces[1]) <= at);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	check_numbers(in);
	check_tame(in);
	check_pieces(in);
	return 0;
}
