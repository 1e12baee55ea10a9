/*
 * change: `guarita plan`, `apply`, `confirm`, `rollback`, `undo`, `history`, `compare`. Must never let anything run that
 * was not planned as it is, nor leave a change without a time at which it ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/when.h"
#include "console/gate/candidate.h"
#include "console/gate/effects.h"
#include "console/i18n.h"
#include "console/operator.h"
#include "console/remote.h"
#include "console/term.h"

#define CONNECTIONS_MAX (4u << 20)
#define PLAN_PREFIX_MIN 8

static int
complain_history(const struct history *h, int error)
{
	complain(_("guarita: %s: %s\n"), h->dir, error == -EBADMSG ? _("the book in it was not written by Guarita") :
								     strerror(-error));
	if (error == -EACCES || error == -EPERM)
		complain(_("Only root may look at and change what is held.\n"));
	return EXIT_FAILED;
}

static long long
seconds(int64_t us)
{
	return (long long)((us + WHEN_SECOND - 1) / WHEN_SECOND);
}

static void
say_waiting(struct history *h)
{
	struct change_now now = history_now(h);
	int64_t left = change_left_us(&h->book, &now);

	if (left > 0)
		complain(_("Generation %u runs unconfirmed and is rolled back in %lld s: guarita confirm, over a new "
			   "connection, or guarita rollback.\n"), h->book.pending, seconds(left));
}

/* plan */

static void
show_plan(const struct options *o, const struct candidate *c)
{
	struct buf old = BUF_INIT(BUNDLE_MAX), new = BUF_INIT(BUNDLE_MAX);

	loaded_text(&c->old, &old);
	loaded_text(&c->new, &new);
	printf(_("%s against generation %u, which boots:\n"), c->path, c->base);
	show_differences(o, buf_str(&old), buf_str(&new), AROUND_MAX);
	buf_free(&old);
	buf_free(&new);
}

static int
plan(const struct options *o, struct history *h, const char *path)
{
	struct candidate c;
	int rc = candidate_open(&c, h, path), exit_code = EXIT_FAILED;

	if (rc == 0 && candidate_same(&c)) {
		printf(_("%s is what boots (generation %u): nothing to do\n"), path, c.base);
		exit_code = EXIT_CLEAN;
	} else if (rc == 0) {
		struct operator who;
		struct effects e;

		operator_find(&who);
		show_plan(o, &c);
		if (effects_open(&e, &c, &who) == 0) {
			effects_show(o, &e);
			printf(_("\nplan %s\nTo run exactly this: guarita apply %s\n"), c.plan, c.plan);
			exit_code = EXIT_CLEAN;
		}
	}
	candidate_close(&c);
	return exit_code;
}

/* Opens what is held, does it, closes. */
static int
with_history(const struct options *o, enum history_use use,
    int (*run)(const struct options *o, struct history *h, const char *path))
{
	struct history h;
	char *path = candidate_path(o);
	int rc = path ? history_open(&h, path, use) : -ENOENT, exit_code = EXIT_FAILED;

	if (!path)
		return EXIT_FAILED;
	if (rc < 0) {
		exit_code = complain_history(&h, rc);
	} else {
		struct change_now now = history_now(&h);

		say_waiting(&h);
		/* What is over is shown as over, also when nobody lived to write it down. */
		if (use == HISTORY_LOOK)
			(void)change_settle(&h.book, &now);
		exit_code = run(o, &h, path);
	}
	history_close(&h);
	free(path);
	return exit_code;
}

int
command_plan(const struct options *o)
{
	return with_history(o, HISTORY_LOOK, plan);
}

/* apply */

/* 0 when it said that it runs; else the reason is in `why`. */
static int
ask_to_load(struct remote *r, struct buf *why)
{
	struct str line = STR_NULL;
	int rc = remote_ask(r, "reload");

	if (rc == 0)
		rc = remote_line(r, &line);
	if (rc == 1) {
		buf_add(why, line);
		rc = str_find(line, STR("\"ok\":true")) < line.n ? 0 : -EINVAL;
	} else {
		buf_addf(why, "%s", rc < 0 ? strerror(-rc) : _("it hung up"));
		rc = rc < 0 ? rc : -EPIPE;
	}
	return rc;
}

