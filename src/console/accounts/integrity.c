/*
 * integrity: `guarita integrity`: has somebody wiped his traces? Reads the account files, and the
 * logs that tell of the same logins, and holds them against each other and against what it
 * remembers of the last look. Changes nothing but that memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "console/accounts/show.h"
#include "console/i18n.h"
#include "console/accounts/integrity_look.h"
#include "console/accounts/integrity_sealed.h"
#include "console/accounts/integrity_show.h"
#include "console/accounts/integrity_state.h"
#include "console/replay.h"
#include "console/term.h"
#include "watch/accounts/integrity_commands.h"
#include "watch/accounts/integrity_cross.h"
#include "watch/accounts/integrity_logins.h"

#define MEMORY_PATH "/var/lib/guarita/integrity"
#define GAP_US (6 * WHEN_HOUR)
#define TOUCHED_US (2 * WHEN_MINUTE)     /* a writer may be this late, and a clock be put right by so much */
#define ORDINARY_UID 1000u             /* below: system accounts, which need no login (login.defs(5)) */

struct check {
	const struct options *o;
	struct account_show show;
	struct integrity_state state;
	struct integrity_sealed sealed;
	struct looks looks;
	struct integrity_cross *cross;
	const char *path;              /* being read */
	uint64_t records, alarms, hints;
	bool usual, not_kept;
};

static void
found(void *ctx, const struct integrity_finding *told)
{
	struct check *c = ctx;
	struct integrity_finding as_sure = *told, *f = &as_sure;
	bool alarm;

	/* Accounting rests while a machine is rebooted; while it is up somebody switched it off. */
	if (f->what == INTEGRITY_ACCOUNTING_OFF && integrity_cross_was_up(c->cross, f->after_us, f->before_us))
		f->surety = INTEGRITY_LIKELY;
	alarm = f->surety >= INTEGRITY_LIKELY;

	c->alarms += alarm;
	c->hints += !alarm;
	if (!alarm && !c->o->all && !c->o->json)
		return;
	integrity_show(&c->show, c->path, f);
}

static struct integrity_calls
calls_of(struct check *c)
{
	return (struct integrity_calls){ .ctx = c, .found = found };
}

static int
remember(struct check *c)
{
	for (size_t i = 0; i < c->looks.n; i++) {
		struct look *l = &c->looks.v[i];

		if (c->state.path && look_is_remembered(l) &&
		    !integrity_state_new(&c->state, l->file.path, (uint32_t)l->file.record))
			return -ENOMEM;
	}
	/* Only now do the addresses stay. */
	for (size_t i = 0, at = 0; c->state.path && i < c->looks.n; i++) {
		struct look *l = &c->looks.v[i];

		if (!look_is_remembered(l))
			continue;
		l->now = &c->state.now[at++];
		l->now->dev = l->file.dev;
		l->now->ino = l->file.ino;
		l->now->bytes = l->file.bytes;
		l->now->table = l->file.kind == ACCOUNT_LASTLOG;
	}
	for (int round = 0; round < INTEGRITY_ROUNDS; round++)
		for (size_t i = 0; i < c->looks.n; i++) {
			struct look *l = &c->looks.v[i];

			if (l->now && !l->old)
				l->old = integrity_state_find(&c->state, (enum integrity_round)round, l->now,
				    l->now->table ? STR_NULL : look_head(&l->file));
		}
	return 0;
}

/*
 * Records are only appended, each at its time: a file that was written later was written by somebody else. Of a copy
 * that says nothing; the log that this machine is writing is none. A boot is given the time when it began, which may
 * have waited for somebody to type a passphrase.
 */
static void
look_at_age(struct check *c, const struct look *l, int64_t last_us, bool boot)
{
	bool live = c->usual && strcmp(l->stem, l->file.path) == 0 && !boot;

	if (last_us > 0 && l->file.mtime_us - last_us > TOUCHED_US)
		found(c, &(struct integrity_finding){ .what = INTEGRITY_TOUCHED, .surety = live ? INTEGRITY_LIKELY : INTEGRITY_POSSIBLE,
			.after_us = last_us, .before_us = l->file.mtime_us });
}

static void
look_at_file(struct check *c, struct look *l)
{
	struct integrity_calls calls = calls_of(c);
	off_t hole = l->file.packed ? (off_t)l->file.bytes : lseek(l->file.fd, 0, SEEK_HOLE);

	c->path = l->file.path;
	if (l->file.kind != ACCOUNT_LASTLOG && l->file.kind != ACCOUNT_FAILLOG && hole >= 0 && (uint64_t)hole < l->file.bytes)
		found(c, &(struct integrity_finding){ .what = INTEGRITY_FEWER_BYTES, .surety = INTEGRITY_LIKELY,
			.record = (uint64_t)hole / l->file.record + 1, .after_us = WHEN_NONE, .before_us = WHEN_NONE });
	if (l->now)
		integrity_memory_end(l->now, l->old, &calls);
}

