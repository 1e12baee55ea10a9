/*
 * RFC 2661, clause by clause: what a peer sends in a given state, what must come back, and where both then are. The rows
 * stand in l2tp_rfc2661.h, in a small language that this file reads:
 *
 *     SCCRQ, HELLO, ...   a control message with the numbers that are due; ZLB: an acknowledgement
 *     word, word=VALUE    an attribute by name (below); M7=6161, O7=, R7=, H7=: type 7 with these bytes, mandatory, optional,
 *                         with a reserved bit, marked hidden; V9.7=: of vendor 9, mandatory
 *     hide=SECRET,TYPE,HEX  an attribute that is hidden rightly
 *     ns+1 nr-1 tid=.. sid=..  other numbers than those due; to=N: to tunnel N; call=N: to session N
 *     flags=XXXX len+1 pad  another head; tail=HEX: these bytes behind; cut=N: only N bytes of it
 *     raw=HEX             a datagram as it is; data=HEX: of this flags word, and a frame
 *     ;                   the next datagram; wait=N: milliseconds pass
 *
 * Must never reach for a state from the side: every state is come to by messages.
 */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/l2tp/engine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "l2tp_rfc2661.h"

#define PEER_TUNNEL 7
#define PEER_SESSION 9

struct peer {
	struct l2tp_engine *engine;
	const char *secret;
	int64_t now_us;
	uint64_t seed;
	uint16_t tunnel, session;      /* of the engine's, as it told them */
	uint16_t ns, nr;
	uint8_t challenge[64];         /* the engine's */
	size_t nchallenge;
	unsigned frames;
	uint64_t noise;                /* other than 0: bytes of what is sent are changed by chance */
	char said[400];
};

static const struct l2tp_peer address = { .addr.b = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 2 }, .port = 1701 };
static const char challenge[] = "sixteen bytes...";

/* What the engine says is kept as words. */

static void
say(struct peer *p, const char *what)
{
	size_t n = strlen(p->said);

	snprintf(p->said + n, sizeof(p->said) - n, "%s%s", n ? " " : "", what);
}

static void
say_result(struct peer *p, const struct l2tp_message *m)
{
	struct cur c = cur_of(m->bytes[L2TP_RESULT_CODE]);
	unsigned result = cur_u16(&c), error = c.n >= 2 ? cur_u16(&c) : 0;
	char word[40];

	snprintf(word, sizeof(word), error ? "%s(%u/%u)" : "%s(%u)", l2tp_message_name(m->type), result, error);
	say(p, word);
}

/* An answer to our challenge counts only when it is the right one. */
static const char *
with_answer(const struct peer *p, const struct l2tp_message *m)
{
	uint8_t want[16];

	if (!l2tp_has(m, L2TP_CHALLENGE_RESPONSE))
		return "";
	l2tp_answer(m->type, str_z(p->secret), str_of(challenge, 16), want);
	return memcmp(want, m->bytes[L2TP_CHALLENGE_RESPONSE].p, 16) == 0 ? "+answer" : "+wrong";
}

static void
learn(struct peer *p, const struct l2tp_message *m)
{
	if (m->type == L2TP_SCCRQ || m->type == L2TP_SCCRP)
		p->tunnel = (uint16_t)m->number[L2TP_TUNNEL_ID];
	if (m->type == L2TP_ICRQ || m->type == L2TP_ICRP)
		p->session = (uint16_t)m->number[L2TP_SESSION_ID];
	if (l2tp_has(m, L2TP_CHALLENGE)) {
		p->nchallenge = m->bytes[L2TP_CHALLENGE].n;
		memcpy(p->challenge, m->bytes[L2TP_CHALLENGE].p, p->nchallenge);
	}
}

static void
on_send(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct peer *p = ctx;
	struct l2tp_head h;
	struct l2tp_message m;
	char word[40];

	(void)to;
	assert_int_equal(l2tp_head_read(datagram, &h), 0);
	assert_true(h.control);
	if (h.payload.n == 0) {
		say(p, "ZLB");
		return;
	}
	assert_int_equal(l2tp_message_read(h.payload, str_z(p->secret), &m), 0);
	bool again = (int16_t)(uint16_t)(h.ns - p->nr) < 0;
	if (!again)
		p->nr = h.ns + 1;
	learn(p, &m);
	if (l2tp_has(&m, L2TP_RESULT_CODE)) {
		say_result(p, &m);
		return;
	}
	snprintf(word, sizeof(word), "%s%s%s", again ? "again:" : "", l2tp_message_name(m.type), with_answer(p, &m));
	say(p, word);
}

