/*
 * Tests of the configuration of Guarita: its table, the sample files, includes, checks, and what is
 * derived.
 */
#include <errno.h>

#include "base/when.h"
#include "conf/config.h"
#include "schema_rows.h"

/* A world of files for the include callback. */
struct file {
	const char *name, *text;
};

struct world {
	const struct file *files;
	size_t n;
	char last_from[64];
};

static int
world_read(void *ctx, struct str from, struct str spec, void (*add)(void *add_ctx,
    struct str name, struct str text),
    void *add_ctx)
{
	struct world *w = ctx;
	size_t star = str_find_byte(spec, '*');
	bool glob = star < spec.n, any = glob;

	snprintf(w->last_from, sizeof(w->last_from), "%.*s", STR_FMT(from));
	for (size_t i = 0; i < w->n; i++) {
		struct str name = str_z(w->files[i].name);
		if (glob ? str_starts(name, str_head(spec, star)) : str_eq(name, spec)) {
			add(add_ctx, name, str_z(w->files[i].text));
			any = true;
		}
	}
	return any ? 0 : -ENOENT;
}

static int
load(struct fixture *f, const char *text, const struct file *files, size_t n, struct config **ret)
{
	struct world w = { .files = files, .n = n };
	struct conf_reader reader = { .read = world_read, .ctx = &w };

	*ret = NULL;
	return config_load(&f->arena, f->d, STR("main"), str_z(text), &reader, ret);
}

static void
test_rows(void **state)
{
	struct row_walk w = { .top = &config_schema };

	check_rows(&w, &config_schema);
	assert_true(w.ranged >= 30);
	assert_true(w.examples >= 60);
	assert_int_equal(w.names, 2 + 2 + 3 + 3 + 2 + 5 + 3 + 4 +
	    3 + 3 + 3 + 4 * 4 + 4 + 4 + 3 + 3 + 3 +     /* of the gate */
	    2 + 2 +                                     /* of shipping, of the vault's key */
	    2 * 3 +                                     /* of lines between sites */
	    3 + 2 + 2 +                                 /* of relays */
	    1 + 3 + 3 + 4 + 2 * (4 + 4) + 2 + 3 + 3);   /* of the VPN */
}

static void
test_defaults_and_derived(void **state)
{
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(
	    load(&f,
		"limits { max-line 64K; memory 100M; } run-dir /tmp/r; tcp :514; tcp :515 { max-line 1K; }"
		"files \"/a/*\", /b { silence 1h; } role watchd { } role intaked { memory 20M; }",
		NULL, 0, &c),
	    0);
	assert_string_equal(faults(&f), "");
	assert_true(str_eq(c->control.path, STR("/tmp/r/control")));
	assert_int_equal(c->rules_dirs.n, 1);
	assert_true(str_ends(c->rules_dirs.v[0], STR("/rules")));
	assert_int_equal(c->nsources, 3);
	assert_int_equal(c->sources[0].max_line, 65536);
	assert_int_equal(c->sources[1].max_line, 1024);
	assert_true(str_eq(c->sources[0].name, STR("tcp :514")));
	assert_true(str_eq(c->sources[2].name, STR("files /a/*, /b")));
	assert_int_equal(c->sources[2].type, CONF_SOURCE_FILES);
	assert_int_equal(c->sources[2].silence_us, WHEN_HOUR);
	assert_int_equal(c->sources[0].max_clients, 1000);
	assert_int_equal(c->roles[0].memory, 100 << 20);
	assert_int_equal(c->roles[1].memory, 20 << 20);
	assert_int_equal(c->watch.lateness_us, 60 * WHEN_SECOND);
	assert_int_equal(c->watch.keys, 98000);
	assert_true(str_eq(c->state_dir, STR("/var/lib/guarita")));
	assert_null(c->archive);
	fixture_close(&f);
}

