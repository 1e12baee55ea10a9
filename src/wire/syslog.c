/*
 * syslog_parse(): decides which head a line has. The common ones are recognised by their first
 * bytes and cost one pass; every doubtful form must show a witness (a pid, a mnemonic, a known
 * topic) or the bytes stay in the message.
 */
#include "wire/syslog_part.h"

/* Which evidence of a head is enough behind a stamp of some form. */
enum proof {
	PROOF_NONE, /* never a syslog head */
	PROOF_PID,  /* host and "name[pid]:" */
	PROOF_TAG,  /* host and "name:" */
	PROOF_HOST, /* a host alone will do */
};

static enum proof
proof_of(const struct stamp *st, bool bracketed, unsigned flags)
{
	/*
	 * Brackets around the stamp are an application's; only nsd and unbound put a tag behind
	 * them.
	 */
	if (bracketed)
		return st->form == STAMP_EPOCH || st->form == STAMP_UPTIME ? PROOF_PID : PROOF_NONE;
	if (flags & SYSLOG_STRICT)
		return PROOF_TAG;
	switch ((enum stamp_form)st->form) {
	case STAMP_SYSLOG:
		return PROOF_HOST;
	case STAMP_ISO_T:
		if (flags & SYSLOG_EXPECTED)
			return PROOF_HOST;
		return st->flags & STAMP_NO_ZONE ? PROOF_PID : PROOF_TAG;
	case STAMP_EPOCH:
		return st->trust == STAMP_STRONG ? PROOF_TAG : PROOF_PID;
	case STAMP_ISO:
	case STAMP_DATED:
	case STAMP_UPTIME:
	case STAMP_CTIME:
		return PROOF_PID;
	case STAMP_NONE:
	case STAMP_CLF:
	case STAMP_CLOCK:
		break;
	}
	return PROOF_NONE;
}

/* HP ProCurve puts an event number of five digits before its module. */
static size_t
event_number(struct str s)
{
	size_t i = 0;
	while (i < s.n && i < 6 && stamp_digit(s.p[i]))
		i++;
	return i == 5 && i < s.n && s.p[i] == ' ' ? skip_blanks(s, i) : 0;
}

/* Solaris: "[ID 800047 auth.info] " before the message. */
static void
solaris_id(struct syslog_head *h)
{
	struct str m = h->message;
	if (!str_starts(m, STR("[ID ")))
		return;
	size_t close = str_find_byte(str_head(m, 48), ']'), i = 4;
	while (i < close && stamp_digit(m.p[i]))
		i++;
	if (close >= m.n || close >= 48 || i == 4 || m.p[i] != ' ')
		return;
	char word[64];
	size_t n = close - i - 1;
	memcpy(word, m.p + i + 1, n);
	word[n] = ' ';
	struct syslog_head said = { .facility = -1 };
	if (!syslog_facility_word(str_of(word, n + 1), &said))
		return;
	if (!h->has_pri) {
		h->facility = said.facility;
		h->severity = said.severity;
	}
	h->message = str_from(m, skip_blanks(m, close + 1));
}

/* The kernel's time since boot says nothing that the stamp does not. */
struct str
syslog_without_uptime(struct str message)
{
	struct stamp st;
	size_t n = message.n && *message.p == '[' ? stamp_parse(message, &st) : 0;
	return n && st.form == STAMP_UPTIME ? str_from(message, skip_blanks(message, n)) : message;
}

/* "sshd[1]: kernel:[  970.69]: Failed ...": a journal that was written through the kernel's ring marks each line. */
static void
kernel_mark(struct syslog_head *h)
{
	struct stamp st;
	size_t at = skip_blanks(h->message, STR("kernel:").n);
	size_t n = str_starts(h->message, STR("kernel:")) ? stamp_parse(str_from(h->message, at), &st) : 0;
	if (!n || st.form != STAMP_UPTIME)
		return;
	at += n;
	at += at < h->message.n && h->message.p[at] == ':';
	h->message = str_from(h->message, skip_blanks(h->message, at));
}

