/* respond: who is answered how, who is never banned, and that foreign text stays one argument. */
#include "watch/correlate/respond.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "scene.h"

#define NOW (INT64_C(1750000000) * WHEN_SECOND)

struct bench {
	struct scene *scene;           /* for a rule set */
	struct respond_opts o;
	struct responder *r;
	struct incident i;
	struct cidr own[1], never[1];
	struct addr spared[1];
	size_t prints, files, commands, bans;
	struct respond_action last;
	char args[8][300];
	struct ban_request ban;
};

static void
on_action(void *ctx, const struct respond_action *a)
{
	struct bench *b = ctx;

	b->prints += a->what == RESPOND_PRINT;
	b->files += a->what == RESPOND_FILE;
	b->commands += a->what == RESPOND_COMMAND;
	b->bans += a->what == RESPOND_BAN;
	b->last = *a;
	for (size_t k = 0; a->what == RESPOND_COMMAND && k < a->nargv; k++)
		snprintf(b->args[k], sizeof(b->args[k]), "%s", a->argv[k].p);
	if (a->what == RESPOND_BAN)
		b->ban = a->ban;
}

static void
begin(struct bench *b, const struct conf_respond *rows, size_t n)
{
	*b = (struct bench){ .scene = scene_new("rule r { each auth.fail by src; open auth.brute; }") };
	assert_int_equal(cidr_parse(STR("198.51.100.0/24"), &b->own[0]), 0);
	assert_int_equal(cidr_parse(STR("203.0.113.9/32"), &b->never[0]), 0);
	assert_int_equal(addr_parse(STR("203.0.113.77"), &b->spared[0]), 0);
	b->o = (struct respond_opts){ .rows = rows, .nrows = n, .own = { b->own, 1 },
	    .never_ban = { b->never, 1 },
		.spared = b->spared, .nspared = 1, .rules = b->scene->rs, .site = STR("matriz"),
		    .hash_seed = 3 };
	assert_int_equal(responder_new(&b->o, &b->r), 0);
	b->i = (struct incident){ .id = 7, .kind = KIND_auth_brute, .severity = SEVERITY_HIGH, .sure = true,
	    .src = STR("192.0.2.7"),
		.user = STR("root"), .program = STR("sshd"), .count = 6, .first_us = NOW,
		    .last_us = NOW,
		.why = STR("6 failed logins") };
}

static void
end(struct bench *b)
{
	responder_free(b->r);
	scene_free(b->scene);
}

static void
say(struct bench *b, enum incident_change change, int64_t after_us)
{
	respond(b->r, &b->i, change, NOW + after_us, on_action, b);
}

static void
only_what_opens_or_worsens_is_answered(void **state)
{
	struct conf_respond rows[] = { { .severity = CONF_INFO, .print = true,
	    .file = STR("/var/log/incidents") } };
	struct bench b;

	begin(&b, rows, 1);
	say(&b, INCIDENT_GREW, 0);
	say(&b, INCIDENT_CLOSED, 0);
	say(&b, INCIDENT_MERGED, 0);
	assert_int_equal(b.prints + b.files, 0);
	say(&b, INCIDENT_OPENED, 0);
	say(&b, INCIDENT_WORSE, 1);
	assert_int_equal(b.prints, 2);
	assert_int_equal(b.files, 2);
	end(&b);
}

static void
severity_and_kind_choose(void **state)
{
	struct str kinds[] = { STR("scan.*"), STR("auth.spray") };
	struct conf_respond rows[] = { { .severity = CONF_CRITICAL, .print = true },
		{ .severity = CONF_LOW, .kinds = { kinds, 2 }, .file = STR("x") } };
	struct bench b;

	begin(&b, rows, 2);
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.prints + b.files, 0);
	b.i.severity = SEVERITY_CRITICAL;
	say(&b, INCIDENT_WORSE, 0);
	assert_int_equal(b.prints, 1);
	b.i.kind = KIND_scan_ports;
	b.i.severity = SEVERITY_LOW;
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.files, 1);
	b.i.severity = SEVERITY_INFO;
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.files, 1);
	end(&b);
}