static void
test_respond(void **state)
{
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(
	    load(&f,
		"stdin; own 10.0.0.0/8; respond a { print; } respond b { on severity critical; kinds auth.*, scan.ports;"
		" command \"/bin/x\", \"{src}\", \"{\\\"k\\\": \\\"{why}\\\"}\" { timeout 5s; } ban forever { scope net; escalate x3; }"
		" throttle 2 per 1h by src, kind; }",
		NULL, 0, &c),
	    0);
	assert_string_equal(faults(&f), "");
	const struct conf_respond *a = &c->responds[0], *b = &c->responds[1];
	assert_true(a->print);
	assert_int_equal(a->severity, CONF_MEDIUM);
	assert_null(a->ban);
	assert_int_equal(b->severity, CONF_CRITICAL);
	assert_int_equal(b->kinds.n, 2);
	assert_int_equal(b->command->argv.n, 3);
	assert_int_equal(b->command->timeout_us, 5 * WHEN_SECOND);
	assert_int_equal(b->ban->duration_us, 0);
	assert_int_equal(b->ban->scope, CONF_BAN_NET);
	assert_int_equal(b->ban->escalate.factor, 3);
	assert_int_equal(b->ban->escalate.max_us, 7 * WHEN_DAY);
	assert_int_equal(b->throttle->count, 2);
	assert_int_equal(b->throttle->by.n, 2);
	fixture_close(&f);
}

