/*
 * utmp: every layout gives back what was written, real files of both byte orders are told apart
 * and read alike, a damaged record hides no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/utmp.h"

#define DATA "../shared/data/watch/util-linux-wtmp/wtmp-a."

static const struct utmp login = {
	.type = UTMP_USER, .number = 7, .pid = 4711, .session = 4711, .line = STR_INIT("pts/3"), .id = STR_INIT("ts/3"),
	.user = STR_INIT("maria"), .host = STR_INIT("gw.example.com"), .time_us = 1700000000 * WHEN_SECOND,
};

static void
test_round_trip(void **state)
{
	for (enum utmp_layout l = 0; l < UTMP_LAYOUTS; l++) {
		uint8_t once[UTMP_SIZE_MAX], again[UTMP_SIZE_MAX];
		struct utmp u;

		utmp_write(l, &login, once);
		utmp_read(l, str_of((char *)once, utmp_size(l)), &u);
		assert_int_equal(u.type, UTMP_USER);
		assert_true(str_eq(u.user, login.user) && str_eq(u.line, login.line) && str_eq(u.host, login.host));
		assert_int_equal(u.time_us, login.time_us);
		assert_false(u.dirty || u.blank || u.host_full);
		assert_true(utmp_plausible(l, str_of((char *)once, utmp_size(l))));
		utmp_write(l, &u, again);
		assert_memory_equal(once, again, utmp_size(l));
	}
}

/* The lengths are those of the systems' own headers; a wrong one would shift every record. */
static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 384, 384, 400, 400, 372, 372, 304, 44, 36, 36 };

	for (enum utmp_layout l = 0; l < UTMP_LAYOUTS; l++)
		assert_int_equal(utmp_size(l), sizes[l]);
}

static void
test_addresses(void **state)
{
	static const char *const texts[] = { "192.0.2.7", "2001:db8::1" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct utmp u = login, back;
		uint8_t bytes[UTMP_SIZE_MAX];
		char shown[46];

		u.has_addr = true;
		assert_int_equal(addr_parse(str_z(texts[i]), &u.addr), 0);
		utmp_write(UTMP_LINUX_BE, &u, bytes);
		utmp_read(UTMP_LINUX_BE, str_of((char *)bytes, 384), &back);
		assert_true(back.has_addr);
		shown[addr_show(&back.addr, shown)] = '\0';
		assert_string_equal(shown, texts[i]);
	}
}

static void
test_cut_host_is_marked(void **state)
{
	struct utmp u = login, back;
	uint8_t bytes[UTMP_SIZE_MAX];

	u.host = STR("gateway.example.com");
	utmp_write(UTMP_SUNOS_LE, &u, bytes);
	utmp_read(UTMP_SUNOS_LE, str_of((char *)bytes, 36), &back);
	assert_true(str_eq(back.host, STR("gateway.example.")));
	assert_true(back.host_full);
}

static void
test_bsd_types(void **state)
{
	static const struct {
		const char *line, *user;
		enum utmp_type type;
	} cases[] = {
		{ "~", "reboot", UTMP_BOOT }, { "~", "shutdown", UTMP_SHUTDOWN }, { "|", "date", UTMP_OLD_TIME },
		{ "{", "date", UTMP_NEW_TIME }, { "ttyp0", "", UTMP_DEAD }, { "ttyp0", "maria", UTMP_USER },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct utmp u = { .line = str_z(cases[i].line), .user = str_z(cases[i].user), .time_us = login.time_us };
		uint8_t bytes[UTMP_SIZE_MAX];

		utmp_write(UTMP_SUNOS_BE, &u, bytes);
		utmp_read(UTMP_SUNOS_BE, str_of((char *)bytes, 36), &u);
		assert_int_equal(u.type, cases[i].type);
	}
}

static struct str
load(const char *path, char *dst, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(dst, 1, size, f) : 0;

	if (f)
		fclose(f);
	return str_of(dst, n);
}

static void
test_real_files_in_both_orders(void **state)
{
	static char le[16384], be[16384];
	struct str a = load(DATA "LE", le, sizeof(le)), b = load(DATA "BE", be, sizeof(be));
	enum utmp_layout l;

	if (a.n == 0)
		skip();
	assert_int_equal(utmp_detect(a, a.n, &l), 0);
	assert_int_equal(l, UTMP_LINUX_LE);
	assert_int_equal(utmp_detect(b, b.n, &l), 0);
	assert_int_equal(l, UTMP_LINUX_BE);
	for (size_t at = 0; at < a.n; at += 384) {
		struct utmp x, y;

		utmp_read(UTMP_LINUX_LE, str_of(a.p + at, 384), &x);
		utmp_read(UTMP_LINUX_BE, str_of(b.p + at, 384), &y);
		assert_int_equal(x.type, y.type);
		assert_int_equal(x.pid, y.pid);
		assert_int_equal(x.time_us, y.time_us);
		assert_true(str_eq(x.user, y.user) && str_eq(x.host, y.host) && str_eq(x.line, y.line));
	}
}

static void
test_each_layout_is_told_from_the_others(void **state)
{
	for (enum utmp_layout l = 0; l < UTMP_LAYOUTS; l++) {
		uint8_t file[8 * UTMP_SIZE_MAX];
		enum utmp_layout found;

		for (int i = 0; i < 8; i++) {
			struct utmp u = login;

			u.pid += i;
			u.time_us += i * 3617 * WHEN_SECOND;
			utmp_write(l, &u, file + (size_t)i * utmp_size(l));
		}
		assert_int_equal(utmp_detect(str_of((char *)file, 8 * utmp_size(l)), 8 * utmp_size(l), &found), 0);
		assert_int_equal(found, l);
	}
}

static void
test_other_files_are_refused(void **state)
{
	static char page[65536];
	enum utmp_layout l = UTMP_LAYOUTS;

	assert_int_equal(utmp_detect(load("/proc/self/exe", page, sizeof(page)), 0, &l), -2);
	memset(page, 'a', sizeof(page));
	assert_int_equal(utmp_detect(str_of(page, sizeof(page)), 0, &l), -2);
	memset(page, 0, sizeof(page));
	assert_int_equal(utmp_detect(str_of(page, sizeof(page)), 0, &l), -2);
	assert_int_equal(utmp_detect(STR_NULL, 0, &l), -2);
	assert_int_equal(l, UTMP_LAYOUTS);
}

static void
test_damage_is_marked_and_hides_nothing(void **state)
{
	uint8_t file[3 * 384];
	struct utmp u;

	for (int i = 0; i < 3; i++)
		utmp_write(UTMP_LINUX_LE, &login, file + i * 384);
	memset(file + 384, 0, 384);
	file[384 * 2 + 44 + 20] = 'x';
	utmp_read(UTMP_LINUX_LE, str_of((char *)file + 384, 384), &u);
	assert_true(u.blank);
	utmp_read(UTMP_LINUX_LE, str_of((char *)file + 768, 384), &u);
	assert_true(u.dirty && str_eq(u.user, login.user));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_cut_host_is_marked),
		cmocka_unit_test(test_bsd_types),
		cmocka_unit_test(test_real_files_in_both_orders),
		cmocka_unit_test(test_each_layout_is_told_from_the_others),
		cmocka_unit_test(test_other_files_are_refused),
		cmocka_unit_test(test_damage_is_marked_and_hides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
