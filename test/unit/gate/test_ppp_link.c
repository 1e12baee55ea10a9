/* Two links talk over a wire that may lose, repeat and reorder: every way to authenticate, encryption, addresses, ends. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/ppp/link.h"

#include <stdlib.h>

#define WIRE_MAX 256

/* The last frame of a kind that an end sent. */
struct last_sent {
	size_t n;
	uint8_t bytes[300];
};

struct end {
	struct ppp_link link;
	struct end *other;
	struct wire *wire;
	unsigned ups, downs;
	enum ppp_reason why;
	uint32_t pool;
	unsigned asked;                /* Configure-Requests of LCP sent */
	struct last_sent request, chap, pap;
};

struct frame {
	struct end *to;
	int64_t at_us;
	size_t n;
	uint8_t bytes[1600];
};

struct wire {
	uint64_t seed;
	unsigned loss, twice;          /* per cent */
	int64_t jitter_us, now_us;
	size_t n;
	struct frame frames[WIRE_MAX];
	struct end a, b;               /* client, server */
};

static uint64_t
draw(void *ctx)
{
	return prng_next(&((struct end *)ctx)->wire->seed);
}

static void
note(struct end *e, struct str frame)
{
	struct ppp_packet p;
	struct str payload;
	uint16_t protocol;

	if (ppp_frame_read(frame, &protocol, &payload) < 0 || ppp_packet_read(payload, &p) < 0)
		return;
	bool request = protocol == PPP_LCP && p.code == PPP_CONF_REQ;
	struct last_sent *s = request ? &e->request : protocol == PPP_CHAP ? &e->chap : protocol == PPP_PAP ? &e->pap : NULL;
	e->asked += request;
	if (s && frame.n <= sizeof(s->bytes)) {
		memcpy(s->bytes, frame.p, frame.n);
		s->n = frame.n;
	}
}

static void
put(struct end *e, struct str frame)
{
	struct wire *w = e->wire;

	note(e, frame);
	if (w->n == WIRE_MAX)
		return;
	struct frame *f = &w->frames[w->n++];
	f->to = e->other;
	f->at_us = w->now_us + 1000 + (w->jitter_us ? (int64_t)prng_below(&w->seed, (uint64_t)w->jitter_us) : 0);
	f->n = frame.n;
	assert_true(frame.n <= sizeof(f->bytes));
	memcpy(f->bytes, frame.p, frame.n);
}

static void
send_frame(void *ctx, struct str frame)
{
	struct end *e = ctx;

	if (prng_below(&e->wire->seed, 100) < e->wire->loss)
		return;
	put(e, frame);
	if (prng_below(&e->wire->seed, 100) < e->wire->twice)
		put(e, frame);
}

static int
account(void *ctx, struct str user, struct ppp_account *ret)
{
	(void)ctx;
	if (!str_eq(user, STR("filial1")))
		return -2;
	*ret = (struct ppp_account){ .password = STR("segredo"), .owner = ctx };
	return 0;
}

static uint32_t
address(void *ctx)
{
	return ((struct end *)ctx)->pool;
}

static void
on_up(void *ctx)
{
	((struct end *)ctx)->ups++;
}

static void
on_down(void *ctx, enum ppp_reason why)
{
	struct end *e = ctx;

	e->downs++;
	e->why = why;
}

static const struct ppp_calls calls = {
	.send = send_frame, .random = draw, .account = account, .address = address, .up = on_up, .down = on_down,
};

static const struct ppp_policy server = {
	.server = true, .auth = PPP_AUTH_MSCHAP2 | PPP_AUTH_CHAP | PPP_AUTH_PAP, .encryption = PPP_ENCRYPT_YES, .mru = 1400,
	.local = 0x0a090001, .dns = { 0x0a090035 }, .echo_us = 10000000, .echo_tries = 3, .name = STR_INIT("matriz"),
};
static const struct ppp_policy client = {
	.auth = PPP_AUTH_MSCHAP2 | PPP_AUTH_CHAP | PPP_AUTH_PAP, .encryption = PPP_ENCRYPT_YES, .mru = 1400, .ask_dns = true,
	.echo_us = 10000000, .echo_tries = 3, .name = STR_INIT("CASA\\filial1"), .password = STR_INIT("segredo"),
};

