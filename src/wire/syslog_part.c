/*
 * Pieces of BSD syslog heads: host, tag, facility words. Each looks only at its own bytes; order
 * and certainty are decided in syslog.c.
 */
#include "wire/syslog_part.h"

#define L (BYTE_HOST | BYTE_TAG | BYTE_ALNUM)
#define U (L | BYTE_UPPER)
#define S (BYTE_HOST | BYTE_TAG)
const uint8_t syslog_bytes[256] = {
	['0'] = U, U, U, U, U, U, U, U, U, U,
	['A'] = U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	['a'] = L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	['_'] = S | BYTE_UPPER, ['.'] = S | BYTE_DOT, ['-'] = S, ['/'] = S, ['@'] = S,
	[':'] = BYTE_HOST, ['%'] = BYTE_HOST, ['['] = BYTE_HOST, [']'] = BYTE_HOST,
	['+'] = BYTE_TAG, ['~'] = BYTE_TAG,
	[' '] = BYTE_BLANK, ['\t'] = BYTE_BLANK,
};
#undef L
#undef U
#undef S

static const char facility_names[24][13] = {
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
	"authpriv", "ftp", "ntp", "security", "console", "solaris-cron", "local0", "local1",
	"local2", "local3", "local4", "local5", "local6", "local7",
};

static const struct { char name[8]; int8_t value; } severity_names[] = {
	{ "emerg", 0 }, { "panic", 0 }, { "alert", 1 }, { "crit", 2 }, { "err", 3 }, { "error", 3 },
	{ "warning", 4 }, { "warn", 4 }, { "notice", 5 }, { "info", 6 }, { "debug", 7 },
};

static int
facility_of(struct str s)
{
	for (size_t i = 0; s.n && i < ARRAY_LEN(facility_names); i++)
		if (facility_names[i][0] == *s.p && str_eq(s, str_z(facility_names[i])))
			return (int)i;
	return -1;
}

static int
severity_of(struct str s)
{
	for (size_t i = 0; s.n && i < ARRAY_LEN(severity_names); i++)
		if (severity_names[i].name[0] == *s.p && str_eq(s, str_z(severity_names[i].name)))
			return severity_names[i].value;
	return -1;
}

size_t
syslog_pri(struct str s, int8_t *ret_facility, int8_t *ret_severity)
{
	unsigned pri = 0;
	size_t i = 1;
	if (s.n < 3 || *s.p != '<')
		return 0;
	for (; i < s.n && i < 4 && stamp_digit(s.p[i]); i++)
		pri = pri * 10 + (unsigned)(s.p[i] - '0');
	if (i == 1 || i >= s.n || s.p[i] != '>' || pri > 191)
		return 0;
	*ret_facility = (int8_t)(pri >> 3);
	*ret_severity = (int8_t)(pri & 7);
	return i + 1;
}

bool
syslog_is_level(struct str word)
{
	static const struct { char name[9]; uint8_t n; } levels[] = {
		{ "info", 4 }, { "warn", 4 }, { "warning", 7 }, { "error", 5 }, { "err", 3 },
		{ "debug", 5 }, { "dbg", 3 }, { "trace", 5 }, { "fatal", 5 }, { "critical", 8 },
		{ "crit", 4 }, { "notice", 6 }, { "severe", 6 }, { "verbose", 7 }, { "alert", 5 },
		{ "panic", 5 }, { "emerg", 5 }, { "inf", 3 }, { "wrn", 3 }, { "fine", 4 },
		{ "audit", 5 }, { "log", 3 },
	};
	char first = word.n ? (char)(*word.p | 0x20) : 0;
	if (word.n > 8)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (levels[i].name[0] == first && levels[i].n == word.n &&
		    str_eq_nocase(word, str_of(levels[i].name, levels[i].n)))
			return true;
	return false;
}

bool
syslog_is_note(struct str s)
{
	return s.n > 9 && (*s.p == 'l' || *s.p == 'm' || *s.p == '-') &&
	    (str_starts(s, STR("last message repeated ")) ||
		str_starts(s, STR("message repeated ")) || str_starts(s, STR("-- MARK --")) ||
		str_starts(s, STR("--MARK--")) || str_starts(s, STR("last message buffered ")));
}

