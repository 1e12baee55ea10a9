/*
 * A mould may only spare work: what a line means must be the same whether it was taken by a mould or the long way, and
 * whatever lines came before. Lines that fit are few among strange ones, so every line is made from a shape that the
 * moulds have learnt, with values that may break it.
 */
#include "engine_help.h"
#include "watch/mould/mould.h"

#define ROUNDS 400

static const char rules[] =
    "decoder a { program p;"
    " line auth.fail 'Failed <method:word> for {invalid user |}<user> from <src>{ port <src_port>|}{ ssh2|}{ [preauth]|}';"
    " line auth.fail 'Failed none for <user:word> from <src> port <src_port>{ ssh2|}';"
    " line auth.ok 'Accepted <method:word> for <user> from <src> port <src_port>{ ssh2|}';"
    " line conn.closed 'Received disconnect from <src>{ port <src_port>:|: }<code:int>:{ <reason:rest>|}';"
    " line auth.fail 'Received disconnect from <src>{ port <src_port>:|: }3: <reason:text!>: Auth fail';"
    " line mail.info '<qid:word>: to=\\<<to:text>>, {orig_to=\\<<-:text>>, |}relay=<relay:text>, delay=<delay:num>, dsn=<dsn:word>, status=sent (<stat:text!>)';"
    " line mail.info '<qid:word>: {removed|host <-:text>|lost connection with <-:text>}';"
    " line daemon.stop '{fatal: <-:text>|panic: <-:text>}';"
    " line fw.deny '<rule:text>IN=<iface:text> OUT=<-:kv>' { map src_port from spt; map dst_port from dpt; drop len, ttl, spt, dpt;"
    "  when dst not 192.0.2.7; refine fw.accept when rule has 'ACC'; refine scan.stealth when flags has 'SYN' and proto is TCP;"
    "  refine fw.deny_probe when src_port is 22; }"
    " line http.ok '<src> <-:word> <user:word> [<time:time>] \"<method:word> <path:word> HTTP/<-:num>\" <status:int> <bytes:word>{ <referer:quoted> <agent:quoted>|}{ <-:rest>|}';"
    " line http.ok '<src> <-:word> <user:word> [<time:time>] \"<method:word> <path:text> HTTP/<-:num>\" <status:int> <bytes:word> <*>';"
    " line daemon.start '{Started|Starting} <-:rest>';"
    " line info '<unit:word> {Main process exited|Consumed}<-:rest>';"
    " line auth.ok '{<service:word>-login: |}{Login|Logged in}: user=\\<<user:text!>>, {method=<method:word>, |}rip=<src:ip>{, <-:text>|}';"
    " line auth.fail '{<service:word>-login: |}{Disconnected|Aborted login}<reason:text> (auth failed, <count:int> attempts): user=\\<<user:text!>>, rip=<src:ip>{, <-:text>|}';"
    " line conn.open '<proto:word> open <src_host:host> <src_port> to <dst:addr>:<dst_port> as <user:word> for <what:word>' {"
    "  set service p; set class p7;"
    "  when user not 'nobody';"
    "  map dst from what; map target from user, what;"
    "  refine auth.ok when proto is udp and service is p;"
    "  refine fw.deny when dst_port is 22 and service is p;"
    "  refine fw.accept when size exists;"
    "  refine auth.fail when service is p and what is x;"
    "  refine conn.closed when service is p;"
    "  drop what, class; }"
    " line session.open 'id=<pid:hex> mac=<mac:mac> h=<src_host:host> q=<what:quoted> end';"
    "}";

static const char *const shapes[] = {
	"Failed password for % from % port % ssh2",
	"Failed password for invalid user % from % port % ssh2 [preauth]",
	"Failed none for % from % port %",
	"Accepted publickey for % from % port % ssh2",
	"Received disconnect from % port %:%: disconnected by user",
	"Received disconnect from %: %: %: Auth fail",
	"%: to=<%>, relay=%, delay=%, dsn=2.0.0, status=sent (%)",
	"%: removed",
	"%: host %",
	"DROP IN=% OUT= MAC=% SRC=% DST=% LEN=%",
	"DROP IN=eth0 OUT= MAC=02:00:5e:10 SRC=% DST=198.51.100.2 LEN=% TTL=0x% DF PROTO=TCP SPT=% DPT=% SYN URGP=%",
	"ACC IN=eth0 OUT= SRC=192.0.2.9 DST=% PROTO=% SPT=% %=% LEN=%",
	"% - % [01/Jan/2026:00:00:%0 +0000] \"GET % HTTP/1.1\" 200 % \"%\" \"%\"",
	"% - - [01/Jan/2026:00:00:00 +0000] \"GET % HTTP/1.1\" % %",
	"Started Session % of User %.",
	"%.service: Main process exited, code=%",
	"imap-login: Login: user=<%>, method=PLAIN, rip=%, lip=198.51.100.2, mpid=%, TLS, session=<%>",
	"imap-login: Login: user=<%>, method=PLAIN, rip=192.0.2.7, lip=%, mpid=22, TLS, session=<%>",
	"pop3-login: Disconnected (auth failed, % attempts): user=<%>, rip=%, lip=%, session=<%>",
	"pop3-login: Aborted login% (auth failed, 5 attempts): user=<root>, rip=192.0.2.7, lip=192.0.2.7, session=<%>",
	"tcp open % % to %:% as % for %",
	"udp open mail.example % to 192.0.2.7:% as root for %",
	"id=% mac=02:00:00:00:00:% h=% q=\"%\" end",
};