static uint64_t
draw(void *ctx)
{
	return ((struct peer *)ctx)->seed += 0x9e3779b97f4a7c15;
}

static uint16_t
session_open(void *ctx, struct l2tp_session *s, const struct l2tp_message *said)
{
	(void)said;
	s->owner = ctx;
	return 0;
}

static void
session_closed(void *ctx, struct l2tp_session *s, const struct l2tp_end *why)
{
	(void)ctx;
	(void)s;
	(void)why;
}

static void
tunnel_closed(void *ctx, struct l2tp_tunnel *t, const struct l2tp_end *why)
{
	(void)ctx;
	(void)t;
	(void)why;
}

static const struct l2tp_calls calls = {
	.send = on_send, .random = draw, .session_open = session_open, .session_closed = session_closed,
	.tunnel_closed = tunnel_closed,
};

/* The language. */

/* Attributes by name; the number as it stands behind `=` replaces the usual one. */
static const struct { const char *name; uint8_t type; uint64_t usual; } numbers[] = {
	{ "ver", L2TP_PROTOCOL_VERSION, 0x0100 }, { "frame", L2TP_FRAMING_CAPS, 3 }, { "bearer", L2TP_BEARER_CAPS, 3 },
	{ "tid", L2TP_TUNNEL_ID, PEER_TUNNEL }, { "sid", L2TP_SESSION_ID, PEER_SESSION }, { "win", L2TP_WINDOW, 4 },
	{ "serial", L2TP_CALL_SERIAL, 1 }, { "speed", L2TP_TX_SPEED, 100000 }, { "framing", L2TP_FRAMING_TYPE, 1 },
	{ "tie", L2TP_TIE_BREAKER, 5 }, { "firmware", L2TP_FIRMWARE, 0x690 },
};

struct line {
	struct peer *peer;
	uint8_t bytes[2200];
	struct enc e;
	enum l2tp_message_type type;
	uint16_t tunnel, session, ns, nr, flags;
	int longer;
	size_t cut, padding;
	bool begun, raw, own_flags;
};

static struct str
unhex(const char *hex, uint8_t *room)
{
	size_t n = 0;

	for (unsigned v; hex[0] && hex[1] && sscanf(hex, "%2x", &v) == 1; hex += 2)
		room[n++] = (uint8_t)v;
	return str_of((const char *)room, n);
}

static void
put_any(struct line *l, uint16_t flags, uint16_t vendor, uint16_t type, struct str value)
{
	enc_u16(&l->e, (uint16_t)(flags | (L2TP_AVP_HEAD + value.n)));
	enc_u16(&l->e, vendor);
	enc_u16(&l->e, type);
	enc_bytes(&l->e, value);
}

static bool
put_named(struct line *l, const char *word, size_t n, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (strlen(numbers[i].name) == n && memcmp(word, numbers[i].name, n) == 0) {
			l2tp_put(&l->e, numbers[i].type, value ? strtoull(value, NULL, 0) : numbers[i].usual);
			return true;
		}
	}
	return false;
}

static void
put_answer(struct line *l, bool right)
{
	uint8_t answer[16];

	l2tp_answer(l->type, str_z(l->peer->secret), str_of((char *)l->peer->challenge, l->peer->nchallenge), answer);
	answer[3] ^= !right;
	l2tp_put_bytes(&l->e, L2TP_CHALLENGE_RESPONSE, str_of((char *)answer, 16));
}

static void
put_hidden(struct line *l, const char *how)
{
	static const char vector[] = "any old vector";
	uint8_t room[400];
	const char *type = strchr(how, ',') + 1;

	l2tp_put_bytes(&l->e, L2TP_RANDOM_VECTOR, str_z(vector));
	l2tp_put_hidden(&l->e, (enum l2tp_avp_type)atoi(type), unhex(strchr(type, ',') + 1, room),
	    str_of(how, (size_t)(type - 1 - how)), str_z(vector));
}

