/*
 * The automaton may propose too much, never too little, and what a line means must not depend on which lines came
 * before it, nor on whether there was credit for new states.
 */
#include "engine_help.h"

#define LINES 4000

static const char rules[] =
    "decoder a {"
    " line auth.fail 'Failed <method:word> for {invalid user |}<user> from <src:ip>{ port <src_port>|}{ ssh2|}';"
    " line auth.ok 'Accepted <method:word> for <user> from <src:ip> port <src_port>{ ssh2|}';"
    " line info 'Failed <*>';"
    " line mail.info '{<-:time> |}{<iface:word>: |}link {is |}<state:word>';"
    " line http.ok '{<vhost:host>:<dst_port:int> |}<src> - <user:word> [<time:time>] \"<method:word> <path:text> HTTP/<-:num>\" <status:int>';"
    " line fw.deny '<rule:word> IN=<iface:word> OUT= <*>SRC=<src:ip> <-:rest>';"
    " line conn.open 'mailman: {<-:text> |}{hostile listname|<-:text> failed}<-:rest>';"
    " line conn.closed 'mailman: <-:text> boo';"
    " line session.open 'id=<pid:hex> mac=<mac:mac> n=<x:num> q=<what:quoted> end';"
    " line session.closed 'id=<pid:hex> mac=<mac:mac> n=<x:num> q=<what:quoted> <y:int>';"
    "}"
    "decoder b { caseless; line daemon.stop 'FAILED to stop <what:word> {now|later}'; line daemon.info 'a  <x:word>'; }"
    "decoder c { line probe.malformed 'x<a:word>y<b:word>z'; line info 'x<a:word>y<b:word>w<*>'; line info 'xx<*>yy<*>zz'; }";

static const char *const parts[] = {
	"Failed ", "Accepted ", "password", " for ", "invalid user ", "root", " from ", "192.0.2.7", "2001:db8::1", " port ", "22",
	" ssh2", "link ", "is ", "eth0", ": ", "up", "Nov 21 10:11:12", " ", "  ", "- ", "[", "]", "21/Nov/2026:10:11:12 +0000",
	"\"", "GET ", "/a b", " HTTP/", "1.1", "200", "DROP", " IN=", " OUT= ", "SRC=", "mailman: ", "hostile listname",
	" failed", " boo", "id=", "0x1f", " mac=", "02:00:00:00:00:01", " n=", "-1.5", " q=", "\"a \\\" b\"", " end", "to stop ",
	"FAILED", "now", "later", "a", "x", "y", "z", "w", "www.example.com:443", "\\", "\t", "\x01\xff",
};

static const char *const whole[] = {
	"Failed password for invalid user root from 192.0.2.7 port 22 ssh2",
	"Failed none for  from 192.0.2.7",
	"Accepted publickey for joe from 2001:db8::1 port 2222",
	"Nov 21 10:11:12 eth0: link is up",
	"link up",
	"www.example.com:443 192.0.2.7 - - [21/Nov/2026:10:11:12 +0000] \"GET /a b HTTP/1.1\" 200",
	"192.0.2.7 - joe [21/Nov/2026:10:11:12 +0000] \"GET / HTTP/1.0\" 404",
	"DROP IN=eth0 OUT= MAC= SRC=192.0.2.7 DST=192.0.2.8",
	"mailman: some text hostile listname, more text",
	"mailman: bb  boo",
	"mailman: some text failed",
	"id=0x1f mac=02:00:00:00:00:01 n=-1.5 q=\"a \\\" b\" end",
	"id=0x1f mac=02:00:00:00:00:01 n=-1.5 q=\"a \\\" b\" 7",
	"failed TO stop cron Later",
	"a x",
	"xayaz",
	"xayaw and more",
};