static void
foreign_text_is_one_argument_and_never_an_option(void **state)
{
	struct str argv[] = { STR("/usr/bin/tell"), STR("{user}"), STR("--user={user}"),
	    STR("{src}:{count}"), STR("{nothing}{"),
		STR("{why}") };
	struct conf_command command = { .argv = { argv, 6 } };
	struct conf_respond rows[] = { { .command = &command } };
	struct bench b;

	begin(&b, rows, 1);
	b.i.user = STR("-rf / ;$(reboot)\n\x1b[2J");
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.commands, 1);
	assert_int_equal(b.last.nargv, 6);
	assert_string_equal(b.args[1], "\\x2drf / ;$(reboot)\\x0a\\x1b[2J");
	assert_string_equal(b.args[2], "--user=-rf / ;$(reboot)\\x0a\\x1b[2J");
	assert_string_equal(b.args[3], "192.0.2.7:6");
	assert_string_equal(b.args[4], "{nothing}{");
	assert_string_equal(b.args[5], "6 failed logins");
	end(&b);
}

static void
throttled_by_the_named_fields_in_any_span(void **state)
{
	struct str by[] = { STR("src") };
	struct conf_throttle limit = { .count = 2, .per_us = WHEN_HOUR, .by = { by, 1 } };
	struct conf_respond rows[] = { { .print = true, .throttle = &limit } };
	struct respond_stats stats;
	struct bench b;

	begin(&b, rows, 1);
	say(&b, INCIDENT_OPENED, 0);
	say(&b, INCIDENT_OPENED, 50 * WHEN_MINUTE);
	say(&b, INCIDENT_OPENED, 59 * WHEN_MINUTE);
	assert_int_equal(b.prints, 2);
	b.i.src = STR("192.0.2.8");
	say(&b, INCIDENT_OPENED, 59 * WHEN_MINUTE);
	assert_int_equal(b.prints, 3);
	b.i.src = STR("192.0.2.7");
	say(&b, INCIDENT_OPENED, 61 * WHEN_MINUTE);
	assert_int_equal(b.prints, 4);
	say(&b, INCIDENT_OPENED, 62 * WHEN_MINUTE);
	assert_int_equal(b.prints, 4);
	responder_stats(b.r, &stats);
	assert_int_equal(stats.throttled, 2);
	end(&b);
}

static void
who_must_not_be_banned_is_not(void **state)
{
	static const char *const spared[] = { "198.51.100.5", "203.0.113.9", "203.0.113.77",
	    "127.0.0.1", "0.0.0.0",
		"224.0.0.5", "255.255.255.255", "169.254.1.1", "::1", "::", "fe80::1", "ff02::1", "evil.example.net", "",
		"::ffff:198.51.100.5" };
	struct conf_ban ban = { .duration_us = WHEN_HOUR };
	struct conf_respond rows[] = { { .ban = &ban } };
	struct respond_stats stats;
	struct bench b;

	begin(&b, rows, 1);
	for (size_t k = 0; k < ARRAY_LEN(spared); k++) {
		b.i.src = str_z(spared[k]);
		say(&b, INCIDENT_OPENED, 0);
		if (b.bans)
			fail_msg("%s was banned", spared[k]);
	}
	b.i.src = STR("192.0.2.7");
	b.i.src_is_name = true;
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.bans, 0);
	responder_stats(b.r, &stats);
	assert_int_equal(stats.spared, ARRAY_LEN(spared) + 1);
	b.i.src_is_name = false;
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.bans, 1);
	assert_int_equal(b.ban.net.bits, 128);
	assert_int_equal(b.ban.incident, 7);
	end(&b);
}

