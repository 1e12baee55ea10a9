/* line: see line.h. RFC 5424 heads; the time is the record's, never the clock's. */
#include "watch/accounts/line.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define SEATS 1024u                    /* terminals remembered; a power of two */
#define PROBES 8u                      /* looked at for one; when all are taken the last is forgotten */

struct seat {
	int64_t since_us;
	int64_t pid;
	struct addr addr;
	bool taken, has_addr;
	uint8_t line_n, user_n, host_n;
	char line[32], user[32], host[128];
};

struct account_lines {
	struct account_lines_opts opts;
	struct seat *seats;
	uint32_t present;              /* seats taken */
	int64_t old_clock_us;          /* of an OLD_TIME record that waits for its NEW_TIME */
	int64_t last_us;
	bool down;                     /* the log says that the system went down, and not yet up */
	bool any;                      /* a record was seen: a boot without a shutdown before it is a crash */
};

int
account_lines_new(const struct account_lines_opts *o, struct account_lines **ret)
{
	struct account_lines *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct account_lines){ .opts = *o, .old_clock_us = WHEN_NONE, .last_us = WHEN_NONE };
	l->seats = calloc(SEATS, sizeof(*l->seats));
	if (!l->seats) {
		free(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

void
account_lines_free(struct account_lines *l)
{
	if (!l)
		return;
	free(l->seats);
	free(l);
}

/* A record without a time happened when the one before it did, as far as anybody knows. */
static void
head(struct account_lines *l, const char *program, int64_t us, struct buf *out)
{
	char when[40];

	if (us > 0)
		l->last_us = us;
	else
		us = l->last_us;
	buf_add(out, STR("<86>1 "));
	if (us == WHEN_NONE)
		buf_add_byte(out, '-');
	else
		buf_add(out, str_of(when, when_show(us, 0, when)));
	buf_add_byte(out, ' ');
	buf_add(out, l->opts.host.n ? l->opts.host : STR("-"));
	buf_addf(out, " %s - - - ", program);
}

static void
add_text(struct buf *out, const char *key, struct str text)
{
	if (text.n == 0)
		return;
	buf_addf(out, " %s=", key);
	buf_add_json(out, text);
}

/* Where from: an address where there is one, and the name when it says more. */
static void
add_origin(struct buf *out, struct str host, bool has_addr, struct addr addr)
{
	char text[46];
	struct str shown;

	if (!has_addr)
		has_addr = addr_parse(host, &addr) == 0;
	shown = has_addr ? str_of(text, addr_show(&addr, text)) : STR_NULL;
	if (has_addr) {
		buf_add(out, STR(" addr="));
		buf_add(out, shown);
	}
	if (!str_eq(host, shown))
		add_text(out, "host", host);
}

/* The seat of this line, or one for it. */
static struct seat *
seat_of(struct account_lines *l, struct str line)
{
	uint32_t first = (uint32_t)hash_bytes(line, 0);
	struct seat *empty = NULL, *s = NULL;

	for (uint32_t i = 0; i < PROBES; i++) {
		s = &l->seats[(first + i) & (SEATS - 1)];
		if (s->taken && str_eq(str_of(s->line, s->line_n), line))
			return s;
		if (!s->taken && !empty)
			empty = s;
	}
	return empty ? empty : s;
}

static uint8_t
keep(char *dst, size_t size, struct str text)
{
	struct str fits = str_head(text, size);

	if (fits.n > 0)
		memcpy(dst, fits.p, fits.n);
	return (uint8_t)fits.n;
}

static void
opened(struct account_lines *l, const struct utmp *u, struct buf *out)
{
	struct seat *s = seat_of(l, u->line);

	l->present += !s->taken;
	*s = (struct seat){ .taken = true, .since_us = u->time_us, .pid = u->pid, .addr = u->addr, .has_addr = u->has_addr };
	s->line_n = keep(s->line, sizeof(s->line), u->line);
	s->user_n = keep(s->user, sizeof(s->user), u->user);
	s->host_n = keep(s->host, sizeof(s->host), u->host);
	head(l, "wtmp", u->time_us, out);
	buf_add(out, STR("open"));
	add_text(out, "user", u->user);
	add_text(out, "tty", u->line);
	add_origin(out, u->host, u->has_addr, u->addr);
	if (u->host_full)
		buf_add(out, STR(" cut=yes"));
}

/* A logout seldom says whose: the login did. */
static void
closed(struct account_lines *l, const struct utmp *u, struct buf *out)
{
	struct seat *s = seat_of(l, u->line);
	bool known = s->taken && str_eq(str_of(s->line, s->line_n), u->line);

	if (u->line.n == 0)
		return;
	head(l, "wtmp", u->time_us, out);
	buf_add(out, STR("closed"));
	add_text(out, "user", known ? str_of(s->user, s->user_n) : u->user);
	add_text(out, "tty", u->line);
	if (known) {
		add_origin(out, str_of(s->host, s->host_n), s->has_addr, s->addr);
		buf_addf(out, " seconds=%lld", (long long)((u->time_us - s->since_us) / WHEN_SECOND));
		s->taken = false;
		l->present--;
	} else {
		add_origin(out, u->host, u->has_addr, u->addr);
	}
}

static void
booted(struct account_lines *l, const struct utmp *u, struct buf *out)
{
	bool crash = l->any && !l->down;

	head(l, "wtmp", u->time_us, out);
	buf_addf(out, crash ? "crash present=%u" : "boot present=%u", l->present);
	add_text(out, "release", u->host);
	memset(l->seats, 0, SEATS * sizeof(*l->seats));
	l->present = 0;
	l->down = false;
}

static void
went_down(struct account_lines *l, const struct utmp *u, struct buf *out)
{
	head(l, "wtmp", u->time_us, out);
	buf_addf(out, "down present=%u", l->present);
	add_text(out, "release", u->host);
	l->down = true;
}

/* The clock was set: one record with the time it showed, one with the time it was given. */
static void
clock_set(struct account_lines *l, const struct utmp *u, struct buf *out)
{
	char from[40], to[40];

	if (l->old_clock_us == WHEN_NONE)
		return;
	from[when_show(l->old_clock_us, 0, from)] = '\0';
	to[when_show(u->time_us, 0, to)] = '\0';
	head(l, "wtmp", u->time_us, out);
	buf_addf(out, "clock %s from=%s to=%s", u->time_us < l->old_clock_us ? "back" : "forward", from, to);
	l->old_clock_us = WHEN_NONE;
}

static bool
is_shutdown(const struct utmp *u)
{
	return u->type == UTMP_SHUTDOWN || (u->type == UTMP_RUN_LEVEL && str_starts(u->user, STR("shutdown")));
}

/* What no program writes, whatever the clock; `integrity` says more. */
static const char *
damage(const struct utmp *u)
{
	if (u->blank)
		return "every byte is zero";
	if (u->user.n == 0 && u->type == UTMP_USER)
		return "its user is blank";
	return NULL;
}

void
account_line_login(struct account_lines *l, const struct utmp *u, uint64_t number, struct buf *out)
{
	const char *why = damage(u);

	if (why) {
		head(l, "wtmp", u->time_us, out);
		buf_addf(out, "damaged record=%llu reason=\"%s\"", (unsigned long long)number, why);
		return;
	}
	if (is_shutdown(u))
		went_down(l, u, out);
	else if (u->type == UTMP_USER && u->user.n > 0)
		opened(l, u, out);
	else if (u->type == UTMP_DEAD)
		closed(l, u, out);
	else if (u->type == UTMP_BOOT)
		booted(l, u, out);
	else if (u->type == UTMP_OLD_TIME)
		l->old_clock_us = u->time_us;
	else if (u->type == UTMP_NEW_TIME)
		clock_set(l, u, out);
	l->any = true;
}

void
account_line_failure(struct account_lines *l, const struct utmp *u, struct buf *out)
{
	if (u->blank) {
		head(l, "btmp", 0, out);
		buf_add(out, STR("damaged reason=\"every byte is zero\""));
		return;
	}
	head(l, "btmp", u->time_us, out);
	buf_add(out, STR("failed"));
	add_text(out, "user", u->user);
	add_text(out, "tty", u->line);
	add_origin(out, u->host, u->has_addr, u->addr);
}

static void
add_uid(struct account_lines *l, uint32_t uid, struct buf *out)
{
	struct str name = l->opts.user_of ? l->opts.user_of(l->opts.ctx, uid) : STR_NULL;

	if (name.n > 0)
		add_text(out, "user", name);
	else
		buf_addf(out, " user=\"uid=%u\"", uid);
	buf_addf(out, " uid=%u", uid);
}

void
account_line_last(struct account_lines *l, uint32_t uid, const struct lastlog *e, struct buf *out)
{
	head(l, "lastlog", e->time_s * WHEN_SECOND, out);
	buf_add(out, STR("last"));
	add_uid(l, uid, out);
	add_text(out, "tty", e->line);
	add_origin(out, e->host, false, (struct addr){ { 0 } });
}

void
account_line_fails(struct account_lines *l, uint32_t uid, const struct lastlog *e, struct buf *out)
{
	if (e->fails == 0)
		return;
	head(l, "faillog", e->time_s * WHEN_SECOND, out);
	buf_addf(out, "fails count=%d", e->fails);
	add_uid(l, uid, out);
	add_text(out, "tty", e->line);
	add_origin(out, e->host, false, (struct addr){ { 0 } });
}

void
account_line_command(struct account_lines *l, const struct pacct *p, struct buf *out)
{
	char flags[6], tty[24];

	pacct_flags_show(p->flags, flags);
	head(l, "pacct", p->begin * WHEN_SECOND, out);
	buf_add(out, STR("ran"));
	add_text(out, "command", p->command);
	add_uid(l, p->uid, out);
	if (p->tty != 0)
		add_text(out, "tty", str_of(tty, pacct_tty_show(p->tty, tty)));
	if (p->flags & PACCT_FLAGS & ~PACCT_GROUP) {
		buf_add(out, STR(" flags="));
		for (const char *at = flags; *at; at++)
			if (*at != ' ')
				buf_add_byte(out, *at);
	}
	if (p->exit & 0x7f)
		buf_addf(out, " signal=%u", p->exit & 0x7f);
	buf_addf(out, " cpu=%llu.%02llu", (unsigned long long)(p->user_ticks + p->system_ticks) / PACCT_TICKS,
	    (unsigned long long)(p->user_ticks + p->system_ticks) % PACCT_TICKS);
	if (p->pid)
		buf_addf(out, " pid=%u ppid=%u", p->pid, p->ppid);
}
