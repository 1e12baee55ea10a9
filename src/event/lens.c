/*
 * lens: from a raw line to a record with a head. Syslog heads come from wire/syslog, envelopes of
 * JSON and the journal from lens_json.c, times from lens_time.c. Never changes a raw byte, never
 * fails.
 */
#include "event/lens.h"

#include <stdlib.h>

#include "base/text.h"
#include "event/lens_private.h"

#define COMPOSE_NAME_MAX 64
#define COLLECTOR_WORD_MAX 64 /* a facility's name, or a host's, before the line it sent */

struct lens *
lens_new(struct zone_book *z, const struct lens_opts *o)
{
	struct lens *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->zones = z;
	l->place = zone_place_of(z, o->place);
	l->anchor_us = o->anchor_us;
	l->envelope = o->envelope;
	l->zoned = o->zoned;
	l->zone_min = o->zone_min;
	l->last_us = l->first_us = l->sniffed_us = WHEN_NONE;
	lens_json_index(l->json_first);
	return l;
}

void
lens_free(struct lens *l)
{
	free(l);
}

static enum dialect
dialect_of(const struct lens *l, const struct syslog_head *h)
{
	switch ((enum syslog_form)h->form) {
	case SYSLOG_BSD:
		return DIALECT_RFC3164;
	case SYSLOG_RFC5424:
		return DIALECT_RFC5424;
	case SYSLOG_CISCO:
		return DIALECT_CISCO;
	case SYSLOG_ROUTEROS:
		return DIALECT_ROUTEROS;
	case SYSLOG_STAMPED:
		return h->has_pri || l->envelope ? DIALECT_RFC3164 : DIALECT_STAMP;
	case SYSLOG_BARE:
		break;
	}
	return DIALECT_NONE;
}

int64_t
lens_pid(struct str s)
{
	uint64_t v = 0;
	if (!s.n || s.n > 10)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned char)(s.p[i] - '0');
		if (d > 9)
			return -1;
		v = v * 10 + d;
	}
	return (int64_t)v;
}

/* Slot of a part of a text that itself lies at `base`: no search, as record_slot() would need. */
static struct slot
part(struct slot base, struct str text, struct str inside)
{
	if (!inside.n)
		return (struct slot){ 0 };
	return (struct slot){ .off = base.off + (uint32_t)(inside.p - text.p),
		.len = (uint32_t)inside.n };
}

/*
 * Junos and Check Point write everything into structured data (RFC 5424 6.3) and no message behind
 * it: then the event's name and its data are what is said.
 */
static struct str
from_data(const struct syslog_head *h)
{
	if (h->form != SYSLOG_RFC5424 || !h->data.n)
		return h->message;
	const char *from = h->msgid.n ? h->msgid.p : h->data.p;
	return (struct str){ from, (size_t)(h->data.p + h->data.n - from) };
}

static void
take(struct lens *l, struct record *r, struct slot base, struct str text,
    const struct syslog_head *h)
{
	r->dialect = dialect_of(l, h);
	if (h->facility >= 0)
		r->facility = h->facility;
	if (h->severity >= 0)
		r->severity = h->severity;
	r->pid = lens_pid(h->pid);
	r->host = part(base, text, h->host);
	r->program = part(base, text, h->program);
	r->data = part(base, text, h->data);
	struct str message = h->message.n ? h->message : from_data(h);
	r->message = (struct slot){ .off = base.off + (uint32_t)(message.p - text.p),
		.len = (uint32_t)message.n };
}

void
lens_take_head(struct lens *l, struct record *r, const struct syslog_head *h)
{
	take(l, r, r->message, record_text(r, r->message), h);
}

/* "Jan ", a number or a PRI: nothing else begins a full head. */
static bool
head_near(struct str m)
{
	return m.n >= 20 && (m.p[3] == ' ' || (unsigned char)(*m.p - '0') < 10 || *m.p == '<');
}

/* The inner head over the outer one, which stays where the inner has nothing to say. */
static void
lay_over(struct lens *l, struct record *r, const struct syslog_head *h)
{
	struct record outer;
	memcpy(&outer, r, offsetof(struct record, kind));
	lens_take_head(l, r, h);
	r->dialect = outer.dialect == DIALECT_STAMP ? r->dialect : outer.dialect;
	if (!h->host.n)
		r->host = outer.host;
	if (!h->data.n)
		r->data = outer.data;
	if (!h->program.n)
		r->pid = outer.pid;
}