/* The connections of before, without which no later one could be told to be new. */
static int
remember_connections(struct history *h)
{
	struct buf lines = BUF_INIT(CONNECTIONS_MAX);
	int rc = operator_connections(&lines);

	if (rc == 0)
		rc = history_keep_connections(h, buf_str(&lines));
	buf_free(&lines);
	return rc;
}

static int
begin(const struct options *o, struct history *h, const struct candidate *c, const struct operator *who)
{
	struct change_now now = history_now(h);
	struct change_by by = { .hash = c->new.hash, .who = str_z(who->user), .from = str_z(who->from) };
	int rc = remember_connections(h), number;

	if (rc < 0)
		return rc;
	number = change_begin(&h->book, &now, &by, o->within_us);
	rc = number < 0 ? number : history_keep(h, (uint32_t)number, buf_str(&c->new.bundle));
	if (rc == 0)
		rc = history_save(h);
	return rc < 0 ? rc : number;
}

static void
drop(const char *path, const char *reason)
{
	if (history_drop_waiting(path, str_z(reason)) < 0)
		complain(_("guarita: the change could not be taken out of the book; it ends when its time is over\n"));
}

/* The lock is given back first: the supervisor and the keeper read and change the book themselves. */
static int
load(const struct options *o, struct history *h, struct remote *r, int number)
{
	struct buf why = BUF_INIT(1u << 16);
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s", h->config);
	history_close(h);
	rc = ask_to_load(r, &why);
	if (rc < 0) {
		complain(_("guarita: generation %d was not taken: %s\nThe old one goes on.\n"), number, buf_cstr(&why));
		drop(path, "the supervisor refused it");
	} else {
		printf(_("generation %d runs; generation %u still boots\n"
			 "Open a NEW connection and say there within %lld s: guarita confirm\n"
			 "Otherwise everything goes back by itself.\n"), number, h->book.boots, seconds(o->within_us));
	}
	buf_free(&why);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

static bool
may_begin(struct history *h)
{
	struct change_now now = history_now(h);

	(void)change_settle(&h->book, &now);
	if (h->book.pending)
		complain(_("guarita: one change at a time\n"));
	return !h->book.pending;
}

/* A candidate that was looked at is begun, unless it shuts its operator out. */
static int
run_candidate(const struct options *o, struct history *h, struct candidate *c)
{
	struct operator who;
	struct effects e;
	struct remote r;
	int number;

	operator_find(&who);
	if (!may_begin(h) || effects_open(&e, c, &who) < 0)
		return EXIT_FAILED;
	if (!effects_operator_stays(&e) && !o->force) {
		complain(_("Nothing was changed. With --force it is done all the same, and rolled back if nobody confirms.\n"));
		return EXIT_FAILED;
	}
	if (remote_open(&r, o->control ? o->control : c->old.config->control.path.p) < 0)
		return EXIT_FAILED;
	number = begin(o, h, c, &who);
	if (number < 0) {
		remote_close(&r);
		return complain_history(h, number);
	}
	int exit_code = load(o, h, &r, number);
	remote_close(&r);
	return exit_code;
}

static int
apply(const struct options *o, struct history *h, const char *path)
{
	struct candidate c;
	int exit_code = EXIT_FAILED;

	if (candidate_open(&c, h, path) == 0) {
		if (candidate_same(&c)) {
			printf(_("%s is what boots (generation %u): nothing to do\n"), path, c.base);
			exit_code = EXIT_CLEAN;
		} else if (strlen(o->args[0]) < PLAN_PREFIX_MIN ||
		    !str_starts(str_z(c.plan), str_z(o->args[0]))) {
			complain(_("guarita: \"%s\" is not the plan for what is there now; look again: guarita plan\n"),
			    o->args[0]);
		} else {
			exit_code = run_candidate(o, h, &c);
		}
	}
	candidate_close(&c);
	return exit_code;
}

int
command_apply(const struct options *o)
{
	return with_history(o, HISTORY_CHANGE, apply);
}

/* confirm */

static bool
counts(const struct options *o, struct history *h, const struct operator *who)
{
	struct buf known = BUF_INIT(CONNECTIONS_MAX), now = BUF_INIT(CONNECTIONS_MAX);
	bool good = false;

	if (o->force) {
		good = true;
	} else if (!who->remote) {
		complain(_("guarita: this is no connection from outside, so it proves nothing about the way in.\n"
			   "Confirm over a new one; whoever sits at the machine itself may say --force.\n"));
	} else if (history_connections(h, &known) < 0 || operator_connections(&now) < 0) {
		complain(_("guarita: it cannot be told whether this connection is a new one\n"));
	} else if (!change_is_new_connection(buf_str(&known), str_z(who->connection))) {
		complain(_("guarita: this connection is older than the change, and lives on whatever the rules say.\n"
			   "Open a new one and confirm there.\n"));
	} else if (change_is_new_connection(buf_str(&now), str_z(who->connection))) {
		complain(_("guarita: the connection %s is not there any more (an old terminal multiplexer?).\n"
			   "Open a new one and confirm there.\n"), who->connection);
	} else {
		good = true;
	}
	buf_free(&known);
	buf_free(&now);
	return good;
}

static int
confirm(const struct options *o, struct history *h, const char *path)
{
	struct change_now now;
	struct operator who;
	char why[256];
	int rc;

	operator_find(&who);
	if (!h->book.pending) {
		complain(_("guarita: no change waits for a confirmation\n"));
		return EXIT_FAILED;
	}
	if (!counts(o, h, &who))
		return EXIT_FAILED;
	snprintf(why, sizeof(why), "confirmed by %s from %s%s", who.user, who.from, o->force ? ", forced" : "");
	now = history_now(h);
	rc = change_confirm(&h->book, &now, str_z(why));
	int saved = history_save(h);
	if (rc == -ETIME)
		complain(_("guarita: too late; generation %u runs again\n"), h->book.boots);
	else if (saved < 0)
		return complain_history(h, saved);
	else
		printf(_("generation %u is confirmed and boots from now on\n"), h->book.boots);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

int
command_confirm(const struct options *o)
{
	return with_history(o, HISTORY_CHANGE, confirm);
}

/* rollback, undo */

static int
cancel(const struct options *o, struct history *h)
{
	struct change_now now = history_now(h);
	struct operator who;
	struct buf answer = BUF_INIT(1u << 16);
	struct remote r;
	char why[256];
	int rc;

	operator_find(&who);
	snprintf(why, sizeof(why), "rolled back by %s from %s", who.user, who.from);
	rc = change_roll_back(&h->book, &now, str_z(why));
	if (rc == 0)
		rc = history_save(h);
	if (rc < 0)
		return complain_history(h, rc);
	uint32_t boots = h->book.boots;
	history_close(h);
	/* From here on it is rolled back whatever happens; the keeper asks too. */
	rc = remote_open(&r, o->control);
	if (rc == 0) {
		rc = ask_to_load(&r, &answer);
		remote_close(&r);
	}
	if (rc == 0)
		printf(_("generation %u runs again\n"), boots);
	buf_free(&answer);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

static int
run_generation(const struct options *o, struct history *h, const struct change *to)
{
	struct candidate c;
	char held[PATH_MAX];
	int exit_code = EXIT_FAILED;

	if (to->number == h->book.boots) {
		printf(_("generation %u is the one that boots: nothing to do\n"), to->number);
		return EXIT_CLEAN;
	}
	if (history_path(h, to->number, held, sizeof(held)) == 0 && candidate_open(&c, h, held) == 0) {
		show_plan(o, &c);
		exit_code = run_candidate(o, h, &c);
		if (exit_code == EXIT_CLEAN)
			printf(_("%s still says what you wrote; compare it with guarita plan.\n"), h->config);
		candidate_close(&c);
	}
	return exit_code;
}

static int
rollback(const struct options *o, struct history *h, const char *path)
{
	const struct change *to;
	uint64_t number;

	if (o->nargs == 0 && h->book.pending)
		return cancel(o, h);
	if (o->nargs == 0) {
		complain(_("guarita: no change waits; name a generation (guarita history), or take back the last one "
			   "with guarita undo\n"));
		return EXIT_FAILED;
	}
	to = text_u64(str_z(o->args[0]), &number) == 0 && number <= UINT32_MAX ? change_of(&h->book, (uint32_t)number) :
										   NULL;
	if (!to) {
		complain(_("guarita: there is no generation %s; guarita history lists them\n"), o->args[0]);
		return EXIT_FAILED;
	}
	return run_generation(o, h, to);
}

int
command_rollback(const struct options *o)
{
	return with_history(o, HISTORY_CHANGE, rollback);
}

static int
undo(const struct options *o, struct history *h, const char *path)
{
	const struct change *to = change_before(&h->book);

	if (h->book.pending)
		return cancel(o, h);
	if (!to) {
		complain(_("guarita: there is no generation before the one that boots\n"));
		return EXIT_FAILED;
	}
	return run_generation(o, h, to);
}

int
command_undo(const struct options *o)
{
	return with_history(o, HISTORY_CHANGE, undo);
}

/* history, compare */

static void
history_json(const struct change *c, bool boots, struct buf *out)
{
	char began[40];

	buf_addf(out, "{\"generation\":%u,\"fate\":\"%s\",\"boots\":%s,\"began\":\"%.*s\",\"hash\":\"%s\",\"who\":",
	    c->number, change_fate_name(c->fate), boots ? "true" : "false", (int)when_show(c->began_us, 0, began),
	    began, c->hash);
	buf_add_json(out, c->who);
	buf_add(out, STR(",\"from\":"));
	buf_add_json(out, c->from);
	buf_add(out, STR(",\"why\":"));
	buf_add_json(out, c->why);
	buf_add(out, STR("}\n"));
}

static void
history_row(const struct term *t, const struct change *c, bool boots, struct buf *out)
{
	char began[40], number[16];
	size_t n = when_show(c->began_us - c->began_us % WHEN_SECOND, 0, began);

	snprintf(number, sizeof(number), "%s%u", boots ? "*" : " ", c->number);
	term_cell(t, out, str_z(number), 6);
	term_cell(t, out, str_of(began, n), 22);
	term_cell(t, out, str_z(change_fate_name(c->fate)), 13);
	term_cell(t, out, c->who, 12);
	term_cell(t, out, c->from, 24);
	term_text(t, out, c->why, 60);
	buf_add_byte(out, '\n');
}

static int
list(const struct options *o, struct history *h, const char *path)
{
	struct buf out = BUF_INIT(1u << 20);
	struct term t;

	term_init(&t, stdout, o->plain);
	if (!o->json && h->book.nchanges > 0)
		term_ink(&t, &out, INK_DIM, _("number began                fate         who         from                    "
					      "end (* boots)\n"));
	for (uint32_t i = h->book.nchanges; i-- > 0;) {
		const struct change *c = &h->book.changes[i];
		bool boots = c->number == h->book.boots;

		if (o->json)
			history_json(c, boots, &out);
		else
			history_row(&t, c, boots, &out);
	}
	if (!o->json && h->book.nchanges == 0)
		buf_addf(&out, _("nothing is held for %s yet\n"), path);
	term_flush(&t, &out);
	buf_free(&out);
	return EXIT_CLEAN;
}

int
command_history(const struct options *o)
{
	return with_history(o, HISTORY_LOOK, list);
}

static int
generation_text(const struct history *h, const char *word, struct buf *out)
{
	struct loaded l = { 0 };
	char held[PATH_MAX];
	uint64_t number;
	int rc = -ENOENT;

	if (text_u64(str_z(word), &number) == 0 && number <= UINT32_MAX && change_of(&h->book, (uint32_t)number))
		rc = history_path(h, (uint32_t)number, held, sizeof(held));
	else
		complain(_("guarita: there is no generation %s; guarita history lists them\n"), word);
	if (rc == 0) {
		rc = loaded_read(&l, held);
		if (rc == 0)
			loaded_text(&l, out);
		loaded_free(&l);
	}
	return rc;
}

static int
compare(const struct options *o, struct history *h, const char *path)
{
	struct buf a = BUF_INIT(BUNDLE_MAX), b = BUF_INIT(BUNDLE_MAX);
	int rc = generation_text(h, o->args[0], &a);

	if (rc == 0 && o->nargs == 2)
		rc = generation_text(h, o->args[1], &b);
	if (rc == 0 && o->nargs == 1) {
		struct loaded l;

		rc = loaded_read(&l, path);
		if (rc == 0)
			loaded_text(&l, &b);
		loaded_free(&l);
	}
	if (rc == 0 && show_differences(o, buf_str(&a), buf_str(&b), AROUND_MAX) == 0)
		printf(_("no difference\n"));
	buf_free(&a);
	buf_free(&b);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

int
command_compare(const struct options *o)
{
	return with_history(o, HISTORY_LOOK, compare);
}