static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* A line that looks like one of the patterns' for a while. */
static struct str
make_line(uint64_t *seed, struct buf *out)
{
	uint32_t n = 1 + next_random(seed) % 12;

	buf_reset(out);
	if (next_random(seed) % 3 == 0) {
		struct str s = str_z(whole[next_random(seed) % ARRAY_LEN(whole)]);

		buf_add(out, str_head(s, next_random(seed) % 2 ? s.n : next_random(seed) % (s.n + 1)));
	}
	while (n-- > 0)
		buf_add(out, str_z(parts[next_random(seed) % ARRAY_LEN(parts)]));
	return buf_str(out);
}

/* Every line is tried against every pattern, best first: what the engine must come to, without its automaton. */
static const struct line *
by_hand(struct engine *e, struct str text)
{
	const struct group *g = &e->rs->decoders->groups[e->rs->decoders->any];

	text = pattern_trim(text);
	e->w->match.lead_limited = true;
	for (uint32_t i = 0; i < g->index.nways; i++) {
		const struct line *l = g->lines[g->index.ways[i].item];

		e->w->match.lead_max = SIZE_MAX;
		match_forget_times(&e->w->match);
		if (pattern_match(&l->pattern, text, &e->w->match))
			return l;
	}
	return NULL;
}

static void
whatever_matches_is_found(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct buf line = BUF_INIT(4096);
	uint64_t seed = 1;
	unsigned understood = 0;

	engine_open(e, rules);
	for (int i = 0; i < LINES; i++) {
		struct str text = make_line(&seed, &line);
		const struct line *expected = by_hand(e, text);

		if (text.p[0] == '{')
			continue;
		engine_decode(e, "p", text);
		understood += expected != NULL;
		if ((expected == NULL) != (e->w->hit == NULL))
			fail_msg("'%.*s' is taken by %.*s, not by %.*s", STR_FMT(text),
			    STR_FMT(e->w->hit ? e->w->hit->pattern.source : STR("none")),
			    STR_FMT(expected ? expected->pattern.source : STR("none")));
	}
	assert_true(understood > LINES / 20);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		engine_decode(e, "p", str_z(whole[i]));
		if (!e->w->hit)
			fail_msg("'%s' is not understood", whole[i]);
	}
	assert_true(e->w->budget.built > 50);
	buf_free(&line);
	engine_close(e);
	free(e);
}

static void
states_change_no_meaning(void **state)
{
	struct engine *warm = calloc(1, sizeof(*warm)), *poor = calloc(1, sizeof(*poor));
	struct buf line = BUF_INIT(4096);
	uint64_t seed = 2;

	engine_open(warm, rules);
	engine_open(poor, rules);
	for (int i = 0; i < LINES; i++) {
		struct str text = make_line(&seed, &line);

		engine_decode(warm, "p", text);
		poor->w->budget.credit = 0;
		engine_decode(poor, "p", text);
		assert_string_equal(engine_kind(warm), engine_kind(poor));
		assert_int_equal(warm->r.nfields, poor->r.nfields);
		engine_decode(warm, "p", text);
		assert_string_equal(engine_kind(warm), engine_kind(poor));
		assert_int_equal(warm->r.nfields, poor->r.nfields);
	}
	buf_free(&line);
	engine_close(warm);
	engine_close(poor);
	free(warm);
	free(poor);
}

/* Texts that no state is made for any more cost steps, but no more than a bound a byte. */
static void
strange_texts_cost_no_states_for_ever(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct buf line = BUF_INIT(1u << 20);
	uint64_t seed = 3;

	engine_open(e, rules);
	for (int i = 0; i < LINES; i++) {
		uint64_t before = e->w->match.steps;

		buf_reset(&line);
		while (line.n < 2000)
			buf_add_byte(&line, "xyzw Failed for from IN="[next_random(&seed) % 24]);
		engine_decode(e, "p", buf_str(&line));
		assert_true(e->w->match.steps - before < 4 * MATCH_STEPS_MAX(line.n));
	}
	assert_true(e->w->budget.built <= AUTOMATA_CREDIT_MAX + (uint64_t)LINES * AUTOMATA_CREDIT_A_LINE);
	buf_free(&line);
	engine_close(e);
	free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_matches_is_found),
		cmocka_unit_test(states_change_no_meaning),
		cmocka_unit_test(strange_texts_cost_no_states_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
