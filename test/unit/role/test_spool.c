/* The spool: what was written is read again, over restarts and torn ends, and nothing twice. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "msg/entry.h"
#include "role/intake/spool.h"

static char dir[64];

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/guarita-spool-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static void
each_file(void (*fn)(const char *path))
{
	DIR *d = opendir(dir);
	char path[512];

	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			fn(path);
		}
	closedir(d);
}

static void
remove_file(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static int
tear_down(void **state)
{
	(void)state;
	each_file(remove_file);
	return rmdir(dir);
}

static void
append(struct spool *s, unsigned lines, const char *text)
{
	char bytes[8192];
	struct enc e = enc_of(bytes, sizeof(bytes));

	for (unsigned i = 0; i < lines; i++) {
		struct entry in = { .source = 1, .seq = s->next_seq + i, .flags = ENTRY_SPOOLED, .bytes = str_z(text) };
		entry_pack(&e, &in);
	}
	assert_true(enc_ok(&e));
	(void)spool_append(s, str_of(bytes, e.n), lines);
}

/* Reads all from a place; the numbers must follow one another. */
static uint64_t
read_all(struct spool *s, struct spool_place place, uint64_t first)
{
	char bytes[500];
	uint64_t next = first;
	int64_t n;

	while ((n = spool_read(s, &place, spool_end(s), bytes, sizeof(bytes))) > 0) {
		struct cur c = cur_of(str_of(bytes, (size_t)n));
		struct entry e;
		while (entry_next(&c, &e) == 1)
			assert_int_equal(e.seq, next++);
		assert_true(cur_done(&c));
	}
	assert_int_equal(n, 0);
	return next - first;
}

static void
test_written_and_read(void **state)
{
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, dir), 0);
	struct spool_place start = spool_end(&s);
	for (int i = 0; i < 10; i++)
		append(&s, 20, "a line of some length to be read again");
	assert_int_equal(s.next_seq, 201);
	assert_int_equal(read_all(&s, start, 1), 200);
	spool_close(&s);
}

static void
test_numbers_go_on_over_restarts(void **state)
{
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, dir), 0);
	append(&s, 5, "first run");
	spool_close(&s);
	assert_int_equal(spool_open(&s, dir), 0);
	assert_int_equal(s.next_seq, 6);
	append(&s, 5, "second run");
	/* Segments are read over their ends. */
	assert_int_equal(read_all(&s, spool_find(&s, 1), 1), 10);
	assert_int_equal(read_all(&s, spool_find(&s, 6), 6), 5);
	spool_close(&s);
	/* A run in which nothing came leaves the numbers as they were. */
	assert_int_equal(spool_open(&s, dir), 0);
	spool_close(&s);
	assert_int_equal(spool_open(&s, dir), 0);
	assert_int_equal(s.next_seq, 11);
	spool_close(&s);
}

static void
test_torn_end_is_cut_off_at_every_byte(void **state)
{
	char path[256], copy[512];
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, dir), 0);
	append(&s, 3, "abcdefgh");
	snprintf(path, sizeof(path), "%s/%016x.spool", dir, 1);
	spool_close(&s);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, copy, sizeof(copy));
	close(fd);
	assert_int_equal(n, 16 + 3 * (ENTRY_HEAD + 8));
	for (ssize_t cut = 16; cut <= n; cut++) {
		each_file(remove_file);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		assert_int_equal(write(fd, copy, (size_t)cut), cut);
		close(fd);
		uint64_t whole = (uint64_t)(cut - 16) / (ENTRY_HEAD + 8);
		assert_int_equal(spool_open(&s, dir), 0);
		assert_int_equal(s.next_seq, whole + 1);
		append(&s, 2, "after");
		assert_int_equal(read_all(&s, spool_find(&s, 1), 1), whole + 2);
		spool_close(&s);
	}
}

static unsigned files_found;

static void
count_file(const char *path)
{
	(void)path;
	files_found++;
}

static unsigned
files(void)
{
	files_found = 0;
	each_file(count_file);
	return files_found;
}

static void
test_forget_deletes_only_what_is_wholly_known(void **state)
{
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, dir), 0);
	append(&s, 10, "one");
	spool_cut(&s);
	append(&s, 10, "two");
	spool_cut(&s);
	assert_int_equal(files(), 3);
	spool_forget(&s, 9);
	assert_int_equal(files(), 3);
	spool_forget(&s, 10);
	assert_int_equal(files(), 2);
	assert_int_equal(read_all(&s, spool_find(&s, 11), 11), 10);
	spool_forget(&s, 20);
	/* The segment that is written stays: it keeps the numbers. */
	assert_int_equal(files(), 1);
	append(&s, 1, "three");
	assert_int_equal(s.next_seq, 22);
	spool_close(&s);
}

static void
test_skip_to(void **state)
{
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, dir), 0);
	append(&s, 2, "x");
	spool_skip_to(&s, 1);
	assert_int_equal(s.next_seq, 3);
	spool_skip_to(&s, 100);
	append(&s, 2, "y");
	assert_int_equal(s.next_seq, 103);
	spool_close(&s);
	assert_int_equal(spool_open(&s, dir), 0);
	assert_int_equal(s.next_seq, 103);
	spool_close(&s);
}

static void
test_a_disk_that_refuses(void **state)
{
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, dir), 0);
	append(&s, 2, "on the disk");
	struct spool_place start = spool_find(&s, 1);
	/* What the descriptor leads to takes no more writes. */
	int null = open("/dev/full", O_WRONLY);
	assert_true(null >= 0);
	assert_int_equal(dup2(null, s.fd), s.fd);
	close(null);
	append(&s, 3, "in memory only");
	assert_int_equal(s.error, ENOSPC);
	assert_int_equal(s.next_seq, 6);
	char bytes[4096];
	int64_t n = spool_read(&s, &start, spool_end(&s), bytes, sizeof(bytes));
	assert_true(n > 0);
	assert_int_equal(spool_read(&s, &start, spool_end(&s), bytes, sizeof(bytes)), -ENODATA);
	spool_close(&s);
	/* Only what was really written comes back. */
	assert_int_equal(spool_open(&s, dir), 0);
	assert_int_equal(s.next_seq, 3);
	spool_close(&s);
}

static void
test_without_a_directory(void **state)
{
	struct spool s;

	(void)state;
	assert_int_equal(spool_open(&s, NULL), 0);
	append(&s, 3, "x");
	assert_int_equal(s.next_seq, 4);
	assert_int_equal(s.bytes, 0);
	spool_close(&s);
	assert_int_equal(files(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_written_and_read),
		TEST(test_numbers_go_on_over_restarts),
		TEST(test_torn_end_is_cut_off_at_every_byte),
		TEST(test_forget_deletes_only_what_is_wholly_known),
		TEST(test_skip_to),
		TEST(test_a_disk_that_refuses),
		TEST(test_without_a_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