static bool
tagged(struct syslog_head *h, const struct tag *tag, struct str message)
{
	h->form = SYSLOG_BSD;
	h->program = tag->name;
	h->module = tag->module;
	h->pid = tag->pid;
	h->message = message;
	if (message.n && *message.p == '[') {
		solaris_id(h);
		if (str_eq(h->program, STR("kernel")))
			h->message = syslog_without_uptime(h->message);
	} else if (message.n && *message.p == 'k') {
		kernel_mark(h);
	}
	return true;
}

static bool
untagged(struct syslog_head *h, struct str message)
{
	h->form = SYSLOG_BSD;
	h->message = message;
	return true;
}

static bool
vendor(struct str s, struct syslog_head *h)
{
	if (!s.n)
		return false;
	if (*s.p >= 'a' && *s.p <= 'z')
		return syslog_routeros(s, h);
	if (*s.p == '%' || *s.p == ':' || *s.p == '*' || stamp_digit(*s.p) ||
	    (*s.p >= 'A' && *s.p <= 'Z'))
		return syslog_cisco(s, h);
	return false;
}

/*
 * "router: %SYS-5-..." or "router: *Mar  1 ...: %SYS-5-...": what looks like a tag may be a host of
 * Cisco's.
 */
static bool
mnemonic_near(struct str s)
{
	return s.n && (*s.p == '%' || *s.p == '*' || stamp_digit(*s.p)) &&
	    str_find_byte(str_head(s, 64), '%') < 64;
}

/* "name:" or "name[pid]:" where a host should be: the host is missing. */
static bool
hostless(struct str s, enum proof proof, unsigned flags, struct syslog_head *h)
{
	struct tag tag;
	if ((flags & SYSLOG_STRICT) && proof != PROOF_PID)
		return false;
	unsigned bare = proof == PROOF_HOST ? TAG_BARE : 0;
	size_t n = syslog_tag(s, proof == PROOF_PID ? TAG_PID | TAG_COLON : bare, &tag);
	if (!n || (proof < PROOF_HOST && syslog_is_level(tag.name)))
		return false;
	if (mnemonic_near(str_from(s, n)) && syslog_cisco(s, h))
		return true;
	return tagged(h, &tag, str_from(s, n));
}

/* IOS XR begins with the card that speaks: "RP/0/RSP0/CPU0:". */
static bool
card_near(struct str s)
{
	return s.n > 3 && (*s.p == 'R' || *s.p == 'L') &&
	    (str_starts(s, STR("RP/")) || str_starts(s, STR("LC/")));
}

/* The severity alone before the tag, as F5 writes it: counted only where the tag has a pid. */
static size_t
severity_word(struct str s)
{
	unsigned classes;
	struct tag tag;
	size_t n = syslog_word(s, &classes);
	if (n >= s.n || !syslog_is_level(str_head(s, n)))
		return 0;
	n = skip_blanks(s, n);
	return syslog_tag(str_from(s, n), TAG_PID, &tag) ? n : 0;
}

/* Behind a host: no tag at once, but what vendors put there. */
static bool
host_then_other(struct str host, struct str rest, enum proof proof, struct syslog_head *h)
{
	struct tag tag;
	struct syslog_head try = *h;
	try.host = host;
	if (rest.n &&
	    (*rest.p == '%' || *rest.p == ':' || stamp_digit(*rest.p) || card_near(rest)) &&
	    syslog_cisco(rest, &try)) {
		*h = try;
		return true;
	}
	size_t skip = syslog_facility_word(rest, &try);
	if (!skip)
		skip = event_number(rest);
	if (!skip)
		skip = severity_word(rest);
	struct str name;
	if (!skip && str_find_byte(str_head(rest, 16), ',') < 16)
		skip = syslog_unifi(rest, &name);
	struct str after = str_from(rest, skip);
	size_t n = skip ? syslog_tag(after, 0, &tag) : 0;
	if (n) {
		*h = try;
		return tagged(h, &tag, str_from(after, n));
	}
	if (rest.n && *rest.p >= 'a' && *rest.p <= 'z' && syslog_routeros(rest, &try)) {
		*h = try;
		return true;
	}
	if (proof != PROOF_HOST || syslog_is_level(host))
		return false;
	*h = try;
	return untagged(h, after);
}

/* "mysqld: 2019-09-06  1:45:18 ...": a second stamp behind a tag proves both, where a pid would. */
static size_t
stamped_tag(struct str s, struct tag *ret)
{
	struct stamp st;
	size_t n = syslog_tag(s, TAG_COLON, ret);
	return n && stamp_parse(str_from(s, n), &st) && st.trust == STAMP_STRONG ? n : 0;
}