static void
begin(struct wire *w, const struct ppp_policy *c, const struct ppp_policy *s)
{
	w->a = (struct end){ .wire = w, .other = &w->b };
	w->b = (struct end){ .wire = w, .other = &w->a, .pool = 0x0a09000a };
	ppp_link_init(&w->a.link, c, &calls, &w->a);
	ppp_link_init(&w->b.link, s, &calls, &w->b);
	ppp_link_start(&w->a.link, w->now_us);
	ppp_link_start(&w->b.link, w->now_us);
}

static void
deliver(struct wire *w, size_t i)
{
	uint8_t scratch[PPP_MRRU_MAX];
	struct frame f = w->frames[i];
	struct str payload;
	uint16_t protocol;

	w->frames[i] = w->frames[--w->n];
	(void)!ppp_link_receive(&f.to->link, w->now_us, str_of((char *)f.bytes, f.n), scratch, &protocol, &payload);
}

/* Runs until `until`, or until nothing is left to happen. */
static void
run(struct wire *w, int64_t until_us)
{
	for (;;) {
		int64_t first = until_us;
		size_t which = WIRE_MAX;
		for (size_t i = 0; i < w->n; i++)
			if (w->frames[i].at_us < first) {
				first = w->frames[i].at_us;
				which = i;
			}
		int64_t a = ppp_link_due(&w->a.link), b = ppp_link_due(&w->b.link);
		if (a < first || b < first) {
			first = a < b ? a : b;
			which = WIRE_MAX;
		}
		if (first >= until_us)
			break;
		if (first > w->now_us)
			w->now_us = first;
		if (which < WIRE_MAX) {
			deliver(w, which);
		} else {
			ppp_link_tick(&w->a.link, w->now_us);
			ppp_link_tick(&w->b.link, w->now_us);
		}
	}
	w->now_us = until_us;
}

static void
finish(struct wire *w)
{
	ppp_link_free(&w->a.link);
	ppp_link_free(&w->b.link);
	w->n = 0;
}

static struct wire *
new_wire(uint64_t seed)
{
	struct wire *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->seed = seed;
	w->now_us = 1000000;
	return w;
}

static void
assert_packet_passes(struct wire *w, struct end *from, struct end *to)
{
	static const char packet[] = "E packet of the network";
	uint8_t sealed[200], scratch[PPP_MRRU_MAX];
	struct str got;
	uint16_t protocol;

	size_t n = ppp_link_seal(&from->link, PPP_IP, str_of(packet, sizeof(packet)), sealed);
	assert_int_equal(ppp_link_receive(&to->link, w->now_us, str_of((char *)sealed, n), scratch, &protocol, &got), 1);
	assert_int_equal(protocol, PPP_IP);
	assert_true(str_eq(got, str_of(packet, sizeof(packet))));
}

static void
test_methods(void **state)
{
	static const unsigned methods[] = { PPP_AUTH_PAP, PPP_AUTH_CHAP, PPP_AUTH_MSCHAP2 };
	struct wire *w = new_wire(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		for (int both = 0; both < 2; both++) {
			struct ppp_policy c = client, s = server;
			/* Either the server asks for it, or the client has nothing else and suggests it. */
			if (both)
				s.auth = methods[i];
			else
				c.auth = methods[i];
			begin(w, &c, &s);
			run(w, w->now_us + 1000000);
			assert_int_equal(w->a.ups, 1);
			assert_int_equal(w->b.ups, 1);
			assert_int_equal(w->b.link.demanded, methods[i]);
			assert_string_equal(w->b.link.user, "CASA\\filial1");
			assert_int_equal(w->a.link.local, 0x0a09000a);
			assert_int_equal(w->a.link.remote, 0x0a090001);
			assert_int_equal(w->a.link.dns[0], 0x0a090035);
			assert_int_equal(w->b.link.remote, 0x0a09000a);
			assert_int_equal(ppp_link_encrypts(&w->a.link), methods[i] == PPP_AUTH_MSCHAP2);
			assert_int_equal(ppp_link_encrypts(&w->b.link), methods[i] == PPP_AUTH_MSCHAP2);
			assert_packet_passes(w, &w->a, &w->b);
			assert_packet_passes(w, &w->b, &w->a);
			finish(w);
		}
	}
	free(w);
}

