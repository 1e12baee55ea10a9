/* Whole files: replaced wholly or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "sys/file.h"

static char dir[64], path[128];

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/guarita-file-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	return file_path(path, sizeof(path), dir, "f");
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
test_replace_and_read(void **state)
{
	struct buf b = BUF_INIT(100);
	struct stat st;

	(void)state;
	assert_int_equal(file_replace(path, STR("first"), 0640, true), 0);
	assert_int_equal(file_replace(path, STR("second"), 0600, false), 0);
	assert_int_equal(file_read(path, &b), 0);
	assert_string_equal(buf_cstr(&b), "second");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_free(&b);
	b = BUF_INIT(3);
	assert_int_equal(file_read(path, &b), -EFBIG);
	buf_free(&b);
}

static void
test_replace_fails_whole(void **state)
{
	struct buf b = BUF_INIT(100);
	char temp[160];

	(void)state;
	assert_int_equal(file_replace(path, STR("old"), 0600, false), 0);
	/* The place of the new file is taken by a directory: it cannot be written. */
	snprintf(temp, sizeof(temp), "%s.new", path);
	assert_int_equal(mkdir(temp, 0700), 0);
	assert_true(file_replace(path, STR("new"), 0600, false) < 0);
	assert_int_equal(file_read(path, &b), 0);
	assert_string_equal(buf_cstr(&b), "old");
	buf_free(&b);
	rmdir(temp);
}

static void
test_append_follows_no_link(void **state)
{
	char link[160];

	(void)state;
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(file_open_append(link, 0600), -ELOOP);
	unlink(link);
}

/* What another could have written is not read: by its mode, by a link, by its owner. */
static void
test_read_own(void **state)
{
	struct buf b = BUF_INIT(64);
	char link[160];

	(void)state;
	assert_int_equal(file_replace(path, STR("ours"), 0600, false), 0);
	assert_int_equal(file_read_own(path, &b), 0);
	assert_true(str_eq(buf_str(&b), STR("ours")));
	assert_int_equal(chmod(path, 0620), 0);
	assert_int_equal(file_read_own(path, &b), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	snprintf(link, sizeof(link), "%s/own-link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(file_read_own(link, &b), -ELOOP);
	unlink(link);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(file_read_own(path, &b), -EPERM);
	}
	buf_free(&b);
}

static void
test_map(void **state)
{
	struct str map;

	(void)state;
	assert_int_equal(file_map(path, &map), -ENOENT);
	assert_int_equal(file_replace(path, STR(""), 0600, false), 0);
	assert_int_equal(file_map(path, &map), 0);
	assert_int_equal(map.n, 0);
	file_unmap(map);
	assert_int_equal(file_replace(path, STR("mapped"), 0600, false), 0);
	assert_int_equal(file_map(path, &map), 0);
	assert_true(str_eq(map, STR("mapped")));
	file_unmap(map);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_replace_and_read),
		TEST(test_replace_fails_whole),
		TEST(test_append_follows_no_link),
		TEST(test_read_own),
		TEST(test_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
