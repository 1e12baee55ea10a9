/* Everything that happens to a log file, in a directory of our own: no line lost, none twice, nothing in silence. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "sys/file.h"
#include "sys/follow.h"

struct scene {
	char dir[64];
	struct follow *follow;
	struct buf seen;               /* lines as they came, each with its newline */
	struct buf events;             /* letters: S shrunk, R replaced, X removed, G gap, ! unreadable */
	struct follow_pos pos;         /* of the file read last */
	int64_t clock_us;
	unsigned opened, closed;
	uint64_t last_number;
	bool polling;
};

static void
on_open(void *ctx, struct follow_file *f)
{
	struct scene *s = ctx;

	(void)f;
	s->opened++;
}

static void
on_close(void *ctx, struct follow_file *f)
{
	struct scene *s = ctx;

	(void)f;
	s->closed++;
}

static void
on_chunk(void *ctx, struct follow_file *f, const struct follow_chunk *c)
{
	struct scene *s = ctx;

	buf_add(&s->seen, c->bytes);
	if (!c->open_end && c->bytes.n && c->bytes.p[c->bytes.n - 1] != '\n')
		buf_add_byte(&s->seen, '\n');
	s->last_number = c->line;
	s->pos = follow_file_pos(f);
}

static void
on_event(void *ctx, struct str path, enum follow_event e, uint64_t was, uint64_t now)
{
	struct scene *s = ctx;

	(void)path;
	(void)was;
	(void)now;
	buf_add_byte(&s->events, "SRXG!"[e]);
}

static void
begin(struct scene *s, bool from_start)
{
	struct follow_calls calls = {
		.ctx = s, .on_open = on_open, .on_close = on_close, .on_chunk = on_chunk, .on_event = on_event,
	};
	struct follow_opts o = { .from_start = from_start, .hash_seed = 42, .polling = s->polling };

	assert_int_equal(follow_new(&calls, &o, &s->follow), 0);
}

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*s = (struct scene){ .seen = BUF_INIT(64u << 20), .events = BUF_INIT(4096), .clock_us = 1000000 };
	snprintf(s->dir, sizeof(s->dir), "/tmp/guarita-follow-XXXXXX");
	*state = s;
	return mkdtemp(s->dir) ? 0 : -1;
}

static int
set_up_polling(void **state)
{
	int r = set_up(state);

	((struct scene *)*state)->polling = true;
	return r;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;
	char command_free_path[128];
	static const char *const names[] = { "a.log", "a.log.1", "b.log", "a.log.2", "a.log.gz", "c.txt", "gone" };

	follow_free(s->follow);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(command_free_path, sizeof(command_free_path), "%s/%s", s->dir, names[i]);
		unlink(command_free_path);
	}
	assert_int_equal(rmdir(s->dir), 0);
	buf_free(&s->seen);
	buf_free(&s->events);
	free(s);
	return 0;
}

static const char *
path(const struct scene *s, const char *name)
{
	static char p[2][128];
	static int turn;

	turn = !turn;
	snprintf(p[turn], sizeof(p[turn]), "%s/%s", s->dir, name);
	return p[turn];
}

static void
add(const struct scene *s, const char *name, const char *text)
{
	int fd = open(path(s, name), O_WRONLY | O_APPEND | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, str_z(text)), 0);
	close(fd);
}

/* As a role does: react to what inotify said, rescan when names changed, read all. */
static void
settle(struct scene *s)
{
	for (int i = 0; i < 4; i++) {
		if (follow_fd(s->follow) >= 0)
			follow_wake(s->follow);
		if (follow_fd(s->follow) < 0 || follow_rescan_wanted(s->follow))
			follow_rescan(s->follow, s->clock_us);
		while (follow_pump(s->follow, 1))
			;
	}
}

static void
start(struct scene *s, const char *pattern, bool from_start)
{
	begin(s, from_start);
	assert_int_equal(follow_add(s->follow, path(s, pattern)), 0);
	follow_rescan(s->follow, s->clock_us);
	settle(s);
}

static void
expect(struct scene *s, const char *lines, const char *events)
{
	assert_string_equal(buf_cstr(&s->seen), lines);
	assert_string_equal(buf_cstr(&s->events), events);
}

