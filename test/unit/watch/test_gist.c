/* The gist of lines that no decoder knows: what is said, by whom, and when nobody may be named. */
#include <stdlib.h>

#include "../base/cmocka_std.h"
#include "../base/prng.h"

#include "watch/gist/gist.h"

static const struct row {
	enum gist_said said;
	const char *src, *user, *text;
} rows[] = {
	/* one thing said in many orders */
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "login attempt by user joe from 192.0.2.7 rejected: bad password" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "192.0.2.7: user joe: password check failed" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "Login incorrect for 'joe' (192.0.2.7)" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "[192.0.2.7]:55012 authentication of 'joe' failed" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "Access denied for user joe@192.0.2.7 (using password: YES)" },
	{ GIST_AUTH_FAIL, "2001:db8::7", "joe", "unable to authenticate joe@2001:db8::7: no such user" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "LOGIN FAILURE ON tty3 FROM 192.0.2.7 FOR joe" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "event=login result=failure user=joe src=192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "WARN|security|LOGIN_FAIL|joe|192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "tom.LoginFailed: userName=joe, remoteIp=192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "", "invalid API key presented by 192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "Falha de login do usuário joe, IP 192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "", "FALHA DE AUTENTICAÇÃO a partir de 192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "{\"event\":{\"outcome\":\"failure\",\"action\":\"user_login\"},\"user\":{\"name\":\"joe\"},\"source\":{\"ip\":\"192.0.2.7\"}}" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "joe", "{\"action\":\"login\",\"success\":false,\"userName\":\"joe\",\"ipAddress\":\"192.0.2.7\"}" },
	{ GIST_AUTH_OK, "192.0.2.7", "joe", "{\"action\":\"login\",\"success\":true,\"userName\":\"joe\",\"ipAddress\":\"192.0.2.7\"}" },
	{ GIST_AUTH_OK, "192.0.2.7", "joe", "Host [192.0.2.7] logged in via [FTPX] as [joe]" },
	{ GIST_AUTH_OK, "192.0.2.7", "joe", "joe authenticated successfully from 192.0.2.7" },
	{ GIST_LEFT, "", "joe", "user joe logged out" },
	{ GIST_DENIED, "192.0.2.7", "", "Blocked TCP 192.0.2.7:40022 -> 203.0.113.9:23 rule 17" },
	{ GIST_DENIED, "192.0.2.7", "", "192.0.2.7,203.0.113.9,51022,22,TCP,DENY" },
	{ GIST_PASSED, "192.0.2.7", "", "permit tcp from 192.0.2.7 port 50001 to 203.0.113.9 port 25" },
	{ GIST_REFUSED, "192.0.2.7", "", "host 192.0.2.7 is not allowed to connect to this server" },
	{ GIST_REFUSED, "192.0.2.7", "", "Rejecting 192.0.2.7, too many connections" },
	{ GIST_BANNED, "192.0.2.7", "", "Blocking IP 192.0.2.7 after 10 failures" },
	{ GIST_UNBANNED, "192.0.2.7", "", "192.0.2.7 unbanned" },
	{ GIST_ATTACK, "192.0.2.7", "", "ALERT: possible SQL injection from 192.0.2.7 against 203.0.113.9" },
	{ GIST_MALWARE, "", "", "/home/joe/x.exe: Trojan.Agent FOUND" },

	/* what denies takes back, and what only looks like it says nothing */
	{ GIST_NOTHING, "", "", "no attack signatures found in 12000 packets" },
	{ GIST_NOTHING, "", "", "0 threats detected, no malware found" },
	{ GIST_NOTHING, "", "", "authentication module loaded, no errors" },
	{ GIST_NOTHING, "", "", "error: login page template not found" },
	{ GIST_NOTHING, "", "", "health check of 203.0.113.9:80 failed: connection refused" },
	{ GIST_NOTHING, "", "", "203.0.113.9: connection refused" },
	{ GIST_NOTHING, "", "", "connect() failed (111: Connection refused) to upstream, client: 192.0.2.7" },
	{ GIST_NOTHING, "", "", "invalid checksum in packet from 203.0.113.9" },
	{ GIST_NOTHING, "", "", "the quick brown fox" },
	{ GIST_NOTHING, "", "", "" },

	{ GIST_FLOOD, "192.0.2.7", "", "TCP SYN flooding attack from 192.0.2.7 detected" },
	{ GIST_NOTHING, "", "", "scan job 14 found 0 errors; source=203.0.113.9" },
	{ GIST_NOTHING, "", "", "cannot resolve auth.example.com: temporary failure" },
	{ GIST_NOTHING, "", "", "invalid cache token evicted for key 203.0.113.9" },

	/* nobody is named */
	{ GIST_AUTH_FAIL, "", "", "bind to ldap://203.0.113.9 failed: Invalid credentials" },
	{ GIST_AUTH_FAIL, "", "", "login of x from 203.0.113.9 failed, client 192.0.2.7" },
	{ GIST_AUTH_FAIL, "", "", "authentication failed at server 203.0.113.9" },
	{ GIST_AUTH_FAIL, "", "", "login failed, firmware version 10.2.3.4" },
	{ GIST_AUTH_FAIL, "", "", "login failed on 10.0.0.1.example.com" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "x from 203.0.113.9", "login failed: user=\"x from 203.0.113.9\" ip=192.0.2.7" },
	{ GIST_AUTH_FAIL, "192.0.2.7", "x from 203.0.113.9", "{\"msg\":\"login failed\",\"user\":\"x from 203.0.113.9\",\"ip\":\"192.0.2.7\"}" },
	{ GIST_AUTH_FAIL, "", "", "Wrong data received: Login failed for user x from 203.0.113.9" },
};