size_t
syslog_word(struct str s, unsigned *ret_classes)
{
	size_t n = 0, end = s.n > SYSLOG_HOST_MAX + 1 ? SYSLOG_HOST_MAX + 1 : s.n;
	unsigned seen = 0, c;
	while (n < end && ((c = syslog_bytes[(unsigned char)s.p[n]]) & BYTE_HOST)) {
		seen |= c;
		n++;
	}
	*ret_classes = seen;
	return n;
}

bool
syslog_host(struct str s, size_t n, unsigned classes)
{
	if (!(classes & BYTE_ALNUM) || n >= s.n || n > SYSLOG_HOST_MAX ||
	    !byte_is(s.p[n], BYTE_BLANK))
		return false;
	return *s.p != '[' || (s.p[n - 1] == ']' && str_find_byte(str_head(s, n), ':') < n);
}

static size_t
dotted_facility(struct str s, struct syslog_head *h)
{
	size_t dot = 0, end;
	while (dot < s.n && dot < 13 &&
	    (stamp_alpha(s.p[dot]) || stamp_digit(s.p[dot]) || s.p[dot] == '-'))
		dot++;
	if (dot < 3 || dot >= s.n || s.p[dot] != '.')
		return 0;
	for (end = dot + 1; end < s.n && end < dot + 9 && stamp_alpha(s.p[end]);)
		end++;
	int facility = facility_of(str_head(s, dot));
	int severity = severity_of(str_of(s.p + dot + 1, end - dot - 1));
	if (facility < 0 || severity < 0)
		return 0;
	h->facility = (int8_t)facility;
	h->severity = (int8_t)severity;
	return end;
}

/* AIX: "auth|security:info" */
static size_t
aix_facility(struct str s, struct syslog_head *h)
{
	size_t bar = str_find_byte(str_head(s, 12), '|'),
	       colon = str_find_byte(str_head(s, 32), ':');
	if (bar >= 12 || bar >= colon || colon >= s.n || colon >= 32)
		return 0;
	size_t end = colon + 1;
	while (end < s.n && end < colon + 9 && stamp_alpha(s.p[end]))
		end++;
	int facility = facility_of(str_head(s, bar));
	int severity = severity_of(str_of(s.p + colon + 1, end - colon - 1));
	if (facility < 0 || severity < 0)
		return 0;
	h->facility = (int8_t)facility;
	h->severity = (int8_t)severity;
	return end;
}

size_t
syslog_facility_word(struct str s, struct syslog_head *h)
{
	if (!s.n || (*s.p != '<' && !stamp_alpha(*s.p)))
		return 0;
	size_t angle = *s.p == '<';
	size_t n = dotted_facility(str_from(s, angle), h);
	if (!n && !angle)
		n = aix_facility(s, h);
	if (!n)
		return 0;
	n += angle;
	if (angle && (n >= s.n || s.p[n++] != '>'))
		return 0;
	return n < s.n && byte_is(s.p[n], BYTE_BLANK) ? skip_blanks(s, n) : 0;
}

/* "[...]" without blanks inside, at most 40 bytes. */
static size_t
bracket(struct str s, struct str *ret_inside)
{
	size_t i = 1;
	while (i < s.n && i < 42 && s.p[i] != ']' && !byte_is(s.p[i], BYTE_BLANK) && s.p[i] != '[')
		i++;
	if (i < 2 || i >= s.n || s.p[i] != ']')
		return 0;
	*ret_inside = str_of(s.p + 1, i - 1);
	return i + 1;
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!stamp_digit(s.p[i]))
			return false;
	return s.n > 0;
}

/* "(module)" behind or instead of a name. */
static size_t
tag_module(struct str s, size_t at, struct str *ret_module)
{
	size_t i = at + 1;
	while (i < s.n && i < at + 48 && s.p[i] != ')' && !byte_is(s.p[i], BYTE_BLANK))
		i++;
	if (i == at + 1 || i >= s.n || s.p[i] != ')')
		return 0;
	*ret_module = str_of(s.p + at + 1, i - at - 1);
	return i + 1;
}