/* With a part of the logins the others would seem to be removed: then nothing is held against anything. */
static int
cross_login(struct check *c, const struct utmp *u, uint64_t number, bool *io_cross)
{
	struct integrity_calls calls = calls_of(c);
	int rc = *io_cross ? integrity_cross_login(c->cross, u, number) : 0;

	if (rc != -ENOMEM)
		return rc;
	complain(_("guarita integrity: more logins than can be held against other logs: each is looked at alone\n"));
	*io_cross = false;
	integrity_cross_free(c->cross);
	c->cross = NULL;
	return integrity_cross_new(&calls, &c->cross);
}

static int
read_logins(struct check *c, struct look *l, struct integrity_logins *logins, bool *io_cross)
{
	struct integrity_calls calls = calls_of(c);
	int64_t last_us = 0;
	bool boot = false;
	int rc = 0;

	c->path = l->file.path;
	for (uint64_t i = 0; rc == 0 && i < l->file.count; i++) {
		struct str bytes = account_at(&l->file, i);
		struct utmp u;

		if (bytes.n == 0)
			break;
		utmp_read((enum utmp_layout)l->file.layout, bytes, &u);
		c->records++;
		last_us = u.time_us > last_us ? u.time_us : last_us;
		boot = u.type == UTMP_BOOT;
		integrity_logins_record(logins, &u, i + 1);
		rc = cross_login(c, &u, i + 1, io_cross);
		if (rc == 0 && l->now)
			rc = integrity_memory_record(l->now, l->old, bytes, u.time_us, &calls);
	}
	integrity_logins_file_end(logins, l->file.rest);
	look_at_age(c, l, last_us, boot);
	look_at_file(c, l);
	return rc;
}

/* All files of one log, the oldest first. */
static int
look_at_logins(struct check *c, size_t first, size_t end, bool cross)
{
	struct integrity_logins_opts o = { .calls = calls_of(c), .now_us = c->o->now_us,
		.failures = c->looks.v[first].file.kind == ACCOUNT_FAILURES };
	struct integrity_logins *logins = NULL;
	int rc = integrity_logins_new(&o, &logins);

	for (size_t i = first; rc == 0 && i < end; i++)
		rc = read_logins(c, &c->looks.v[i], logins, &cross);
	integrity_logins_free(logins);
	return rc;
}

static int
look_at_commands(struct check *c, size_t first, size_t end)
{
	struct integrity_commands commands = { .calls = calls_of(c), .now_us = c->o->now_us, .gap_us = GAP_US };
	int rc = 0;

	for (size_t k = first; rc == 0 && k < end; k++) {
		struct look *l = &c->looks.v[k];
		int64_t last_us = 0;

		c->path = l->file.path;
		for (uint64_t i = 0; rc == 0 && i < l->file.count; i++) {
			struct str bytes = account_at(&l->file, i);
			struct pacct p = { 0 };
			struct passwd *pw = NULL;
			char tty[24];

			if (bytes.n == 0)
				break;
			c->records++;
			integrity_commands_record(&commands, bytes, i + 1);
			if (pacct_read(bytes, &p) == 0 && pacct_end_us(&p) > last_us)
				last_us = pacct_end_us(&p);
			if (p.tty != 0 && p.uid >= ORDINARY_UID)
				pw = getpwuid(p.uid);
			if (pw)
				rc = integrity_cross_command(c->cross, str_z(pw->pw_name), p.begin * WHEN_SECOND,
				    str_of(tty, pacct_tty_show(p.tty, tty)), p.command);
			if (rc == 0 && l->now)
				rc = integrity_memory_record(l->now, l->old, bytes, p.begin * WHEN_SECOND, &commands.calls);
		}
		integrity_commands_file_end(&commands, l->file.rest);
		look_at_age(c, l, last_us, false);
		look_at_file(c, l);
	}
	integrity_commands_end(&commands);
	return rc;
}