/*
 * Who takes fragments says so, and gets packets larger than the line's, with and without encryption; who does not, refuses
 * to take and to name anything of it.
 */
static void
test_multilink(void **state)
{
	static const enum ppp_encryption how[] = { PPP_ENCRYPT_NO, PPP_ENCRYPT_REQUIRED };
	static char packet[1550] = "E a packet of 1,550 bytes";
	struct wire *w = new_wire(3);

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(how); i++) {
		struct ppp_policy c = client, s = server;
		uint8_t sealed[1700], piece[1000], scratch[PPP_MRRU_MAX];
		struct str got;
		uint16_t protocol;
		bool taken = i < ARRAY_LEN(how);
		c.encryption = s.encryption = how[i % 2];
		c.mrru = 1600;
		s.mrru = taken ? 1600 : 0;
		begin(w, &c, &s);
		run(w, w->now_us + 1000000);
		assert_int_equal(w->b.ups, 1);
		assert_int_equal(w->a.link.mrru, taken ? 1600 : 0);
		size_t n = ppp_link_seal(&w->a.link, PPP_IP, str_of(packet, sizeof(packet)), sealed) - 2;
		for (unsigned k = 0; k < 2; k++) {
			struct enc e = enc_of(piece, sizeof(piece));
			ppp_frame_write(&e, PPP_MP);
			ppp_fragment_write(&e, k == 0, k == 1, 77 + k);
			enc_bytes(&e, str_of((char *)sealed + 2 + k * 900, k == 0 ? 900 : n - 900));
			int r = ppp_link_receive(&w->b.link, w->now_us, str_of((char *)piece, e.n), scratch, &protocol, &got);
			assert_int_equal(r, taken && k == 1);
		}
		if (taken)
			assert_true(protocol == PPP_IP && str_eq(got, str_of(packet, sizeof(packet))));
		finish(w);
	}
	free(w);
}

static bool
ask_nobody(void *ctx, const struct ppp_question *q)
{
	(void)ctx;
	(void)q;
	return true;
}

static int
no_account(void *ctx, struct str user, struct ppp_account *ret)
{
	(void)ctx;
	(void)user;
	(void)ret;
	return -2;
}

/* A provider's concentrator: speaks LCP and asks who it is, and leaves the rest to others. */
static const struct ppp_calls lac_calls = {
	.send = send_frame, .random = draw, .account = no_account, .ask = ask_nobody, .address = address, .up = on_up, .down = on_down,
};

static struct str
options_of(const struct last_sent *s)
{
	return s->n < PPP_HEAD + PPP_PACKET_HEAD ? STR_NULL : str_of((const char *)s->bytes + 8, s->n - 8);
}

/* What the concentrator tells of the link that stands behind it. */
static struct ppp_proxy
told(const struct wire *w, unsigned method)
{
	struct ppp_proxy p = { .sent = options_of(&w->b.request), .received = options_of(&w->a.request) };
	const struct last_sent *answer = method == PPP_AUTH_CHAP ? &w->a.chap : &w->a.pap;
	struct str nobody;

	if (method == PPP_AUTH_MSCHAP2)
		return p;
	p.method = method;
	p.id = answer->bytes[5];
	if (method == PPP_AUTH_CHAP) {
		assert_int_equal(chap_value_read(options_of(answer), &p.response, &p.name), 0);
		assert_int_equal(chap_value_read(options_of(&w->b.chap), &p.challenge, &nobody), 0);
	} else {
		assert_int_equal(pap_request_read(options_of(answer), &p.name, &p.response), 0);
	}
	return p;
}

