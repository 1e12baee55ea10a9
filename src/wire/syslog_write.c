/* syslog_write: see syslog_write.h. Must never let one line become two. */
#include "wire/syslog_write.h"

#include "base/when.h"

#define FACILITY_USER 1
#define SEVERITY_NOTICE 5
#define NAME_MAX_5424 48               /* APP-NAME, RFC 5424 6.2.5 */

void
syslog_line_read(struct str raw, unsigned flags, struct syslog_line *ret)
{
	struct syslog_line l = { .raw = raw };

	syslog_parse(raw, flags, &l.head);
	l.facility = l.head.facility >= 0 ? l.head.facility : FACILITY_USER;
	l.severity = l.head.severity >= 0 ? l.head.severity : SEVERITY_NOTICE;
	*ret = l;
}

static void
add_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (c >= ' ' && c != 0x7f)
			buf_add_byte(out, s.p[i]);
		else
			buf_addf(out, "#%03o", c);
	}
}

/* A word of the head: printable ASCII without blanks, "-" when there is none. */
static void
add_word(struct buf *out, struct str s, size_t max)
{
	s = str_head(s, max);
	if (s.n == 0)
		buf_add_byte(out, '-');
	for (size_t i = 0; i < s.n; i++)
		buf_add_byte(out, s.p[i] > ' ' && s.p[i] < 0x7f ? s.p[i] : '?');
}

static void
add_stamp3164(struct buf *out, int64_t us)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c;

	when_to_civil(us, &c);
	buf_addf(out, "%s %2d %02d:%02d:%02d", months[c.month - 1], c.day, c.hour, c.minute, c.second);
}

static struct str
host_of(const struct syslog_line *l)
{
	return l->head.host.n ? l->head.host : l->host;
}

static void
write5424(const struct syslog_line *l, struct buf *out)
{
	char stamp[40];

	buf_addf(out, "<%d>1 %.*s ", l->facility * 8 + l->severity, (int)when_show(l->received_us, 0, stamp), stamp);
	add_word(out, host_of(l), SYSLOG_HOST_MAX);
	buf_add_byte(out, ' ');
	add_word(out, l->head.program, NAME_MAX_5424);
	buf_add_byte(out, ' ');
	add_word(out, l->head.pid, 128);
	buf_add(out, STR(" - - "));
	add_text(out, l->head.message);
}

static void
write3164(const struct syslog_line *l, struct buf *out)
{
	add_stamp3164(out, l->received_us + l->offset_min * WHEN_MINUTE);
	buf_add_byte(out, ' ');
	add_word(out, host_of(l), SYSLOG_HOST_MAX);
	buf_add_byte(out, ' ');
	if (l->head.program.n) {
		add_word(out, l->head.program, SYSLOG_TAG_MAX);
		if (l->head.pid.n) {
			buf_add_byte(out, '[');
			add_word(out, l->head.pid, 32);
			buf_add_byte(out, ']');
		}
		buf_add(out, STR(": "));
	}
	add_text(out, l->head.message);
}

/* The line behind its PRI. */
static struct str
body_of(const struct syslog_line *l)
{
	int8_t facility, severity;

	return str_from(l->raw, l->head.has_pri ? syslog_pri(l->raw, &facility, &severity) : 0);
}

void
syslog_write(const struct syslog_line *l, enum syslog_style style, struct buf *out)
{
	bool bsd = l->head.form == SYSLOG_BSD && l->head.stamp.form != STAMP_NONE && l->head.host.n;

	if (style == SYSLOG_AS_RFC5424 && l->head.form == SYSLOG_RFC5424 && l->head.has_pri) {
		add_text(out, l->raw);
		return;
	}
	if (style == SYSLOG_AS_RFC5424) {
		write5424(l, out);
		return;
	}
	if (style == SYSLOG_AS_RFC3164)
		buf_addf(out, "<%d>", l->facility * 8 + l->severity);
	if (bsd)
		add_text(out, body_of(l));
	else
		write3164(l, out);
}