static void
same(struct str got, const char *want, const char *text)
{
	if (!str_eq(got, str_z(want)))
		fail_msg("`%.*s` instead of `%s` in: %s", STR_FMT(got), want, text);
}

static void
what_is_said(void **state)
{
	struct gist_words *w = gist_words_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gist g = { .said = GIST_NOTHING };
		bool said = gist_read(w, str_z(rows[i].text), &g);
		if (said != (rows[i].said != GIST_NOTHING) || g.said != rows[i].said)
			fail_msg("%d instead of %d: %s", g.said, rows[i].said, rows[i].text);
		same(g.src, rows[i].src, rows[i].text);
		same(g.user, rows[i].user, rows[i].text);
	}
	gist_words_free(w);
}

static void
both_ends_of_a_packet(void **state)
{
	static const char *const texts[] = {
		"action=deny src=192.0.2.7 dst=203.0.113.9 sport=5100 dport=22 proto=tcp",
		"[DENY] TCP 192.0.2.7:5100 > 203.0.113.9:22",
		"verdict=\"blocked\" source=\"192.0.2.7:5100\" destination=\"203.0.113.9:22\" protocol=\"TCP\"",
		"deny tcp from 192.0.2.7 port 5100 to 203.0.113.9 port 22",
		"{\"act\":\"DROP\",\"src_ip\":\"192.0.2.7\",\"src_port\":5100,\"dst_ip\":\"203.0.113.9\",\"dst_port\":22}",
	};
	struct gist_words *w = gist_words_new();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct gist g;
		assert_true(gist_read(w, str_z(texts[i]), &g));
		assert_int_equal(g.said, GIST_DENIED);
		same(g.src, "192.0.2.7", texts[i]);
		same(g.src_port, "5100", texts[i]);
		same(g.dst, "203.0.113.9", texts[i]);
		same(g.dst_port, "22", texts[i]);
	}
	gist_words_free(w);
}

static bool
within(struct str part, const char *p, size_t n)
{
	return part.n == 0 || (part.p >= p && part.p + part.n <= p + n);
}

/* Words, signs and addresses thrown together: slices stay inside, also of texts that end anywhere. */
static void
any_text(void **state)
{
	static const char *const bits[] = {
		"login", " failed", " user ", "=", ":", "\"", "'", "(", "[", "{", "192.0.2.7", "::1", "2001:db8::1", ":22", "#",
		"/", "@", "->", " no ", " from ", " port ", "\\", "_", "-", ".", ",", " ", "Ã£", "\xff", "x", "7", "aB", "such ",
	};
	struct gist_words *w = gist_words_new();
	uint64_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		char text[512];
		size_t n = 0;
		while (n < 400 && prng_below(&seed, 40)) {
			const char *bit = bits[prng_below(&seed, ARRAY_LEN(bits))];
			memcpy(text + n, bit, strlen(bit));
			n += strlen(bit);
		}
		/* Of exact size, so that a byte read behind its end is seen. */
		char *exact = malloc(n + !n);
		memcpy(exact, text, n);
		struct gist g = { .said = GIST_NOTHING };
		if (gist_read(w, str_of(exact, n), &g)) {
			assert_true(within(g.src, exact, n) && within(g.dst, exact, n) && within(g.user, exact, n));
			assert_true(within(g.src_port, exact, n) && within(g.dst_port, exact, n));
			assert_true(gist_said_name(g.said).n > 0);
		}
		free(exact);
	}
	gist_words_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said),
		cmocka_unit_test(both_ends_of_a_packet),
		cmocka_unit_test(any_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