static void keep(struct ppp_proxy *p) { (void)p; }
static void no_request(struct ppp_proxy *p) { p->received = STR_NULL; }
static void broken_request(struct ppp_proxy *p) { p->sent = str_head(p->sent, p->sent.n - 1); }
static void unknown_option(struct ppp_proxy *p) { p->sent = STR("\x03\x05\xc2\x23\x05\x0d\x03\x06"); }
static void no_method(struct ppp_proxy *p) { p->sent = STR("\x05\x06" "abcd"); }
static void long_challenge(struct ppp_proxy *p) { p->challenge = STR("a challenge of 24 bytes!"); }
static void wrong_answer(struct ppp_proxy *p) { p->response = STR("not what was asked"); }
static void other_method(struct ppp_proxy *p) { p->method = PPP_AUTH_PAP; }
static void not_asked(struct ppp_proxy *p) { p->method = 0; }

/* RFC 2661 section 4.4.5: what another began is gone on with, or begun anew; in either case the caller gets in who should. */
static void
test_proxy(void **state)
{
	static const struct {
		unsigned lac, ours;            /* methods */
		void (*spoil)(struct ppp_proxy *p);
		bool adopted, up;
	} rows[] = {
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, keep, true, true },
		{ PPP_AUTH_PAP, PPP_AUTH_PAP, keep, true, true },
		{ PPP_AUTH_MSCHAP2, PPP_AUTH_MSCHAP2, keep, true, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP | PPP_AUTH_MSCHAP2, keep, true, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_MSCHAP2, keep, false, true },
		{ PPP_AUTH_PAP, PPP_AUTH_CHAP, keep, false, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, no_request, false, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, broken_request, false, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, unknown_option, false, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, no_method, false, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, long_challenge, true, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, other_method, true, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, not_asked, true, true },
		{ PPP_AUTH_CHAP, PPP_AUTH_CHAP, wrong_answer, true, false },
		{ PPP_AUTH_PAP, PPP_AUTH_PAP, wrong_answer, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire *w = new_wire(40 + i);
		struct ppp_policy lac = server, s = server;
		lac.auth = rows[i].lac;
		s.auth = rows[i].ours;
		begin(w, &client, &lac);
		w->b.link.calls = &lac_calls;
		run(w, w->now_us + 200000);
		assert_int_equal(w->a.link.phase, PPP_AUTHENTICATE);
		struct ppp_proxy p = told(w, rows[i].lac);
		rows[i].spoil(&p);
		ppp_link_free(&w->b.link);
		ppp_link_init(&w->b.link, &s, &calls, &w->b);
		w->b.asked = 0;
		bool adopted = ppp_link_adopt(&w->b.link, w->now_us, &p);
		assert_int_equal(adopted, rows[i].adopted);
		if (!adopted)
			ppp_link_start(&w->b.link, w->now_us);
		run(w, w->now_us + 3000000);
		assert_int_equal(w->b.asked > 0, !adopted);
		assert_int_equal(w->b.ups, rows[i].up);
		assert_int_equal(w->a.ups, rows[i].up);
		if (rows[i].up)
			assert_packet_passes(w, &w->a, &w->b);
		else
			assert_int_equal(w->b.why, PPP_WRONG_PASSWORD);
		finish(w);
		free(w);
	}
}

/* A pppd that is started for the call hears nothing at first: once it speaks, nobody waits for a timer of seconds. */
static void
test_late_peer(void **state)
{
	struct wire *w = new_wire(9);

	(void)state;
	for (int64_t late_us = 0; late_us < 6000000; late_us += 70000) {
		w->a = (struct end){ .wire = w, .other = &w->b };
		w->b = (struct end){ .wire = w, .other = &w->a, .pool = 0x0a09000a };
		ppp_link_init(&w->a.link, &client, &calls, &w->a);
		ppp_link_init(&w->b.link, &server, &calls, &w->b);
		ppp_link_start(&w->b.link, w->now_us);
		run(w, w->now_us + late_us);
		assert_int_equal(w->b.ups, 0);
		w->n = 0;
		ppp_link_start(&w->a.link, w->now_us);
		run(w, w->now_us + 400000);
		if (w->a.ups != 1 || w->b.ups != 1)
			fail_msg("not up 400 ms after the peer, who came after %lld ms", (long long)late_us / 1000);
		finish(w);
	}
	free(w);
}

