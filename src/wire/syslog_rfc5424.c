/*
 * RFC 5424: the exact form. A line that breaks the grammar in the head is not RFC 5424 and is left
 * to the others.
 */
#include "wire/syslog_part.h"

/* A field up to a blank; "-" is the NILVALUE and gives an empty slice. */
static bool
field(struct str *rest, size_t max, struct str *ret)
{
	size_t n = str_find_byte(str_head(*rest, max + 1), ' ');
	if (!n || n > max || (unsigned char)*rest->p <= 32)
		return false;
	*ret = n == 1 && *rest->p == '-' ? STR_NULL : str_head(*rest, n);
	*rest = str_from(*rest, n);
	return true;
}

static bool
blank(struct str *rest)
{
	if (!rest->n || *rest->p != ' ')
		return false;
	*rest = str_from(*rest, 1);
	return true;
}

/* The index behind the quoted value that begins at `at`, or 0 when it never ends. */
static size_t
value_end(struct str s, size_t at)
{
	for (;;) {
		size_t quote = at + str_find_byte(str_from(s, at), '"'), slash = quote;
		if (quote >= s.n)
			return 0;
		while (slash > at && s.p[slash - 1] == '\\')
			slash--;
		at = quote + 1;
		if ((quote - slash) % 2 == 0)
			return at;
	}
}

/* Bytes of one SD-ELEMENT, or 0. */
static size_t
element(struct str s)
{
	size_t i = 1;
	if (!s.n || *s.p != '[')
		return 0;
	while (i < s.n) {
		size_t close = i + str_find_byte(str_from(s, i), ']');
		size_t quote = i + str_find_byte(str_of(s.p + i, close - i), '"');
		if (quote >= close)
			return close < s.n ? close + 1 : 0;
		i = value_end(s, quote + 1);
		if (!i)
			return 0;
	}
	return 0;
}

static bool
structured(struct str *rest, struct str *ret)
{
	if (rest->n && *rest->p == '-') {
		*ret = STR_NULL;
		*rest = str_from(*rest, 1);
	} else {
		size_t n = 0, more;
		while ((more = element(str_from(*rest, n))) != 0)
			n += more;
		if (!n)
			return false;
		*ret = str_head(*rest, n);
		*rest = str_from(*rest, n);
	}
	return !rest->n || *rest->p == ' ';
}

bool
syslog_rfc5424(struct str s, struct syslog_head *h)
{
	struct syslog_head try = *h;
	if (s.n < 12 || s.p[0] != '1' || s.p[1] != ' ')
		return false;
	s = str_from(s, 2);
	if (*s.p == '-' && s.p[1] == ' ') {
		s = str_from(s, 1);
	} else {
		size_t n = stamp_parse(s, &try.stamp);
		if (!n || try.stamp.form != STAMP_ISO_T)
			return false;
		s = str_from(s, n);
	}
	if (!blank(&s) || !field(&s, SYSLOG_HOST_MAX, &try.host) || !blank(&s))
		return false;
	/* CyberArk and others end the head behind the host: what follows is their event. */
	if (str_starts(s, STR("CEF:")) || str_starts(s, STR("LEEF:"))) {
		try.form = SYSLOG_RFC5424;
		try.message = s;
		*h = try;
		return true;
	}
	bool head = field(&s, 255, &try.program) && blank(&s) && field(&s, 128, &try.pid) &&
	    blank(&s) && field(&s, 255, &try.msgid) && blank(&s);
	if (!head)
		return false;
	/* Some senders forget the structured data: then the message begins at once. */
	if (!structured(&s, &try.data))
		try.data = STR_NULL;
	blank(&s);
	if (str_starts(s, STR("\xef\xbb\xbf")))
		s = str_from(s, 3);
	try.form = SYSLOG_RFC5424;
	try.message = s;
	*h = try;
	return true;
}

static bool
all_digits(struct str s)
{
	size_t n = 0;
	while (n < s.n && stamp_digit(s.p[n]))
		n++;
	return n == s.n;
}

bool
syslog_rfc5424_rest(struct str s, struct syslog_head *h)
{
	struct syslog_head try = *h;
	bool head = field(&s, SYSLOG_HOST_MAX, &try.host) && blank(&s) && try.host.n &&
	    field(&s, 255, &try.program) && blank(&s) && try.program.n &&
	    field(&s, 16, &try.pid) && blank(&s) && all_digits(try.pid) &&
	    field(&s, 255, &try.msgid) && blank(&s) && structured(&s, &try.data);
	if (!head || !blank(&s))
		return false;
	try.form = SYSLOG_RFC5424;
	try.message = s;
	*h = try;
	return true;
}

static size_t
name_length(struct str s)
{
	size_t n = 0;
	while (n < s.n && (unsigned char)s.p[n] > 32 && s.p[n] != '=' && s.p[n] != ']' &&
	    s.p[n] != '"')
		n++;
	return n;
}

bool
syslog_data_next(struct str *rest, struct syslog_param *io)
{
	while (rest->n && (*rest->p == ' ' || *rest->p == ']'))
		*rest = str_from(*rest, 1);
	while (rest->n && *rest->p == '[') {
		size_t n = name_length(str_from(*rest, 1));
		io->id = str_of(rest->p + 1, n);
		*rest = str_from(*rest, n + 1);
		while (rest->n && (*rest->p == ' ' || *rest->p == ']'))
			*rest = str_from(*rest, 1);
	}
	size_t n = name_length(*rest);
	if (!n || n + 1 >= rest->n || rest->p[n] != '=' || rest->p[n + 1] != '"')
		return false;
	io->name = str_head(*rest, n);
	io->escaped = false;
	size_t start = n + 2, i = start;
	for (; i < rest->n && rest->p[i] != '"'; i++) {
		if (rest->p[i] == '\\') {
			io->escaped = true;
			i++;
		}
	}
	if (i >= rest->n)
		return false;
	io->value = str_of(rest->p + start, i - start);
	*rest = str_from(*rest, i + 1);
	return true;
}

size_t
syslog_unescape(struct str value, char *dst)
{
	size_t n = 0;
	for (size_t i = 0; i < value.n; i++) {
		bool escape = value.p[i] == '\\' && i + 1 < value.n &&
		    (value.p[i + 1] == '"' || value.p[i + 1] == '\\' || value.p[i + 1] == ']');
		dst[n++] = value.p[i += escape];
	}
	return n;
}
