/*
 * integrity_logins: see integrity_logins.h. Three looks at each record: at itself, at its time
 * between its neighbours, at its session. Must not take ordinary life for tampering: what a crash,
 * a killed session, a rotation or a machine without a battery-backed clock leaves behind is at most
 * POSSIBLE.
 */
#include "watch/accounts/integrity_logins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define SEATS 4096u                    /* terminals of one boot; a power of two */
/*
 * Programs take the time, then append: records of two of them may stand in the wrong order by as
 * long as one waits for the other.
 */
#define TOLERANCE_US (2 * WHEN_SECOND)
#define FUTURE_US WHEN_DAY             /* clocks of mounted disks and of time zones without one */

struct seat {
	enum utmp_type type;           /* of the last record: UTMP_USER: somebody is there */
	uint8_t line_n, user_n;
	bool remote;
	int64_t pid, since_us;
	uint64_t record;
	char line[32], user[32];
};

struct moment {                        /* what the look at times needs of a record */
	int64_t t;
	uint64_t number;
	bool boot;
	uint8_t user_n, line_n;
	char user[32], line[32];
};

struct integrity_logins {
	struct integrity_logins_opts opts;
	struct seat *seats;
	uint32_t taken;
	bool whole;                    /* a boot was seen: every session since began in this log */
	bool down;                     /* the log says the system is down */
	int64_t boot_us;

	int64_t before_us;             /* highest time in order before `high` */
	struct moment high;            /* the record in order that came last */
	struct moment low;             /* a record below it, until the next one decides */
	bool any, doubt;               /* `high` is set; `low` is set */
	bool lost;                     /* the clock went back without a reason: times say little until a boot */
};

