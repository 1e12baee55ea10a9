/* Tests of the schema engine on a schema of its own, with every kind of row. */
#include <errno.h>

#include "base/when.h"
#include "schema_rows.h"

enum colour { RED, GREEN, BLUE };

struct peer {
	struct conf_pos where;
	struct str name;
	int64_t weight;
	enum colour type;
};

struct timer {
	int64_t n, per_us;
	struct conf_strs by;
};

struct all {
	bool flag;
	int64_t number, twice, wait_us, mode;
	uint64_t size;
	enum colour colour;
	struct str word, text, path, password;
	struct addr address;
	struct conf_endpoint listen, tcp;
	struct conf_cidrs nets;
	struct conf_strs words, texts, paths;
	struct peer in, *opt, *peers;
	uint32_t npeers;
	struct timer *timer;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

#define PEER_ROWS(type_) \
	CONST_ROW(struct peer, type, type_), \
	WHERE_ROW(struct peer, where), \
	WORD_ROW(struct peer, name, .required = true, .help = "a name", .example = "peer a;"), \
	INT_ROW(struct peer, weight, .keyword = "weight", .def = "5", .min = 1, .max = 9, \
	    .help = "h", .example = "weight 3;")

static const struct schema_row peer_rows[] = { PEER_ROWS(GREEN) };
static const struct schema peer_schema = SCHEMA_OF("peer", struct peer, peer_rows);
static const struct schema_row server_rows[] = { PEER_ROWS(BLUE) };
static const struct schema server_schema = SCHEMA_OF("server", struct peer, server_rows);
static const struct schema_row in_rows[] = {
	INT_ROW(struct peer, weight, .keyword = "weight", .def = "7", .required = true,
	    .help = "h", .example = "weight 3;"),
};
static const struct schema in_schema = SCHEMA_OF("in", struct peer, in_rows);

static const struct schema_row timer_rows[] = {
	INT_ROW(struct timer, n, .required = true, .prefix = "x", .help = "h",
	    .example = "timer x1 per 1s;"),
	DURATION_ROW(struct timer, per_us, .lead = "per", .required = true, .help = "h",
	    .example = "timer x1 per 1s;"),
	WORDS_ROW(struct timer, by, .lead = "by", .help = "h",
	    .example = "timer x1 per 1s by a, b;"),
};
static const struct schema timer_schema = SCHEMA_OF("timer", struct timer, timer_rows);

static const struct schema_row all_rows[] = {
	BOOL_ROW(struct all, flag, .keyword = "flag", .help = "h", .example = "flag;"),
	INT_ROW(struct all, number, .keyword = "number", .def = "3", .min = -4, .max = 10,
	    .help = "h",
	    .example = "number 7;"),
	INT_ROW(struct all, twice, .keyword = "on", .lead = "level", .def = "2", .help = "h",
	    .example = "on level 1;"),
	DURATION_ROW(struct all, wait_us, .keyword = "wait", .def = "never", .zero = "never",
	    .min = WHEN_SECOND,
	    .max = WHEN_DAY, .help = "how long", .text = "Or never.", .example = "wait 1h;"),
	MODE_ROW(struct all, mode, .keyword = "mode", .def = "0640", .min = 0400, .max = 0777,
	    .help = "h",
	    .example = "mode 0600;"),
	SIZE_ROW(struct all, size, .keyword = "size", .def = "64K", .min = 1024, .max = 1 << 30,
	    .help = "h",
	    .reload = SCHEMA_RESTART, .example = "size 1M;"),
	ENUM_ROW(struct all, colour, .keyword = "colour", .names = colours, .def = "green",
	    .help = "h",
	    .example = "colour red;"),
	WORD_ROW(struct all, word, .keyword = "word", .help = "h", .example = "word a-b.c_d;"),
	STRING_ROW(struct all, text, .keyword = "text", .max = 10, .help = "h",
	    .example = "text \"a b\";"),
	STRING_ROW(struct all, password, .keyword = "password", .secret = true, .help = "h",
	    .example = "password \"x\";"),
	PATH_ROW(struct all, path, .keyword = "path", .derived = "text", .help = "h",
	    .example = "path \"/a\";"),
	ADDRESS_ROW(struct all, address, .keyword = "address", .help = "h",
	    .example = "address 192.0.2.1;"),
	ENDPOINT_ROW(struct all, listen, .keyword = "listen", .help = "h",
	    .example = "listen :514;"),
	ENDPOINT_ROW(struct all, tcp, .keyword = "tcp", .inet = true, .help = "h",
	    .example = "tcp :514;"),
	CIDRS_ROW(struct all, nets, .keyword = "nets", .help = "h",
	    .example = "nets 192.0.2.0/24, ::1;"),
	WORDS_ROW(struct all, words, .keyword = "words", .help = "h", .example = "words a.*, b;"),
	STRINGS_ROW(struct all, texts, .keyword = "texts", .help = "h",
	    .example = "texts \"a\", b;"),
	PATHS_ROW(struct all, paths, .keyword = "paths", .help = "h", .example = "paths \"/a/*\";"),
	BLOCK_ROW(struct all, in, struct peer, in_schema, .keyword = "in", .help = "h",
	    .example = "in { weight 1; }"),
	BLOCK_OPT_ROW(struct all, opt, struct peer, peer_schema, .keyword = "opt", .help = "h",
	    .example = "opt a;"),
	BLOCKS_ROW(struct all, peers, npeers, struct peer, peer_schema, .keyword = "peer",
	    .max = 3, .help = "h",
	    .example = "peer a { weight 2; }"),
	BLOCKS_ROW(struct all, peers, npeers, struct peer, server_schema, .keyword = "server",
	    .max = 3, .help = "h",
	    .example = "server a;"),
	BLOCK_OPT_ROW(struct all, timer, struct timer, timer_schema, .keyword = "timer",
	    .help = "h",
	    .example = "timer x1 per 1s;"),
};
static const struct schema all_schema = SCHEMA_OF("all.conf", struct all, all_rows);

static struct all
read_all(struct fixture *f, const char *text)
{
	struct all out;
	struct str t = str_z(text);

	schema_read(&all_schema, NULL, conf_parse(&f->arena, f->d, diags_file(f->d, STR("t"), t),
	    t), &f->arena, f->d, &out);
	return out;
}

static void
test_defaults(void **state)
{
	struct fixture f;

	fixture_open(&f);
	struct all a = read_all(&f, "");
	assert_string_equal(faults(&f), "");
	assert_false(a.flag);
	assert_int_equal(a.number, 3);
	assert_int_equal(a.wait_us, 0);
	assert_int_equal(a.mode, 0640);
	assert_int_equal(a.size, 65536);
	assert_int_equal(a.colour, GREEN);
	assert_int_equal(a.in.weight, 7);
	assert_null(a.opt);
	assert_null(a.peers);
	assert_int_equal(a.npeers, 0);
	assert_int_equal(a.word.n, 0);
	fixture_close(&f);
}

static void
test_every_kind(void **state)
{
	struct fixture f;

	fixture_open(&f);
	struct all a = read_all(&f,
	    "flag; number -2; on level 9; wait 1h30m; mode 600; size 2M; colour blue; word x; text \"a\\nb\";"
	    "path /p; address ::1; listen [2001:db8::1]:53; tcp *:80; nets 10.0.0.0/8, 2001:db8::/32; nets 192.0.2.7;"
	    "words a, b.*; texts \"1\", '2', 3; paths /a, \"/b/*.log\"; in { weight 1; }");
	assert_string_equal(faults(&f), "");
	assert_true(a.flag);
	assert_int_equal(a.number, -2);
	assert_int_equal(a.twice, 9);
	assert_int_equal(a.wait_us, 90 * WHEN_MINUTE);
	assert_int_equal(a.mode, 0600);
	assert_int_equal(a.size, 2 << 20);
	assert_int_equal(a.colour, BLUE);
	assert_true(str_eq(a.text, STR("a\nb")));
	assert_int_equal(a.text.p[a.text.n], '\0');
	assert_int_equal(a.listen.port, 53);
	assert_false(a.listen.any);
	assert_true(a.tcp.any);
	assert_int_equal(a.nets.n, 3);
	assert_int_equal(a.nets.v[2].bits, 128);
	assert_int_equal(a.texts.n, 3);
	assert_true(str_eq(a.paths.v[1], STR("/b/*.log")));
	assert_int_equal(a.in.weight, 1);
	fixture_close(&f);
}

static void
test_endpoint_forms(void **state)
{
	struct fixture f;

	fixture_open(&f);
	struct all a = read_all(&f, "listen /run/x;");
	assert_true(str_eq(a.listen.path, STR("/run/x")));
	assert_int_equal(a.listen.port, 0);
	a = read_all(&f, "listen 192.0.2.1:65535;");
	assert_true(addr_is_v4(&a.listen.addr));
	assert_int_equal(a.listen.port, 65535);
	assert_int_equal(diags_count(f.d), 0);
	fixture_close(&f);
}

static void
test_blocks_keep_their_order_and_place(void **state)
{
	struct fixture f;

	fixture_open(&f);
	struct all a = read_all(&f,
	    "peer a;\nserver b { weight 2; }\n  peer c;\nopt o { weight 9; }\ntimer x4 per 2m by p, q;");
	assert_string_equal(faults(&f), "");
	assert_int_equal(a.npeers, 3);
	assert_true(str_eq(a.peers[1].name, STR("b")));
	assert_int_equal(a.peers[0].type, GREEN);
	assert_int_equal(a.peers[1].type, BLUE);
	assert_int_equal(a.peers[0].weight, 5);
	assert_int_equal(a.peers[1].weight, 2);
	assert_int_equal(a.peers[2].where.line, 3);
	assert_int_equal(a.peers[2].where.col, 3);
	assert_int_equal(a.opt->weight, 9);
	assert_int_equal(a.timer->n, 4);
	assert_int_equal(a.timer->per_us, 2 * WHEN_MINUTE);
	assert_int_equal(a.timer->by.n, 2);
	fixture_close(&f);
}

static void
test_faults(void **state)
{
	static const char *const rows[][2] = {
		{ "flag maybe;", "1:6-5 `maybe` is neither yes nor no" },
		{ "flag yes no;", "1:10-2 `no` is not expected here" },
		{ "number;", "1:1-6 `number` needs at least 1 word after it, there is none" },
		{ "number x;", "1:8-1 `x` is not a number" },
		{ "number 11;", "1:8-2 `number` must be between -4 and 10, here is 11" },
		{ "number 99999999999999999999;",
		    "1:8-20 the number of `number` is too large: 99999999999999999999" },
		{ "number 1 2;", "1:10-1 `2` is not expected here" },
		{ "number 1, 2;", "1:8-1 `number` takes one value, not a list" },
		{ "number 1; number 2;", "1:11-6 `number` is already given in line 1" },
		{ "number 1 { }", "1:8-1 `number` takes no block in braces" },
		{ "on 3;", "1:4-1 `level` is expected here" },
		{ "on level;", "1:4-5 missing after this: level NUMBER" },
		{ "wait 3;", "1:6-1 `3` is not a duration such as 30s or 1h30m" },
		{ "wait 3x;", "1:6-2 `3x` is not a duration such as 30s or 1h30m" },
		{ "wait 1ms;", "1:6-3 `wait` must be between 1s and 1d, here is 1ms" },
		{ "mode 888;", "1:6-3 `888` is not permissions in octal such as 0640" },
		{ "mode 66;", "1:6-2 `66` is not permissions in octal such as 0640" },
		{ "mode 0111;", "1:6-4 `mode` must be between 0400 and 0777, here is 0111" },
		{ "size 1Q;", "1:6-2 `1Q` is not a size such as 64K or 10M" },
		{ "size 9999999999999999T;",
		    "1:6-17 the number of `size` is too large: 9999999999999999T" },
		{ "size 10;", "1:6-2 `size` must be between 1K and 1G, here is 10" },
		{ "colour gren;", "1:8-4 unknown word `gren` for `colour`; did you mean `green`?" },
		{ "colour mauve;", "1:8-5 unknown word `mauve` for `colour`" },
		{ "word a/b;", "1:6-3 `a/b` is not a plain word" },
		{ "word .a;", "1:6-2 `.a` begins with `.`" },
		{ "word \"\";", "1:6-2 `word` is empty" },
		{ "text 12345678901;", "1:6-11 `text` is longer than 10 bytes" },
		{ "text \"a\\x00b\";", "1:6-8 a NUL byte in `text`" },
		{ "path a/b;", "1:6-3 the path `a/b` does not begin with /" },
		{ "address 1.2.3;", "1:9-5 `1.2.3` is not an address" },
		{ "address 192.0.2.1/24;", "1:9-12 `192.0.2.1/24` is not an address" },
		{ "listen 514;", "1:8-3 `514` has no port between 1 and 65535 after a colon" },
		{ "listen 192.0.2.1:0;",
		    "1:8-11 `192.0.2.1:0` has no port between 1 and 65535 after a colon" },
		{ "listen 192.0.2.1:65536;",
		    "1:8-15 `192.0.2.1:65536` has no port between 1 and 65535 after a colon" },
		{ "listen ::1:514;",
		    "1:8-7 the address in `::1:514` needs brackets: [2001:db8::1]:514" },
		{ "listen host:514;", "1:8-8 `host` is not an address" },
		{ "tcp /run/x;", "1:5-6 `/run/x` has no port between 1 and 65535 after a colon" },
		{ "nets 10.1.2.3/8;",
		    "1:6-10 `10.1.2.3/8` has bits set after the prefix; the network is 10.0.0.0/8" },
		{ "nets 2001:db8::1/32;",
		    "1:6-14 `2001:db8::1/32` has bits set after the prefix; the network is 2001:db8::/32" },
		{ "nets 10.0.0.0/8, x;", "1:18-1 `x` is not an address or network" },
		{ "nets 10.0.0.0/8 192.0.2.1;", "1:17-9 `192.0.2.1` is not expected here" },
		{ "words a$b;", "1:7-3 `a$b` is not a plain word" },
		{ "paths /a, b;", "1:11-1 the path `b` does not begin with /" },
		{ "peer;", "1:1-4 `peer` needs at least 1 word after it, there is none" },
		{ "peer a b;", "1:8-1 `b` is not expected here" },
		{ "peer a { wight 3; }", "1:10-5 unknown word `wight` in `peer`" },
		{ "peer a { weight 0; }", "1:17-1 `weight` must be between 1 and 9, here is 0" },
		{ "peer a; peer b; peer c; server d;", "1:25-6 more than 3 blocks of this kind" },
		{ "opt a; opt b;", "1:8-3 `opt` is already given in line 1" },
		{ "in;", "1:1-2 `in` needs a block in braces" },
		{ "in { }", "1:1-2 `weight` is missing in `in`" },
		{ "in x { weight 1; }", "1:4-1 `in` takes no words" },
		{ "timer 1;", "1:7-1 `timer` needs at least 2 words after it, it has 1" },
		{ "timer 1 in 2s;", "1:9-2 `per` is expected here" },
		{ "timer 1 per;", "1:9-3 missing after this: per DURATION" },
		{ "timer 1 per 2s by;", "1:16-2 missing after this: by WORD, ..." },
		{ "timer 1 per 2s bi x;", "1:16-2 `bi` is not expected here" },
		{ "timer 1 per 2s { }", "1:13-2 `timer` takes no block in braces" },
		{ "flg;", "1:1-3 unknown word `flg`" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		fixture_open(&f);
		read_all(&f, rows[i][0]);
		assert_string_equal(faults(&f), rows[i][1]);
		assert_true(diags_at(f.d, 0)->hint.n > 0 || strstr(rows[i][1], "more than"));
		fixture_close(&f);
	}
}

static void
test_hint_shows_range_and_example(void **state)
{
	struct fixture f;

	fixture_open(&f);
	read_all(&f, "wait x;");
	assert_true(str_eq(diags_at(f.d, 0)->hint,
	    STR("expected: a duration such as 30s or 1h30m, or `never`; example: wait 1h;")));
	read_all(&f, "colour x;");
	assert_true(str_eq(diags_at(f.d, 1)->hint,
	    STR("one of: red, green, blue; example: colour red;")));
	read_all(&f, "number 1\nflag;");
	assert_true(str_eq(diags_at(f.d, 2)->hint, STR("is a `;` missing at the end of line 1?")));
	read_all(&f, "nets 192.0.2.1 192.0.2.2;");
	assert_true(str_eq(diags_at(f.d, 3)->hint, STR("is a comma missing before it?")));
	fixture_close(&f);
}

static const char round_trip[] =
    "flag yes;\nnumber -2;\non level 9;\nwait 90m;\nmode 0600;\nsize 2M;\ncolour blue;\nword x;\n"
    "text \"a\\\"\\\\\\x0a\";\npath \"/p\";\naddress ::1;\nlisten [2001:db8::1]:53;\ntcp :80;\n"
    "nets 10.0.0.0/8, 2001:db8::/32, 192.0.2.7/32;\nwords a, b.*;\ntexts \"1\", \"2\";\npaths \"/a\";\n"
    "in {\n\tweight 1;\n}\nopt o {\n\tweight 5;\n}\npeer a {\n\tweight 5;\n}\nserver b {\n\tweight 2;\n}\n"
    "timer x4 per 2m by p, q;\n";

static void
test_write_and_read_again(void **state)
{
	struct fixture f;

	fixture_open(&f);
	struct all a = read_all(&f, round_trip);
	assert_string_equal(faults(&f), "");
	buf_reset(&f.out);
	schema_write(&all_schema, &a, 0, &f.out);
	assert_string_equal(buf_cstr(&f.out), round_trip);
	fixture_close(&f);
}

static void
test_secret_is_never_written(void **state)
{
	struct fixture f;

	fixture_open(&f);
	struct all a = read_all(&f, "password \"hunter2\";");
	assert_true(str_eq(a.password, STR("hunter2")));
	schema_write(&all_schema, &a, 0, &f.out);
	assert_null(strstr(buf_cstr(&f.out), "hunter2"));
	assert_null(strstr(buf_cstr(&f.out), "password"));
	fixture_close(&f);
}

static void
test_many_list_statements(void **state)
{
	struct fixture f;
	struct buf text = BUF_INIT(8 << 20);

	fixture_open(&f);
	for (unsigned i = 0; i < SCHEMA_LIST_MAX; i++)
		buf_addf(&text, "nets 10.%u.%u.%u;\n", i >> 16, i >> 8 & 255, i & 255);
	struct all a = read_all(&f, buf_cstr(&text));
	assert_string_equal(faults(&f), "");
	assert_int_equal(a.nets.n, SCHEMA_LIST_MAX);
	assert_int_equal(a.nets.v[65535].net.b[15], 255);
	buf_addf(&text, "nets 192.0.2.1;");
	read_all(&f, buf_cstr(&text));
	assert_string_equal(faults(&f), "65537:6-9 `nets` has too many values");
	buf_free(&text);
	fixture_close(&f);
}

static void
test_rows(void **state)
{
	struct row_walk w = { .top = &all_schema };

	check_rows(&w, &all_schema);
	assert_int_equal(w.ranged, 4 + 3);      /* number, wait, mode, size; weight of opt,
	    peer and server */
	assert_int_equal(w.examples, 23 + 4);
	assert_int_equal(w.names, 3);
}

static void
test_explain(void **state)
{
	struct fixture f;

	fixture_open(&f);
	assert_int_equal(schema_explain(&all_schema, STR("wait"), &f.out), 0);
	assert_string_equal(buf_cstr(&f.out),
	    "wait DURATION\n    how long\n    Or never.\n    values:   1s to 1d, or never\n    default:  never\n"
	    "    example:  wait 1h;\n    change:   takes effect on reload\n");
	buf_reset(&f.out);
	assert_int_equal(schema_explain(&all_schema, STR("peer.weight"), &f.out), 0);
	assert_non_null(strstr(buf_cstr(&f.out), "values:   1 to 9\n"));
	buf_reset(&f.out);
	assert_int_equal(schema_explain(&all_schema, STR("timer"), &f.out), 0);
	assert_non_null(strstr(buf_cstr(&f.out), "timer NUMBER per DURATION [by WORD, ...]\n"));
	buf_reset(&f.out);
	assert_int_equal(schema_explain(&all_schema, STR("peer.wieght"), &f.out), -ENOENT);
	assert_string_equal(buf_cstr(&f.out),
	    "there is no option `peer.wieght`\n    see in.weight, opt.weight, peer.weight, "
	    "server.weight\n");
	assert_null(schema_find(&all_schema, STR("wait.x")));
	assert_null(schema_find(&all_schema, STR("")));
	assert_ptr_equal(schema_find(&all_schema, STR("peer weight")), schema_find(&all_schema,
	    STR("peer.weight")));
	fixture_close(&f);
}

static void
test_json_names_every_row(void **state)
{
	struct fixture f;

	fixture_open(&f);
	schema_json(&all_schema, &f.out);
	const char *json = buf_cstr(&f.out);
	for (size_t i = 0; i < ARRAY_LEN(all_rows); i++) {
		char name[64];
		snprintf(name, sizeof(name), "\"%s\":{", all_rows[i].keyword);
		assert_non_null(strstr(json, name));
	}
	assert_non_null(strstr(json,
	    "\"number\":{\"type\":\"integer\",\"description\":\"h\",\"default\":3,\"minimum\":-4,\"maximum\":10"));
	assert_non_null(strstr(json, "\"writeOnly\":true"));
	assert_non_null(strstr(json, "\"enum\":[\"red\",\"green\",\"blue\"]"));
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_endpoint_forms),
		cmocka_unit_test(test_blocks_keep_their_order_and_place),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_hint_shows_range_and_example),
		cmocka_unit_test(test_write_and_read_again),
		cmocka_unit_test(test_secret_is_never_written),
		cmocka_unit_test(test_many_list_statements),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_json_names_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
