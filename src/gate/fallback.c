/* fallback: see fallback.h. */
#include "gate/fallback.h"

void
fallback_begin(struct fallback *f, const struct conf_fallback *c, bool open)
{
	*f = (struct fallback){ .conf = c, .open = open };
	if (c->mode != CONF_FALLBACK_AUTO)
		f->open = c->mode == CONF_FALLBACK_ON;
}

bool
fallback_note(struct fallback *f, bool good, int64_t now_us)
{
	bool before = f->open;

	f->probes++;
	f->failed += !good;
	f->fails = good ? 0 : f->fails + 1;
	if (!good)
		f->well_since_us = 0;
	else if (!f->well_since_us)
		f->well_since_us = now_us;
	if (f->conf->mode != CONF_FALLBACK_AUTO)
		return false;
	if (f->fails >= f->conf->fails)
		f->open = true;
	else if (f->open && good && now_us - f->well_since_us >= f->conf->heal_us)
		f->open = false;
	f->changes += f->open != before;
	return f->open != before;
}

/*
 * "HTTP/1.1 200": a proxy that refuses us or asks who we are serves others; one that cannot reach
 * what is behind it (5xx) does not.
 */
bool
fallback_answer_good(struct str bytes)
{
	return bytes.n >= 12 && str_starts(bytes, STR("HTTP/1.")) && bytes.p[8] == ' ' &&
	    bytes.p[9] >= '1' && bytes.p[9] <= '4';
}

void
fallback_request(const struct conf_fallback *c, struct buf *out)
{
	struct str host = str_from(c->url, sizeof("http://") - 1);

	host = str_head(host, str_find_byte(host, '/'));
	buf_addf(out, "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: guarita\r\nConnection: close\r\n\r\n",
	    STR_FMT(c->url), STR_FMT(host));
}