static void
test_from_start_and_appends(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\n");
	start(s, "a.log", true);
	add(s, "a.log", "two\nthr");
	settle(s);
	expect(s, "one\ntwo\n", "");
	add(s, "a.log", "ee\n");
	settle(s);
	expect(s, "one\ntwo\nthree\n", "");
	assert_int_equal(s->last_number, 3);
	assert_int_equal(s->pos.offset, 14);
	assert_int_equal(s->pos.line, 3);
}

static void
test_from_end(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "old\nhalf");
	start(s, "a.log", false);
	expect(s, "", "");
	add(s, "a.log", " new\nnext\n");
	settle(s);
	/* The begun line belongs to what is new, and keeps its number. */
	expect(s, "half new\nnext\n", "");
	assert_int_equal(s->last_number, 2);
}

static void
test_rotation_by_rename(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\n");
	start(s, "a.log", true);
	add(s, "a.log", "two\n");
	assert_int_equal(rename(path(s, "a.log"), path(s, "a.log.1")), 0);
	add(s, "a.log.1", "late line of the old one\n");
	add(s, "a.log", "three\n");
	settle(s);
	add(s, "a.log.1", "still later\n");
	settle(s);
	/* Every line once; the order between the two files is not promised. */
	assert_int_equal(s->seen.n, strlen("one\ntwo\nlate line of the old one\nthree\nstill later\n"));
	assert_true(str_find(buf_str(&s->seen), STR("late line")) < s->seen.n);
	assert_true(str_find(buf_str(&s->seen), STR("three\n")) < s->seen.n);
	assert_true(str_find(buf_str(&s->seen), STR("still later")) < s->seen.n);
	assert_string_equal(buf_cstr(&s->events), "R");
	/* An old file is let go in the end, not at once. */
	assert_int_equal(s->closed, 0);
	s->clock_us += 61 * 1000000ll;
	follow_rescan(s->follow, s->clock_us);
	assert_int_equal(s->closed, 1);
}

static void
test_rotation_under_a_glob_is_not_read_twice(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\n");
	start(s, "a.log*", true);
	assert_int_equal(rename(path(s, "a.log"), path(s, "a.log.1")), 0);
	add(s, "a.log", "two\n");
	settle(s);
	expect(s, "one\ntwo\n", "R");
}

static void
test_shrunk(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "a line that will be gone\n");
	start(s, "a.log", true);
	assert_int_equal(truncate(path(s, "a.log"), 0), 0);
	settle(s);
	add(s, "a.log", "new\n");
	settle(s);
	expect(s, "a line that will be gone\nnew\n", "S");
}

static void
test_shrunk_and_grown_beyond_is_seen_by_its_head(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "first\n");
	start(s, "a.log", true);
	assert_int_equal(truncate(path(s, "a.log"), 0), 0);
	add(s, "a.log", "another beginning, and longer\n");
	settle(s);
	expect(s, "first\nanother beginning, and longer\n", "R");
}

static void
copy_file(struct scene *s, const char *from, const char *to)
{
	struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(file_read(path(s, from), &b), 0);
	add(s, to, buf_cstr(&b));
	buf_free(&b);
}

#define LONG_HEAD "a first line that is long enough to tell this file from every other file there may be here\n"

static void
test_copy_and_truncate_is_rotation(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", LONG_HEAD);
	start(s, "a.log", true);
	/* What was added since the last reading stands only in the copy when the original is cut. */
	add(s, "a.log", "only in the copy\n");
	copy_file(s, "a.log", "a.log.1");
	assert_int_equal(truncate(path(s, "a.log"), 0), 0);
	settle(s);
	add(s, "a.log", "new\n");
	settle(s);
	expect(s, LONG_HEAD "only in the copy\nnew\n", "R");
}

static void
test_copy_and_truncate_under_a_glob(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", LONG_HEAD);
	start(s, "a.log*", true);
	copy_file(s, "a.log", "a.log.1");
	settle(s);
	expect(s, LONG_HEAD, "");
	assert_int_equal(truncate(path(s, "a.log"), 0), 0);
	add(s, "a.log", "new\n");
	settle(s);
	expect(s, LONG_HEAD "new\n", "R");
}

static void
test_removed_and_made_again(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\n");
	start(s, "a.log", true);
	assert_int_equal(unlink(path(s, "a.log")), 0);
	settle(s);
	follow_rescan(s->follow, s->clock_us);
	assert_string_equal(buf_cstr(&s->events), "X");
	add(s, "a.log", "two\n");
	settle(s);
	expect(s, "one\ntwo\n", "XR");
}