static bool
put_special(struct line *l, const char *word, const char *value)
{
	uint8_t room[1200];

	if (strncmp(word, "host", 4) == 0)
		l2tp_put_bytes(&l->e, L2TP_HOST_NAME, value ? str_z(value) : STR("peer"));
	else if (strncmp(word, "challenge", 9) == 0)
		l2tp_put_bytes(&l->e, L2TP_CHALLENGE, str_of(challenge, 16));
	else if (strncmp(word, "answer", 6) == 0)
		put_answer(l, value == NULL);
	else if (strncmp(word, "result", 6) == 0)
		l2tp_put_result(&l->e, (uint16_t)atoi(value), strchr(value, '/') ? (uint16_t)atoi(strchr(value, '/') + 1) : 0, STR_NULL);
	else if (strncmp(word, "hide", 4) == 0)
		put_hidden(l, value);
	else if (value && strchr("MORH", word[0]) && isdigit((unsigned char)word[1]))
		put_any(l, word[0] == 'M' ? 0x8000 : word[0] == 'R' ? 0xa000 : word[0] == 'H' ? 0xc000 : 0, 0, (uint16_t)atoi(word + 1),
		    unhex(value, room));
	else if (value && word[0] == 'V' && isdigit((unsigned char)word[1]))
		put_any(l, 0x8000, (uint16_t)atoi(word + 1), (uint16_t)atoi(strchr(word, '.') + 1), unhex(value, room));
	else if (value && word[0] == 'W' && isdigit((unsigned char)word[1]))
		put_any(l, 0, (uint16_t)atoi(word + 1), (uint16_t)atoi(strchr(word, '.') + 1), unhex(value, room));
	else
		return false;
	return true;
}

static bool
set_head(struct line *l, const char *word, const char *value)
{
	uint8_t room[1200];

	if (strncmp(word, "ns", 2) == 0)
		l->ns = (uint16_t)(l->ns + atoi(word + 2));
	else if (strncmp(word, "nr", 2) == 0)
		l->nr = (uint16_t)(l->nr + atoi(word + 2));
	else if (strncmp(word, "len", 3) == 0)
		l->longer = atoi(word + 3);
	else if (strncmp(word, "pad", 3) == 0)
		l->padding = 5;
	else if (strncmp(word, "to=", 3) == 0)
		l->tunnel = (uint16_t)atoi(value);
	else if (strncmp(word, "call=", 5) == 0)
		l->session = (uint16_t)atoi(value);
	else if (strncmp(word, "cut=", 4) == 0)
		l->cut = (size_t)atoi(value);
	else if (strncmp(word, "flags=", 6) == 0)
		l->flags = (uint16_t)strtoul(value, NULL, 16), l->own_flags = true;
	else if (strncmp(word, "tail=", 5) == 0)
		enc_bytes(&l->e, unhex(value, room));
	else if (strncmp(word, "raw=", 4) == 0)
		enc_bytes(&l->e, unhex(value, room)), l->raw = true;
	else
		return false;
	return true;
}

static bool
begin_message(struct line *l, const char *word)
{
	for (unsigned type = 0; type <= 16; type++) {
		const char *name = type ? l2tp_message_name(type) : "ZLB";
		if (strcmp(name, word) != 0)
			continue;
		l->type = (enum l2tp_message_type)type;
		l2tp_begin(&l->e, l->type, 0, 0);
		if (type > L2TP_OCRQ && type != L2TP_ICRQ)
			l->session = l->peer->session;
		return true;
	}
	return false;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A data packet with the fields that its flags announce: section 3.1. */
static void
put_data(struct line *l, const char *value)
{
	unsigned flags = (unsigned)strtoul(value, NULL, 16);
	uint8_t room[100];
	struct str frame = unhex(strchr(value, ',') ? strchr(value, ',') + 1 : "ff03c02109010008aabbccdd", room);
	size_t head = 6 + (flags & L2TP_L ? 2 : 0) + (flags & L2TP_S ? 4 : 0) + (flags & L2TP_O ? 5 : 0);

	l->raw = true;
	enc_u16(&l->e, (uint16_t)flags);
	if (flags & L2TP_L)
		enc_u16(&l->e, (uint16_t)(head + frame.n));
	enc_u16(&l->e, l->tunnel);
	enc_u16(&l->e, l->session ? l->session : l->peer->session);
	if (flags & L2TP_S) {
		enc_u16(&l->e, l->ns);
		enc_u16(&l->e, 0);
	}
	if (flags & L2TP_O) {
		enc_u16(&l->e, 3);
		enc_bytes(&l->e, STR("xyz"));
	}
	enc_bytes(&l->e, frame);
}

static void
send_line(struct line *l)
{
	struct peer *p = l->peer;
	struct l2tp_session *session;
	struct str frame;
	bool moved;

	if (!l->raw) {
		size_t n = l->e.n;
		put16(l->bytes, l->own_flags ? l->flags : L2TP_T | L2TP_L | L2TP_S | 2);
		put16(l->bytes + 2, (uint16_t)((int)n + l->longer));
		put16(l->bytes + 4, l->tunnel);
		put16(l->bytes + 6, l->session);
		put16(l->bytes + 8, l->ns);
		put16(l->bytes + 10, l->nr);
		if (l->ns == p->ns && n > L2TP_CONTROL_HEAD && l->tunnel == p->tunnel)
			p->ns++;
	}
	assert_true(enc_ok(&l->e));
	size_t n = (l->cut ? l->cut : l->e.n) + l->padding;
	/* In memory of its own size: a byte read beyond it is found by the sanitizer. */
	char *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, l->bytes, n);
	for (unsigned i = 0; p->noise && i < 1 + prng_below(&p->noise, 3); i++)
		copy[prng_below(&p->noise, n)] = (char)prng_next(&p->noise);
	if (l2tp_receive(p->engine, p->now_us, &address, str_of(copy, n), &session, &frame, &moved) > 0) {
		p->frames++;
		say(p, "frame");
	}
	free(copy);
}

