/* TLS over memory: two ends talk, keys are proved, what is broken is refused and stays so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "sys/sitekey.h"
#include "sys/tls.h"

struct pair {
	struct tls_trust *trust[2];
	struct tls *end[2];
	uint8_t seed[2][TLS_KEY_BYTES], key[2][TLS_KEY_BYTES];
};

static void
pair_open(struct pair *p)
{
	*p = (struct pair){ .trust = { NULL } };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tls_new_seed(p->seed[i]), 0);
		assert_int_equal(tls_public_key(p->seed[i], p->key[i]), 0);
		assert_int_equal(tls_trust_site(p->seed[i], &p->trust[i]), 0);
		assert_int_equal(tls_open(p->trust[i], i ? TLS_ANSWERS : TLS_DIALS, STR_NULL, &p->end[i]), 0);
	}
}

static void
pair_close(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		tls_free(p->end[i]);
		tls_trust_free(p->trust[i]);
	}
}

/* Carries bytes both ways until nothing moves; at most `piece` at once. */
static void
carry(struct pair *p, size_t piece)
{
	struct buf b = BUF_INIT(1 << 20);

	for (bool moved = true; moved;) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			buf_reset(&b);
			assert_int_equal(tls_take(p->end[i], &b), 0);
			for (struct str rest = buf_str(&b); rest.n; rest = str_from(rest, piece)) {
				assert_int_equal(tls_put(p->end[!i], str_head(rest, piece)), 0);
				(void)!tls_shake(p->end[!i]);
				moved = true;
			}
		}
	}
	buf_free(&b);
}

static void
shake(struct pair *p, size_t piece)
{
	assert_int_equal(tls_shake(p->end[0]), 0);
	carry(p, piece);
	assert_int_equal(tls_shake(p->end[0]), 1);
	assert_int_equal(tls_shake(p->end[1]), 1);
}

static void
test_each_proves_its_key(void **state)
{
	static const size_t pieces[] = { 1, 7, 1 << 20 };
	uint8_t key[TLS_KEY_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct pair p;
		pair_open(&p);
		assert_int_equal(tls_peer_key(p.end[0], key), -ENOKEY);
		shake(&p, pieces[i]);
		assert_int_equal(tls_peer_key(p.end[0], key), 0);
		assert_memory_equal(key, p.key[1], sizeof(key));
		assert_int_equal(tls_peer_key(p.end[1], key), 0);
		assert_memory_equal(key, p.key[0], sizeof(key));
		pair_close(&p);
	}
}

static void
test_text_arrives_and_the_end_is_told(void **state)
{
	struct pair p;
	char got[64];

	pair_open(&p);
	shake(&p, 1 << 20);
	assert_int_equal(tls_read(p.end[1], got, sizeof(got)), -EAGAIN);
	assert_int_equal(tls_write(p.end[0], STR("hello")), 0);
	carry(&p, 3);
	assert_int_equal(tls_read(p.end[1], got, sizeof(got)), 5);
	assert_memory_equal(got, "hello", 5);
	tls_end(p.end[0]);
	carry(&p, 1 << 20);
	assert_int_equal(tls_read(p.end[1], got, sizeof(got)), 0);
	pair_close(&p);
}

static void
test_a_changed_byte_breaks_it_for_good(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct pair p;
	char got[64];

	pair_open(&p);
	shake(&p, 1 << 20);
	assert_int_equal(tls_write(p.end[0], STR("pay 100")), 0);
	assert_int_equal(tls_take(p.end[0], &b), 0);
	b.p[b.n - 3] ^= 1;
	assert_int_equal(tls_put(p.end[1], buf_str(&b)), 0);
	assert_int_equal(tls_read(p.end[1], got, sizeof(got)), -EPROTO);
	assert_true(tls_why(p.end[1])[0] != '\0');
	assert_int_equal(tls_read(p.end[1], got, sizeof(got)), -EPROTO);
	assert_int_equal(tls_write(p.end[1], STR("x")), -EPROTO);
	buf_free(&b);
	pair_close(&p);
}

static void
test_what_is_no_tls(void **state)
{
	struct pair p;

	pair_open(&p);
	assert_int_equal(tls_put(p.end[1], STR("GET / HTTP/1.0\r\n\r\n")), 0);
	assert_int_equal(tls_shake(p.end[1]), -EPROTO);
	assert_int_equal(tls_shake(p.end[1]), -EPROTO);
	pair_close(&p);
}

static void
test_files_that_are_no_certificates(void **state)
{
	struct tls_files f = { .certificate = "/dev/null", .key = "/dev/null" };
	struct buf why = BUF_INIT(1000);
	struct tls_trust *t = NULL;

	assert_int_equal(tls_trust_files(&f, &t, &why), -EINVAL);
	assert_null(t);
	assert_true(str_starts(buf_str(&why), STR("/dev/null is no certificate")));
	buf_free(&why);
}

static void
test_the_key_file(void **state)
{
	uint8_t made[TLS_KEY_BYTES], read[TLS_KEY_BYTES];
	char dir[] = "/tmp/guarita-tls-XXXXXX", path[64];
	struct buf shown = BUF_INIT(100);

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	assert_int_equal(sitekey_read(path, read), -ENOENT);
	assert_int_equal(sitekey_make(path, made), 0);
	assert_int_equal(sitekey_read(path, read), 0);
	assert_memory_equal(made, read, sizeof(made));
	assert_int_equal(sitekey_make(path, read), -EEXIST);
	assert_int_equal(sitekey_show(made, &shown), 0);
	assert_int_equal(shown.n, 44);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(sitekey_read(path, read), -EBADMSG);
	buf_free(&shown);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_proves_its_key),
		cmocka_unit_test(test_text_arrives_and_the_end_is_told),
		cmocka_unit_test(test_a_changed_byte_breaks_it_for_good),
		cmocka_unit_test(test_what_is_no_tls),
		cmocka_unit_test(test_files_that_are_no_certificates),
		cmocka_unit_test(test_the_key_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
