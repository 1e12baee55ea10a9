/* integrity: what order, sessions and memory say of single records; the scenes try whole files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "watch/accounts/line.h"
#include "watch/accounts/pair.h"
#include "watch/accounts/integrity_commands.h"
#include "watch/accounts/integrity_logins.h"
#include "watch/accounts/integrity_memory.h"

struct seen {
	struct integrity_finding last;
	char names[512];
	unsigned n;
};

static void
found(void *ctx, const struct integrity_finding *f)
{
	struct seen *s = ctx;
	size_t at = strlen(s->names);

	snprintf(s->names + at, sizeof(s->names) - at, "%s%s@%u", at ? " " : "", integrity_name(f->what), (unsigned)f->record);
	s->last = *f;
	s->n++;
}

/* Records in one letter each: B boot, S shutdown, L login, O logout (of pid), T clock; then seconds and a pid. */
struct step {
	char what;
	int at;
	int pid;
};

static struct utmp
utmp_of(const struct step *s)
{
	struct utmp u = { .time_us = s->at * WHEN_SECOND, .pid = s->pid, .line = STR("pts/0"), .id = STR("ts/0") };

	switch (s->what) {
	case 'B':
		u.type = UTMP_BOOT;
		u.line = STR("~");
		u.user = STR("reboot");
		break;
	case 'S':
		u.type = UTMP_RUN_LEVEL;
		u.line = STR("~");
		u.user = STR("shutdown");
		break;
	case 'L':
		u.type = UTMP_USER;
		u.user = STR("maria");
		u.host = STR("gw");
		u.has_addr = true;
		break;
	case 'O':
		u.type = UTMP_DEAD;
		break;
	case 'T':
		u.type = UTMP_NEW_TIME;
		u.user = STR("date");
		break;
	}
	return u;
}

static void
check(const struct step *steps, const char *expected)
{
	struct seen seen = { .n = 0 };
	struct integrity_logins_opts o = { .calls = { &seen, found }, .now_us = 100000 * WHEN_SECOND };
	struct integrity_logins *l;

	assert_int_equal(integrity_logins_new(&o, &l), 0);
	for (int i = 0; steps[i].what; i++) {
		struct utmp u = utmp_of(&steps[i]);

		integrity_logins_record(l, &u, (uint64_t)i + 1);
	}
	integrity_logins_file_end(l, 0);
	integrity_logins_free(l);
	assert_string_equal(seen.names, expected);
}

static void
test_ordinary_order(void **state)
{
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'O', 300, 7 }, { 'S', 400 }, { 'B', 450 }, { 'L', 500, 8 }, { 0 } }, "");
	/* sshd's monitor, which writes the logout, is older than the child that wrote the login. */
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 27 }, { 'O', 300, 25 }, { 'L', 400, 3 }, { 'O', 500, 32766 }, { 0 } }, "");
	/* A second or two of disorder is two programs waiting for each other. */
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'O', 199, 7 }, { 'L', 201, 8 }, { 0 } }, "");
	/* The first file of a log begins in the middle of sessions. */
	check((struct step[]){ { 'O', 100, 5 }, { 'L', 200, 7 }, { 0 } }, "");
	/* The clock was set back, and says so. */
	check((struct step[]){ { 'B', 1000 }, { 'L', 2000, 7 }, { 'T', 500 }, { 'O', 600, 7 }, { 'L', 700, 8 }, { 0 } }, "");
	/* A machine without a clock of its own boots in the past, and is set right later. */
	check((struct step[]){ { 'B', 1000 }, { 'S', 2000 }, { 'B', 500 }, { 'L', 3000, 8 }, { 0 } }, "");
	check((struct step[]){ { 'B', 1000 }, { 'L', 2000, 7 }, { 'B', 500 }, { 'L', 510, 7 }, { 'O', 3000, 7 }, { 0 } }, "");
}

static void
test_times_out_of_place(void **state)
{
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'O', 150, 7 }, { 'L', 300, 8 }, { 0 } }, "out-of-order@3");
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'O', 20, 7 }, { 'L', 300, 8 }, { 0 } }, "back-dated@3");
	check((struct step[]){ { 'B', 100 }, { 'L', 900, 7 }, { 'O', 200, 7 }, { 'L', 300, 8 }, { 0 } }, "post-dated@2");
	check((struct step[]){ { 'B', 5000 }, { 'L', 5100, 7 }, { 'O', 300, 7 }, { 'L', 200, 8 }, { 0 } }, "clock-back@3");
	check((struct step[]){ { 'B', 100 }, { 'L', 0, 7 }, { 'O', 300, 7 }, { 0 } }, "no-time@2");
	check((struct step[]){ { 'B', 100 }, { 'L', 300000, 7 }, { 0 } }, "future@2");
}

static void
test_sessions_that_do_not_fit(void **state)
{
	check((struct step[]){ { 'B', 100 }, { 'O', 200, 7 }, { 0 } }, "no-login@2");
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'O', 300, 7 }, { 'O', 400, 8 }, { 0 } }, "no-login@4");
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'O', 300, 8 }, { 0 } }, "other-login@3");
	check((struct step[]){ { 'B', 100 }, { 'L', 200, 7 }, { 'L', 300, 8 }, { 'O', 400, 8 }, { 0 } }, "no-logout@3");
	check((struct step[]){ { 'B', 100 }, { 'S', 200 }, { 'L', 300, 8 }, { 0 } }, "no-boot@3");
}