static void
pass(struct peer *p, int64_t us)
{
	int64_t until = p->now_us + us;

	while (l2tp_due(p->engine) <= until) {
		if (l2tp_due(p->engine) > p->now_us)
			p->now_us = l2tp_due(p->engine);
		l2tp_tick(p->engine, p->now_us);
	}
	p->now_us = until;
}

static void
begin_line(struct line *l, struct peer *p)
{
	*l = (struct line){ .peer = p, .tunnel = p->tunnel, .ns = p->ns, .nr = p->nr };
	l->e = enc_of(l->bytes, sizeof(l->bytes));
}

static void
play(struct peer *p, const char *script)
{
	char copy[1200], *at = copy, *word;
	struct line l;

	assert_true(strlen(script) < sizeof(copy));
	memcpy(copy, script, strlen(script) + 1);
	begin_line(&l, p);
	while ((word = strsep(&at, " ")) != NULL) {
		char *value = strchr(word, '=');
		if (value)
			value++;
		size_t n = value ? (size_t)(value - 1 - word) : strlen(word);
		if (word[0] == '\0')
			continue;
		if (strcmp(word, ";") == 0) {
			if (l.e.n > 0)
				send_line(&l);
			begin_line(&l, p);
		} else if (strncmp(word, "wait=", 5) == 0) {
			pass(p, atoi(value) * 1000);
			begin_line(&l, p);
		} else if (strncmp(word, "data=", 5) == 0) {
			put_data(&l, value);
		} else if (!begin_message(&l, word) && !set_head(&l, word, value) && !put_named(&l, word, n, value) &&
		    !put_special(&l, word, value)) {
			fail_msg("no such word: %s", word);
		}
	}
	if (l.e.n > 0)
		send_line(&l);
}

/* Where things stand. */

static const char *
standing(const struct l2tp_engine *e, char room[40])
{
	static const char *const tunnels[] = { "idle", "wait-reply", "wait-conn", "up", "closing" };
	static const char *const sessions[] = { "idle", "wait-tunnel", "wait-reply", "wait-connect", "up" };
	unsigned found = 0;

	snprintf(room, 40, "none");
	for (unsigned i = 0; i < 65536; i++) {
		const struct l2tp_tunnel *t = e->tunnels[i];
		if (t == NULL)
			continue;
		found++;
		snprintf(room, 40, "%s%s%s%s", tunnels[t->state], t->sessions ? "/" : "", t->sessions ? sessions[t->sessions->state] : "",
		    t->sessions && t->sessions->next ? "+" : "");
	}
	return found > 1 ? "many" : room;
}

/* The stages that a row begins in, each by the messages that lead there. */
static const struct { const char *secret, *way; bool client; } stages[] = {
	[NOTHING] = { "", "", false },
	[WAIT_CONN] = { "", "SCCRQ ver host frame tid", false },
	[UP] = { "", "SCCRQ ver host frame tid ; SCCCN", false },
	[WAIT_CONNECT] = { "", "SCCRQ ver host frame tid ; SCCCN ; ICRQ sid serial", false },
	[CALL_UP] = { "", "SCCRQ ver host frame tid ; SCCCN ; ICRQ sid serial ; ICCN speed framing", false },
	[CLOSING] = { "", "SCCRQ ver host frame tid ; SCCCN ; SCCCN", false },
	[SECRET_NOTHING] = { "segredo", "", false },
	[SECRET_WAIT_CONN] = { "segredo", "SCCRQ ver host frame tid challenge", false },
	[C_WAIT_REPLY] = { "", "", true },
	[C_CALLING] = { "", "SCCRP ver host frame tid", true },
	[C_CALL_UP] = { "", "SCCRP ver host frame tid ; ICRP sid", true },
	[C_SECRET] = { "segredo", "", true },
};