/* Who is refused, why, and that both ends say the same. */
static void
test_refusals(void **state)
{
	static const struct {
		const char *name, *password;
		unsigned client_auth, server_auth;
		enum ppp_encryption client_mppe, server_mppe;
		enum ppp_reason client_why, server_why;
	} cases[] = {
		{ "filial1", "errado", 7, 4, 1, 1, PPP_WRONG_PASSWORD, PPP_WRONG_PASSWORD },
		{ "filial1", "errado", 7, 2, 1, 1, PPP_WRONG_PASSWORD, PPP_WRONG_PASSWORD },
		{ "filial1", "errado", 7, 1, 1, 1, PPP_WRONG_PASSWORD, PPP_WRONG_PASSWORD },
		{ "filial9", "segredo", 7, 4, 1, 1, PPP_WRONG_PASSWORD, PPP_UNKNOWN_USER },
		{ "filial9", "segredo", 7, 1, 1, 1, PPP_WRONG_PASSWORD, PPP_UNKNOWN_USER },
		{ "filial1", "segredo", 1, 4, 1, 1, PPP_PEER_CLOSED, PPP_NO_COMMON_AUTH },
		{ "filial1", "segredo", 7, 1, 1, 2, PPP_PEER_CLOSED, PPP_NO_ENCRYPTION },
		{ "filial1", "segredo", 7, 7, 0, 2, PPP_PEER_CLOSED, PPP_NO_ENCRYPTION },
		{ "filial1", "segredo", 7, 7, 2, 0, PPP_NO_ENCRYPTION, PPP_PEER_CLOSED },
	};
	struct wire *w = new_wire(2);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ppp_policy c = client, s = server;
		c.name = str_z(cases[i].name);
		c.password = str_z(cases[i].password);
		c.auth = cases[i].client_auth;
		s.auth = cases[i].server_auth;
		c.encryption = cases[i].client_mppe;
		s.encryption = cases[i].server_mppe;
		begin(w, &c, &s);
		run(w, w->now_us + 30000000);
		if (w->a.downs != 1 || w->b.downs != 1 || w->a.why != cases[i].client_why || w->b.why != cases[i].server_why)
			fail_msg("case %zu: client down %u \"%s\", server down %u \"%s\"", i, w->a.downs,
			    ppp_reason_text(w->a.why), w->b.downs, ppp_reason_text(w->b.why));
		assert_int_equal(w->a.ups + w->b.ups, 0);
		finish(w);
	}
	free(w);
}

/* A server that does not know the password can take our answer, and gets nothing for it. */
static void
test_impostor(void **state)
{
	struct wire *w = new_wire(3);
	struct ppp_policy s = server;

	(void)state;
	begin(w, &client, &s);
	run(w, w->now_us + 1000000);
	finish(w);
	begin(w, &client, &s);
	while (w->a.link.phase != PPP_AUTHENTICATE || w->a.link.owed == 0 || w->a.link.has_keys == false)
		run(w, w->now_us + 500);
	w->a.link.our_proof[10] ^= 1;
	run(w, w->now_us + 10000000);
	assert_int_equal(w->a.why, PPP_SERVER_UNPROVEN);
	finish(w);
	free(w);
}

/*
 * On a very bad line a link comes up or says that it cannot; it is never left between. Who is refused by bad luck dials
 * again, as the client does. Echoes find the end that alone believes itself up.
 */
static void
test_lossy(void **state)
{
	struct wire *w = new_wire(4);
	struct ppp_policy c = client, s = server;
	unsigned dialled = 0;

	(void)state;
	c.echo_us = s.echo_us = 5000000;
	c.echo_tries = s.echo_tries = 8;
	w->loss = 30;
	w->twice = 20;
	w->jitter_us = 20000;
	for (unsigned i = 0; i < 2000; i++) {
		for (unsigned again = 0; again == 0 || (!w->a.link.network_up && again < 4); again++) {
			if (again)
				finish(w);
			begin(w, &c, &s);
			run(w, w->now_us + 120000000);
			dialled++;
			assert_true(w->a.link.network_up || w->a.downs == 1);
			assert_true(w->b.link.network_up || w->b.downs == 1 || w->b.link.lcp.state == PPP_STOPPED);
			assert_int_equal(w->a.link.network_up, w->b.link.network_up);
		}
		assert_true(w->a.link.network_up);
		assert_packet_passes(w, &w->a, &w->b);
		assert_packet_passes(w, &w->b, &w->a);
		finish(w);
	}
	assert_true(dialled < 2100);
	free(w);
}