/* The first word, of n bytes, may be a host. */
static bool
hosted(struct str s, size_t n, enum proof proof, struct syslog_head *h)
{
	struct tag tag;
	struct str host = str_head(s, n), rest = str_from(s, skip_blanks(s, n));
	unsigned bare = proof == PROOF_HOST ? TAG_BARE : 0;
	if (str_starts(rest, host) && rest.n > n && byte_is(rest.p[n], BYTE_BLANK))
		rest = str_from(rest, skip_blanks(rest, n)); /* a relay put its name before the same name */
	n = syslog_tag(rest, proof == PROOF_PID ? TAG_PID : TAG_BLANKS | bare, &tag);
	if (!n && proof == PROOF_PID)
		n = stamped_tag(rest, &tag);
	if (!n)
		return host_then_other(host, rest, proof, h);
	if (proof != PROOF_HOST && (syslog_is_level(host) || syslog_is_level(tag.name)))
		return false;
	h->host = host;
	if (mnemonic_near(str_from(rest, n)) && syslog_cisco(rest, h))
		return true;
	return tagged(h, &tag, str_from(rest, n));
}

/*
 * A word before a blank is no tag, unless it ends like one or only the pid comes behind the blank:
 * "sogod [12]:".
 */
static bool
tag_like(struct str s, size_t n)
{
	if (n >= s.n || !byte_is(s.p[n], BYTE_BLANK) || n == 0 || s.p[n - 1] == ':' ||
	    s.p[n - 1] == ']')
		return true;
	size_t next = skip_blanks(str_head(s, n + 16), n);
	return next >= s.n || s.p[next] == '[';
}

static bool
after_facility(struct str s, unsigned flags, struct syslog_head *h)
{
	unsigned classes;
	size_t n = syslog_word(s, &classes);
	return hostless(s, PROOF_HOST, flags, h) ||
	    (syslog_host(s, n, classes) && hosted(s, n, PROOF_HOST, h));
}

/* Behind the stamp and its blanks: facility, host, tag, in all the ways they are left out. */
static bool
after_stamp(struct str s, enum proof proof, unsigned flags, struct syslog_head *h)
{
	unsigned classes;
	if (!s.n || proof == PROOF_NONE)
		return false;
	if (syslog_is_note(s))
		return proof == PROOF_HOST && untagged(h, s);
	size_t word = syslog_word(s, &classes), n = 0;
	if (((classes & BYTE_DOT) && word < 24) || *s.p == '<' || (word < s.n && s.p[word] == '|'))
		n = syslog_facility_word(s, h);
	if (n)
		return after_facility(str_from(s, n), flags, h);
	if (proof == PROOF_HOST && word < s.n && (s.p[word] == ',' || *s.p == '(') &&
	    (n = syslog_unifi(s, &h->host)) != 0)
		return hostless(str_from(s, n), PROOF_HOST, flags, h) || untagged(h, str_from(s, n));
	if (tag_like(s, word) &&
	    (hostless(s, proof, flags, h) || (proof == PROOF_HOST && vendor(s, h))))
		return true;
	return syslog_host(s, word, classes) && hosted(s, word, proof, h);
}

/* What separates a stamp from what an application says: blanks and one sign of punctuation. */
static struct str
after_separator(struct str s)
{
	size_t at = skip_blanks(s, 0);
	if (at < s.n && (s.p[at] == ':' || s.p[at] == ',' || s.p[at] == '|' || s.p[at] == ';'))
		at++;
	else if (at + 1 < s.n && s.p[at] == '-' && byte_is(s.p[at + 1], BYTE_BLANK))
		at++;
	return str_from(s, skip_blanks(s, at));
}

