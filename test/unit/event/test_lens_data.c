/*
 * The lens over other people's logs, read in place from ../shared/data/watch: every line gets a
 * time, and almost every line its own. Prints the rate; skipped where the data is absent.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "event/lens.h"

#define DATA "../shared/data/watch/"
#define SNIFF_LINES 20

struct tally {
	size_t lines, timed, own, headed;
};

static void
read_file(const char *path, struct zone_book *zones, struct tally *t)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	struct lens_opts o = { .place = str_z(path), .anchor_us = st.st_mtime * WHEN_SECOND };
	struct lens *l = lens_new(zones, &o);
	assert_non_null(l);
	for (int i = 0; i < SNIFF_LINES && (n = getline(&line, &size, f)) > 0; i++)
		lens_sniff(l, str_of(line, (size_t)n));
	rewind(f);
	while ((n = getline(&line, &size, f)) > 0) {
		struct record r;
		record_begin(&r, str_of(line, (size_t)n), &extra, WHEN_NONE);
		lens_read(l, &r);
		/* lens_read() leaves a mark for lens_time() where the head gave no time. */
		bool head = r.stamp.flags == 0;
		int64_t before = r.time_us;
		if (!head)
			r.time_us = WHEN_NONE;
		lens_time(l, &r);
		t->lines++;
		t->timed += before != WHEN_NONE || r.time_us != WHEN_NONE;
		t->own += r.time_us != WHEN_NONE;
		t->headed += r.dialect != DIALECT_NONE;
	}
	free(line);
	fclose(f);
	lens_free(l);
	buf_free(&extra);
}

static struct tally
read_folder(const char *folder)
{
	struct tally t = { 0 };
	struct zone_book *zones = zone_book_new(0);
	char path[512];
	DIR *d = opendir(folder);
	if (!d) {
		zone_book_free(zones);
		return t;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!str_ends(str_z(e->d_name), STR(".log")))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		read_file(path, zones, &t);
	}
	closedir(d);
	zone_book_free(zones);
	return t;
}

/* `own_percent`: lines with a time that stands in them. */
static void
check(const char *name, unsigned own_percent)
{
	char folder[256];
	snprintf(folder, sizeof(folder), DATA "%s", name);
	struct tally t = read_folder(folder);
	if (!t.lines) {
		print_message("%s is absent\n", folder);
		skip();
	}
	print_message(
	    "%-18s %6zu lines, %5.1f %% timed, %5.1f %% by themselves, %5.1f %% with a head\n",
	    name, t.lines, 100.0 * (double)t.timed / (double)t.lines,
	    100.0 * (double)t.own / (double)t.lines, 100.0 * (double)t.headed / (double)t.lines);
	assert_true(t.timed * 100 >= t.lines * 99);
	assert_true(t.own * 100 >= t.lines * own_percent);
}

static void
test_fail2ban(void **state)
{
	(void)state;
	check("fail2ban", 85); /* its journal samples carry no time */
}

static void
test_crowdsec(void **state)
{
	(void)state;
	check("crowdsec-hub", 95);
}

static void
test_elastic(void **state)
{
	(void)state;
	check("elastic-examples", 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail2ban), cmocka_unit_test(test_crowdsec), cmocka_unit_test(test_elastic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