/* From the '[' behind the name: "[12]:", "[12][34]:", "[12](info):", "[12] ", "[12]". */
static size_t
tag_pid(struct str s, size_t at, unsigned flags, struct str *ret_pid)
{
	size_t n = bracket(str_from(s, at), ret_pid);
	if (!n || ((flags & TAG_PID) && !all_digits(*ret_pid)))
		return 0;
	at += n;
	struct str again;
	if (at < s.n && s.p[at] == '[' && (n = bracket(str_from(s, at), &again)) != 0 &&
	    all_digits(again))
		at += n;
	if (at < s.n && s.p[at] == '(' && (n = tag_module(s, at, &again)) != 0 && n < s.n && s.p[n] == ':')
		at = n;
	if (at < s.n && s.p[at] == ':')
		return skip_blanks(s, at + 1);
	if (at < s.n &&
	    (!byte_is(s.p[at], BYTE_BLANK) || (flags & TAG_COLON) || !all_digits(*ret_pid)))
		return 0;
	return skip_blanks(s, at);
}

/*
 * A name of capitalised words is certain when digits in brackets and a colon follow: "Google Chrome
 * Helper[12]:".
 */
static size_t
blank_name(struct str s)
{
	size_t i = 0, words = 0;
	while (i < s.n && i < 48 && words < 3) {
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') && !(words && stamp_digit(s.p[i])))
			return 0;
		while (i < s.n && byte_is(s.p[i], BYTE_TAG))
			i++;
		words++;
		if (i < s.n && s.p[i] == '[')
			return words > 1 ? i : 0;
		if (i >= s.n || s.p[i] != ' ')
			return 0;
		i++;
	}
	return 0;
}

static size_t
tag_colon(struct str s, size_t name, size_t at, unsigned flags)
{
	if (flags & TAG_PID)
		return 0;
	bool open = at + 1 >= s.n || byte_is(s.p[at + 1], BYTE_BLANK) || s.p[at + 1] == '[';
	struct str tag = str_head(s, name);
	if (!open || str_eq(tag, STR("CEF")) || str_eq(tag, STR("LEEF")) || all_digits(tag))
		return 0;
	return skip_blanks(s, at + 1);
}

static bool
lower_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)(s.p[i] - 'a') > 25 && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 1;
}

/* "[sshd]: ", and "[sshd] " where a tag must be and the name is in small letters and no level. */
static size_t
bracketed_tag(struct str s, unsigned flags, struct tag *ret)
{
	struct str name;
	size_t n = bracket(s, &name);
	if (!n || n + 1 >= s.n || !stamp_alpha(*name.p))
		return 0;
	if (s.p[n] != ':' &&
	    (!(flags & TAG_BARE) || !byte_is(s.p[n], BYTE_BLANK) || !lower_name(name) ||
		syslog_is_level(name)))
		return 0;
	*ret = (struct tag){ .name = name };
	return skip_blanks(s, n + (s.p[n] == ':'));
}

size_t
syslog_tag(struct str s, unsigned flags, struct tag *ret)
{
	size_t name = 0, at;
	struct str module = STR_NULL, pid = STR_NULL;
	while (name < s.n && name <= SYSLOG_TAG_MAX && byte_is(s.p[name], BYTE_TAG))
		name++;
	if (name >= s.n || name > SYSLOG_TAG_MAX)
		return 0;
	if (!name && *s.p == '[' && !(flags & TAG_PID))
		return bracketed_tag(s, flags, ret);
	at = name;
	/* What PAM's services call themselves may end in a bracket: "gdm-password][12]:". */
	at += name && s.p[at] == ']' && at + 1 < s.n && s.p[at + 1] == '[';
	if (s.p[at] == '(') {
		at = tag_module(s, at, &module);
		if (!at || at >= s.n)
			return 0;
	}
	if (!name && !module.n)
		return 0;
	if (s.p[at] == ' ' && name && !module.n) {
		if (skip_blanks(s, at) < s.n && s.p[skip_blanks(s, at)] == '[')
			at = skip_blanks(s, at), flags |= TAG_PID | TAG_COLON;
		else if (!(flags & TAG_BLANKS) || !(at = name = blank_name(s)))
			return 0;
	}
	size_t n = 0;
	if (s.p[at] == '[')
		n = tag_pid(s, at, flags, &pid);
	else if (s.p[at] == ':')
		n = tag_colon(s, name, at, flags);
	if (!n)
		return 0;
	/* Dovecot writes "auth-worker(123):". */
	bool numbered = name && !pid.n && all_digits(module);
	ret->name = name ? str_head(s, name) : module;
	ret->module = name && !numbered ? module : STR_NULL;
	ret->pid = numbered ? module : pid;
	return n;
}
