/* The conversation with strongSwan: what is asked and in which order, what answers and events do, what is refused. */
#include "../base/cmocka_std.h"
#include "gate/ipsec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct scene {
	struct conf_ipsec conf;
	struct conf_vpn_server server;
	struct conf_vpn_headquarters headquarters[2];
	struct conf_vpn vpn;
	struct ipsec ipsec;
	struct buf out;
	char last[400];
	unsigned good, bad;
};

static void
on_say(void *ctx, enum ipsec_say how, const char *sentence)
{
	struct scene *s = ctx;

	s->good += how == IPSEC_GOOD;
	s->bad += how == IPSEC_BAD;
	snprintf(s->last, sizeof(s->last), "%s", sentence);
}

static void
open_scene(struct scene *s, bool server, uint32_t headquarters)
{
	*s = (struct scene){ .conf = { .secret = STR("hush") }, .out = BUF_INIT(VICI_PACKET_MAX) };
	s->headquarters[0].host = STR("vpn.example.com:1701");
	s->headquarters[1].host = STR("2001:db8::1");
	s->vpn = (struct conf_vpn){ .server = server ? &s->server : NULL, .headquarters = s->headquarters,
		.nheadquarters = headquarters, .ipsec = &s->conf };
	ipsec_open(&s->ipsec, &s->vpn, true, str_of("", 0), on_say, s);
	ipsec_begin(&s->ipsec, &s->out);
}

/* The one question that waits: its name; it is taken away. */
static struct str
question(struct scene *s, struct vici_reader *ret)
{
	static char name[64];
	static char bytes[8192];
	enum vici_type type;
	struct str packet, n;
	size_t used;

	assert_int_equal(vici_cut(buf_str(&s->out), &packet, &used), 0);
	assert_int_equal(used, s->out.n);
	assert_true(packet.n <= sizeof(bytes));
	memcpy(bytes, packet.p, packet.n);
	buf_reset(&s->out);
	assert_int_equal(vici_open(str_of(bytes, packet.n), &type, &n, ret), 0);
	snprintf(name, sizeof(name), "%.*s", STR_FMT(n));
	return str_z(name);
}

static int
hand_in(struct scene *s, struct buf *b)
{
	struct str packet;
	size_t used;

	assert_int_equal(vici_cut(buf_str(b), &packet, &used), 0);
	int r = ipsec_input(&s->ipsec, packet, &s->out);
	buf_free(b);
	return r;
}

static int
answer(struct scene *s, enum vici_type type, const char *why)
{
	struct buf b = BUF_INIT(4096);
	size_t start = vici_begin(&b, type, STR(""));

	if (type == VICI_RESPONSE) {
		vici_value(&b, "success", why ? STR("no") : STR("yes"));
		if (why)
			vici_value(&b, "errmsg", str_z(why));
	}
	vici_end(&b, start);
	return hand_in(s, &b);
}

static int
event(struct scene *s, const char *connection, bool up)
{
	struct buf b = BUF_INIT(4096);
	size_t start = vici_begin(&b, VICI_EVENT, STR("child-updown"));

	if (up)
		vici_value(&b, "up", STR("yes"));
	vici_section(&b, connection);
	vici_value(&b, "remote-host", STR("192.0.2.7"));
	vici_section_end(&b);
	vici_end(&b, start);
	return hand_in(s, &b);
}

/* Everything is answered well until nothing more is asked; the names, with blanks between. */
static void
talk(struct scene *s, char *names, size_t size)
{
	struct vici_reader r;

	names[0] = '\0';
	while (s->out.n > 0) {
		struct str name = question(s, &r);
		bool event_name = str_eq(name, STR("child-updown")) || str_eq(name, STR("list-sa"));
		size_t at = strlen(names);
		snprintf(names + at, size - at, "%.*s ", STR_FMT(name));
		assert_int_equal(answer(s, event_name ? VICI_CONFIRM : VICI_RESPONSE, NULL), 0);
	}
}

static void
test_everything_is_asked_in_order(void **state)
{
	static const struct { bool server; uint32_t headquarters; const char *want; } cases[] = {
		{ true, 0, "version child-updown list-sa load-shared load-conn list-sas " },
		{ false, 1, "version child-updown list-sa load-shared load-conn list-sas " },
		{ true, 2, "version child-updown list-sa load-shared load-conn load-conn load-conn list-sas " },
	};
	char names[200];
	struct scene s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_scene(&s, cases[i].server, cases[i].headquarters);
		talk(&s, names, sizeof(names));
		assert_string_equal(names, cases[i].want);
		assert_true(s.ipsec.ready && s.good == 1 && s.bad == 0);
		buf_free(&s.out);
	}
}

