/*
 * integrity_cross: see integrity_cross.h. Logins are kept as 72 bytes each, sorted by account and
 * time, so that months of them are asked by halves. Says nothing about times that wtmp does not
 * cover: what was rotated away was not removed.
 */
#include "watch/accounts/integrity_cross.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define NEAR_US (10 * WHEN_SECOND)     /* how far apart two logs may have stamped one login */
#define BOOT_NEAR_US (5 * WHEN_MINUTE) /* the boot is stamped before the clock is set right */
#define EVENTS_MAX (1u << 22)

struct event {
	uint64_t user, tty;            /* hashes */
	int64_t t;
	uint64_t record;
	bool remote;
	uint8_t name_n;
	char name[32];
};

struct events {
	struct event *v;
	size_t n, size;
};

struct integrity_cross {
	struct integrity_calls calls;
	struct events logins, syslog, boots, told;
	int64_t from_us, to_us;        /* wtmp covers this */
	int64_t syslog_from_us, syslog_to_us;
};

int
integrity_cross_new(const struct integrity_calls *calls, struct integrity_cross **ret)
{
	struct integrity_cross *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct integrity_cross){ .calls = *calls, .from_us = WHEN_NONE, .to_us = WHEN_NONE,
		.syslog_from_us = WHEN_NONE, .syslog_to_us = WHEN_NONE };
	*ret = c;
	return 0;
}

void
integrity_cross_free(struct integrity_cross *c)
{
	if (!c)
		return;
	free(c->logins.v);
	free(c->syslog.v);
	free(c->boots.v);
	free(c->told.v);
	free(c);
}

static int
push(struct events *e, struct event one)
{
	size_t size = e->size ? e->size * 2 : 256;
	struct event *grown;

	if (e->n == e->size) {
		grown = size > EVENTS_MAX ? NULL : reallocarray(e->v, size, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		e->v = grown;
		e->size = size;
	}
	e->v[e->n++] = one;
	return 0;
}

static uint64_t
key(struct str s)
{
	return hash_bytes(s, 1);
}

static int
by_user_and_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return x->t == y->t ? 0 : x->t < y->t ? -1 : 1;
}

static void
sort(struct events *e)
{
	if (e->n > 1)
		qsort(e->v, e->n, sizeof(*e->v), by_user_and_time);
}

/* The first event of that user at or after t; n when there is none. */
static size_t
first_from(const struct events *e, uint64_t user, int64_t t)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct event *m = &e->v[mid];

		if (m->user < user || (m->user == user && m->t < t))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct event *
near(const struct events *e, uint64_t user, int64_t t, int64_t apart)
{
	size_t i = first_from(e, user, t - apart);

	return i < e->n && e->v[i].user == user && e->v[i].t <= t + apart ? &e->v[i] : NULL;
}

static bool
knows_user(const struct events *e, uint64_t user)
{
	size_t i = first_from(e, user, INT64_MIN);

	return i < e->n && e->v[i].user == user;
}

static void
tell(struct integrity_cross *c, enum integrity_what what, struct str user, struct str tty, int64_t after, int64_t before,
    uint64_t record)
{
	c->calls.found(c->calls.ctx, &(struct integrity_finding){ .what = what, .surety = integrity_surety_of(what),
		.user = user, .tty = tty, .after_us = after, .before_us = before, .record = record, .count = record ? 1 : 0 });
}

int
integrity_cross_login(struct integrity_cross *c, const struct utmp *u, uint64_t number)
{
	struct event e = { .user = key(u->user), .tty = key(u->line), .t = u->time_us, .record = number,
		.remote = u->has_addr };
	struct str name = str_head(u->user, sizeof(e.name));

	e.name_n = (uint8_t)name.n;
	if (name.n > 0)
		memcpy(e.name, name.p, name.n);
	if (u->time_us > 0) {
		if (c->from_us == WHEN_NONE || u->time_us < c->from_us)
			c->from_us = u->time_us;
		if (u->time_us > c->to_us)
			c->to_us = u->time_us;
	}
	if (u->type == UTMP_BOOT && u->time_us > 0)
		return push(&c->boots, e);
	return u->type == UTMP_USER && u->user.n > 0 && u->time_us > 0 ? push(&c->logins, e) : 0;
}

void
integrity_cross_ready(struct integrity_cross *c)
{
	sort(&c->logins);
}

static bool
covered(const struct integrity_cross *c, int64_t t)
{
	return c->from_us != WHEN_NONE && t > c->from_us + NEAR_US;
}

/* The latest login from afar: those at terminals of window systems never come to lastlog. */
static const struct event *
latest_remote(const struct integrity_cross *c, uint64_t user)
{
	const struct event *found = NULL;

	for (size_t i = first_from(&c->logins, user, INT64_MIN); i < c->logins.n && c->logins.v[i].user == user; i++)
		if (c->logins.v[i].remote)
			found = &c->logins.v[i];
	return found;
}