int
integrity_logins_new(const struct integrity_logins_opts *o, struct integrity_logins **ret)
{
	struct integrity_logins *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct integrity_logins){ .opts = *o, .boot_us = WHEN_NONE, .before_us = WHEN_NONE };
	l->seats = calloc(SEATS, sizeof(*l->seats));
	if (!l->seats) {
		free(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

void
integrity_logins_free(struct integrity_logins *l)
{
	if (!l)
		return;
	free(l->seats);
	free(l);
}

int64_t
integrity_logins_boot(const struct integrity_logins *l)
{
	return l->boot_us;
}

static void
tell(struct integrity_logins *l, struct integrity_finding f)
{
	f.surety = f.surety ? f.surety : integrity_surety_of(f.what);
	l->opts.calls.found(l->opts.calls.ctx, &f);
}

static void
tell_record(struct integrity_logins *l, enum integrity_what what, const struct utmp *u, uint64_t number)
{
	tell(l, (struct integrity_finding){ .what = what, .record = number, .count = 1, .user = u->user, .tty = u->line,
		.after_us = l->any ? l->high.t : WHEN_NONE, .before_us = u->time_us > 0 ? u->time_us : WHEN_NONE });
}

/* The record by itself. True when nothing more can be said of it. */
static bool
look_at_record(struct integrity_logins *l, const struct utmp *u, uint64_t number)
{
	bool session = u->type == UTMP_USER && !l->opts.failures;

	if (u->blank) {
		tell_record(l, INTEGRITY_ZEROED, u, number);
		return true;
	}
	if (u->type == UTMP_STRANGE)
		tell_record(l, INTEGRITY_STRANGE, u, number);
	if (u->user.n == 0 && (session || u->type == UTMP_BOOT || u->type == UTMP_RUN_LEVEL || u->type == UTMP_LOGIN) &&
	    !l->opts.failures)
		tell_record(l, INTEGRITY_NO_USER, u, number);
	if (session && u->line.n == 0)
		tell_record(l, INTEGRITY_NO_LINE, u, number);
	if (session && u->has_addr && u->host.n == 0)
		tell_record(l, INTEGRITY_NO_HOST, u, number);
	if (u->dirty)
		tell_record(l, INTEGRITY_REMAINS, u, number);
	return false;
}

static struct moment
moment_of(const struct utmp *u, uint64_t number)
{
	struct moment m = { .t = u->time_us, .number = number, .boot = u->type == UTMP_BOOT };
	struct str user = str_head(u->user, sizeof(m.user)), line = str_head(u->line, sizeof(m.line));

	m.user_n = (uint8_t)user.n;
	m.line_n = (uint8_t)line.n;
	if (user.n > 0)
		memcpy(m.user, user.p, user.n);
	if (line.n > 0)
		memcpy(m.line, line.p, line.n);
	return m;
}

static void
tell_moment(struct integrity_logins *l, enum integrity_what what, const struct moment *m, uint64_t count,
    int64_t after, int64_t before)
{
	tell(l, (struct integrity_finding){ .what = what, .record = m->number, .count = count, .after_us = after,
		.before_us = before, .user = str_of(m->user, m->user_n), .tty = str_of(m->line, m->line_n) });
}

static void
in_order(struct integrity_logins *l, const struct moment *m)
{
	l->before_us = l->any ? l->high.t : WHEN_NONE;
	l->high = *m;
	l->any = true;
}

/*
 * The record before this one (low) was below the one before it (high), and now we see what follows:
 *   back up again: only that record is out of place;
 *   still down, but above what stood before high: it was high that is out of place;
 *   still down, below all: the clock itself went back.
 * A machine without a battery-backed clock boots in the past and writes its first records there: a
 * boot below the others says nothing unless it stands alone among them.
 */
static void
decide(struct integrity_logins *l, const struct moment *m)
{
	bool above = l->before_us == WHEN_NONE || l->low.t + TOLERANCE_US >= l->before_us;

	l->doubt = false;
	if (m->t + TOLERANCE_US >= l->high.t) {
		if (l->lost)
			return;
		if (l->low.boot && !above)
			tell_moment(l, INTEGRITY_CLOCK_BACK, &l->low, 1, l->high.t, l->low.t);
		else if (above && l->before_us != WHEN_NONE)
			tell_moment(l, INTEGRITY_OUT_OF_ORDER, &l->low, 2, l->before_us, m->t);
		else
			tell_moment(l, INTEGRITY_BACK_DATED, &l->low, 1, l->high.t, m->t);
		return;
	}
	if (l->low.boot) {
		l->lost = false;
		l->before_us = WHEN_NONE;
		l->high = l->low;
		return;
	}
	if (above && m->t + TOLERANCE_US >= l->low.t && !l->lost) {
		tell_moment(l, INTEGRITY_POST_DATED, &l->high, 1, l->before_us, l->low.t);
		l->high = l->low;
		return;
	}
	tell_moment(l, INTEGRITY_CLOCK_BACK, &l->low, 0, l->high.t, l->low.t);
	l->lost = true;
	l->before_us = WHEN_NONE;
	l->high = l->low;
}

/* Its time between its neighbours'. */
static void
look_at_time(struct integrity_logins *l, const struct utmp *u, uint64_t number)
{
	struct moment m = moment_of(u, number);
	bool clock = u->type == UTMP_NEW_TIME || u->type == UTMP_OLD_TIME;

	if (u->time_us == 0) {
		bool sane = l->any && !l->lost && !l->doubt;

		tell(l, (struct integrity_finding){ .what = INTEGRITY_NO_TIME, .record = number, .count = 1,
			.surety = sane ? INTEGRITY_LIKELY : INTEGRITY_POSSIBLE, .user = u->user, .tty = u->line,
			.after_us = l->any ? l->high.t : WHEN_NONE, .before_us = WHEN_NONE });
		if (sane)
			return;
	}
	if (l->opts.now_us != WHEN_NONE && u->time_us > l->opts.now_us + FUTURE_US)
		tell_moment(l, INTEGRITY_FUTURE, &m, 1, l->any ? l->high.t : WHEN_NONE, WHEN_NONE);
	if (l->doubt)
		decide(l, &m);
	/*
	 * A boot after a shutdown may find the clock anywhere, and who sets it may set it back: that is
	 * told elsewhere.
	 */
	if (!l->any || clock || (m.boot && (l->down || m.t >= l->high.t))) {
		l->lost = false;
		in_order(l, &m);
		l->before_us = clock || m.boot ? WHEN_NONE : l->before_us;
		return;
	}
	if (m.t + TOLERANCE_US >= l->high.t) {
		if (m.t > l->high.t)
			in_order(l, &m);
		return;
	}
	l->low = m;
	l->doubt = true;
}

/* Some servers name a new terminal for each session: when the table is full we know nothing any more. */
static void
forget(struct integrity_logins *l)
{
	memset(l->seats, 0, SEATS * sizeof(*l->seats));
	l->taken = 0;
	l->whole = false;
}

static struct seat *
seat_of(struct integrity_logins *l, struct str line, bool *ret_known)
{
	uint32_t i = (uint32_t)hash_bytes(line, 0);

	line = str_head(line, sizeof(l->seats->line));
	if (l->taken > SEATS / 4 * 3)
		forget(l);
	for (;; i++) {
		struct seat *s = &l->seats[i & (SEATS - 1)];

		*ret_known = s->type != UTMP_EMPTY && str_eq(str_of(s->line, s->line_n), line);
		if (*ret_known || s->type == UTMP_EMPTY)
			return s;
	}
}

static void
sit(struct integrity_logins *l, struct seat *s, const struct utmp *u, uint64_t number)
{
	struct str line = str_head(u->line, sizeof(s->line)), user = str_head(u->user, sizeof(s->user));

	l->taken += s->type == UTMP_EMPTY;
	*s = (struct seat){ .type = u->type, .pid = u->pid, .since_us = u->time_us, .record = number,
		.remote = u->has_addr, .line_n = (uint8_t)line.n, .user_n = (uint8_t)user.n };
	if (line.n > 0)
		memcpy(s->line, line.p, line.n);
	if (user.n > 0)
		memcpy(s->user, user.p, user.n);
}

static void
tell_seat(struct integrity_logins *l, enum integrity_what what, const struct seat *s, uint64_t number, int64_t before)
{
	tell(l, (struct integrity_finding){ .what = what, .record = number, .count = 1, .after_us = s->since_us,
		.before_us = before, .user = str_of(s->user, s->user_n), .tty = str_of(s->line, s->line_n) });
}

/*
 * sshd's monitor writes the logout, its child the login: the pid of a logout is that of the login or
 * a little below. A little above, it is of a session that began later, and whose login is gone. Far
 * apart says nothing: pids start over.
 */
#define PIDS_APART 16384

static bool
of_a_later_session(const struct seat *s, const struct utmp *u)
{
	return s->type == UTMP_USER && s->remote && s->pid > 0 && u->pid > s->pid && u->pid - s->pid < PIDS_APART &&
	    !str_eq(u->user, str_of(s->user, s->user_n));
}

/* A logout needs a login before it, if this log saw the machine come up. */
static void
logout(struct integrity_logins *l, const struct utmp *u, uint64_t number)
{
	/* Of a time to come, like everything the record says: not to be believed. */
	bool known, strange = l->opts.now_us != WHEN_NONE && u->time_us > l->opts.now_us + FUTURE_US;
	struct seat *s;

	if (u->line.n == 0)
		return;
	s = seat_of(l, u->line, &known);
	if (strange) {
		sit(l, s, u, number);
		return;
	}
	if (!known || (s->type == UTMP_DEAD && s->pid != u->pid)) {
		if (l->whole && !known)
			tell(l, (struct integrity_finding){ .what = INTEGRITY_NO_LOGIN, .record = number, .count = 1,
				.user = u->user, .tty = u->line, .after_us = l->boot_us, .before_us = u->time_us });
		else if (known)
			tell_seat(l, INTEGRITY_NO_LOGIN, s, number, u->time_us);
	} else if (of_a_later_session(s, u)) {
		tell_seat(l, INTEGRITY_OTHER_LOGIN, s, number, u->time_us);
	}
	sit(l, s, u, number);
}

static void
login(struct integrity_logins *l, const struct utmp *u, uint64_t number)
{
	bool known;
	struct seat *s;

	if (l->down && u->type == UTMP_USER) {
		tell_record(l, INTEGRITY_NO_BOOT, u, number);
		l->down = false;
	}
	if (u->line.n == 0)
		return;
	s = seat_of(l, u->line, &known);
	if (known && s->type == UTMP_USER && u->type == UTMP_USER && s->pid != u->pid)
		tell_seat(l, INTEGRITY_NO_LOGOUT, s, number, u->time_us);
	sit(l, s, u, number);
}

static void
look_at_session(struct integrity_logins *l, const struct utmp *u, uint64_t number)
{
	bool off = u->type == UTMP_SHUTDOWN || (u->type == UTMP_RUN_LEVEL && str_starts(u->user, STR("shutdown")));

	if (u->type == UTMP_BOOT) {
		forget(l);
		l->whole = true;
		l->down = false;
		l->boot_us = u->time_us;
	} else if (off) {
		l->down = true;
	} else if (u->type == UTMP_DEAD) {
		logout(l, u, number);
	} else if (u->type == UTMP_USER || u->type == UTMP_LOGIN || u->type == UTMP_INIT) {
		login(l, u, number);
	}
}

void
integrity_logins_record(struct integrity_logins *l, const struct utmp *u, uint64_t number)
{
	if (look_at_record(l, u, number))
		return;
	look_at_time(l, u, number);
	if (!l->opts.failures)
		look_at_session(l, u, number);
}

void
integrity_logins_file_end(struct integrity_logins *l, size_t rest)
{
	if (rest > 0)
		tell(l, (struct integrity_finding){ .what = INTEGRITY_PARTIAL, .count = 1,
			.after_us = l->any ? l->high.t : WHEN_NONE, .before_us = WHEN_NONE });
	/* The last record of all has no follower: below the one before it, nobody can say which is wrong. */
	if (l->doubt) {
		bool above = l->before_us != WHEN_NONE && l->low.t + TOLERANCE_US >= l->before_us;

		if (!l->lost)
			tell_moment(l, above ? INTEGRITY_OUT_OF_ORDER : INTEGRITY_BACK_DATED, &l->low, above ? 2 : 1,
			    l->high.t, WHEN_NONE);
		l->doubt = false;
	}
}