/* The outer head names a program: only a full head may replace it. */
static void
nested_head(struct lens *l, struct record *r, struct str m)
{
	struct syslog_head h;
	if (!head_near(m))
		return;
	syslog_parse(m, SYSLOG_STRICT, &h);
	if (h.form < SYSLOG_BSD || !h.host.n || !h.program.n || h.stamp.trust != STAMP_STRONG)
		return;
	lay_over(l, r, &h);
	lens_set_time(l, r, &h.stamp);
}

/*
 * No program is named: the message is a line of its own. Its stamp has no zone as a rule, so the
 * outer time stands unless they are more than a zone apart: then the line was shipped late.
 */
static void
open_line(struct lens *l, struct record *r, struct str m, bool timed)
{
	int64_t outer = r->time_us;
	bool guessed = r->time_guessed;
	struct syslog_head h;
	syslog_parse(m, 0, &h);
	if (h.form == SYSLOG_BARE)
		return;
	lay_over(l, r, &h);
	if (h.stamp.form == STAMP_NONE)
		return;
	lens_set_time(l, r, &h.stamp);
	bool far = r->time_us > outer + ZONES_APART || r->time_us < outer - ZONES_APART;
	if (timed &&
	    ((h.stamp.flags & STAMP_NO_DATE) || ((h.stamp.flags & STAMP_NO_ZONE) && !far))) {
		r->time_us = l->last_us = outer;
		r->time_guessed = guessed;
	}
}

void
lens_within(struct lens *l, struct record *r, bool timed)
{
	struct str m = record_text(r, r->message);
	if (!m.n || *m.p == '{')
		return;
	if (r->program.len)
		nested_head(l, r, m);
	else
		open_line(l, r, m, timed);
}

/* Kubernetes: "stamp stdout F message". What is inside is a line of its own. */
static bool
cri(struct lens *l, struct record *r)
{
	struct str m = record_text(r, r->message);
	bool stream = str_starts(m, STR("stdout ")) || str_starts(m, STR("stderr "));
	if (!stream || m.n < 9 || (m.p[7] != 'F' && m.p[7] != 'P') || (m.n > 9 && m.p[8] != ' '))
		return false;
	size_t skip = m.n > 9 ? 9 : m.n;
	r->message.off += (uint32_t)skip;
	r->message.len -= (uint32_t)skip;
	r->dialect = DIALECT_STAMP;
	if (r->message.len && m.p[skip] == '{')
		r->dialect = DIALECT_JSON;
	else
		lens_within(l, r, true);
	return true;
}

/*
 * What a collector put before the line it received: "Auth.Info<TAB>host<TAB>line" (Kiwi), "host
 * <PRI>line", "<PRI>line".
 */
static bool
collector_columns(struct str m, struct str *ret_host, struct str *ret_line)
{
	struct str first = str_head(m, str_find_byte(str_head(m, COLLECTOR_WORD_MAX), ' '));
	size_t tab = str_find_byte(first, '\t');
	int8_t facility, severity;
	if (tab < first.n) {
		struct str rest = str_from(m, tab + 1);
		size_t n = str_find_byte(str_head(rest, COLLECTOR_WORD_MAX), '\t');
		if (str_find_byte(str_head(m, tab), '.') == tab || n == 0 || n + 1 >= rest.n)
			return false;
		*ret_host = str_head(rest, n);
		*ret_line = str_from(rest, n + 1);
		return true;
	}
	size_t skip = *m.p == '<' ? 0 : first.n + 1;
	struct str line = str_from(m, skip);
	if (!syslog_pri(line, &facility, &severity))
		return false;
	*ret_host = str_head(m, skip ? first.n : 0);
	*ret_line = line;
	return true;
}

/* Such a line is opened where a full head, or a vendor's own, stands behind the columns. */
static bool
collected(struct lens *l, struct record *r)
{
	struct str m = record_text(r, r->message), host, line;
	struct syslog_head h;
	if (m.n < 20 || !collector_columns(m, &host, &line))
		return false;
	syslog_parse(line, *line.p == '<' ? SYSLOG_STRICT : 0, &h);
	if (h.form < SYSLOG_BSD)
		return false;
	int64_t outer = r->time_us;
	r->host = part(r->message, m, host);
	r->message = part(r->message, m, line);
	lay_over(l, r, &h);
	/* The collector's clock is one for all; the sender's may lack the year and the zone. */
	r->time_us = l->last_us = outer;
	return true;
}

