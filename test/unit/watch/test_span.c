/* Runs of one kind of bytes end at the same place whether they are looked at in blocks or byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "watch/pattern/span.h"

static const char *
by_bytes(enum span kind, char stop, struct str text, const char *p)
{
	while (p < text.p + text.n && span_has(kind, stop, *p))
		p++;
	return p;
}

/* Texts of every length up to a few blocks, in memory that ends where they do; each byte value comes at the end of a run. */
static void
blocks_end_where_bytes_do(void **state)
{
	static const char fill[] = "0a.F_z-~9";

	for (size_t n = 0; n < 50; n++) {
		char *p = malloc(n ? n : 1);
		struct str text = str_of(p, n);

		for (int c = 0; c < 256; c++) {
			for (size_t at = 0; at <= n; at++) {
				for (enum span kind = SPAN_DIGITS; kind <= SPAN_VISIBLE; kind++) {
					size_t from = at > 3 ? at - 3 : 0;

					memset(p, fill[(at + (size_t)kind) % (sizeof(fill) - 1)], n);
					if (at < n)
						p[at] = (char)c;
					assert_ptr_equal(span_end(kind, '~', text, p), by_bytes(kind, '~', text, p));
					assert_ptr_equal(span_end(kind, 0, text, p + from), by_bytes(kind, 0, text, p + from));
				}
			}
		}
		free(p);
	}
}

static void
kinds_hold_what_they_are_called_for(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		assert_int_equal(span_has(SPAN_DIGITS, 0, (char)c), digit);
		assert_int_equal(span_has(SPAN_HEX, 0, (char)c), digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
		assert_int_equal(span_has(SPAN_NAME, 0, (char)c), digit || letter || c == '.' || c == '-' || c == '_');
		assert_int_equal(span_has(SPAN_VISIBLE, 'x', (char)c), c > 32 && c < 127 && c != 'x');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_end_where_bytes_do),
		cmocka_unit_test(kinds_hold_what_they_are_called_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