/* Accounts that lastlog says never logged in; an empty table means that nobody keeps it. */
static void
cross_blank(struct check *c, struct account_file *f)
{
	struct passwd *pw;

	setpwent();
	while ((pw = getpwent())) {
		struct str bytes = pw->pw_uid < f->count ? account_at(f, pw->pw_uid) : STR_NULL;
		struct lastlog e = { .blank = true };

		if (bytes.n > 0)
			lastlog_read((enum lastlog_layout)f->layout, bytes, &e);
		if (e.blank)
			integrity_cross_last(c->cross, str_z(pw->pw_name), 0, STR_NULL);
	}
	endpwent();
}

static int
look_at_lastlog(struct check *c, struct look *l)
{
	struct integrity_calls calls = calls_of(c);
	uint64_t before = c->records;
	int rc = 0;

	c->path = l->file.path;
	for (uint64_t i = 0; rc == 0 && account_next_data(&l->file, &i) == 0; i++) {
		struct str bytes = account_at(&l->file, i), name;
		struct passwd *pw;
		struct lastlog e;
		char text[64];

		if (bytes.n == 0)
			break;
		lastlog_read((enum lastlog_layout)l->file.layout, bytes, &e);
		if (e.blank)
			continue;
		c->records++;
		pw = i <= UINT32_MAX ? getpwuid((uid_t)i) : NULL;
		name = str_of(text, (size_t)snprintf(text, sizeof(text), pw ? "%.60s" : "uid=", pw ? pw->pw_name : ""));
		if (!pw)
			name.n += (size_t)snprintf(text + name.n, sizeof(text) - name.n, "%llu", (unsigned long long)i);
		if (e.dirty)
			found(c, &(struct integrity_finding){ .what = INTEGRITY_REMAINS, .surety = INTEGRITY_LIKELY, .record = i + 1,
				.user = name, .after_us = WHEN_NONE, .before_us = WHEN_NONE });
		if (pw && l->file.kind == ACCOUNT_LASTLOG)
			integrity_cross_last(c->cross, name, e.time_s * WHEN_SECOND, e.line);
		if (l->now)
			rc = integrity_memory_entry(l->now, l->old, i, bytes, e.time_s * WHEN_SECOND, name, &calls);
	}
	if (l->file.kind == ACCOUNT_LASTLOG && c->records > before)
		cross_blank(c, &l->file);
	if (l->file.rest > 0)
		found(c, &(struct integrity_finding){ .what = INTEGRITY_PARTIAL, .surety = INTEGRITY_CERTAIN,
			.after_us = WHEN_NONE, .before_us = WHEN_NONE });
	look_at_file(c, l);
	return rc;
}

static void
look_at_present(struct check *c, struct look *l)
{
	c->path = l->file.path;
	for (uint64_t i = 0; i < l->file.count; i++) {
		struct str bytes = account_at(&l->file, i);
		struct utmp u;

		if (bytes.n == 0)
			break;
		utmp_read((enum utmp_layout)l->file.layout, bytes, &u);
		c->records++;
		integrity_cross_present(c->cross, &u);
	}
}

/* Where the next log begins. */
static size_t
chain_end(const struct check *c, size_t first)
{
	size_t end = first + 1;

	while (end < c->looks.n && c->looks.v[end].file.kind == c->looks.v[first].file.kind &&
	    strcmp(c->looks.v[end].stem, c->looks.v[first].stem) == 0)
		end++;
	return end;
}

/* Logs of several machines cannot be held against each other: which belongs to which is not known. */
static size_t
login_logs(const struct check *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->looks.n; i = chain_end(c, i))
		n += c->looks.v[i].file.kind == ACCOUNT_LOGINS && !look_is_present(&c->looks.v[i]);
	return n;
}

static int
look_at_account_files(struct check *c)
{
	bool cross = login_logs(c) == 1;
	int rc = 0;

	for (size_t i = 0, end; rc == 0 && i < c->looks.n; i = end) {
		struct look *l = &c->looks.v[i];

		end = chain_end(c, i);
		if (l->file.kind <= ACCOUNT_FAILURES && !look_is_present(l))
			rc = look_at_logins(c, i, end, cross && l->file.kind == ACCOUNT_LOGINS);
	}
	integrity_cross_ready(c->cross);
	for (size_t i = 0, end; rc == 0 && i < c->looks.n; i = end) {
		struct look *l = &c->looks.v[i];

		end = chain_end(c, i);
		if (look_is_present(l))
			look_at_present(c, l);
		else if (l->file.kind == ACCOUNT_LASTLOG || l->file.kind == ACCOUNT_FAILLOG)
			rc = look_at_lastlog(c, l);
		else if (l->file.kind == ACCOUNT_PROCESSES)
			rc = look_at_commands(c, i, end);
	}
	return rc;
}

