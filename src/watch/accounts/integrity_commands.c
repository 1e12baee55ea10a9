/*
 * integrity_commands: the kernel writes a record when a process ends, so ends only go up, as far as
 * a start in whole seconds and a clock that is set let them.
 */
#include "watch/accounts/integrity_commands.h"

#include "wire/pacct.h"

/*
 * The start is cut to whole seconds and taken from the clock as it is when the process ends: an end
 * reckoned from it is up to a second early, more after the clock was set.
 */
#define TOLERANCE_US (3 * WHEN_SECOND)
#define CLOCK_US (60 * WHEN_SECOND)    /* a clock that is set by more is told of by wtmp */

static void
tell(struct integrity_commands *c, enum integrity_what what, uint64_t number, int64_t before, const struct pacct *p)
{
	struct integrity_finding f = { .what = what, .surety = integrity_surety_of(what), .record = number, .count = 1,
		.after_us = c->any ? c->high_us : WHEN_NONE, .before_us = before };

	if (p)
		f.note = p->command;
	c->calls.found(c->calls.ctx, &f);
}

static int64_t
end_of(const struct pacct *p)
{
	return p->begin * WHEN_SECOND + (int64_t)(p->elapsed_ticks * (WHEN_SECOND / PACCT_TICKS));
}

/*
 * The kernel closes a file with a record of the process that switched accounting off or to another
 * file; when accton(8) switched it on, its own end is the first record. So a rotation leaves one
 * accton beside the other, and a pause leaves the time between them. A pause may be a reboot: who
 * knows wtmp can tell (integrity_cross_was_up()).
 */
#define SWITCH_US (10 * WHEN_SECOND)

static bool
is_switch(const struct pacct *p)
{
	return str_eq(p->command, STR("accton")) && p->uid == 0;
}

static void
look_at_switch(struct integrity_commands *c, const struct pacct *p, uint64_t number)
{
	int64_t end = end_of(p);
	bool on = is_switch(p);

	if (on && c->off && end > c->off_us + SWITCH_US)
		c->calls.found(c->calls.ctx, &(struct integrity_finding){ .what = INTEGRITY_ACCOUNTING_OFF,
			.surety = integrity_surety_of(INTEGRITY_ACCOUNTING_OFF), .record = number, .count = 1,
			.after_us = c->off_us, .before_us = end, .note = p->command });
	c->off = on && !c->off && c->any;
	c->off_us = end;
	c->off_number = number;
}

static void
look_at_time(struct integrity_commands *c, const struct pacct *p, uint64_t number)
{
	int64_t end = end_of(p);

	if (c->now_us != WHEN_NONE && end > c->now_us + WHEN_DAY)
		tell(c, INTEGRITY_FUTURE, number, end, p);
	if (c->doubt) {
		bool back = end + TOLERANCE_US >= c->high_us;

		tell(c, back ? INTEGRITY_BACK_DATED : INTEGRITY_CLOCK_BACK, c->low_number, back ? end : c->low_us, NULL);
		if (!back)
			c->high_us = c->low_us;
		c->doubt = false;
	}
	if (c->any && end + TOLERANCE_US + CLOCK_US < c->high_us) {
		c->low_us = end;
		c->low_number = number;
		c->doubt = true;
		return;
	}
	if (c->any && c->gap_us > 0 && end > c->high_us + c->gap_us)
		tell(c, INTEGRITY_ACCOUNTING_GAP, number, end, p);
	if (!c->any || end > c->high_us)
		c->high_us = end;
	c->any = true;
}

static bool
all_zero(struct str s)
{
	return s.p[0] == '\0' && memcmp(s.p, s.p + 1, s.n - 1) == 0;
}

void
integrity_commands_record(struct integrity_commands *c, struct str record, uint64_t number)
{
	struct pacct p;

	if (all_zero(record)) {
		tell(c, INTEGRITY_ZEROED, number, WHEN_NONE, NULL);
		return;
	}
	if (pacct_read(record, &p) < 0) {
		tell(c, INTEGRITY_STRANGE, number, WHEN_NONE, NULL);
		return;
	}
	if (p.begin == 0) {
		tell(c, INTEGRITY_NO_TIME, number, WHEN_NONE, &p);
		return;
	}
	if (p.command.n == 0 || p.dirty)
		tell(c, p.dirty ? INTEGRITY_REMAINS : INTEGRITY_NO_USER, number, WHEN_NONE, &p);
	look_at_switch(c, &p, number);
	look_at_time(c, &p, number);
}

void
integrity_commands_file_end(struct integrity_commands *c, size_t rest)
{
	if (rest > 0)
		tell(c, INTEGRITY_PARTIAL, 0, WHEN_NONE, NULL);
	if (c->doubt)
		tell(c, INTEGRITY_BACK_DATED, c->low_number, WHEN_NONE, NULL);
	c->doubt = false;
}

void
integrity_commands_end(struct integrity_commands *c)
{
	if (c->off)
		c->calls.found(c->calls.ctx, &(struct integrity_finding){ .what = INTEGRITY_ACCOUNTING_OFF,
			.surety = integrity_surety_of(INTEGRITY_ACCOUNTING_OFF), .record = c->off_number, .count = 1,
			.after_us = c->off_us, .before_us = WHEN_NONE });
	c->off = false;
}