/* Lines that name columns, and the date that W3C writes between them. */
static void
hash_line(struct lens *l, struct record *r)
{
	struct stamp st;
	if (str_starts(r->raw, STR("#Fields:")) || str_starts(r->raw, STR("#fields\t")))
		l->columns = true;
	if (str_starts(r->raw, STR("#Date:")) && lens_find_stamp(r->raw, &st))
		lens_set_time(l, r, &st);
}

/* "web-1  | line" of docker compose: only before what can only be the start of a line. */
static size_t
compose_prefix(struct str s)
{
	struct stamp st;
	size_t bar = str_find_byte(str_head(s, COMPOSE_NAME_MAX), '|');
	if (bar >= s.n || bar >= COMPOSE_NAME_MAX || bar < 2 || s.p[bar - 1] != ' ' ||
	    bar + 2 >= s.n || s.p[bar + 1] != ' ')
		return 0;
	size_t name = str_find_byte(str_head(s, bar), ' ');
	for (size_t i = name; i < bar; i++)
		if (s.p[i] != ' ')
			return 0;
	struct str rest = str_from(s, bar + 2);
	if (*rest.p == '{' || (stamp_parse(rest, &st) && st.trust == STAMP_STRONG))
		return bar + 2;
	return 0;
}

static void
read_line(struct lens *l, struct record *r, struct str text, size_t off)
{
	struct syslog_head h;
	struct slot base = { .off = (uint32_t)off, .len = (uint32_t)text.n };
	syslog_parse(text, l->envelope ? SYSLOG_EXPECTED : 0, &h);
	take(l, r, base, text, &h);
	lens_set_time(l, r, &h.stamp);
	lens_quick_learn(l, r, text, &h.stamp);
	if (l->columns && !h.has_pri) {
		r->dialect = DIALECT_NONE;
		r->message = base;
		r->host = r->program = (struct slot){ 0 };
		r->pid = -1;
		return;
	}
	if (h.form == SYSLOG_STAMPED && h.message.n > 8 && *h.message.p == 's' && cri(l, r))
		return;
	if (h.form == SYSLOG_STAMPED && !h.has_pri && collected(l, r))
		return;
	bool relayed = h.form == SYSLOG_RFC5424 ||
	    (h.form == SYSLOG_BSD && (h.has_pri || l->envelope || !h.program.n));
	if (relayed && head_near(record_text(r, r->message)))
		lens_within(l, r, h.stamp.form != STAMP_NONE);
}

/* A stack, a statement over several lines, a dump: programs indent what goes on. From the network each datagram is whole. */
static bool
continues(const struct lens *l, const struct record *r)
{
	return l->spoken && !l->envelope && r->dialect == DIALECT_NONE &&
	    (!r->raw.n || *r->raw.p == ' ' || *r->raw.p == '\t');
}

static void
read_any(struct lens *l, struct record *r)
{
	struct str s = r->raw;
	r->stamp.form = STAMP_NONE;
	if (lens_quick(l, r))
		return;
	while (s.n && (*s.p == ' ' || *s.p == '\t') && s.n > 1 &&
	    (s.p[1] == '{' || s.p[1] == ' ' || s.p[1] == '\t'))
		s = str_from(s, 1);
	if (s.n && *s.p == '{' && lens_json(l, r, s))
		return;
	if (s.n > 2 && s.p[0] == '_' && s.p[1] == '_' && lens_journal(l, r, s))
		return;
	if (r->raw.n && *r->raw.p == '#')
		hash_line(l, r);
	size_t skip = r->raw.n && (unsigned char)((*r->raw.p | 0x20) - 'a') < 26
	    ? compose_prefix(r->raw)
	    : 0;
	struct str plain = str_from(r->raw, skip), text = lens_unpaint(r, plain);
	if (skip && *text.p == '{' && lens_json(l, r, text))
		return;
	bool own = text.p == plain.p;
	read_line(l, r, text, own ? skip : r->raw.n + (size_t)(text.p - r->extra->p));
}

void
lens_read(struct lens *l, struct record *r)
{
	read_any(l, r);
	r->continues = continues(l, r);
}

void
lens_sniff(struct lens *l, struct str line)
{
	struct record r;
	record_begin(&r, line, NULL, WHEN_NONE);
	l->last_us = l->sniffed_us;
	lens_read(l, &r);
	lens_time(l, &r);
	l->spoken = false;
	l->sniffed_us = l->last_us;
	if (l->first_us == WHEN_NONE)
		l->first_us = l->last_us;
	l->last_us = WHEN_NONE;
}