static struct str
field(const struct record *r, uint16_t key)
{
	return record_value(r, key);
}

/* sshd and login: who came in. What other programs call a login leaves no trace in wtmp. */
static int
syslog_record(struct check *c, const struct engine *e, const struct record *r)
{
	struct str program = record_text(r, r->program);
	struct str kind = kinds_row(e->rules->kinds, r->kind)->name;
	bool console = str_eq(program, STR("login"));

	if (r->time_us == WHEN_NONE || (!console && !str_starts(program, STR("sshd"))))
		return 0;
	if (!str_eq(kind, console ? STR("session.open") : STR("auth.ok")))
		return 0;
	return integrity_cross_syslog(c->cross, field(r, FIELD_user), r->time_us, console);
}

static int
look_at_syslog(struct check *c)
{
	struct replay replay;
	struct record *r;
	struct engine e;
	int rc;

	if (c->looks.texts.n == 0 || login_logs(c) != 1)
		return 0;
	rc = command_engine(&e, c->o);
	if (rc < 0)
		return rc;
	c->path = c->looks.texts.n == 1 ? c->looks.texts.paths[0] : "syslog";
	rc = replay_open(&replay, &e, &c->looks.texts, false, c->o->now_us);
	while (rc == 0 && (r = replay_next(&replay))) {
		c->records++;
		rc = syslog_record(c, &e, r);
	}
	if (rc == 0)
		integrity_cross_syslog_end(c->cross);
	if (replay.nproblems > 0)
		complain("%.*s", STR_FMT(buf_str(&replay.problems)));
	c->looks.unreadable += replay.nproblems;
	replay_close(&replay);
	engine_close(&e);
	return rc;
}

/* What we remember and cannot find any more, under any name. */
static void
look_for_gone(struct check *c)
{
	for (size_t i = 0; i < c->state.nold; i++) {
		const struct integrity_memory *old = &c->state.old[i];
		char stem[256];
		bool live;

		look_stem(old->path, stem, sizeof(stem));
		live = strcmp(stem, old->path) == 0;
		/* What was rotated is deleted when its time has come; a file elsewhere was not asked about. */
		if (c->state.seen[i] || old->records == 0 || !live || (!c->usual && access(old->path, F_OK) != 0))
			continue;
		c->path = old->path;
		found(c, &(struct integrity_finding){ .what = INTEGRITY_REPLACED, .surety = INTEGRITY_LIKELY,
			.count = old->records, .after_us = old->nblocks && old->blocks[0].first_us > 0 ? old->blocks[0].first_us :
			WHEN_NONE, .before_us = old->last_us > 0 ? old->last_us : WHEN_NONE });
	}
}

static void
look_at_boot(struct check *c)
{
	struct timespec up;

	if (!c->usual || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return;
	c->path = "/var/log/wtmp";
	integrity_cross_boot(c->cross, c->o->now_us - up.tv_sec * WHEN_SECOND - up.tv_nsec / 1000);
}

static void
sealed_path(void *ctx, const char *path)
{
	struct check *c = ctx;

	c->path = path;
}

/* The oldest of each log first. */
static int
look_at_sealed(struct check *c)
{
	struct integrity_calls calls = calls_of(c);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->looks.n; i++) {
		struct look *l = &c->looks.v[i];

		c->path = l->file.path;
		if (l->file.kind == ACCOUNT_LASTLOG)
			rc = integrity_sealed_table(&c->sealed, &l->file, &calls);
		else if (look_is_remembered(l))
			rc = integrity_sealed_log(&c->sealed, &l->file, l->stem);
	}
	return rc < 0 ? rc : integrity_sealed_judge(&c->sealed, c->usual, sealed_path, &calls);
}

/* Sealed first, written then: so an edit in between is found too. */
static int
keep(struct check *c)
{
	struct digest digest;
	int rc;

	if (!c->state.path)
		return 0;
	rc = integrity_state_finish(&c->state, &digest);
	if (rc == 0 && c->sealed.there && integrity_sealed_keep(&c->sealed, c->o, c->state.path, &digest) < 0) {
		complain(_("guarita integrity: nothing is remembered of this look, because the vault cannot seal it\n"));
		c->not_kept = true;
		return 0;
	}
	if (rc == 0)
		rc = integrity_state_save(&c->state);
	if (rc < 0)
		complain(_("guarita integrity: cannot remember in %s: %s\n"), c->state.path, strerror(-rc));
	return rc;
}