/* Some servers give every session a terminal of its own: a table that is full must not invent findings. */
static void
test_many_terminals(void **state)
{
	struct seen seen = { .n = 0 };
	struct integrity_logins_opts o = { .calls = { &seen, found }, .now_us = WHEN_NONE };
	struct step boot = { 'B', 1 };
	struct integrity_logins *l;
	struct utmp u = utmp_of(&boot);

	assert_int_equal(integrity_logins_new(&o, &l), 0);
	integrity_logins_record(l, &u, 1);
	for (int i = 0; i < 20000; i++) {
		char line[32];
		struct step in = { 'L', 10 + 2 * i, i + 1 }, out = { 'O', 11 + 2 * i, i + 1 };

		u = utmp_of(&in);
		u.line = str_of(line, (size_t)snprintf(line, sizeof(line), "vsftpd:%d", i));
		integrity_logins_record(l, &u, 2);
		if (i % 3 == 0)
			continue;
		u = utmp_of(&out);
		u.line = str_z(line);
		integrity_logins_record(l, &u, 3);
	}
	integrity_logins_free(l);
	assert_string_equal(seen.names, "");
}

static void
remember(struct integrity_memory *m, const struct integrity_memory *old, unsigned n, unsigned skip, unsigned edit,
    struct seen *seen, struct integrity_memory *mutable_old)
{
	struct integrity_calls calls = { seen, found };

	integrity_memory_begin(m, 8, 42);
	for (unsigned i = 0; i < n; i++) {
		uint64_t record = i == edit ? 99999 : i;

		if (i == skip)
			continue;
		assert_int_equal(integrity_memory_record(m, old, str_of((char *)&record, 8), (i + 1) * WHEN_SECOND, &calls), 0);
	}
	integrity_memory_end(m, mutable_old, &calls);
}

static void
test_memory(void **state)
{
	struct integrity_memory old, now;
	struct seen seen = { .n = 0 };

	remember(&old, NULL, 200, -1u, -1u, &seen, NULL);
	assert_int_equal(old.nblocks, 4);
	static const struct {
		unsigned n, skip, edit;
		const char *expected;
	} cases[] = {
		{ 200, -1u, -1u, "" }, { 500, -1u, -1u, "" },                       /* the same, and more of it */
		{ 200, -1u, 130, "changed@129" }, { 500, -1u, 199, "changed@193" }, /* edited */
		{ 200, 70, -1u, "changed@65 removed@65" }, { 300, 70, -1u, "changed@65" },
		{ 150, -1u, -1u, "shrunk@151" }, { 0, -1u, -1u, "shrunk@1" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		seen = (struct seen){ .n = 0 };
		remember(&now, &old, cases[i].n, cases[i].skip, cases[i].edit, &seen, &old);
		assert_string_equal(seen.names, cases[i].expected);
		integrity_memory_free(&now);
	}
	integrity_memory_free(&old);
}

static void
test_memory_round_trip(void **state)
{
	struct integrity_memory m, *back;
	struct seen seen = { .n = 0 };
	struct buf text = BUF_INIT(1u << 20);
	uint64_t seed;
	size_t n;

	remember(&m, NULL, 200, -1u, -1u, &seen, NULL);
	m.path = strdup("/var/log/a \"strange\\ name");
	integrity_memory_start(&text, 42);
	integrity_memory_write(&m, &text);
	integrity_memory_write(&m, &text);
	integrity_memory_seal(&text, 42);
	assert_int_equal(integrity_memory_read(buf_str(&text), &back, &n, &seed), 0);
	assert_int_equal(n, 2);
	assert_int_equal(seed, 42);
	assert_string_equal(back[1].path, m.path);
	assert_int_equal(back[1].records, 200);
	assert_int_equal(back[1].blocks[3].hash, m.blocks[3].hash);
	assert_int_equal(back[1].last_us, 200 * WHEN_SECOND);
	for (size_t i = 0; i < n; i++)
		integrity_memory_free(&back[i]);
	free(back);
	/* Any byte changed, and it is refused. */
	for (size_t i = 0; i < text.n; i += 7) {
		text.p[i] ^= 1;
		assert_int_equal(integrity_memory_read(buf_str(&text), &back, &n, &seed), -74);
		text.p[i] ^= 1;
	}
	buf_free(&text);
	integrity_memory_free(&m);
}

static void
test_commands(void **state)
{
	struct seen seen = { .n = 0 };
	struct integrity_commands c = { .calls = { &seen, found }, .now_us = WHEN_NONE, .gap_us = WHEN_HOUR };
	static const struct {
		uint32_t begin;
		const char *command;
		uint8_t flags;
	} rows[] = { { 1700000000, "ls", 0 }, { 1700000001, "sh", 0 }, { 1700000000, "cat", 0 }, { 1700000300, "accton", PACCT_SU },
		{ 1690000000, "nmap", 0 }, { 1700000400, "ls", 0 }, { 1700009000, "ls", 0 },
		/* Rotation: one accton beside the other; then a pause; then off for good. */
		{ 1700009100, "accton", 0 }, { 1700009101, "accton", 0 }, { 1700009200, "ls", 0 },
		{ 1700009300, "accton", 0 }, { 1700010000, "accton", 0 }, { 1700010010, "ls", 0 }, { 1700010020, "accton", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pacct p = { .version = 3, .begin = rows[i].begin, .flags = rows[i].flags, .command = str_z(rows[i].command) };
		uint8_t bytes[PACCT_SIZE];

		pacct_write(&p, bytes);
		integrity_commands_record(&c, str_of((char *)bytes, PACCT_SIZE), i + 1);
	}
	integrity_commands_file_end(&c, 3);
	integrity_commands_end(&c);
	assert_string_equal(seen.names, "back-dated@5 accounting-gap@7 accounting-off@12 partial@0 accounting-off@14");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary_order),
		cmocka_unit_test(test_times_out_of_place),
		cmocka_unit_test(test_sessions_that_do_not_fit),
		cmocka_unit_test(test_many_terminals),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_round_trip),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