static void
nobody_is_banned_on_a_guess(void **state)
{
	struct conf_ban ban = { .duration_us = WHEN_HOUR };
	struct conf_respond rows[] = { { .ban = &ban, .print = true } };
	struct respond_stats stats;
	struct bench b;

	begin(&b, rows, 1);
	b.i.sure = false;
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.bans, 0);
	assert_int_equal(b.prints, 1);
	responder_stats(b.r, &stats);
	assert_int_equal(stats.unsure, 1);
	b.i.sure = true;
	/* A flood of SYNs comes in forged names: a ban would hit whom the attacker chose. */
	b.i.kind = KIND_dos_syn_flood;
	say(&b, INCIDENT_WORSE, 1);
	assert_int_equal(b.bans, 0);
	b.i.kind = KIND_auth_brute;
	say(&b, INCIDENT_WORSE, 1);
	assert_int_equal(b.bans, 1);
	end(&b);
}

static void
bans_escalate_and_are_not_asked_twice(void **state)
{
	struct conf_ban ban = { .duration_us = WHEN_MINUTE, .escalate = { .factor = 10,
	    .max_us = WHEN_HOUR } };
	struct conf_respond rows[] = { { .ban = &ban } };
	struct buf saved = BUF_INIT(1u << 20);
	struct responder *again;
	struct bench b;

	begin(&b, rows, 1);
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.ban.duration_us, WHEN_MINUTE);
	say(&b, INCIDENT_WORSE, WHEN_SECOND);
	assert_int_equal(b.bans, 1);
	say(&b, INCIDENT_OPENED, 2 * WHEN_MINUTE);
	assert_int_equal(b.ban.duration_us, 10 * WHEN_MINUTE);
	assert_int_equal(b.ban.times, 2);
	assert_int_equal(responder_save(b.r, &saved), 0);
	assert_int_equal(responder_new(&b.o, &again), 0);
	assert_int_equal(responder_load(again, str_head(buf_str(&saved), saved.n - 1)), -EINVAL);
	assert_int_equal(responder_load(again, buf_str(&saved)), 0);
	responder_free(b.r);
	b.r = again;
	say(&b, INCIDENT_OPENED, 3 * WHEN_MINUTE);
	assert_int_equal(b.bans, 2);
	say(&b, INCIDENT_OPENED, WHEN_HOUR);
	assert_int_equal(b.ban.duration_us, WHEN_HOUR);
	say(&b, INCIDENT_OPENED, 3 * WHEN_HOUR);
	assert_int_equal(b.ban.duration_us, WHEN_HOUR);
	assert_int_equal(b.ban.times, 4);
	say(&b, INCIDENT_OPENED, 100 * WHEN_DAY);
	assert_int_equal(b.ban.times, 1);
	buf_free(&saved);
	end(&b);
}

static void
a_network_is_banned_only_when_no_one_spared_is_in_it(void **state)
{
	struct conf_ban ban = { .duration_us = WHEN_HOUR, .scope = CONF_BAN_NET };
	struct conf_respond rows[] = { { .ban = &ban } };
	struct bench b;

	begin(&b, rows, 1);
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.ban.net.bits, 120);
	b.i.src = STR("203.0.113.200");
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.bans, 2);
	assert_int_equal(b.ban.net.bits, 128);
	b.i.src = STR("2001:db8:1:2:3::4");
	say(&b, INCIDENT_OPENED, 0);
	assert_int_equal(b.ban.net.bits, 64);
	assert_int_equal(b.ban.net.net.b[8], 0);
	end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_opens_or_worsens_is_answered),
		cmocka_unit_test(severity_and_kind_choose),
		cmocka_unit_test(foreign_text_is_one_argument_and_never_an_option),
		cmocka_unit_test(throttled_by_the_named_fields_in_any_span),
		cmocka_unit_test(who_must_not_be_banned_is_not),
		cmocka_unit_test(nobody_is_banned_on_a_guess),
		cmocka_unit_test(bans_escalate_and_are_not_asked_twice),
		cmocka_unit_test(a_network_is_banned_only_when_no_one_spared_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