static void
test_new_files_of_a_glob(void **state)
{
	struct scene *s = *state;

	start(s, "*.log", false);
	add(s, "a.log", "one\n");
	settle(s);
	add(s, "c.txt", "not ours\n");
	add(s, "b.log", "two\n");
	settle(s);
	expect(s, "one\ntwo\n", "");
	assert_int_equal(follow_count(s->follow), 2);
}

static void
test_packed_files_are_left_alone(void **state)
{
	struct scene *s = *state;

	add(s, "a.log.gz", "\x1f\x8b not text\n");
	start(s, "a.log*", true);
	expect(s, "", "");
	assert_int_equal(follow_count(s->follow), 0);
}

static void
restart(struct scene *s, const char *pattern)
{
	struct follow_pos pos = s->pos;
	char saved[128];

	snprintf(saved, sizeof(saved), "%s", path(s, "a.log"));
	follow_free(s->follow);
	begin(s, false);
	assert_int_equal(follow_add(s->follow, path(s, pattern)), 0);
	assert_int_equal(follow_resume(s->follow, saved, &pos), 0);
	follow_rescan(s->follow, s->clock_us);
	settle(s);
}

static void
test_resume(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\ntwo\n");
	start(s, "a.log", true);
	add(s, "a.log", "while away\n");
	restart(s, "a.log");
	expect(s, "one\ntwo\nwhile away\n", "");
	assert_int_equal(s->last_number, 3);
}

static void
test_resume_after_rotation(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\n");
	start(s, "a.log", true);
	follow_free(s->follow);
	s->follow = NULL;
	add(s, "a.log", "before the rotation\n");
	assert_int_equal(rename(path(s, "a.log"), path(s, "a.log.1")), 0);
	add(s, "a.log", "after the rotation\n");
	restart(s, "a.log");
	assert_int_equal(s->seen.n, strlen("one\nbefore the rotation\nafter the rotation\n"));
	assert_true(str_find(buf_str(&s->seen), STR("before the rotation\n")) < s->seen.n);
	assert_true(str_find(buf_str(&s->seen), STR("after the rotation\n")) < s->seen.n);
	assert_string_equal(buf_cstr(&s->events), "");
}

static void
test_resume_finds_the_file_gone(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\n");
	start(s, "a.log", true);
	follow_free(s->follow);
	s->follow = NULL;
	/* Another file takes the name before the old is removed, so that it cannot take its inode too. */
	add(s, "b.log", "another\n");
	assert_int_equal(rename(path(s, "b.log"), path(s, "a.log")), 0);
	restart(s, "a.log");
	expect(s, "one\nanother\n", "G");
}

static void
test_long_line_in_pieces(void **state)
{
	struct scene *s = *state;
	size_t n = 3 * FOLLOW_CHUNK + 77;
	char *line = malloc(n + 2);

	memset(line, 'x', n);
	line[n] = '\n';
	line[n + 1] = '\0';
	add(s, "a.log", "short\n");
	add(s, "a.log", line);
	add(s, "a.log", "after\n");
	start(s, "a.log", true);
	assert_int_equal(s->seen.n, 6 + n + 1 + 6);
	assert_memory_equal(s->seen.p + 6, line, n + 1);
	assert_int_equal(s->pos.line, 3);
	assert_int_equal(s->pos.offset, 6 + n + 1 + 6);
	free(line);
}

static void
test_a_file_too_many_is_told_once(void **state)
{
	struct scene *s = *state;
	struct follow_calls calls = {
		.ctx = s, .on_open = on_open, .on_close = on_close, .on_chunk = on_chunk, .on_event = on_event,
	};
	struct follow_opts o = { .from_start = true, .hash_seed = 42, .polling = s->polling, .files_max = 1 };

	add(s, "a.log", "one\n");
	assert_int_equal(follow_new(&calls, &o, &s->follow), 0);
	assert_int_equal(follow_add(s->follow, path(s, "*.log")), 0);
	add(s, "b.log", "two\n");
	for (int i = 0; i < 3; i++) {
		follow_rescan(s->follow, s->clock_us);
		settle(s);
	}
	expect(s, "one\n", "!");
}

