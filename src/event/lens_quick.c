/*
 * lens_quick: two kinds of lines that make up nearly all of a busy log file: those whose stamp has the same second as that
 * of a line before, with the plain head of syslog behind it, and those of web servers, which begin with an address. They
 * need not be asked what else they might be. Answers only where lens.c would come to the same, and remembers nothing that
 * could change that.
 */
#include "base/text.h"
#include "event/lens_private.h"

/* Does the line go on with a word that is neither a zone with its sign nor a year? (Names of zones have a colon behind.) */
static bool
word_follows(struct str s)
{
	const char *p = s.p + QUICK_STAMP + 1;
	unsigned digits = 0;

	while (digits < 4 && (unsigned char)(p[digits] - '0') < 10)
		digits++;
	return p[-1] == ' ' && digits < 4 && *p != '+' && *p != '-';
}

/* Would the stamp mean the moment that it meant then? It does unless another stamp has moved what it is held against. */
static bool
still_means(const struct lens *l, const struct record *r)
{
	const struct quick *q = &l->quick;

	return q->time_us == l->last_us && q->year_sure == l->year_sure && (!l->place || q->lessons == l->place->lessons) &&
	    (l->anchor_us != WHEN_NONE || q->received_us == r->received_us);
}

void
lens_quick_learn(struct lens *l, const struct record *r, struct str text, const struct stamp *st)
{
	struct quick *q = &l->quick;

	if (st->form != STAMP_SYSLOG)
		return;
	q->known = st->flags == (STAMP_NO_YEAR | STAMP_NO_ZONE) && text.n > QUICK_STAMP &&
	    text.p[QUICK_STAMP] == ' ' && text.p[QUICK_STAMP - 3] == ':' && !l->columns && !l->envelope &&
	    r->time_us != WHEN_NONE && r->time_us == l->last_us;
	if (!q->known)
		return;
	memcpy(q->text, text.p, QUICK_STAMP);
	q->time_us = r->time_us;
	q->received_us = r->received_us;
	q->guessed = r->time_guessed;
	q->year_sure = l->year_sure;
	q->lessons = l->place ? l->place->lessons : 0;
}

static struct slot
slot_of(struct str line, struct str part)
{
	return part.n ? (struct slot){ .off = (uint32_t)(part.p - line.p), .len = (uint32_t)part.n } : (struct slot){ 0 };
}

/* Does the message hold what may begin a colour, so near to the line's beginning that lens_unpaint() looks at it? */
static bool
may_be_painted(struct str line, struct str message)
{
	size_t from = (size_t)(message.p - line.p), n = from < PAINT_LOOK ? PAINT_LOOK - from : 0;
	struct str near = str_head(message, n);

	return str_find_byte(near, '\x1b') < near.n || str_find_byte(near, '#') < near.n;
}

static bool
plain_head(const struct lens *l, struct record *r, struct str line)
{
	const struct quick *q = &l->quick;
	struct syslog_plain h;

	if (!q->known || line.n < QUICK_STAMP + 5 || memcmp(line.p, q->text, QUICK_STAMP) != 0 || !word_follows(line) ||
	    !still_means(l, r) || !syslog_plain(str_from(line, QUICK_STAMP + 1), &h) || may_be_painted(line, h.message))
		return false;
	r->dialect = DIALECT_RFC3164;
	r->host = slot_of(line, h.host);
	r->program = slot_of(line, h.program);
	r->message = (struct slot){ .off = (uint32_t)(h.message.p - line.p), .len = (uint32_t)h.message.n };
	r->pid = lens_pid(h.pid);
	r->time_us = q->time_us;
	r->time_guessed = q->guessed;
	return true;
}

/*
 * "192.0.2.7 - name [...": the address is no host, for what a tag would be has no colon and no pid behind it, and no stamp
 * begins so. The whole line is the message; its time is for the decoder to find.
 */
static bool
without_head(struct lens *l, struct record *r, struct str line)
{
	static const struct stamp none = { .form = STAMP_NONE };
	size_t n = text_quad(line);

	if (n == 0 || line.n < n + 4 || memcmp(line.p + n, " - ", 3) != 0 || line.p[n + 3] == '[' || line.p[n + 3] == ' ' ||
	    line.p[n + 3] == '\t' || may_be_painted(line, str_from(line, n)))
		return false;
	r->dialect = DIALECT_NONE;
	r->message = (struct slot){ .off = 0, .len = (uint32_t)line.n };
	lens_set_time(l, r, &none);
	return true;
}

bool
lens_quick(struct lens *l, struct record *r)
{
	struct str line = syslog_without_end(r->raw);

	if (l->envelope || l->columns || line.n == 0)
		return false;
	return (unsigned char)(*line.p - '0') < 10 ? without_head(l, r, line) : plain_head(l, r, line);
}
