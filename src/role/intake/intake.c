/*
 * intake: what all sources of intaked need: own events, slowing, silence, loss. Must never let a
 * lost line pass in silence.
 */
#include "role/intake/intake.h"

#include <stdarg.h>
#include <unistd.h>

#include "sys/clock.h"

void
intake_took(struct intake_source *s)
{
	s->last_us = clock_mono_us();
	s->silent = false;
}

/* RFC 5424, facility syslog, severity notice: read back by the same decoders as everything else. */
void
intake_event(struct intake *in, const char *fmt, ...)
{
	struct buf line = BUF_INIT(32768);
	char stamp[40];
	int64_t now = clock_wall_us();
	va_list ap;

	buf_addf(&line, "<45>1 %.*s %s guarita %d - - ", (int)when_show(now, 0, stamp), stamp,
	    in->host, (int)getpid());
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	if (buf_ok(&line) && in->own)
		feed_line(in->feed, in->own, now, buf_str(&line), false);
	buf_free(&line);
}

static void
set_slow(struct intake *in, bool slow)
{
	if (in->slow == slow)
		return;
	in->slow = slow;
	for (uint32_t i = 0; i < in->nsources; i++)
		if (in->sources[i].ops->slow)
			in->sources[i].ops->slow(&in->sources[i], slow);
}

void
intake_flush(struct intake *in)
{
	feed_flush(in->feed);
	set_slow(in, feed_slow(in->feed));
}