static void
test_dead_peer(void **state)
{
	struct wire *w = new_wire(5);

	(void)state;
	begin(w, &client, &server);
	run(w, w->now_us + 60000000);
	assert_true(w->a.link.network_up && w->a.link.echoes >= 4 && w->a.link.rtt_us >= 2000);
	w->loss = 100;
	int64_t from = w->now_us;
	run(w, from + 45000000);
	assert_int_equal(w->a.why, PPP_DEAD_PEER);
	assert_int_equal(w->b.why, PPP_DEAD_PEER);
	assert_int_equal(w->a.downs, 1);
	finish(w);
	free(w);
}

static void
test_loop(void **state)
{
	struct wire *w = new_wire(6);

	(void)state;
	begin(w, &client, &client);
	w->a.other = &w->a;
	w->n = 0;
	run(w, w->now_us + 40000000);
	assert_int_equal(w->a.ups, 0);
	assert_int_equal(w->a.downs, 1);
	finish(w);
	free(w);
}

static void
test_closing(void **state)
{
	struct wire *w = new_wire(7);

	(void)state;
	begin(w, &client, &server);
	run(w, w->now_us + 1000000);
	ppp_link_close(&w->a.link, w->now_us, PPP_ADMIN_CLOSED);
	run(w, w->now_us + 5000000);
	assert_int_equal(w->a.why, PPP_ADMIN_CLOSED);
	assert_int_equal(w->b.why, PPP_PEER_CLOSED);
	assert_int_equal(w->b.downs, 1);
	finish(w);
	free(w);
}

/* Nothing passes before its time: not in the clear where encryption is required, not before the peer is known. */
static void
test_nothing_early(void **state)
{
	static const char plain[] = "\xff\x03\0\x21packet";
	struct ppp_policy s = server;
	struct wire *w = new_wire(8);
	uint8_t scratch[PPP_MRRU_MAX];
	uint16_t protocol;
	struct str got;

	(void)state;
	s.encryption = PPP_ENCRYPT_REQUIRED;
	begin(w, &client, &s);
	for (unsigned i = 0; i < 3000; i++) {
		run(w, w->now_us + 100);
		assert_int_equal(ppp_link_receive(&w->b.link, w->now_us, str_of(plain, 10), scratch, &protocol, &got), 0);
	}
	assert_true(w->b.link.network_up);
	finish(w);
	free(w);
}

/* What iOS, Windows and RouterOS do: empty lists, unknown options, a new request in Opened. */
static void
test_odd_peers(void **state)
{
	struct wire *w = new_wire(9);
	uint8_t room[100], scratch[PPP_MRRU_MAX];
	struct enc e = enc_of(room, sizeof(room));
	uint16_t protocol;
	struct str got;

	(void)state;
	begin(w, &client, &server);
	run(w, w->now_us + 1000000);
	assert_true(w->b.link.network_up);
	ppp_packet_begin(&e, PPP_LCP, PPP_CONF_REQ, 99);
	size_t n = ppp_packet_end(&e);
	assert_int_equal(ppp_link_receive(&w->b.link, w->now_us, str_of((char *)room, n), scratch, &protocol, &got), 0);
	run(w, w->now_us + 10000000);
	assert_true(w->a.link.network_up && w->b.link.network_up);
	assert_true(w->b.ups >= 2);
	finish(w);
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods), cmocka_unit_test(test_refusals), cmocka_unit_test(test_impostor),
		cmocka_unit_test(test_lossy), cmocka_unit_test(test_multilink), cmocka_unit_test(test_proxy), cmocka_unit_test(test_late_peer), cmocka_unit_test(test_dead_peer), cmocka_unit_test(test_loop),
		cmocka_unit_test(test_closing), cmocka_unit_test(test_nothing_early), cmocka_unit_test(test_odd_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