static void
summary(struct check *c)
{
	struct buf *out = &c->show.out;
	char n[32];

	if (c->o->json) {
		buf_addf(out, "{\"type\":\"summary\",\"files\":%zu,\"records\":%llu,\"alarms\":%llu,\"possible\":%llu,"
		    "\"unreadable\":%llu}\n", c->looks.n + c->looks.texts.n, (unsigned long long)c->records,
		    (unsigned long long)c->alarms, (unsigned long long)c->hints, (unsigned long long)c->looks.unreadable);
		return;
	}
	buf_addf(out, P_("%s records of %zu file: ", "%s records of %zu files: ", c->looks.n + c->looks.texts.n),
	    term_count(c->records, n), c->looks.n + c->looks.texts.n);
	if (c->alarms > 0)
		buf_addf(out, P_("%llu sign of tampering", "%llu signs of tampering", c->alarms), (unsigned long long)c->alarms);
	else
		buf_add(out, str_z(_("no sign of tampering")));
	if (c->hints > 0)
		buf_addf(out, P_(", %llu hint%s", ", %llu hints%s", c->hints), (unsigned long long)c->hints,
		    c->o->all ? "" : _(" (--all shows them)"));
	buf_add_byte(out, '\n');
	if (c->sealed.there)
		buf_addf(out, P_("Held against %s state sealed in the vault; guarita vault verify proves that the vault is whole.\n",
		    "Held against %s states sealed in the vault; guarita vault verify proves that the vault is whole.\n", c->sealed.states.n),
		    term_count(c->sealed.states.n, n));
	if (c->not_kept)
		return;
	if (c->state.path && c->state.fresh)
		buf_addf(out, _("From now on it is remembered in %s what they look like.\n"), c->state.path);
	else if (!c->state.path)
		buf_add(out, str_z(_("Nothing was remembered; --memory FILE makes the next look see more.\n")));
}

static int
check(struct check *c)
{
	struct integrity_calls calls = calls_of(c);
	int rc = integrity_cross_new(&calls, &c->cross);

	if (rc == 0)
		rc = looks_gather(&c->looks, c->o->args, c->o->nargs, c->usual);
	if (rc == 0)
		rc = remember(c);
	if (rc == 0)
		rc = look_at_account_files(c);
	if (rc == 0)
		rc = look_at_syslog(c);
	if (rc == 0)
		rc = look_at_sealed(c);
	if (rc == 0) {
		look_for_gone(c);
		look_at_boot(c);
		rc = keep(c);
	}
	return rc;
}

static int
open_state(struct check *c)
{
	const char *path = c->o->memory ? c->o->memory : c->usual && geteuid() == 0 ? MEMORY_PATH : NULL;
	int rc = integrity_sealed_open(&c->sealed, c->o);
	bool edited;

	if (rc == -ENOMEM)
		return rc;
	rc = integrity_state_open(&c->state, path);
	edited = rc == -EBADMSG || (rc == 0 && path &&
	    !integrity_sealed_memory(&c->sealed, path, c->state.fresh ? NULL : &c->state.digest));
	if (edited && c->sealed.there) {
		c->path = path;
		found(c, &(struct integrity_finding){ .what = INTEGRITY_MEMORY, .surety = INTEGRITY_CERTAIN, .after_us = WHEN_NONE,
			.before_us = WHEN_NONE });
		integrity_state_forget(&c->state);
		rc = 0;
	}
	if (rc == -EBADMSG)
		complain(_("guarita integrity: %s was damaged or edited: what it knew cannot be believed.\n"
		    "Look into why; then move it away to begin anew.\n"), path);
	else if (rc < 0)
		complain("guarita integrity: %s: %s\n", path, strerror(-rc));
	return rc;
}

int
command_integrity(const struct options *o)
{
	struct check c = { .o = o, .usual = o->nargs == 0 };
	bool opened;
	int rc;

	account_show_begin(&c.show, o);
	rc = open_state(&c);
	opened = rc == 0;
	if (opened)
		rc = check(&c);
	if (rc == 0)
		summary(&c);
	else if (opened)
		complain("guarita integrity: %s\n", rc == -ENOENT ? _("there is no account file to look at") : strerror(-rc));
	if (account_show_end(&c.show) < 0 && rc == 0)
		rc = -EPIPE;
	looks_free(&c.looks);
	integrity_cross_free(c.cross);
	integrity_state_close(&c.state);
	integrity_sealed_close(&c.sealed);
	return rc == -EBADMSG && !opened ? EXIT_INCIDENTS : rc < 0 ? EXIT_FAILED : c.alarms > 0 ? EXIT_INCIDENTS : EXIT_CLEAN;
}
