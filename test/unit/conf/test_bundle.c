/* A configuration kept as one text loads again to the same, includes within includes too. */
#include <errno.h>
#include <stdlib.h>

#include "../base/cmocka_std.h"
#include "conf/bundle.h"

static const struct { const char *name, *text; } disk[] = {
	{ "/etc/main.conf", "site here;\ninclude parts/*.conf;\ninclude last.conf;\n" },
	{ "parts/a.conf", "include deep.conf;\nstate-dir /var/lib/a;\n" },
	{ "parts/b.conf", "" },
	{ "deep.conf", "run-dir /run/deep; # include 9 9\n" },
	{ "last.conf", "log-level debug;\n" },
};

static void
hand_out(size_t i, void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx)
{
	add(add_ctx, str_z(disk[i].name), str_z(disk[i].text));
}

static int
from_disk(void *ctx, struct str from, struct str spec,
    void (*add)(void *add_ctx, struct str name, struct str text), void *add_ctx)
{
	if (str_eq(spec, STR("parts/*.conf"))) {
		hand_out(1, add, add_ctx);
		hand_out(2, add, add_ctx);
	} else if (str_eq(spec, STR("deep.conf"))) {
		hand_out(3, add, add_ctx);
	} else if (str_eq(spec, STR("last.conf"))) {
		hand_out(4, add, add_ctx);
	} else {
		return -ENOENT;
	}
	return 0;
}

static void
load(struct arena *a, const struct conf_reader *reader, struct buf *shown)
{
	struct diags *d = diags_new();
	struct config *c;
	int r = config_load(a, d, str_z(disk[0].name), str_z(disk[0].text), reader, &c);

	if (r < 0) {
		diags_show(d, shown);
		fail_msg("%s", buf_cstr(shown));
	}
	config_show(c, shown);
	diags_free(d);
}

static void
test_there_and_back(void **state)
{
	struct arena a = { 0 };
	struct bundle kept, again;
	struct bundle_recorder rec = { .b = &kept, .under = { .read = from_disk } };
	struct conf_reader recording = { .read = bundle_record, .ctx = &rec };
	struct conf_reader replaying = { .read = bundle_replay, .ctx = &again };
	struct buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20);
	struct buf bytes = BUF_INIT(1 << 20), bytes2 = BUF_INIT(1 << 20);

	assert_int_equal(bundle_begin(&kept, &a, str_z(disk[0].name), str_z(disk[0].text)), 0);
	load(&a, &recording, &first);
	assert_int_equal(kept.nfiles, 5);
	bundle_write(&kept, &bytes);
	assert_true(bundle_is(buf_str(&bytes)));
	assert_int_equal(bundle_parse(&again, &a, buf_str(&bytes)), 0);
	load(&a, &replaying, &second);
	assert_string_equal(buf_cstr(&first), buf_cstr(&second));
	bundle_write(&again, &bytes2);
	assert_string_equal(buf_cstr(&bytes), buf_cstr(&bytes2));
	buf_free(&first);
	buf_free(&second);
	buf_free(&bytes);
	buf_free(&bytes2);
	arena_free(&a);
}

/* Every cut and every changed digit of a head is refused or still a bundle; never a read past the end. */
static void
test_damaged(void **state)
{
	static const char good[] = "#%guarita-bundle 1\ninclude 1 3\nm\na b\nfile 0 1 5\nm\nsite;\nfile 0 1 0\nx\n\n";
	struct bundle b;

	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		struct arena a = { 0 };
		char *copy = malloc(n + 1);
		int r;

		memcpy(copy, good, n);
		r = bundle_parse(&b, &a, str_of(copy, n));
		assert_true(r == -EBADMSG || (r == 0 && b.nfiles >= 1));
		free(copy);
		arena_free(&a);
	}
	struct arena a = { 0 };
	assert_int_equal(bundle_parse(&b, &a, STR("#%guarita-bundle 1\nfile 0 1 99999999999999999999\nm\n\n")), -EBADMSG);
	assert_int_equal(bundle_parse(&b, &a, STR("#%guarita-bundle 1\nfile 7 1 0\nm\n\n")), -EBADMSG);
	assert_int_equal(bundle_parse(&b, &a, STR("site here;\n")), -EBADMSG);
	assert_int_equal(bundle_parse(&b, &a, str_of(good, sizeof(good) - 1)), 0);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
