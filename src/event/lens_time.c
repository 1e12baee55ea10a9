/*
 * lens_time: what a stamp leaves out is taken from its surroundings: the year from the file's own
 * newest time, the date from the line before, the zone from the book. Whatever was taken so is
 * marked as guessed. Never reads a clock.
 */
#include "event/lens_private.h"

#define FUTURE_SLACK \
	WHEN_DAY /* clocks run ahead, zones are unknown: so far a stamp may lie after its anchor */
#define CLOCK_SLACK WHEN_HOUR
#define YEARS_BACK 9 /* far enough to meet a 29 February */
#define YEAR_SHORT (364 * WHEN_DAY)
#define SEARCH_MAX 512

static int64_t
day_floor(int64_t t)
{
	int64_t rest = t % WHEN_DAY;
	return t - (rest < 0 ? rest + WHEN_DAY : rest);
}

static int64_t
clock_of(const struct stamp *st)
{
	return st->hour * WHEN_HOUR + st->minute * WHEN_MINUTE + st->second * WHEN_SECOND + st->us;
}

static int64_t
anchor_of(const struct lens *l, int64_t received_us)
{
	if (l->anchor_us != WHEN_NONE)
		return l->anchor_us;
	return received_us != WHEN_NONE ? received_us : l->last_us;
}