static void
test_checks(void **state)
{
	static const char *const rows[][2] = {
		{ "site a;", "1:1-4 warning: no source is named: nothing would be read" },
		{ "", "1:1-1 warning: no source is named: nothing would be read" },
		{ "udp :514;\nudp 192.0.2.1:514;",
		    "2:5-13 this is already received by the source in line 1" },
		{ "tcp [::1]:514; tcp [::1]:514;",
		    "1:20-9 this is already received by the source in line 1" },
		{ "udp :514; tcp :514; udp :515; tcp 192.0.2.1:1; tcp 192.0.2.2:1;", "" },
		{ "unix /a/b; unix \"/a/b\";",
		    "1:17-6 this is already received by the source in line 1" },
		{ "unix /run/x; control /run/x;",
		    "1:6-6 this is the control socket: it cannot receive lines too" },
		{ "stdin; stdin;", "1:8-5 this is already received by the source in line 1" },
		{ "journal /j; journal \"/j\";",
		    "1:21-4 this is already received by the source in line 1" },
		{ "journal /j; journal /k;", "" },
		{ "journal /j, /k;", "1:13-2 `PATH`: at most 1 can stand here" },
		{ "journal;", "" },
		{ "journal; journal;",
		  "1:10-7 this is already received by the source in line 1" },
		{ "stdin; own 10.0.0.0/8, 192.0.2.0/24, 10.1.0.0/16;",
		    "1:38-11 warning: 10.1.0.0/16 is already inside 10.0.0.0/8 in line 1" },
		{ "stdin; own 10.1.0.0/16; own 10.0.0.0/8;",
		    "1:12-11 warning: 10.1.0.0/16 is already inside 10.0.0.0/8 in line 1" },
		{ "stdin; own 10.0.0.0/8; own 10.0.0.0/8;",
		    "1:28-10 warning: 10.0.0.0/8 is already inside 10.0.0.0/8 in line 1" },
		{ "stdin; never-ban 0.0.0.0/0;",
		    "1:18-9 `never-ban` holds every address: nobody would ever be banned" },
		{ "stdin; never-ban ::/0;",
		    "1:18-4 `never-ban` holds every address: nobody would ever be banned" },
		{ "stdin; own 0.0.0.0/0;",
		    "1:12-9 `own` holds every address: nobody would be an outsider" },
		{ "stdin; state-dir var/lib;", "1:18-7 the path `var/lib` does not begin with /" },
		{ "stdin; timezone /etc;", "1:17-4 `/etc` is no time zone" },
		{ "stdin; timezone \"+99:00\";", "1:17-8 `+99:00` is no time zone" },
		{ "stdin; timezone ../../etc/shadow;",
		    "1:17-16 `../../etc/shadow` is no time zone" },
		{ "stdin; timezone -03:30;", "" },
		{ "stdin; timezone America/Sao_Paulo;", "" },
		{ "files \"/v/*.log\"; archive /v;",
		    "1:7-10 Guarita would read its own archive (line 1)" },
		{ "files /v; archive /v;", "1:7-2 Guarita would read its own archive (line 1)" },
		{ "files \"/v/a/*\"; archive /v;",
		    "1:7-8 Guarita would read its own archive (line 1)" },
		{ "files \"/v/*.log\"; archive /v/archive;", "" },
		{ "files /a, \"/v/*\"; respond r { file /v/x; }",
		    "1:11-6 Guarita would read what its response `r` writes" },
		{ "files /v; respond r { file /v/x; }",
		    "1:7-2 Guarita would read what its response `r` writes" },
		{ "files \"/v/*.log\"; respond r { file /v/x.json; }", "" },
		{ "stdin; respond r { }", "1:16-1 warning: this response does nothing" },
		{ "stdin; respond r { print no; }", "1:16-1 warning: this response does nothing" },
		{ "stdin; respond r { ban 1m; }", "1:24-2 warning: nobody is safe from this ban" },
		{ "stdin; own ::1; respond r { ban 2h { escalate x2 max 1h; } }",
		    "1:33-2 the ban is longer than the most that `escalate` allows" },
		{ "stdin; own ::1; respond r { ban 10d; }", "" },
		{ "stdin; respond r { print; }\nrespond r { print; }",
		    "2:9-1 a response `r` is already in line 1" },
		{ "stdin; role w { } role w { }", "1:24-1 role `w` is already in line 1" },
		{ "stdin; respond r { command x; }",
		    "1:28-1 the program's path does not begin with /" },
		{ "stdin; respond r { command /x, \"a {srcs} b\"; }",
		    "1:32-12 nothing is known as {srcs}" },
		{ "stdin; respond r { command /x, \"{}{ {SRC} {src\"; }", "" },
		{ "stdin; control { mode 0666; }",
		    "1:8-7 warning: with mode 0666 every user of this machine may command Guarita" },
		{ "udp :1 { }\nsite x", "2:6-1 a `;` is missing here, before the end of the text" },
		{ "stdin; limits;", "1:8-6 `limits` needs a block in braces" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		struct config *c;
		fixture_open(&f);
		int r = load(&f, rows[i][0], NULL, 0, &c);
		assert_string_equal(faults(&f), rows[i][1]);
		assert_int_equal(r, diags_errors(f.d) ? -EINVAL : 0);
		assert_int_equal(c != NULL, r == 0);
		fixture_close(&f);
	}
}

static void
test_too_many_sources(void **state)
{
	struct fixture f;
	struct config *c;
	struct buf text = BUF_INIT(1 << 20);

	for (int i = 0; i < CONF_SOURCES_MAX; i++)
		buf_addf(&text, i % 2 ? "udp :%d;\n" : "tcp :%d;\n", i + 1);
	fixture_open(&f);
	assert_int_equal(load(&f, buf_cstr(&text), NULL, 0, &c), 0);
	assert_int_equal(c->nsources, CONF_SOURCES_MAX);
	buf_add(&text, STR("files /a;"));
	assert_int_equal(load(&f, buf_cstr(&text), NULL, 0, &c), -EINVAL);
	assert_string_equal(faults(&f), "1025:1-5 more than 1024 blocks of this kind");
	fixture_close(&f);
	buf_free(&text);
}

static void
test_include(void **state)
{
	static const struct file files[] = {
		{ "d/a", "udp :1;\ninclude e;\nudp :3;" }, { "d/b", "udp :4;" }, { "e",
		    "\n udp :2 { buffer 1; }" },
	};
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(load(&f, "udp :9;\ninclude \"d/*\";\nudp :5;", files, ARRAY_LEN(files),
	    &c), -EINVAL);
	buf_reset(&f.out);
	diags_show(f.d, &f.out);
	assert_string_equal(buf_cstr(&f.out),
	    "e:2:18: error: `buffer` must be between 64K and 1G, here is 1\n"
	    "     udp :2 { buffer 1; }\n                     ^\n"
	    "    expected: a size such as 64K or 10M; example: buffer 32M;\n");
	fixture_close(&f);
}

static void
test_include_keeps_the_order(void **state)
{
	static const struct file files[] = { { "d/a", "udp :1;\ninclude e;\nudp :3;" }, { "d/b",
	    "udp :4;" }, { "e", "udp :2;" } };
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(load(&f, "udp :9;\ninclude \"d/*\";\nudp :5;include \"none*\";", files,
	    ARRAY_LEN(files), &c), 0);
	static const uint16_t ports[] = { 9, 1, 2, 3, 4, 5 };
	assert_int_equal(c->nsources, ARRAY_LEN(ports));
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		assert_int_equal(c->sources[i].listen.port, ports[i]);
	assert_true(str_eq(diags_file_name(f.d, c->sources[2].where.file), STR("e")));
	assert_int_equal(c->sources[3].where.line, 3);
	fixture_close(&f);
}

static void
check_include(const char *text, const struct file *files, size_t n, const char *want)
{
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(load(&f, text, files, n, &c), -EINVAL);
	assert_string_equal(faults(&f), want);
	fixture_close(&f);
}

static void
test_include_faults(void **state)
{
	static const struct file loop[] = { { "a", "include b;" }, { "b", "stdin; include a;" } };
	static const struct file self[] = { { "s", "stdin;\ninclude \"s\";" } };
	struct fixture f;
	struct config *c;

	check_include("include a;", loop, 2, "1:16-1 an endless include of a");
	check_include("include s;", self, 1, "2:9-3 an endless include of s");
	check_include("stdin; include x;", NULL, 0, "1:16-1 cannot read x");
	check_include("stdin; include;", NULL, 0, "1:8-7 `include` takes one file name or glob");
	check_include("stdin; include a, b;", NULL, 0,
	    "1:8-7 `include` takes one file name or glob");
	check_include("stdin; include a { }", NULL, 0,
	    "1:8-7 `include` takes one file name or glob");
	check_include("stdin; include \"\";", NULL, 0, "1:16-2 this is no file name");
	check_include("watch { include a; } stdin;", NULL, 0,
	    "1:9-7 unknown word `include` in `watch`");
	check_include("watch { retention 3d; }", NULL, 0, "1:9-9 unknown word `retention` in `watch`");
	check_include("inclde a; stdin;", NULL, 0, "1:1-6 unknown word `inclde`");
	fixture_open(&f);
	assert_int_equal(config_load(&f.arena, f.d, STR("m"), STR("stdin; include x;"), NULL, &c),
	    -EINVAL);
	assert_string_equal(faults(&f), "1:16-1 no other file can be read here: x");
	fixture_close(&f);
}

static int
deep_read(void *ctx, struct str from, struct str spec, void (*add)(void *add_ctx, struct str name,
    struct str text),
    void *add_ctx)
{
	unsigned *n = ctx;
	char name[16];

	snprintf(name, sizeof(name), "f%u", ++*n);
	add(add_ctx, str_z(name), STR("include x;"));
	return 0;
}

static void
test_include_depth(void **state)
{
	struct fixture f;
	struct config *c;
	unsigned n = 0;
	struct conf_reader reader = { .read = deep_read, .ctx = &n };

	fixture_open(&f);
	assert_int_equal(config_load(&f.arena, f.d, STR("m"), STR("stdin; include x;"), &reader,
	    &c), -EINVAL);
	assert_string_equal(faults(&f), "1:9-1 includes nest too deep at f17");
	assert_int_equal(n, CONF_INCLUDE_DEPTH_MAX + 1);
	fixture_close(&f);
}

static int
many_read(void *ctx, struct str from, struct str spec, void (*add)(void *add_ctx, struct str name,
    struct str text),
    void *add_ctx)
{
	for (int i = 0; i < 3000; i++)
		add(add_ctx, STR("x"), STR(""));
	return 0;
}

static void
test_include_count(void **state)
{
	struct fixture f;
	struct config *c;
	struct conf_reader reader = { .read = many_read };

	fixture_open(&f);
	assert_int_equal(config_load(&f.arena, f.d, STR("m"), STR("stdin; include x;"), &reader,
	    &c), -EINVAL);
	assert_string_equal(faults(&f), "1:16-1 too many included files, from here on: x");
	fixture_close(&f);
}

static void
test_show_loads_to_the_same(void **state)
{
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(
	    load(&f,
		"site x; timezone -03:00; own 10.0.0.0/8; udp :514; tcp [::1]:1 { idle never; } files /a, \"/b c/*\";"
		"unix /u; journal /j; archive /r { keep forever; } respond r { ban 1h { escalate x2; } command /x, \"{src}\";"
		" throttle 1 per 1m; print; } role w { user u; }",
		NULL, 0, &c),
	    0);
	config_show(c, &f.out);
	char *first = strdup(buf_cstr(&f.out));
	assert_non_null(first);
	struct config *again;
	assert_int_equal(load(&f, first, NULL, 0, &again), 0);
	buf_reset(&f.out);
	config_show(again, &f.out);
	assert_string_equal(buf_cstr(&f.out), first);
	assert_int_equal(again->nsources, 5);
	assert_non_null(strstr(first, "udp :514 {\n\tbuffer 8M;\n"));
	free(first);
	fixture_close(&f);
}

static void
test_explain(void **state)
{
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(
	    load(&f,
		"site x;\nudp :514;\nudp :515 { buffer 1M; }\nown ::1;\nrespond r { ban 1h { scope net; } }",
		NULL, 0, &c),
	    0);
	assert_int_equal(config_explain(c, f.d, STR("udp.buffer"), &f.out), 0);
	assert_non_null(strstr(buf_cstr(&f.out),
	    "  in effect:\n    udp :514: buffer 8M    # default\n"
	    "    udp :515: buffer 1M    # main:3\n"));
	buf_reset(&f.out);
	assert_int_equal(config_explain(c, f.d, STR("site"), &f.out), 0);
	assert_non_null(strstr(buf_cstr(&f.out), "    site x    # main:1\n"));
	buf_reset(&f.out);
	assert_int_equal(config_explain(c, f.d, STR("control"), &f.out), 0);
	assert_non_null(strstr(buf_cstr(&f.out),
	    "PATH \"/run/guarita/control\"    # derived from run-dir: its file control\n"));
	assert_non_null(strstr(buf_cstr(&f.out), "mode 0660    # default\n"));
	buf_reset(&f.out);
	assert_int_equal(config_explain(c, f.d, STR("respond ban scope"), &f.out), 0);
	assert_non_null(strstr(buf_cstr(&f.out), "    ban 1h: scope net    # main:5\n"));
	buf_reset(&f.out);
	assert_int_equal(config_explain(NULL, NULL, STR("archive"), &f.out), 0);
	assert_null(strstr(buf_cstr(&f.out), "in effect"));
	buf_reset(&f.out);
	assert_int_equal(config_explain(c, f.d, STR("udp.bufer"), &f.out), -ENOENT);
	assert_non_null(strstr(buf_cstr(&f.out), "udp.buffer"));
	fixture_close(&f);
}

static void
test_roles_are_checked_against_those_that_exist(void **state)
{
	static const struct str known[] = { STR_INIT("intaked"), STR_INIT("watchd") };
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(load(&f, "stdin; role watchd { } role intake { }", NULL, 0, &c), 0);
	config_check_roles(c, known, ARRAY_LEN(known), f.d);
	assert_string_equal(faults(&f), "1:29-6 there is no role `intake`");
	assert_true(str_eq(diags_at(f.d, 0)->hint, STR("did you mean `intaked`?")));
	fixture_close(&f);
}

static char *
read_file(const char *path)
{
	struct buf b = BUF_INIT(CONF_TEXT_MAX);
	FILE *file = fopen(path, "re");

	if (file == NULL)
		fail_msg("cannot read %s", path);
	for (size_t n = 1; n > 0 && buf_reserve(&b, 4096); b.n += n)
		n = fread(b.p + b.n, 1, 4096, file);
	fclose(file);
	char *text = strdup(buf_cstr(&b));
	buf_free(&b);
	assert_non_null(text);
	return text;
}

static void
check_sample(const char *path)
{
	struct fixture f;
	struct config *c;
	char *text = read_file(path);

	fixture_open(&f);
	int r = load(&f, text, NULL, 0, &c);
	assert_string_equal(faults(&f), "");
	assert_int_equal(r, 0);
	fixture_close(&f);
	free(text);
}

static void
test_samples_load_clean(void **state)
{
	check_sample(SOURCE_ROOT "/etc/guarita.conf");
	check_sample(SOURCE_ROOT "/etc/watch-only.conf");
	check_sample(SOURCE_ROOT "/etc/matriz.conf");
	check_sample(SOURCE_ROOT "/etc/filial.conf");
}

/* The commented sample shows every option: a new row must be added to it. */
static void
test_sample_is_complete(void **state)
{
	char *text = read_file(SOURCE_ROOT "/etc/guarita.conf");
	struct buf words = BUF_INIT(1 << 16);
	struct str rest, line;

	schema_words(&config_schema, &words);
	for (rest = buf_str(&words); str_split(&rest, '\n', &line); ) {
		char word[80];
		size_t dot = str_rfind(line, STR("."));
		if (line.n == 0)
			continue;
		snprintf(word, sizeof(word), "%.*s", STR_FMT(dot < line.n ? str_from(line,
		    dot + 1) : line));
		if (strstr(text, word) == NULL)
			fail_msg("etc/guarita.conf does not show `%s`", word);
	}
	buf_free(&words);
	free(text);
}

/* The generated reference loads too, once its comment signs are gone. */
static void
test_reference_loads(void **state)
{
	struct fixture f;
	struct buf text = BUF_INIT(1 << 20), plain = BUF_INIT(1 << 20);
	struct str rest, line;

	schema_sample(&config_schema, &text);
	for (rest = buf_str(&text); str_split(&rest, '\n', &line); ) {
		bool statement = line.n > 1 && line.p[0] == '#' && line.p[1] != ' ';
		buf_add(&plain, statement ? str_from(line, 1) : line);
		buf_add_byte(&plain, '\n');
	}
	fixture_open(&f);
	assert_int_equal(read_text(&config_schema, buf_str(&plain), &f), 1);
	assert_non_null(strstr(faults(&f),
	    "no other file can be read here"));      /* its include, and nothing else */
	fixture_close(&f);
	buf_free(&text);
	buf_free(&plain);
}

/*
 * Samples with bytes changed, moved and lost: never a crash, and never a configuration without a
 * word about it.
 */
static void
test_damaged_samples(void **state)
{
	char *text = read_file(SOURCE_ROOT "/etc/guarita.conf");
	size_t n = strlen(text);
	uint64_t seed = 7;

	for (int round = 0; round < 400; round++) {
		char *bad = malloc(n);
		struct fixture f;
		struct config *c = NULL;
		assert_non_null(bad);
		memcpy(bad, text, n);
		for (uint32_t i = dice(&seed) % 20; i > 0; i--)
			bad[dice(&seed) % n] = "{};,\"'`#\n x0\0\xff/-"[dice(&seed) % 17];
		struct str t = str_of(bad, round % 4 ? n : dice(&seed) % n);
		fixture_open(&f);
		int r = config_load(&f.arena, f.d, STR("bad"), t, NULL, &c);
		assert_int_equal(r, diags_errors(f.d) ? -EINVAL : 0);
		diags_show(f.d, &f.out);
		assert_true(buf_ok(&f.out));
		if (r == 0) {
			buf_reset(&f.out);
			config_show(c, &f.out);
			assert_true(buf_ok(&f.out));
		}
		fixture_close(&f);
		free(bad);
	}
	free(text);
}

/* As long a text as may be, of statements that are all wrong or all too many. */
static void
test_megabytes_of_statements(void **state)
{
	static const char *const pieces[] = {
		"foo;\n", "site a;\n", "udp :1;\n", "own 10.1.2.3;\n", "respond a { ban x; }\n", "include x;\n",
	};
	size_t size = CONF_TEXT_MAX / 4;
	char *text = malloc(size);

	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		size_t n = strlen(pieces[i]);
		struct fixture f;
		struct config *c = NULL;
		for (size_t at = 0; at + n <= size; at += n)
			memcpy(text + at, pieces[i], n);
		fixture_open(&f);
		assert_int_equal(config_load(&f.arena, f.d, STR("m"), str_of(text, size / n * n), NULL, &c), -EINVAL);
		assert_true(diags_errors(f.d) >= DIAG_MAX && diags_count(f.d) == DIAG_MAX);
		fixture_close(&f);
	}
	free(text);
}