static void
stamped(struct str s, size_t n, unsigned flags, struct syslog_head *h)
{
	struct str rest = str_from(s, n);
	if (*s.p == 'd' && str_starts(s, STR("date="))) {
		/* The pairs belong together: whoever reads them wants the date too. */
		h->form = SYSLOG_STAMPED;
		h->message = s;
		return;
	}
	size_t gap = skip_blanks(rest, 0);
	enum proof proof = proof_of(&h->stamp, *s.p == '[', flags);
	if (gap && h->stamp.form == STAMP_ISO_T && proof != PROOF_NONE &&
	    syslog_rfc5424_rest(str_from(rest, gap), h))
		return;
	if (gap && after_stamp(str_from(rest, gap), proof, flags, h))
		return;
	if (gap && proof != PROOF_NONE && syslog_routeros(str_from(rest, gap), h))
		return;
	if (gap < rest.n && (*rest.p == ':' || rest.p[gap] == ':') && syslog_cisco(rest, h))
		return;
	h->form = SYSLOG_STAMPED;
	h->message = after_separator(rest);
}

/*
 * No stamp and no PRI: only a pid, a mnemonic or topics are proof enough, and one look must do for
 * ordinary text.
 */
static void
naked(struct str s, unsigned flags, struct syslog_head *h)
{
	unsigned classes;
	struct tag tag;
	size_t word = syslog_word(s, &classes);
	if (word < s.n &&
	    (s.p[word] == ',' || *s.p == '%' || *s.p == '*' || s.p[word - (word > 0)] == ':' ||
		card_near(s)) &&
	    vendor(s, h))
		return;
	if (tag_like(s, word) || !syslog_host(s, word, classes)) {
		hostless(s, PROOF_PID, flags, h);
		return;
	}
	struct str host = str_head(s, word), rest = str_from(s, skip_blanks(s, word));
	size_t n = syslog_tag(rest, TAG_PID | TAG_COLON, &tag);
	if (!n || syslog_is_level(host) || syslog_is_level(tag.name))
		return;
	h->host = host;
	tagged(h, &tag, str_from(rest, n));
}

static void
unstamped(struct str s, unsigned flags, struct syslog_head *h)
{
	if (!s.n || (flags & SYSLOG_STRICT))
		return;
	if (!h->has_pri) {
		naked(s, flags, h);
		return;
	}
	/* "Warning: ..." is no tag where neither stamp nor host come before it. */
	struct tag tag;
	bool level = syslog_tag(s, 0, &tag) && !tag.pid.n && syslog_is_level(tag.name);
	if ((!level && hostless(s, PROOF_HOST, flags, h)) || vendor(s, h))
		return;
	h->form = SYSLOG_STAMPED;
	/* A relay that drops the stamp keeps the host: only a pid can prove it. */
	unsigned classes;
	size_t n = syslog_word(s, &classes);
	if (syslog_host(s, n, classes))
		hosted(s, n, PROOF_PID, h);
}

/* Field by field: one big clearing costs more than the stamp does. */
static void
clear(struct syslog_head *h, struct str message)
{
	h->form = SYSLOG_BARE;
	h->facility = h->severity = -1;
	h->has_pri = false;
	h->stamp = (struct stamp){ .form = STAMP_NONE };
	h->host = h->program = h->pid = STR_NULL;
	h->module = h->data = h->msgid = STR_NULL;
	h->message = message;
}

void
syslog_parse(struct str line, unsigned flags, struct syslog_head *ret)
{
	struct str s = syslog_without_end(line);
	while (s.n && *s.p == '\0') /* room that a crash left unwritten, before what came after it */
		s = str_from(s, 1);
	if (str_starts(s, STR("\xef\xbb\xbf")))
		s = str_from(s, 3);
	clear(ret, s);
	size_t n = s.n && *s.p == '<' ? syslog_pri(s, &ret->facility, &ret->severity) : 0;
	if (n) {
		ret->has_pri = true;
		flags |= SYSLOG_EXPECTED;
		s = str_from(s, n);
		ret->message = s;
	}
	if (s.n > 2 && s.p[0] == '1' && s.p[1] == ' ' && syslog_rfc5424(s, ret))
		return;
	if (n)
		s = str_from(s, skip_blanks(s, 0));
	n = stamp_parse(s, &ret->stamp);
	if (n && (ret->stamp.trust == STAMP_WEAK || (ret->stamp.flags & STAMP_NO_CLOCK)) &&
	    ret->stamp.form != STAMP_CLOCK && ret->stamp.form != STAMP_EPOCH) {
		n = 0;
		ret->stamp.form = STAMP_NONE;
	}
	if (n)
		stamped(s, n, flags, ret);
	else
		unstamped(s, flags, ret);
}