static int64_t
gap(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * Local midnight of the stamp's day in the last year that is not after `limit`; nearest to `near`
 * if that is given.
 */
static int64_t
midnight_in_year(const struct stamp *st, int64_t limit, int64_t near)
{
	struct civil newest, c = stamp_civil(st);
	int64_t best = WHEN_NONE;
	bool old = near != WHEN_NONE && near < limit - YEAR_SHORT;
	when_to_civil(old ? near + YEAR_SHORT : limit, &newest);
	for (int back = 0; back < YEARS_BACK; back++) {
		c.year = newest.year - back;
		int64_t t = when_valid(&c) ? when_from_civil(&c) : WHEN_NONE;
		if (t == WHEN_NONE || t > limit)
			continue;
		if (best != WHEN_NONE && (near == WHEN_NONE || gap(t, near) >= gap(best, near)))
			break;
		best = t;
	}
	return best == WHEN_NONE ? WHEN_NONE : day_floor(best);
}

static int64_t
without_year(struct lens *l, const struct stamp *st, int64_t received_us)
{
	uint16_t day = (uint16_t)(st->month << 8 | st->day);
	int64_t anchor = anchor_of(l, received_us), clock = clock_of(st);
	if (anchor == WHEN_NONE)
		return WHEN_NONE;
	bool follow = l->year_sure && !l->envelope && l->last_us != WHEN_NONE;
	/*
	 * Zones reach 14 hours ahead of UTC: the slack of a day covers them, stamps being still
	 * local here.
	 */
	int64_t limit = anchor + FUTURE_SLACK, t = l->cached_midnight + clock;
	/* Within half a year of the line before no other year is nearer. */
	if (day == l->cached_day && t <= limit &&
	    (follow ? gap(t, l->last_us) < YEAR_SHORT / 2 : t > limit - YEAR_SHORT))
		return t;
	int64_t midnight = midnight_in_year(st, limit, follow ? l->last_us : WHEN_NONE);
	if (midnight == WHEN_NONE)
		return WHEN_NONE;
	l->cached_day = day;
	l->cached_midnight = midnight;
	return midnight + clock;
}

/*
 * Time of day alone: the day that lies nearest to the line before, or the last one that is not
 * after the anchor.
 */
static int64_t
without_date(const struct lens *l, const struct stamp *st, int64_t received_us, int16_t offset_min)
{
	int64_t shift = offset_min * WHEN_MINUTE, near = l->last_us;
	if (near == WHEN_NONE)
		near = l->first_us;
	if (near != WHEN_NONE) {
		int64_t t = day_floor(near + shift) + clock_of(st);
		if (t - (near + shift) > WHEN_DAY / 2)
			t -= WHEN_DAY;
		else if ((near + shift) - t > WHEN_DAY / 2)
			t += WHEN_DAY;
		return t;
	}
	int64_t anchor = anchor_of(l, received_us);
	if (anchor == WHEN_NONE)
		return WHEN_NONE;
	int64_t t = day_floor(anchor + shift) + clock_of(st);
	return t > anchor + shift + CLOCK_SLACK ? t - WHEN_DAY : t;
}

/* Day and month may stand the other way round: what lies nearer to the source's time is meant. */
static int64_t
with_date(const struct lens *l, const struct stamp *st, int64_t received_us)
{
	struct civil c = stamp_civil(st);
	int64_t t = when_from_civil(&c),
		near = l->last_us != WHEN_NONE ? l->last_us : anchor_of(l, received_us);
	if (!(st->flags & STAMP_EITHER_ORDER) || near == WHEN_NONE)
		return t;
	c.month = st->day;
	c.day = st->month;
	int64_t other = when_valid(&c) ? when_from_civil(&c) : t;
	if (l->last_us == WHEN_NONE)
		return t > near + FUTURE_SLACK && other <= near + FUTURE_SLACK ? other : t;
	return gap(other, near) < gap(t, near) ? other : t;
}

static int16_t
offset_at(const struct lens *l, int64_t local_us, bool *ret_known)
{
	*ret_known = true;
	return l->zoned ? l->zone_min : zone_offset(l->zones, l->place, local_us, ret_known);
}

int64_t
lens_resolve(struct lens *l, const struct stamp *st, int64_t received_us, bool *io_guessed)
{
	bool known = true;
	int16_t offset = st->offset_min;
	int64_t t;
	if (st->form == STAMP_EPOCH)
		return st->epoch_us;
	if (st->flags & STAMP_NO_DATE) {
		if (st->flags & STAMP_NO_ZONE)
			offset = offset_at(l, l->last_us != WHEN_NONE ? l->last_us : 0, &known);
		t = without_date(l, st, received_us, offset);
		*io_guessed = true;
		return t == WHEN_NONE ? t : t - offset * WHEN_MINUTE;
	}
	t = st->flags & STAMP_NO_YEAR ? without_year(l, st, received_us)
				      : with_date(l, st, received_us);
	if (t == WHEN_NONE)
		return t;
	if (st->flags & STAMP_NO_ZONE)
		offset = offset_at(l, t, &known);
	else if (!(st->flags & STAMP_UTC_WORD))
		zone_learn(l->place, t - offset * WHEN_MINUTE, offset);
	if (st->flags &
	    (STAMP_NO_YEAR | STAMP_NO_ZONE | STAMP_NO_CLOCK | STAMP_EITHER_ORDER |
		STAMP_UNSET_CLOCK))
		*io_guessed = true;
	else
		l->year_sure = true;
	if (!(st->flags & (STAMP_NO_YEAR | STAMP_UNSET_CLOCK)))
		l->year_sure = true;
	return t - offset * WHEN_MINUTE;
}

static bool
word_byte(char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10;
}

bool
lens_find_stamp(struct str s, struct stamp *ret)
{
	size_t end = s.n < SEARCH_MAX ? s.n : SEARCH_MAX;
	for (size_t i = 0; i < end; i++) {
		if (!word_byte(s.p[i]) || (i > 0 && word_byte(s.p[i - 1])))
			continue;
		struct stamp st;
		if (stamp_parse(str_from(s, i), &st) && st.trust >= STAMP_FAIR &&
		    !(st.flags & (STAMP_NO_DATE | STAMP_NO_CLOCK)) && st.form != STAMP_UPTIME) {
			*ret = st;
			return true;
		}
	}
	return false;
}

static bool
is_time(const struct stamp *st)
{
	return st->form != STAMP_NONE && st->form != STAMP_UPTIME;
}

static int64_t
time_of_neighbours(const struct lens *l, const struct record *r)
{
	if (l->envelope && r->received_us != WHEN_NONE)
		return r->received_us;
	if (l->last_us != WHEN_NONE)
		return l->last_us;
	return l->first_us != WHEN_NONE ? l->first_us : anchor_of(l, r->received_us);
}

void
lens_set_time(struct lens *l, struct record *r, const struct stamp *st)
{
	bool guessed = false;
	int64_t t = is_time(st) ? lens_resolve(l, st, r->received_us, &guessed) : WHEN_NONE;
	if (t == WHEN_NONE) {
		r->time_us = time_of_neighbours(l, r);
		r->time_guessed = true;
		/* Tells lens_time() that the line has shown no time of its own yet. */
		r->stamp.flags = STAMP_NO_DATE | STAMP_NO_CLOCK;
		return;
	}
	r->time_us = l->last_us = t;
	r->time_guessed = guessed;
	r->stamp.flags = 0;
}

/* Found by search in text that nobody decoded: good enough for this line, but it moves no clock. */
static void
search_time(struct lens *l, struct record *r)
{
	struct stamp st;
	int64_t last = l->last_us;
	bool sure = l->year_sure;
	r->stamp.flags = 0;
	if (!lens_find_stamp(record_text(r, r->message), &st))
		return;
	int64_t t = lens_resolve(l, &st, r->received_us, &r->time_guessed);
	l->year_sure = sure;
	if (t == WHEN_NONE)
		return;
	r->time_us = t;
	if (last == WHEN_NONE)
		l->last_us = t;
}

/*
 * A stamp without a zone inside a message that a head has timed is local time of who knows where:
 * the head's stands, unless they are more than a zone apart. Then the line was shipped late.
 */
static bool
names_no_other_time(const struct record *r, const struct stamp *st, int64_t t)
{
	bool timed = r->dialect == DIALECT_RFC3164 || r->dialect == DIALECT_RFC5424 ||
	    r->dialect == DIALECT_JOURNAL;
	/* Without a stamp in the head the time is that of the arrival. */
	timed &= r->time_us != WHEN_NONE && r->time_us != r->received_us;
	return timed && (st->flags & STAMP_NO_ZONE) &&
	    gap(t, r->time_us) <= ZONES_APART;
}

void
lens_time(struct lens *l, struct record *r)
{
	const struct stamp *st = &r->stamp;
	l->spoken = r->dialect != DIALECT_NONE || r->kind != KIND_unknown;
	if (st->form == STAMP_NONE && st->flags) {
		search_time(l, r);
		return;
	}
	/* A time of day says less than a head with a date. */
	if (!is_time(st) || (st->flags & STAMP_NO_CLOCK) ||
	    ((st->flags & STAMP_NO_DATE) && r->dialect != DIALECT_NONE))
		return;
	bool guessed = false;
	int64_t t = lens_resolve(l, st, r->received_us, &guessed);
	if (t == WHEN_NONE || names_no_other_time(r, st, t))
		return;
	r->time_us = l->last_us = t;
	r->time_guessed = guessed;
}
