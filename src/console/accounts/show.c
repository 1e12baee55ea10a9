/* show: see show.h. Foreign text never reaches the terminal unescaped. */
#include "console/accounts/show.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "console/i18n.h"
#include "console/term.h"

#define FLUSH_AT (256u << 10)
#define SLOT (15 * WHEN_MINUTE)

void
account_show_begin(struct account_show *s, const struct options *o)
{
	*s = (struct account_show){ .o = o, .out = BUF_INIT(4u << 20), .slot = INT64_MIN };
}

static void
write_out(struct account_show *s)
{
	if (!buf_ok(&s->out) || !out_write(stdout, buf_str(&s->out)))
		s->failed = true;
	buf_reset(&s->out);
}

void
account_show_flush(struct account_show *s)
{
	if (s->out.n >= FLUSH_AT)
		write_out(s);
}

int
account_show_end(struct account_show *s)
{
	write_out(s);
	if (fflush(stdout) != 0)
		s->failed = true;
	buf_free(&s->out);
	return s->failed ? -EPIPE : 0;
}

static int
offset_at(struct account_show *s, int64_t us)
{
	int64_t slot = us / SLOT;
	time_t t = (time_t)(us / WHEN_SECOND);
	struct tm tm;

	if (slot != s->slot && localtime_r(&t, &tm)) {
		s->slot = slot;
		s->offset_min = (int)(tm.tm_gmtoff / 60);
	}
	return s->offset_min;
}

/* Two digits; snprintf(3) would be the slowest part of a listing of ten million sessions. */
static void
two(struct buf *b, int n)
{
	buf_add_byte(b, (char)('0' + n / 10 % 10));
	buf_add_byte(b, (char)('0' + n % 10));
}

void
account_show_time(struct account_show *s, int64_t us)
{
	struct civil c;
	struct buf *b = &s->out;

	when_to_civil(us + offset_at(s, us) * WHEN_MINUTE, &c);
	two(b, c.year / 100);
	two(b, c.year % 100);
	buf_add_byte(b, '-');
	two(b, c.month);
	buf_add_byte(b, '-');
	two(b, c.day);
	buf_add_byte(b, ' ');
	two(b, c.hour);
	buf_add_byte(b, ':');
	two(b, c.minute);
	buf_add_byte(b, ':');
	two(b, c.second);
}

void
account_show_span(struct account_show *s, int64_t us)
{
	int64_t minutes = us / WHEN_MINUTE, days = minutes / (24 * 60);
	int hours = (int)(minutes / 60 % 24);

	if (us < 0) {
		buf_add(&s->out, STR("before its login"));
		return;
	}
	if (days > 0)
		buf_addf(&s->out, "%lld+", (long long)days);
	two(&s->out, hours);
	buf_add_byte(&s->out, ':');
	two(&s->out, (int)(minutes % 60));
}

void
account_show_cell(struct account_show *s, struct str text, size_t columns)
{
	size_t from = s->out.n, used;

	buf_add_escaped(&s->out, text);
	used = utf8_columns(str_from(buf_str(&s->out), from));
	do {
		buf_add_byte(&s->out, ' ');
	} while (++used < columns);
}

void
account_json_text(struct account_show *s, const char *key, struct str text)
{
	if (text.n == 0)
		return;
	buf_addf(&s->out, ",\"%s\":", key);
	buf_add_json(&s->out, text);
}

void
account_json_time(struct account_show *s, const char *key, int64_t us)
{
	char when[40];

	if (us == WHEN_NONE)
		return;
	buf_addf(&s->out, ",\"%s\":\"%.*s\"", key, (int)when_show(us, 0, when), when);
}

void
account_json_number(struct account_show *s, const char *key, int64_t n)
{
	buf_addf(&s->out, ",\"%s\":%lld", key, (long long)n);
}

bool
account_show_problems(const struct account_set *set, const char *command)
{
	if (set->nproblems > 0)
		complain("%.*s", STR_FMT(buf_str(&set->problems)));
	if (set->n > 0)
		return false;
	complain(_("guarita %s: there is no file to read; name one with --file\n"), command);
	return true;
}