static void
test_rewind(void **state)
{
	struct scene *s = *state;

	add(s, "a.log", "one\ntwo\n");
	start(s, "a.log", true);
	buf_reset(&s->seen);
	/* The saved position decides, whatever was read before. */
	s->pos.offset = 4;
	s->pos.line = 1;
	restart(s, "a.log");
	expect(s, "two\n", "");
	assert_int_equal(s->last_number, 2);
}

/* As a Windows program appends: little-endian, the mark only where the file begins. */
static void
add_wide(const struct scene *s, const char *name, const char *text, size_t from, size_t to)
{
	char wide[4096] = "\xff\xfe";
	size_t n = 2;
	int fd = open(path(s, name), O_WRONLY | O_APPEND | O_CREAT, 0600);

	assert_true(fd >= 0);
	for (; *text; text++) {
		wide[n++] = *text;
		wide[n++] = 0;
	}
	assert_true(to <= n);
	assert_int_equal(file_write_all(fd, str_of(wide + from, (to ? to : n) - from)), 0);
	close(fd);
}

static void
test_utf16_lines_and_positions(void **state)
{
	struct scene *s = *state;

	add_wide(s, "a.log", "one\n", 0, 0);
	start(s, "a.log", true);
	expect(s, "one\n", "");
	/* Cut within a character, and between the two bytes of the line end. */
	add_wide(s, "a.log", "two\nx", 2, 5);
	settle(s);
	add_wide(s, "a.log", "two\nx", 5, 9);
	settle(s);
	expect(s, "one\n", "");
	add_wide(s, "a.log", "two\nx", 9, 12);
	settle(s);
	expect(s, "one\ntwo\n", "");
	assert_int_equal(s->pos.offset, 18);
	assert_int_equal(s->pos.line, 2);
	restart(s, "a.log");
	add_wide(s, "a.log", "yz\nend\n", 2, 0);
	settle(s);
	expect(s, "one\ntwo\nxyz\nend\n", "");
	assert_int_equal(s->last_number, 4);
}

static void
test_utf16_from_the_end(void **state)
{
	struct scene *s = *state;

	add_wide(s, "a.log", "old\nhalf", 0, 0);
	start(s, "a.log", false);
	add_wide(s, "a.log", " new\n", 2, 0);
	settle(s);
	expect(s, "half new\n", "");
	assert_int_equal(s->last_number, 2);
}

static void
test_utf16_long_line_in_pieces(void **state)
{
	struct scene *s = *state;
	size_t n = FOLLOW_CHUNK + 100;
	struct buf wide = BUF_INIT(1 << 20), plain = BUF_INIT(1 << 20);

	buf_add(&wide, STR("\xfe\xff"));
	for (size_t i = 0; i < n; i++) {
		/* An emoji now and then, so that a piece may end within one. */
		buf_add(&wide, i % 7 ? STR("\0a") : STR("\xd8\x3d\xde\0"));
		buf_add(&plain, i % 7 ? STR("a") : STR("\xf0\x9f\x98\x80"));
	}
	buf_add(&wide, STR("\0\n\0b\0\n"));
	buf_add(&plain, STR("\nb\n"));
	int fd = open(path(s, "a.log"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(file_write_all(fd, buf_str(&wide)), 0);
	close(fd);
	start(s, "a.log", true);
	assert_true(str_eq(buf_str(&s->seen), buf_str(&plain)));
	assert_int_equal(s->last_number, 2);
	assert_int_equal(s->pos.offset, wide.n);
	buf_free(&wide);
	buf_free(&plain);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down), \
	cmocka_unit_test_setup_teardown(name, set_up_polling, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_start_and_appends),
		TEST(test_from_end),
		TEST(test_rotation_by_rename),
		TEST(test_rotation_under_a_glob_is_not_read_twice),
		TEST(test_shrunk),
		TEST(test_shrunk_and_grown_beyond_is_seen_by_its_head),
		TEST(test_copy_and_truncate_is_rotation),
		TEST(test_copy_and_truncate_under_a_glob),
		TEST(test_removed_and_made_again),
		TEST(test_new_files_of_a_glob),
		TEST(test_packed_files_are_left_alone),
		TEST(test_resume),
		TEST(test_resume_after_rotation),
		TEST(test_resume_finds_the_file_gone),
		TEST(test_long_line_in_pieces),
		TEST(test_a_file_too_many_is_told_once),
		TEST(test_rewind),
		TEST(test_utf16_lines_and_positions),
		TEST(test_utf16_from_the_end),
		TEST(test_utf16_long_line_in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