/* A port belongs to L2TP, not to the host; an IPv6 address has colons of its own. */
static void
test_hosts_are_named_without_port(void **state)
{
	static const char *const want[] = { "vpn.example.com", "2001:db8::1" };
	struct vici_reader r;
	struct str name, value;
	enum vici_token t;
	struct scene s;

	(void)state;
	open_scene(&s, false, 2);
	for (unsigned k = 0; k < 2;) {
		name = question(&s, &r);
		if (str_eq(name, STR("load-conn"))) {
			bool found = false;
			while ((t = vici_next(&r, &name, &value)) > VICI_END)
				found |= t == VICI_ITEM && str_eq(value, str_z(want[k]));
			assert_true(found);
			k++;
		}
		assert_int_equal(answer(&s, VICI_RESPONSE, NULL), 0);
	}
	buf_free(&s.out);
}

/* Who dials in has a number of his own; a headquarters that we dial has none, and no name may stand there twice. */
static void
test_who_dials_in_is_marked(void **state)
{
	struct str name, value;
	struct vici_reader r;
	enum vici_token t;
	struct scene s;

	(void)state;
	open_scene(&s, true, 1);
	for (unsigned connections = 0; connections < 2;) {
		bool connection = str_eq(question(&s, &r), STR("load-conn"));
		unsigned marks = 0;
		while (connection && (t = vici_next(&r, &name, &value)) > VICI_END)
			marks += t == VICI_VALUE && (str_eq(name, STR("mark_in")) || str_eq(name, STR("mark_out"))) &&
			    str_eq(value, STR("%unique"));
		if (connection)
			assert_int_equal(marks, connections++ == 0 ? 2 : 0);
		assert_int_equal(answer(&s, VICI_RESPONSE, NULL), 0);
	}
	buf_free(&s.out);
}

static void
test_who_is_not_reached_is_tried_again(void **state)
{
	struct vici_reader r;
	char names[200];
	struct scene s;

	(void)state;
	open_scene(&s, false, 1);
	talk(&s, names, sizeof(names));
	ipsec_tick(&s.ipsec, 1000000, &s.out);
	assert_true(str_eq(question(&s, &r), STR("initiate")));
	/* One question at a time. */
	ipsec_tick(&s.ipsec, 60000000, &s.out);
	assert_int_equal(s.out.n, 0);
	assert_int_equal(answer(&s, VICI_RESPONSE, "no proposal chosen"), 0);
	assert_true(s.bad == 1 && strstr(s.last, "to dial a headquarters: no proposal chosen"));
	ipsec_tick(&s.ipsec, 2000000, &s.out);
	assert_int_equal(s.out.n, 0);
	ipsec_tick(&s.ipsec, 1000000 + IPSEC_AGAIN_US, &s.out);
	assert_true(str_eq(question(&s, &r), STR("initiate")));
	assert_int_equal(answer(&s, VICI_RESPONSE, NULL), 0);
	assert_int_equal(event(&s, "guarita-1", true), 0);
	assert_true(s.ipsec.up == 1 && strstr(s.last, "ipsec.up from=192.0.2.7"));
	ipsec_tick(&s.ipsec, 90000000, &s.out);
	assert_int_equal(s.out.n, 0);
	assert_int_equal(event(&s, "guarita-1", false), 0);
	assert_int_equal(s.ipsec.up, 0);
	ipsec_tick(&s.ipsec, 91000000, &s.out);
	assert_true(s.out.n > 0);
	buf_free(&s.out);
}

static void
test_connections_of_others_are_not_ours(void **state)
{
	char names[200];
	struct scene s;

	(void)state;
	open_scene(&s, true, 0);
	talk(&s, names, sizeof(names));
	assert_int_equal(event(&s, "office-to-cloud", true), 0);
	assert_int_equal(s.ipsec.up, 0);
	buf_free(&s.out);
}

static void
test_nonsense_is_refused(void **state)
{
	char names[200];
	struct scene s;

	(void)state;
	open_scene(&s, true, 0);
	assert_int_equal(ipsec_input(&s.ipsec, STR("\x09"), &s.out), -EBADMSG);
	assert_int_equal(ipsec_input(&s.ipsec, str_of("\1\3", 2), &s.out), -EBADMSG);
	buf_reset(&s.out);
	ipsec_begin(&s.ipsec, &s.out);
	talk(&s, names, sizeof(names));
	/* An answer to nothing. */
	assert_int_equal(answer(&s, VICI_RESPONSE, NULL), -EBADMSG);
	buf_free(&s.out);
}

static void
test_the_secret_is_never_told(void **state)
{
	struct vici_reader r;
	struct scene s;

	(void)state;
	open_scene(&s, true, 0);
	while (s.out.n > 0) {
		bool key = str_eq(question(&s, &r), STR("load-shared"));
		assert_int_equal(answer(&s, VICI_RESPONSE, key ? "no" : NULL), 0);
		assert_null(strstr(s.last, "hush"));
	}
	assert_int_equal(s.bad, 1);
	buf_free(&s.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_asked_in_order),
		cmocka_unit_test(test_hosts_are_named_without_port),
		cmocka_unit_test(test_who_dials_in_is_marked),
		cmocka_unit_test(test_who_is_not_reached_is_tried_again),
		cmocka_unit_test(test_connections_of_others_are_not_ours),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_the_secret_is_never_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
