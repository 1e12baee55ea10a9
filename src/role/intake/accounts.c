/*
 * accounts: the account files of this machine as a source: logins, failures and commands
 * become lines as they are written, and tampering an event. Where reading stands is kept in the
 * spool's folder. Must never take an old record for a new one after a restart.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/intake/account_tail.h"
#include "role/intake/intake.h"
#include "sys/clock.h"
#include "sys/file.h"

#define POLL_MS 200
#define USERS_MAX 65536
#define KEPT_MAX (64u << 10)

struct user {
	uint32_t uid;
	char name[36];
};

struct accounts {
	struct intake_source *source;
	struct account_tail **tails;
	size_t ntails;
	struct user *users;            /* sorted by uid; read while we may still ask anybody */
	size_t nusers;
	struct timer *timer;
	struct buf kept;               /* positions as they were written last */
	bool any;
};

static int
by_uid(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->uid == y->uid ? 0 : x->uid < y->uid ? -1 : 1;
}

static int
load_users(struct accounts *a)
{
	struct passwd *pw;

	setpwent();
	while (a->nusers < USERS_MAX && (pw = getpwent())) {
		struct user *grown = a->users;

		if ((a->nusers & (a->nusers - 1)) == 0)
			grown = reallocarray(a->users, a->nusers ? a->nusers * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		a->users = grown;
		grown[a->nusers].uid = pw->pw_uid;
		snprintf(grown[a->nusers++].name, sizeof(grown->name), "%s", pw->pw_name);
	}
	endpwent();
	if (a->nusers > 1)
		qsort(a->users, a->nusers, sizeof(*a->users), by_uid);
	return 0;
}

static struct str
user_of(void *ctx, uint32_t uid)
{
	const struct accounts *a = ctx;
	struct user key = { .uid = uid };
	const struct user *u = a->nusers ? bsearch(&key, a->users, a->nusers, sizeof(key), by_uid) : NULL;

	return u ? str_z(u->name) : STR_NULL;
}

static void
on_line(void *ctx, struct str line)
{
	struct accounts *a = ctx;

	feed_line(a->source->in->feed, a->source->feed, clock_wall_us(), line, false);
	a->any = true;
}

static const char *
quoted(struct str text, struct buf *b)
{
	buf_reset(b);
	buf_add_json(b, text);
	return buf_cstr(b);
}

static void
on_found(void *ctx, const char *path, const struct integrity_finding *f)
{
	struct accounts *a = ctx;
	struct buf file = BUF_INIT(8192), more = BUF_INIT(4096), time = BUF_INIT(64);
	char when[40];

	if (f->user.n > 0) {
		buf_add(&more, STR(" user="));
		buf_add_json(&more, f->user);
	}
	if (f->after_us != WHEN_NONE)
		buf_addf(&time, " after=%.*s", (int)when_show(f->after_us, 0, when), when);
	intake_event(a->source->in, "log.tampered file=%s what=%s surety=%s record=%llu%s%s say=\"%s\"",
	    quoted(str_z(path), &file), integrity_name(f->what), integrity_surety_name(f->surety),
	    (unsigned long long)f->record, buf_cstr(&more), buf_cstr(&time), integrity_say(f->what));
	buf_free(&file);
	buf_free(&more);
	buf_free(&time);
}

static void
on_event(void *ctx, const char *path, enum account_tail_event e, uint64_t was, uint64_t now)
{
	static const char *const names[] = { "log.replaced", "log.shrunk" };
	struct accounts *a = ctx;
	struct buf file = BUF_INIT(8192);

	if (e == ACCOUNT_TAIL_UNREADABLE) {
		a->source->broken++;
		log_say(&a->source->in->role->log, LOG_LEVEL_WARNING, "cannot read %s: %s",
		    quoted(str_z(path), &file), now == ENOTSUP ? "no account file" : strerror((int)now));
	} else {
		intake_event(a->source->in, "%s file=%s was=%llu now=%llu", names[e], quoted(str_z(path), &file),
		    (unsigned long long)was, (unsigned long long)now);
	}
	buf_free(&file);
}

/* To be sealed: whoever edits the file afterwards cannot edit that. */
static void
on_seen(void *ctx, const char *path, const struct account_seal *seal)
{
	struct accounts *a = ctx;
	struct buf line = BUF_INIT(16384);

	buf_add_byte(&line, '{');
	account_seal_write(seal, str_z(path), &line);
	if (buf_ok(&line))
		feed_line(a->source->in->feed, a->source->in->seen, clock_wall_us(), buf_str(&line), false);
	buf_free(&line);
}

static bool
on_pause(void *ctx)
{
	struct accounts *a = ctx;

	intake_flush(a->source->in);
	return a->source->in->slow;
}

/* Positions over restarts: "DEV INO OFFSET PATH", one line a file. */

static int
kept_path(const struct intake *in, char path[PATH_MAX])
{
	char dir[PATH_MAX];
	int rc = file_path(dir, sizeof(dir), in->role->config->state_dir.p, "spool");

	return rc < 0 ? rc : file_path(path, PATH_MAX, dir, "accounts");
}

static bool
kept_pos(const struct accounts *a, const char *path, struct account_pos *ret)
{
	struct str rest = buf_str(&a->kept), line, word[3];

	while (str_split(&rest, '\n', &line)) {
		struct account_pos pos;

		if (str_word(&line, &word[0]) && str_word(&line, &word[1]) && str_word(&line, &word[2]) &&
		    str_eq(str_trim(line), str_z(path)) && text_u64(word[0], &pos.dev) == 0 &&
		    text_u64(word[1], &pos.ino) == 0 && text_u64(word[2], &pos.offset) == 0) {
			*ret = pos;
			return true;
		}
	}
	return false;
}

static void
keep(struct accounts *a)
{
	struct buf text = BUF_INIT(KEPT_MAX);
	char path[PATH_MAX];

	for (size_t i = 0; i < a->ntails; i++) {
		struct account_pos pos = account_tail_pos(a->tails[i]);

		if (pos.ino != 0)
			buf_addf(&text, "%llu %llu %llu %s\n", (unsigned long long)pos.dev, (unsigned long long)pos.ino,
			    (unsigned long long)pos.offset, account_tail_path(a->tails[i]));
	}
	if (a->source->in->role->control_fd >= 0 && buf_ok(&text) && !str_eq(buf_str(&text), buf_str(&a->kept)) &&
	    kept_path(a->source->in, path) == 0 && file_replace(path, buf_str(&text), 0600, false) == 0) {
		struct buf old = a->kept;

		a->kept = text;
		text = old;
	}
	buf_free(&text);
}

static void
poll_all(struct accounts *a)
{
	a->any = false;
	for (size_t i = 0; i < a->ntails && !a->source->in->slow; i++)
		account_tail_poll(a->tails[i]);
	intake_flush(a->source->in);
	if (!a->any)
		return;
	intake_took(a->source);
	keep(a);
}

static void
on_timer(void *ctx)
{
	poll_all(ctx);
}

/* With all rights still: names of accounts may come from anywhere. */
static int
open_accounts(struct intake_source *s)
{
	struct accounts *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->source = s;
	a->kept = BUF_INIT(KEPT_MAX);
	s->state = a;
	return load_users(a);
}

/* Without a vault nobody could believe them later. */
static int
open_seen(struct intake *in)
{
	struct entry_source seen = { .kind = ENTRY_KIND_OWN, .name = STR(ACCOUNT_SEAL_SOURCE), .anchor_us = WHEN_NONE };

	if (!in->role->config->vault || in->seen)
		return 0;
	in->seen = feed_source_new(in->feed, &seen);
	return in->seen ? 0 : -ENOMEM;
}

static int
start(struct intake_source *s)
{
	struct accounts *a = s->state;
	struct account_lines_opts o = { .host = str_z(s->in->host), .user_of = user_of, .ctx = a };
	struct account_tail_calls calls = { .ctx = a, .line = on_line, .found = on_found, .event = on_event,
		.pause = on_pause };
	char path[PATH_MAX];
	int rc;

	s->feed = intake_feed_source(s, ENTRY_KIND_NET, STR("accounts"), true);
	a->tails = calloc(s->conf->paths.n ? s->conf->paths.n : 1, sizeof(*a->tails));
	if (!s->feed || !a->tails || open_seen(s->in) < 0)
		return -ENOMEM;
	if (s->in->seen)
		calls.seen = on_seen;
	if (s->in->role->control_fd >= 0 && kept_path(s->in, path) == 0) {
		rc = file_read(path, &a->kept);
		if (rc < 0 && rc != -ENOENT)
			log_say(&s->in->role->log, LOG_LEVEL_WARNING, "cannot read %s: %s", path, strerror(-rc));
	}
	for (uint32_t i = 0; i < s->conf->paths.n; i++) {
		const char *file = s->conf->paths.v[i].p;
		struct account_pos pos;
		bool known = kept_pos(a, file, &pos);

		rc = account_tail_new(file, &o, &calls, &a->tails[i]);
		if (rc < 0)
			return rc;
		a->ntails++;
		account_tail_begin(a->tails[i], known ? &pos : NULL, s->conf->from == CONF_FROM_START);
	}
	keep(a);
	rc = timer_open(s->in->role->loop, on_timer, a, &a->timer);
	if (rc == 0)
		timer_start(a->timer, POLL_MS, POLL_MS);
	return rc;
}

static void
close_accounts(struct intake_source *s)
{
	struct accounts *a = s->state;

	if (!a)
		return;
	if (a->timer) {
		poll_all(a);
		for (size_t i = 0; i < a->ntails; i++)
			account_tail_end(a->tails[i]);
		keep(a);
	}
	timer_close(a->timer);
	for (size_t i = 0; i < a->ntails; i++)
		account_tail_free(a->tails[i]);
	free(a->tails);
	free(a->users);
	buf_free(&a->kept);
	free(a);
	s->state = NULL;
}

const struct intake_ops intake_accounts_ops = { .open = open_accounts, .start = start, .close = close_accounts };
