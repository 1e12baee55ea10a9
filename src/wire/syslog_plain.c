/*
 * syslog_plain: the head that nearly every line of a log file has behind its stamp, "host tag[pid]: ", in one pass. It
 * answers only where syslog.c would come to the same parts; whatever else a head may look like is none of its business.
 */
#include "wire/syslog_part.h"

#define PID_DIGITS_MAX 10
#define MNEMONIC_LOOK 64

/* Letters, digits and . - _ : nothing that a host name could be mistaken for ends in one of them. */
static bool
is_name_byte(char c)
{
	return byte_is(c, BYTE_HOST) && byte_is(c, BYTE_TAG) && c != '/' && c != '@';
}

/* The host, with one blank behind it. Its length, or 0. */
static size_t
plain_host(struct str s)
{
	struct syslog_head said;
	unsigned seen = 0;
	size_t n = 0;

	while (n < s.n && n <= SYSLOG_HOST_MAX && is_name_byte(s.p[n]))
		seen |= syslog_bytes[(unsigned char)s.p[n++]];
	if (!(seen & BYTE_ALNUM) || n + 1 >= s.n || n > SYSLOG_HOST_MAX || s.p[n] != ' ' || s.p[n + 1] == '[' ||
	    byte_is(s.p[n + 1], BYTE_BLANK) || syslog_is_note(s))
		return 0;
	return (seen & BYTE_DOT) && syslog_facility_word(s, &said) ? 0 : n;
}

/* "[digits]" at s: the digits, or nothing. */
static struct str
plain_pid(struct str s)
{
	size_t n = 1;

	while (n < s.n && n <= PID_DIGITS_MAX && stamp_digit(s.p[n]))
		n++;
	return n > 1 && n < s.n && s.p[n] == ']' ? str_of(s.p + 1, n - 1) : STR_NULL;
}

static bool
all_digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && stamp_digit(s.p[n]))
		n++;
	return n == s.n;
}

/* "name: " or "name[pid]: " at s: bytes taken, or 0. */
static size_t
plain_tag(struct str s, struct syslog_plain *ret)
{
	size_t n = 0;

	while (n < s.n && n <= SYSLOG_TAG_MAX && byte_is(s.p[n], BYTE_TAG))
		n++;
	if (n == 0 || n + 2 > s.n || n > SYSLOG_TAG_MAX)
		return 0;
	ret->program = str_head(s, n);
	ret->pid = STR_NULL;
	if (s.p[n] == '[') {
		ret->pid = plain_pid(str_from(s, n));
		n += ret->pid.n + 2;
		if (!ret->pid.n)
			return 0;
	} else if (str_eq(ret->program, STR("CEF")) || str_eq(ret->program, STR("LEEF")) || all_digits(ret->program)) {
		return 0;
	}
	return n + 1 < s.n && s.p[n] == ':' && s.p[n + 1] == ' ' ? skip_blanks(s, n + 1) : 0;
}

/* What Cisco, Solaris and a journal that went through the kernel put before a message is for others to see. */
static bool
plain_message(struct syslog_plain *h)
{
	struct str m = h->message;

	if (!m.n)
		return true;
	if (*m.p == '%' || *m.p == '*' || stamp_digit(*m.p))
		return str_find_byte(str_head(m, MNEMONIC_LOOK), '%') >= (m.n < MNEMONIC_LOOK ? m.n : MNEMONIC_LOOK);
	if (*m.p == '[' && str_eq(h->program, STR("kernel")))
		h->message = syslog_without_uptime(m);
	return !(*m.p == '[' && str_starts(m, STR("[ID "))) && !(*m.p == 'k' && str_starts(m, STR("kernel:")));
}

bool
syslog_plain(struct str s, struct syslog_plain *ret)
{
	struct syslog_plain h;
	size_t n = plain_host(s), tag;

	if (n == 0)
		return false;
	h.host = str_head(s, n);
	s = str_from(s, n + 1);
	tag = plain_tag(s, &h);
	if (tag == 0)
		return false;
	h.message = str_from(s, tag);
	if (!plain_message(&h))
		return false;
	*ret = h;
	return true;
}