void
integrity_cross_last(struct integrity_cross *c, struct str user, int64_t time_us, struct str tty)
{
	uint64_t who = key(user);
	const struct event *last;

	if (time_us > 0 && covered(c, time_us) && !near(&c->logins, who, time_us, NEAR_US))
		tell(c, INTEGRITY_LAST_WITHOUT_LOGIN, user, tty, time_us - WHEN_SECOND, time_us + WHEN_SECOND, 0);
	last = latest_remote(c, who);
	if (last && last->t > time_us + NEAR_US)
		tell(c, INTEGRITY_LOGIN_WITHOUT_LAST, user, tty, last->t - WHEN_SECOND, last->t + WHEN_SECOND, last->record);
}

void
integrity_cross_present(struct integrity_cross *c, const struct utmp *u)
{
	if (u->type == UTMP_USER && u->user.n > 0 && u->has_addr && covered(c, u->time_us) &&
	    !near(&c->logins, key(u->user), u->time_us, NEAR_US))
		tell(c, INTEGRITY_PRESENT_WITHOUT_LOGIN, u->user, u->line, u->time_us - WHEN_SECOND, u->time_us + WHEN_SECOND, 0);
}

int
integrity_cross_syslog(struct integrity_cross *c, struct str user, int64_t time_us, bool console)
{
	uint64_t who = key(user);

	if (c->syslog_from_us == WHEN_NONE || time_us < c->syslog_from_us)
		c->syslog_from_us = time_us;
	if (time_us > c->syslog_to_us)
		c->syslog_to_us = time_us;
	if (user.n == 0)
		return 0;
	if (covered(c, time_us) && !near(&c->logins, who, time_us, NEAR_US))
		tell(c, console ? INTEGRITY_CONSOLE_WITHOUT_LOGIN : INTEGRITY_SYSLOG_WITHOUT_LOGIN, user, STR_NULL,
		    time_us - WHEN_SECOND, time_us + WHEN_SECOND, 0);
	return push(&c->syslog, (struct event){ .user = who, .t = time_us });
}

void
integrity_cross_syslog_end(struct integrity_cross *c)
{
	sort(&c->syslog);
	for (size_t i = 0; i < c->logins.n; i++) {
		const struct event *e = &c->logins.v[i];

		if (!e->remote || c->syslog_from_us == WHEN_NONE || e->t < c->syslog_from_us + NEAR_US ||
		    e->t > c->syslog_to_us - NEAR_US || near(&c->syslog, e->user, e->t, NEAR_US))
			continue;
		tell(c, INTEGRITY_LOGIN_WITHOUT_SYSLOG, str_of(e->name, e->name_n), STR_NULL, e->t - WHEN_SECOND,
		    e->t + WHEN_SECOND, e->record);
	}
}

/* Told once for an account, whatever it ran. */
static bool
told_before(struct integrity_cross *c, uint64_t who)
{
	for (size_t i = 0; i < c->told.n; i++)
		if (c->told.v[i].user == who)
			return true;
	return false;
}

int
integrity_cross_command(struct integrity_cross *c, struct str user, int64_t time_us, struct str tty, struct str command)
{
	uint64_t who = key(user);

	if (!covered(c, time_us) || c->logins.n == 0 || knows_user(&c->logins, who) || told_before(c, who))
		return 0;
	c->calls.found(c->calls.ctx, &(struct integrity_finding){ .what = INTEGRITY_COMMAND_WITHOUT_LOGIN,
		.surety = INTEGRITY_LIKELY, .user = user, .tty = tty, .note = command, .after_us = time_us - WHEN_SECOND,
		.before_us = time_us + WHEN_SECOND });
	return push(&c->told, (struct event){ .user = who, .t = time_us });
}

bool
integrity_cross_was_up(const struct integrity_cross *c, int64_t after_us, int64_t before_us)
{
	/* A boot is stamped before accounting comes on; records of logins prove that somebody worked meanwhile. */
	if (c->from_us == WHEN_NONE || after_us < c->from_us || c->to_us < after_us + WHEN_MINUTE)
		return false;
	if (before_us == WHEN_NONE)
		return true;
	for (size_t i = 0; i < c->boots.n; i++)
		if (c->boots.v[i].t >= after_us - WHEN_MINUTE && c->boots.v[i].t <= before_us + WHEN_MINUTE)
			return false;
	return true;
}

void
integrity_cross_boot(struct integrity_cross *c, int64_t boot_us)
{
	int64_t nearest = WHEN_NONE;

	if (!covered(c, boot_us) || c->boots.n == 0)
		return;
	for (size_t i = 0; i < c->boots.n; i++) {
		int64_t apart = llabs((long long)(c->boots.v[i].t - boot_us));

		if (nearest == WHEN_NONE || apart < nearest)
			nearest = apart;
	}
	if (nearest > BOOT_NEAR_US)
		tell(c, INTEGRITY_BOOT_DIFFERS, STR_NULL, STR_NULL, boot_us - WHEN_SECOND, boot_us + WHEN_SECOND, 0);
}