static void
test_no_memory(void **state)
{
	char *text = read_file(SOURCE_ROOT "/etc/guarita.conf");

	for (size_t max = 64; max < 40000; max += 512) {
		struct fixture f;
		struct config *c = NULL;
		fixture_open(&f);
		f.arena.max = max;
		int r = config_load(&f.arena, f.d, STR("m"), str_z(text), NULL, &c);
		if (r == 0) {
			assert_int_equal(diags_errors(f.d), 0);
			assert_int_equal(c->nsources, 4);
		} else {
			assert_null(c);
			assert_true(r == -ENOMEM || diags_errors(f.d) > 0);
		}
		fixture_close(&f);
	}
	free(text);
}

/* `key` in a branch or a headquarters is a peer; one that is written stays as it is written. */
static void
test_keys_imply_peers(void **state)
{
	struct fixture f;
	struct config *c;

	fixture_open(&f);
	assert_int_equal(load(&f, "interface a { zone lan; }\nvault \"/v\";\nlink :6515;\n"
	    "branch filial30 192.168.30.0/24 { interface a; key \"7J0DhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\"; }\n"
	    "branch filial40 192.168.40.0/24 { interface a; key \"wIu0kqTqWbTf1ZxO2p4hKc3i8jXr0yqk8jM9xYJ0aD8=\"; }\n"
	    "peer filial40 \"wIu0kqTqWbTf1ZxO2p4hKc3i8jXr0yqk8jM9xYJ0aD8=\" { share-bans no; }\n"
	    "headquarters vpn.example.com:1701 { user x; password y; key \"AAAAhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\"; }\n"
	    "headquarters 192.0.2.1 { interface other; user x; password y; at 10.0.0.1; key \"BBBBhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\"; }\n",
	    NULL, 0, &c), 0);
	assert_int_equal(c->sites.npeers, 4);
	const struct conf_peer *written = &c->sites.peers[0], *branch = &c->sites.peers[1], *h = &c->sites.peers[2];
	assert_true(str_eq(written->name, STR("filial40")) && !written->share_bans);
	assert_true(str_eq(branch->name, STR("filial30")) && branch->share_bans && branch->witness && branch->at.n == 0);
	assert_true(config_peer_takes(c, branch) && !config_peer_sends(c, branch));
	assert_true(str_eq(h->name, STR("matriz")) && str_eq(h->at, STR("vpn.example.com")) && config_peer_sends(c, h));
	assert_true(str_eq(h[1].name, STR("other")) && str_eq(h[1].at, STR("10.0.0.1")));
	fixture_close(&f);
	/* What is no key is told where it stands. */
	fixture_open(&f);
	assert_int_equal(load(&f, "interface a { zone lan; }\nlink :6515;\nbranch filial30 192.168.30.0/24 { interface a; key \"none\"; }\n", NULL, 0, &c),
	    -EINVAL);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_defaults_and_derived),
		cmocka_unit_test(test_respond),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_too_many_sources),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_keeps_the_order),
		cmocka_unit_test(test_include_faults),
		cmocka_unit_test(test_include_depth),
		cmocka_unit_test(test_include_count),
		cmocka_unit_test(test_show_loads_to_the_same),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_roles_are_checked_against_those_that_exist),
		cmocka_unit_test(test_samples_load_clean),
		cmocka_unit_test(test_sample_is_complete),
		cmocka_unit_test(test_reference_loads),
		cmocka_unit_test(test_damaged_samples),
		cmocka_unit_test(test_megabytes_of_statements),
		cmocka_unit_test(test_keys_imply_peers),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
