/*
 * pair: a table from terminal to the time of the record that comes next on it. A boot or a
 * shutdown forgets all terminals at once, by a new generation. Must never keep a text of the
 * caller's records.
 */
#include "watch/accounts/pair.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define LINE_MAX_BYTES 32
#define CELLS_FIRST 256u
#define CELLS_MAX (1u << 22)           /* terminals at once; a file with more is no login record */

struct cell {
	char line[LINE_MAX_BYTES];
	uint8_t length;
	uint32_t generation;           /* 0: never used */
	int64_t next_us;               /* time of the next record on this terminal */
};

struct account_pair {
	struct account_pair_opts opts;
	struct cell *cells;
	uint32_t size, used;
	uint32_t generation;
	int64_t boot_us;               /* of the system going down or coming up next; WHEN_NONE: not yet */
	int64_t down_us, level_us;     /* what ends a boot, and a run level */
	enum account_end why;          /* how sessions without a logout ended */
};

const char *
account_end_name(enum account_end e)
{
	static const char *const names[ACCOUNT_ENDS] = { "logout", "down", "crash", "still", "gone", "none" };

	return names[e];
}

int
account_pair_new(const struct account_pair_opts *o, struct account_pair **ret)
{
	struct account_pair *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct account_pair){ .opts = *o, .size = CELLS_FIRST, .generation = 1, .boot_us = WHEN_NONE,
		.down_us = WHEN_NONE, .level_us = WHEN_NONE };
	p->cells = calloc(p->size, sizeof(*p->cells));
	if (!p->cells) {
		free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

void
account_pair_free(struct account_pair *p)
{
	if (!p)
		return;
	free(p->cells);
	free(p);
}

/* The cell of this line, or the free one where it belongs; the table is never full. */
static struct cell *
find(const struct account_pair *p, struct cell *cells, uint32_t size, struct str line)
{
	uint32_t i = (uint32_t)hash_bytes(line, p->opts.hash_seed) & (size - 1);

	while (cells[i].generation != 0 && !str_eq(str_of(cells[i].line, cells[i].length), line))
		i = (i + 1) & (size - 1);
	return &cells[i];
}

static int
grow(struct account_pair *p)
{
	uint32_t size = p->size * 2;
	struct cell *cells;

	if (2 * p->used < p->size)
		return 0;
	if (size > CELLS_MAX)
		return -ENOMEM;
	cells = calloc(size, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	p->used = 0;
	for (uint32_t i = 0; i < p->size; i++) {
		struct cell *c = &p->cells[i];

		if (c->generation != p->generation)
			continue;
		*find(p, cells, size, str_of(c->line, c->length)) = *c;
		p->used++;
	}
	free(p->cells);
	p->cells = cells;
	p->size = size;
	return 0;
}

/* This terminal's next record, seen from earlier ones, is at t. */
static int
remember(struct account_pair *p, struct str line, int64_t t)
{
	struct cell *c;
	int rc;

	line = str_head(line, LINE_MAX_BYTES);
	if (line.n == 0)
		return 0;
	rc = grow(p);
	if (rc < 0)
		return rc;
	c = find(p, p->cells, p->size, line);
	if (c->generation == 0) {
		memcpy(c->line, line.p, line.n);
		c->length = (uint8_t)line.n;
		p->used++;
	}
	c->generation = p->generation;
	c->next_us = t;
	return 0;
}

/* Sessions before this moment did not outlive it. */
static void
went_down(struct account_pair *p, int64_t t, enum account_end why)
{
	p->boot_us = t;
	p->why = why;
	p->generation++;
}

/*
 * What the record tells, whatever its type says: old systems and careless programs fill it in
 * wrongly (last(1) knows the same cases).
 */
static enum utmp_type
type_of(const struct utmp *u)
{
	if (str_starts(u->line, STR("~"))) {
		if (str_starts(u->user, STR("shutdown")))
			return UTMP_SHUTDOWN;
		if (str_starts(u->user, STR("reboot")))
			return UTMP_BOOT;
		return str_starts(u->user, STR("runlevel")) ? UTMP_RUN_LEVEL : u->type;
	}
	if (u->user.n == 0)
		return UTMP_DEAD;
	if (str_eq(u->user, STR("date")) && str_starts(u->line, STR("|")))
		return UTMP_OLD_TIME;
	if (str_eq(u->user, STR("date")) && str_starts(u->line, STR("{")))
		return UTMP_NEW_TIME;
	if (u->type != UTMP_DEAD && u->line.n > 0 && !str_starts(u->user, STR("LOGIN")))
		return UTMP_USER;
	return u->type;
}

static int
login(struct account_pair *p, const struct utmp *u, struct account_session *s)
{
	struct str line = str_head(u->line, LINE_MAX_BYTES);
	const struct cell *c = find(p, p->cells, p->size, line);

	s->what = ACCOUNT_SESSION;
	if (line.n > 0 && c->generation == p->generation) {
		s->how = ACCOUNT_END_LOGOUT;
		s->end_us = c->next_us;
	} else if (p->boot_us != WHEN_NONE) {
		s->how = p->why;
		s->end_us = p->boot_us;
	} else {
		bool there = !p->opts.present || p->opts.present(p->opts.ctx, u);

		s->how = there ? ACCOUNT_END_STILL : ACCOUNT_END_GONE;
	}
	int rc = remember(p, line, u->time_us);
	return rc < 0 ? rc : 1;
}

static int
span(struct account_session *s, enum account_what what, int64_t until)
{
	s->what = what;
	s->how = until == WHEN_NONE ? ACCOUNT_END_STILL : ACCOUNT_END_LOGOUT;
	s->end_us = until;
	return 1;
}

/* Run levels 0 and 6 are a halt and a reboot (utmp(5): the level is in the pid's low byte). */
static int
run_level(struct account_pair *p, const struct utmp *u, struct account_session *s)
{
	char level = (char)(u->pid & 0xff);

	(void)span(s, ACCOUNT_RUN_LEVEL, p->level_us);
	if (level == '0' || level == '6') {
		p->down_us = u->time_us;
		went_down(p, u->time_us, ACCOUNT_END_DOWN);
	}
	p->level_us = u->time_us;
	return p->opts.system;
}

static int
moment(struct account_session *s, enum account_what what, bool shown)
{
	s->what = what;
	s->how = ACCOUNT_END_NONE;
	return shown;
}

int
account_pair_earlier(struct account_pair *p, const struct utmp *u, struct account_session *ret)
{
	struct account_session s = { .login = *u, .begin_us = u->time_us, .end_us = WHEN_NONE };
	int rc = 0;

	if (u->blank)
		return 0;
	if (p->opts.failures) {
		rc = moment(&s, ACCOUNT_FAILURE, true);
		*ret = s;
		return rc;
	}
	switch (type_of(u)) {
	case UTMP_SHUTDOWN:
		rc = span(&s, ACCOUNT_DOWN, p->boot_us) && p->opts.system;
		p->down_us = p->level_us = u->time_us;
		went_down(p, u->time_us, ACCOUNT_END_DOWN);
		break;
	case UTMP_BOOT:
		rc = span(&s, ACCOUNT_BOOT, p->down_us);
		went_down(p, u->time_us, ACCOUNT_END_CRASH);
		break;
	case UTMP_RUN_LEVEL:
		rc = run_level(p, u, &s);
		break;
	case UTMP_OLD_TIME:
	case UTMP_NEW_TIME:
		rc = moment(&s, ACCOUNT_CLOCK, p->opts.system);
		break;
	case UTMP_USER:
		rc = login(p, u, &s);
		break;
	case UTMP_DEAD:
		rc = remember(p, u->line, u->time_us);
		break;
	case UTMP_EMPTY:
	case UTMP_INIT:
	case UTMP_LOGIN:
	case UTMP_ACCOUNTING:
	case UTMP_STRANGE:
	case UTMP_TYPES:
		break;
	}
	if (rc > 0)
		*ret = s;
	return rc;
}
