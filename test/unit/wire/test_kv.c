/* Pairs, CEF and LEEF, cells, columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/kv.h"

static void
show(struct buf *out, const struct kv *kv)
{
	buf_addf(out, "%.*s=%.*s;", STR_FMT(kv->key), STR_FMT(kv->value));
}

static void
test_pairs(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "a=1 b=two  c=\"x y\" d='q r'", "a=1;b=two;c=x y;d=q r;" },
		{ "SRC=192.0.2.1 LEN=40 SYN URGP=0 DF", "SRC=192.0.2.1;LEN=40;=SYN;URGP=0;=DF;" },
		{ "logname= uid=0 tty=ssh ruser= rhost=192.0.2.1  user=root", "logname=;uid=0;tty=ssh;ruser=;rhost=192.0.2.1;user=root;" },
		{ "user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2", "user=<bob>;method=PLAIN;rip=192.0.2.1;lip=192.0.2.2;" },
		{ "error,relay=::1,msg=\"535 no\",cmd=AUTH", "=error;relay=::1;msg=535 no;cmd=AUTH;" },
		{ "ports=80,443 x=1", "ports=80,443;x=1;" },
		{ "t=1 msg=\"a \\\"b\\\" c\" e=\"open", "t=1;msg=a \\\"b\\\" c;e=open;" },
		{ "type=USER_LOGIN msg=audit(1.0:2): pid=1 msg='op=login acct=\"bob\" addr=192.0.2.1 res=failed'",
		    "type=USER_LOGIN;msg=audit(1.0:2):;pid=1;op=login;acct=bob;addr=192.0.2.1;res=failed;" },
		{ "bob : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/bin/ls", "=bob;TTY=pts/0;PWD=/root;USER=root;COMMAND=/bin/ls;" },
		{ "(hostname=?, addr=192.0.2.1, res=failed)'", "hostname=?;addr=192.0.2.1;res=failed;" },
		{ "=x =", "==x;" }, { "  ;; - ,", "" }, { "", "" }, { "a=", "a=;" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT(4096);
		struct str rest = str_z(cases[i].text);
		struct kv kv;
		for (int k = 0; k < 100 && kv_next(&rest, &kv); k++)
			show(&out, &kv);
		if (strcmp(buf_cstr(&out), cases[i].want) != 0)
			fail_msg("%s\ngave %s", cases[i].text, buf_cstr(&out));
		buf_free(&out);
	}
}

static void
test_unescape(void **state)
{
	struct buf out = BUF_INIT(256);
	(void)state;
	kv_unescape(STR("a\\\"b\\\\c\\nd\\x41\\=\\q\\"), &out);
	assert_string_equal(buf_cstr(&out), "a\"b\\c\ndA=\\q\\");
	buf_free(&out);
}

static void
test_cef(void **state)
{
	struct cef c;
	struct kv kv;
	struct buf out = BUF_INIT(4096);
	(void)state;
	assert_true(cef_parse(
	    STR("head CEF:0|Se\\|c|box|1.0|100|worm stopped|10|src=192.0.2.1 msg=a b c act=blocked cs1=x\\=y z "
		"request=http://h/?a=b end=1"),
	    &c));
	assert_false(c.leef);
	assert_true(str_eq(c.vendor, STR("Se\\|c")) && str_eq(c.id, STR("100")) &&
	    str_eq(c.name, STR("worm stopped")));
	assert_true(str_eq(c.severity, STR("10")));
	struct str rest = c.extension;
	while (cef_next(&c, &rest, &kv))
		show(&out, &kv);
	assert_string_equal(buf_cstr(&out),
	    "src=192.0.2.1;msg=a b c;act=blocked;cs1=x\\=y z;request=http://h/?a=b;end=1;");
	buf_reset(&out);
	assert_true(cef_parse(STR("LEEF:2.0|v|p|1|42|^|src=192.0.2.1^user name=b c^x=1"), &c));
	assert_true(c.leef && str_eq(c.id, STR("42")));
	rest = c.extension;
	while (cef_next(&c, &rest, &kv))
		show(&out, &kv);
	assert_string_equal(buf_cstr(&out), "src=192.0.2.1;user name=b c;x=1;");
	buf_reset(&out);
	assert_true(cef_parse(STR("LEEF:1.0|v|p|1|42|src=192.0.2.1\tusrName=b c"), &c));
	rest = c.extension;
	while (cef_next(&c, &rest, &kv))
		show(&out, &kv);
	assert_string_equal(buf_cstr(&out), "src=192.0.2.1;usrName=b c;");
	assert_false(cef_parse(STR("CEF:0|only|three|parts"), &c));
	assert_false(cef_parse(STR("nothing of the kind"), &c));
	buf_free(&out);
}

static void
test_cells(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "a,b", "a;b;" }, { "a,,b,", "a;;b;;" }, { "\"x,y\",\"q\"\"r\",z", "x,y;q\"\"r;z;" }, { "", ";" },
		{ "\"open,x", "open,x;" }, { "a, \"b\" ,c", "a;b;c;" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT(4096);
		struct str rest = str_z(cases[i].text), cell;
		bool quoted;
		for (int k = 0; k < 100 && csv_next(&rest, ',', &cell, &quoted); k++)
			buf_addf(&out, "%.*s;", STR_FMT(cell));
		if (strcmp(buf_cstr(&out), cases[i].want) != 0)
			fail_msg("%s gave %s", cases[i].text, buf_cstr(&out));
		buf_free(&out);
	}
	struct buf out = BUF_INIT(64);
	csv_unescape(STR("q\"\"r\"\""), &out);
	assert_string_equal(buf_cstr(&out), "q\"r\"");
	buf_free(&out);
}

static void
test_columns(void **state)
{
	struct columns c;
	struct str rest, cell;
	struct buf out = BUF_INIT(4096);
	(void)state;
	assert_true(columns_header(STR("#Fields: date time c-ip cs(User-Agent)\r"), &c));
	assert_int_equal(c.count, 4);
	assert_true(str_eq(c.names[3], STR("cs(User-Agent)")));
	rest = STR("2024-01-02 03:04:05  192.0.2.1 \"A B\"");
	while (columns_next(&c, &rest, &cell))
		buf_addf(&out, "%.*s;", STR_FMT(cell));
	assert_string_equal(buf_cstr(&out), "2024-01-02;03:04:05;192.0.2.1;A B;");
	buf_reset(&out);
	assert_true(columns_header(STR("#fields\tts\tuid\tid.orig_h"), &c));
	assert_int_equal(c.count, 3);
	rest = STR("1.5\t-\t\t192.0.2.1 x");
	while (columns_next(&c, &rest, &cell))
		buf_addf(&out, "%.*s;", STR_FMT(cell));
	assert_string_equal(buf_cstr(&out), "1.5;-;;192.0.2.1 x;");
	assert_false(columns_header(STR("#Software: x"), &c));
	buf_free(&out);
}

/* A long text without the sign that ends it must not cost a search for each of its bytes. */
static void
test_linear(void **state)
{
	struct buf b = BUF_INIT(4u << 20);
	struct kv kv;
	struct cef c;
	size_t n = 0;
	(void)state;
	buf_add(&b, STR("CEF:0|a|b|c|d|e|f|"));
	while (b.n < 2u << 20)
		buf_add(&b, STR("k = ,x "));
	assert_true(cef_parse(buf_str(&b), &c));
	for (struct str rest = c.extension; cef_next(&c, &rest, &kv);)
		n++;
	for (struct str rest = buf_str(&b); kv_next(&rest, &kv);)
		n++;
	assert_true(n > 0 && n < 2u << 20);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs), cmocka_unit_test(test_unescape), cmocka_unit_test(test_cef),
		cmocka_unit_test(test_cells), cmocka_unit_test(test_columns), cmocka_unit_test(test_linear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
