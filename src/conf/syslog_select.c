/* syslog_select: see syslog_select.h. Must never take a word that it does not know for one it knows. */
#include "conf/syslog_select.h"

#include <errno.h>

struct word {
	struct str name;
	uint8_t is;
};

static const struct word facilities[] = {
	{ STR_INIT("kern"), 0 }, { STR_INIT("user"), 1 }, { STR_INIT("mail"), 2 }, { STR_INIT("daemon"), 3 }, { STR_INIT("auth"), 4 },
	{ STR_INIT("security"), 4 }, { STR_INIT("syslog"), 5 }, { STR_INIT("lpr"), 6 }, { STR_INIT("news"), 7 },
	{ STR_INIT("uucp"), 8 }, { STR_INIT("cron"), 9 }, { STR_INIT("authpriv"), 10 }, { STR_INIT("ftp"), 11 },
	{ STR_INIT("ntp"), 12 }, { STR_INIT("audit"), 13 }, { STR_INIT("console"), 14 }, { STR_INIT("cron2"), 15 },
	{ STR_INIT("local0"), 16 }, { STR_INIT("local1"), 17 }, { STR_INIT("local2"), 18 }, { STR_INIT("local3"), 19 },
	{ STR_INIT("local4"), 20 }, { STR_INIT("local5"), 21 }, { STR_INIT("local6"), 22 }, { STR_INIT("local7"), 23 },
};

static const struct word severities[] = {
	{ STR_INIT("emerg"), 0 }, { STR_INIT("panic"), 0 }, { STR_INIT("alert"), 1 }, { STR_INIT("crit"), 2 }, { STR_INIT("err"), 3 },
	{ STR_INIT("error"), 3 }, { STR_INIT("warning"), 4 }, { STR_INIT("warn"), 4 }, { STR_INIT("notice"), 5 },
	{ STR_INIT("info"), 6 }, { STR_INIT("debug"), 7 },
};

static int
find(const struct word *words, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(words[i].name, name))
			return words[i].is;
	return -1;
}

/* The severities of ".!=err" and the like, and whether they are taken away. */
static int
read_level(struct str text, uint8_t *ret_mask, bool *ret_not)
{
	struct str t = text;
	bool not = str_starts(t, STR("!"));

	t = str_from(t, not);
	bool only = str_starts(t, STR("="));
	t = str_from(t, only);
	int level = find(severities, ARRAY_LEN(severities), t);
	if (str_eq(t, STR("*")) || str_eq_nocase(t, STR("none"))) {
		if (only || (not && t.n > 1))
			return -EINVAL;
		*ret_mask = 0xff;
		*ret_not = not || t.n > 1;
		return 0;
	}
	if (level < 0)
		return -EINVAL;
	*ret_mask = (uint8_t)(only ? 1u << level : (2u << level) - 1);
	*ret_not = not;
	return 0;
}

static void
apply(struct syslog_select *s, int facility, uint8_t mask, bool not)
{
	for (int i = facility < 0 ? 0 : facility; i < (facility < 0 ? SYSLOG_FACILITIES : facility + 1); i++)
		s->mask[i] = (uint8_t)(not ? s->mask[i] & ~mask : s->mask[i] | mask);
}

static int
add_one(struct syslog_select *s, struct str one, struct str *ret_bad)
{
	size_t dot = str_find_byte(one, '.');
	struct str names = str_head(one, dot), name;
	uint8_t mask;
	bool not;

	*ret_bad = one;
	if (dot == one.n || dot == 0 || read_level(str_from(one, dot + 1), &mask, &not) < 0)
		return -EINVAL;
	while (str_split(&names, ',', &name)) {
		name = str_trim(name);
		int facility = find(facilities, ARRAY_LEN(facilities), name);
		if (facility < 0 && !str_eq(name, STR("*")))
			return -EINVAL;
		apply(s, facility, mask, not);
	}
	return 0;
}

int
syslog_select_add(struct syslog_select *s, struct str text, struct str *ret_bad)
{
	struct syslog_select sum = *s;
	struct str one;
	unsigned n = 0;

	while (str_split(&text, ';', &one)) {
		one = str_trim(one);
		if (one.n == 0)
			continue;
		if (add_one(&sum, one, ret_bad) < 0)
			return -EINVAL;
		n++;
	}
	if (n == 0) {
		*ret_bad = text;
		return -EINVAL;
	}
	*s = sum;
	return 0;
}
