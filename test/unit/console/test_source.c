/* Lines out of plain and packed files: every byte arrives once, damage is told, cut lines are counted. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "console/source.h"
#include "event/record.h"

static char path[64];

static void
write_file(const void *bytes, size_t n)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/guarita-source-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Numbered lines of uneven length: n of them. */
static char *
make_lines(size_t n, size_t *ret_size)
{
	char *text = malloc(n * 80), *p = text;

	for (size_t i = 0; i < n; i++) {
		int pad = (int)(i * 7 % 50);

		p += snprintf(p, 80, "line %zu %.*s\n", i, pad, "..................................................");
	}
	*ret_size = (size_t)(p - text);
	return text;
}

static void
expect_lines(struct source *s, const char *text, size_t size, size_t n)
{
	struct str rest = str_of(text, size), want, got;
	size_t count = 0;

	while (source_next(s, &got)) {
		assert_true(str_split(&rest, '\n', &want));
		assert_true(str_eq(got, want));
		assert_int_equal(s->line, ++count);
	}
	assert_int_equal(count, n);
	assert_int_equal(s->error, 0);
}

static void
read_packed(const void *packed, size_t size, const char *text, size_t text_size, size_t n)
{
	struct source s;

	write_file(packed, size);
	for (int small = 0; small < 2; small++) {
		assert_int_equal(source_open(&s, path, small), 0);
		expect_lines(&s, text, text_size, n);
		assert_int_equal(source_rewind(&s), 0);
		expect_lines(&s, text, text_size, n);
		source_close(&s);
	}
	unlink(path);
}

static size_t
pack_gzip(const char *text, size_t n, uint8_t *out, size_t size)
{
	z_stream z = { .next_in = (Bytef *)text, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)size };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return size - z.avail_out;
}

static void
plain_and_packed_read_alike(void **state)
{
	size_t size, n = 20000, cap = 4u << 20, packed = 0, half;
	char *text = make_lines(n, &size);
	uint8_t *out = malloc(cap);

	read_packed(text, size, text, size, n);
	read_packed(out, pack_gzip(text, size, out, cap), text, size, n);
	/* Two members in one file, as logrotate's copies concatenated. */
	half = size / 2;
	packed = pack_gzip(text, half, out, cap);
	packed += pack_gzip(text + half, size - half, out + packed, cap - packed);
	read_packed(out, packed, text, size, n);
	packed = 0;
	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, (uint8_t *)text, size, out, &packed, cap), LZMA_OK);
	read_packed(out, packed, text, size, n);
	packed = ZSTD_compress(out, cap, text, size, 1);
	assert_false(ZSTD_isError(packed));
	read_packed(out, packed, text, size, n);
	free(out);
	free(text);
}

static void
damaged_archive_keeps_what_came_before(void **state)
{
	size_t size, n = 20000, cap = 4u << 20, packed, count = 0;
	char *text = make_lines(n, &size);
	uint8_t *out = malloc(cap);
	struct source s;
	struct str line;

	packed = pack_gzip(text, size, out, cap);
	write_file(out, packed * 2 / 3);
	assert_int_equal(source_open(&s, path, false), 0);
	while (source_next(&s, &line))
		count++;
	assert_int_equal(s.error, -EBADMSG);
	assert_in_range(count, n / 3, n - 1);
	source_close(&s);
	unlink(path);
	free(out);
	free(text);
}

static void
overlong_line_is_cut_and_counted(void **state)
{
	size_t big = RECORD_RAW_MAX + 12345, size = big + 20;
	char *text = malloc(size);
	struct source s;
	struct str line;

	memset(text, 'x', big);
	memcpy(text + big, "\nnext line\nend", 14);
	write_file(text, big + 14);
	assert_int_equal(source_open(&s, path, true), 0);
	assert_true(source_next(&s, &line));
	assert_int_equal(line.n, RECORD_RAW_MAX);
	assert_true(source_next(&s, &line));
	assert_true(str_eq(line, STR("next line")));
	assert_int_equal(s.line, 2);
	assert_true(source_next(&s, &line));
	assert_true(str_eq(line, STR("end")));
	assert_false(source_next(&s, &line));
	assert_int_equal(s.cut, 1);
	source_close(&s);
	unlink(path);
	free(text);
}

static void
what_is_no_text_is_refused(void **state)
{
	struct source s;

	write_file("abc\0def\n", 8);
	assert_int_equal(source_open(&s, path, false), -ENOTSUP);
	unlink(path);
	assert_int_equal(source_open(&s, path, false), -ENOENT);
	assert_int_equal(source_open(&s, "/tmp", false), -EISDIR);
}

static void
empty_lines_and_carriage_returns_stand(void **state)
{
	struct source s;
	struct str line;

	write_file("\n\r\na\r\n\n", 6);
	assert_int_equal(source_open(&s, path, false), 0);
	assert_true(source_next(&s, &line) && line.n == 0);
	assert_true(source_next(&s, &line) && str_eq(line, STR("\r")));
	assert_true(source_next(&s, &line) && str_eq(line, STR("a\r")));
	assert_false(source_next(&s, &line));
	source_close(&s);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_packed_read_alike),
		cmocka_unit_test(damaged_archive_keeps_what_came_before),
		cmocka_unit_test(overlong_line_is_cut_and_counted),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(empty_lines_and_carriage_returns_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
