/* The table of RFC 1661 section 4.1, written here as the RFC prints it and compared cell by cell. */
#include "../base/cmocka_std.h"
#include "gate/ppp/fsm.h"

#include <stdio.h>

/* Rows as in the RFC, states 0 to 9; the marks r, x and p are left out: they are options and errors it tolerates. */
static const struct { enum ppp_event event; const char *cells; } rfc[] = {
	{ PPP_UP, "2 irc,scr/6 - - - - - - - -" },
	{ PPP_DOWN, "- - 0 tls/1 0 1 1 1 1 tld/1" },
	{ PPP_OPEN, "tls/1 1 irc,scr/6 3 5 5 6 7 8 9" },
	{ PPP_CLOSE, "0 tlf/0 2 2 4 4 irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4" },
	{ PPP_TIMEOUT, "- - - - str/4 str/5 scr/6 scr/6 scr/8 -" },
	{ PPP_GIVE_UP, "- - - - tlf/2 tlf/3 tlf/3 tlf/3 tlf/3 -" },
	{ PPP_RCR_GOOD, "- - sta/2 irc,scr,sca/8 4 5 sca/8 sca,tlu/9 sca/8 tld,scr,sca/8" },
	{ PPP_RCR_BAD, "- - sta/2 irc,scr,scn/6 4 5 scn/6 scn/7 scn/6 tld,scr,scn/6" },
	{ PPP_RCA, "- - sta/2 sta/3 4 5 irc/7 scr/6 irc,tlu/9 tld,scr/6" },
	{ PPP_RCN, "- - sta/2 sta/3 4 5 irc,scr/6 scr/6 irc,scr/8 tld,scr/6" },
	{ PPP_RTR, "- - sta/2 sta/3 sta/4 sta/5 sta/6 sta/6 sta/6 tld,zrc,sta/5" },
	{ PPP_RTA, "- - 2 3 tlf/2 tlf/3 6 6 8 tld,scr/6" },
	{ PPP_RUC, "- - scj/2 scj/3 scj/4 scj/5 scj/6 scj/7 scj/8 scj/9" },
	{ PPP_RXJ_GOOD, "- - 2 3 4 5 6 6 8 9" },
	{ PPP_RXJ_BAD, "- - tlf/2 tlf/3 tlf/2 tlf/3 tlf/3 tlf/3 tlf/3 tld,irc,str/5" },
	{ PPP_RXR, "- - 2 3 4 5 6 7 8 ser/9" },
};

static const struct { const char *name; unsigned bit; } actions[] = {
	{ "tld", PPP_TLD }, { "irc", PPP_IRC }, { "zrc", PPP_ZRC }, { "scr", PPP_SCR }, { "sca", PPP_SCA },
	{ "scn", PPP_SCN }, { "str", PPP_STR }, { "sta", PPP_STA }, { "scj", PPP_SCJ }, { "ser", PPP_SER },
	{ "tlu", PPP_TLU }, { "tlf", PPP_TLF }, { "tls", PPP_TLS },
};

static void
show_cell(const struct ppp_cell *c, char *dst, size_t size)
{
	size_t n = 0;

	if (c->next < 0) {
		snprintf(dst, size, "-");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (c->actions & actions[i].bit)
			n += (size_t)snprintf(dst + n, size - n, "%s%s", n ? "," : "", actions[i].name);
	snprintf(dst + n, size - n, "%s%d", n ? "/" : "", c->next);
}

static void
test_table(void **state)
{
	unsigned cells = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
		struct str rest = str_z(rfc[i].cells), want;
		for (unsigned s = 0; s < PPP_STATES; s++, cells++) {
			char got[64];
			assert_true(str_word(&rest, &want));
			show_cell(ppp_cell(rfc[i].event, s), got, sizeof(got));
			if (!str_eq(want, str_z(got)))
				fail_msg("%s in %s: the RFC has %.*s, we have %s", ppp_event_name(rfc[i].event),
				    ppp_state_name(s), STR_FMT(want), got);
		}
		assert_false(str_word(&rest, &want));
	}
	assert_int_equal(cells, PPP_EVENTS * PPP_STATES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