static void
begin(struct peer *p, enum stage stage, struct l2tp_terms *terms)
{
	*p = (struct peer){ .secret = stages[stage].secret, .now_us = 1000000, .seed = 1 };
	*terms = (struct l2tp_terms){ .host_name = STR_INIT("matriz"), .secret = str_z(stages[stage].secret), .hello_us = 60000000,
		.max_tunnels = 100, .max_starting = 100, .max_per_source = 100, .server = !stages[stage].client };
	p->engine = l2tp_engine_new(&calls, p, stages[stage].client ? NULL : terms);
	assert_non_null(p->engine);
	p->engine->forgetful_until_us = 300000000;
	if (stages[stage].client)
		assert_non_null(l2tp_dial(p->engine, p->now_us, &address, terms, p));
	play(p, stages[stage].way);
	/* What led here is acknowledged, both ways. */
	pass(p, 200000);
	if (p->tunnel && p->nr > 0 && stage != WAIT_CONN && stage != C_WAIT_REPLY && stage != CLOSING)
		play(p, "ZLB");
	p->said[0] = '\0';
}

static unsigned
check(const struct rfc2661_row *row)
{
	struct l2tp_terms terms;
	struct peer p;
	char room[40];

	begin(&p, row->stage, &terms);
	play(&p, row->input);
	pass(&p, 60000);
	const char *now = standing(p.engine, room);
	bool good = strcmp(p.said, row->answer) == 0 && strcmp(now, row->then) == 0;
	if (!good)
		print_error("%s %s\n    sent: %s\n    must: %s -> %s\n    came: %s -> %s\n", row->section, row->clause, row->input,
		    row->answer, row->then, p.said, now);
	l2tp_engine_free(p.engine);
	return !good;
}

static void
test_clauses(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rfc2661_rows); i++)
		wrong += check(&rfc2661_rows[i]);
	print_message("%zu clauses\n", ARRAY_LEN(rfc2661_rows));
	assert_int_equal(wrong, 0);
}

/* Tables 7.2.1, 7.4.1 and 7.4.2 as one: every message in every state. */
static void
test_grid(void **state)
{
	static const enum stage columns[] = { RFC2661_COLUMNS };
	unsigned wrong = 0, cells = 0;
	char clause[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rfc2661_grid); i++) {
		for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
			const char *cell = rfc2661_grid[i].cells[k], *arrow = strstr(cell, "> ");
			char answer[80];
			assert_non_null(arrow);
			snprintf(answer, sizeof(answer), "%.*s", arrow == cell ? 0 : (int)(arrow - cell - 1), cell);
			snprintf(clause, sizeof(clause), "column %zu", k);
			struct rfc2661_row row = { "7", clause, columns[k], rfc2661_grid[i].input, answer, arrow + 2 };
			wrong += check(&row);
			cells++;
		}
	}
	print_message("%u cells\n", cells);
	assert_int_equal(wrong, 0);
	assert_true(cells + ARRAY_LEN(rfc2661_rows) >= 250);
}

/* A peer that says all of this with wrong bytes in it, and then falls silent: nothing of it is left. */
static void
test_hostile(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		enum stage stage = (enum stage)prng_below(&seed, ARRAY_LEN(stages));
		struct l2tp_terms terms;
		struct peer p;
		char room[40];
		begin(&p, stage, &terms);
		p.noise = prng_next(&seed) | 1;
		for (unsigned i = 0; i < 20; i++) {
			play(&p, rfc2661_rows[prng_below(&seed, ARRAY_LEN(rfc2661_rows))].input);
			p.said[0] = '\0';
		}
		for (unsigned minute = 0; minute < 4; minute++) {
			pass(&p, 60000000);
			p.said[0] = '\0';
		}
		assert_string_equal(standing(p.engine, room), "none");
		assert_int_equal(p.engine->ntunnels + p.engine->nsessions + p.engine->nstarting, 0);
		assert_int_equal(l2tp_due(p.engine), DUE_NEVER);
		l2tp_engine_free(p.engine);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_clauses), cmocka_unit_test(test_grid), cmocka_unit_test(test_hostile) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