static const char *const values[] = {
	"root", "192.0.2.7", "22", "5", "11", "3", "A1B2C3D4E5", "eth0", "a.b-c.example", "x", "joe", "/a/b.c", "-", "198.51.100.250",
	"0x1f", "70000", "256.1.2.3", "1.2.3", "1.2.3.4.", "2001:db8::1", "invalid user x", "a b", "", "\"", "\\\"", "none", "fatal",
	"panic: x", "nobody", "null", "unknown", "01.2.3.4", "<>", "from 9.9.9.9", "x from 9.9.9.9 port 1 ssh2", ".", "name.", "-5", "1.5", "99999999999999999999999", "[x]",
	"=", "a=b", "\t", "  ", "\xc3\xa3", "\x01", "Auth fail", "x: Auth fail", "1.2.3.4:5", "port", ":", "3: y",
	"a, rip=192.0.2.9, b1", "x>, rip=fe80::1, c2", ", rip=198.51.100.4", "rip=192.0.2.9", ", 5", " by 3",
};

static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* Mostly a value of which many lines are made: the first ones. */
static struct str
make_line(const char *shape, uint64_t *seed, struct buf *out)
{
	buf_reset(out);
	for (const char *p = shape; *p; p++) {
		uint32_t most = next_random(seed) % 4 ? 14 : ARRAY_LEN(values);

		if (*p != '%')
			buf_add_byte(out, *p);
		else
			buf_add(out, str_z(values[next_random(seed) % most]));
	}
	return buf_str(out);
}

static void
same_record(const struct record *a, const struct record *b, struct str text)
{
	bool same = a->kind == b->kind && a->hostile == b->hostile && a->decoder == b->decoder && a->nfields == b->nfields &&
	    a->stamp.form == b->stamp.form;

	for (uint16_t i = 0; same && i < a->nfields; i++)
		same = a->fields[i].key == b->fields[i].key && a->fields[i].flags == b->fields[i].flags &&
		    str_eq(record_text(a, a->fields[i].at), record_text(b, b->fields[i].at));
	if (!same)
		fail_msg("'%.*s' means something else to a mould", STR_FMT(text));
}

static void
moulds_change_no_meaning(void **state)
{
	struct engine *quick = calloc(1, sizeof(*quick)), *slow = calloc(1, sizeof(*slow));
	struct buf line = BUF_INIT(4096);
	uint64_t seed = 7;

	engine_open(quick, rules);
	engine_open(slow, rules);
	moulds_free(slow->w->moulds);
	slow->w->moulds = NULL;
	for (int i = 0; i < ROUNDS; i++) {
		for (size_t k = 0; k < 12 * ARRAY_LEN(shapes); k++) {
			struct str text = make_line(shapes[k % ARRAY_LEN(shapes)], &seed, &line);

			engine_decode(quick, "p", text);
			engine_decode(slow, "p", text);
			same_record(&quick->r, &slow->r, text);
		}
	}
	assert_true(moulds_taken(quick->w->moulds) > ROUNDS * ARRAY_LEN(shapes));
	buf_free(&line);
	engine_close(quick);
	engine_close(slow);
	free(quick);
	free(slow);
}

static void
a_shape_that_comes_often_is_learnt(void **state)
{
	static const char *const often[] = { "Failed password for % from 192.0.2.7 port 22 ssh2",
		"DROP IN=eth0 OUT= MAC=% SRC=192.0.2.7 DST=192.0.2.8 LEN=40", "A1B2C3D4E5: removed%",
		"imap-login: Login: user=<joe>, method=PLAIN, rip=192.0.2.7, lip=198.51.100.2, mpid=77, TLS, session=<a1%>",
		"pop3-login: Disconnected (auth failed, 2 attempts): user=<joe>, rip=192.0.2.7, lip=192.0.2.8, session=<a1%>" };
	struct engine *e = calloc(1, sizeof(*e));
	char text[256];

	engine_open(e, rules);
	for (size_t i = 0; i < ARRAY_LEN(often); i++) {
		uint64_t before = moulds_taken(e->w->moulds);

		for (int k = 0; k < 30; k++) {
			size_t n = strcspn(often[i], "%");

			snprintf(text, sizeof(text), "%.*s%s%s", (int)n, often[i], i < 2 ? "root" : "", often[i] + n + 1);
			engine_decode(e, "p", str_z(text));
		}
		assert_true(moulds_taken(e->w->moulds) - before >= 10);
	}
	engine_close(e);
	free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moulds_change_no_meaning),
		cmocka_unit_test(a_shape_that_comes_often_is_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
