/* live: the commands that speak with a running Guarita: watch, status, reload, stop; and run, which starts one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"
#include "console/command.h"
#include "console/i18n.h"
#include "console/remote.h"
#include "console/term.h"
#include "wire/json.h"

#define OBJECT_ITEMS_MAX 4096u
#define HEAD_COLUMNS 42u           /* of a live incident, before its kind and what happened */
#define NAME_LEAST 20u             /* columns of a source's name in a table */
#define NAME_MOST 44u

/* One JSON object, flattened: "roles.0.name" to its text. */
struct object {
	struct arena arena;
	struct str keys[OBJECT_ITEMS_MAX], values[OBJECT_ITEMS_MAX];
	uint32_t n;
	struct strmap map;
};

static bool
on_item(void *ctx, const struct json_item *item)
{
	struct object *o = ctx;
	struct buf text = BUF_INIT(1u << 20);

	if (o->n == OBJECT_ITEMS_MAX)
		return false;
	json_unescape(item->value, &text);
	o->keys[o->n] = arena_str(&o->arena, item->key);
	o->values[o->n] = arena_str(&o->arena, buf_str(&text));
	buf_free(&text);
	return strmap_put(&o->map, o->keys[o->n], o->n) == 0 && ++o->n > 0;
}

static struct object *
object_read(struct str line)
{
	struct object *o = calloc(1, sizeof(*o));

	if (o && json_walk(line, on_item, o, NULL) < 0)
		o->n = 0;
	return o;
}

static void
object_free(struct object *o)
{
	if (!o)
		return;
	strmap_free(&o->map);
	arena_free(&o->arena);
	free(o);
}

static struct str
member(const struct object *o, const char *key)
{
	uint32_t at = strmap_get(&o->map, str_z(key));

	return at == STRMAP_NONE ? STR_NULL : o->values[at];
}

/* Member `name` of row i of the array `array`. */
static struct str
cell(const struct object *o, const char *array, unsigned i, const char *name)
{
	char key[128];

	snprintf(key, sizeof(key), "%s.%u.%s", array, i, name);
	return member(o, key);
}

static enum ink
severity_ink(struct str word)
{
	if (str_eq(word, STR("critical")) || str_eq(word, STR("high")))
		return INK_RED;
	return str_eq(word, STR("medium")) ? INK_YELLOW : INK_CYAN;
}

static void
show_incident(const struct term *t, struct str line)
{
	struct buf out = BUF_INIT(1u << 20), why = BUF_INIT(1u << 16);
	struct object *o = object_read(line);
	struct str when, severity, change;

	if (!o)
		return;
	when = member(o, "last");
	severity = member(o, "severity");
	change = member(o, "change");
	if (o->n == 0 || !str_eq(member(o, "type"), STR("incident")) || str_eq(change, STR("grew"))) {
		object_free(o);
		return;
	}
	term_text(t, &out, str_head(when, 19), 19);
	buf_add_byte(&out, ' ');
	term_ink(t, &out, severity_ink(severity), "%-8.*s", STR_FMT(severity));
	buf_addf(&out, " %-9.*s ", STR_FMT(change));
	term_ink(t, &out, INK_BOLD, "%.*s", STR_FMT(member(o, "incident")));
	/* What does not fit beside the head stands below it. */
	term_text(t, &why, member(o, "why"), 4 * t->columns);
	if (HEAD_COLUMNS + member(o, "incident").n + utf8_columns(buf_str(&why)) < t->columns) {
		buf_addf(&out, "  %.*s\n", STR_FMT(buf_str(&why)));
	} else {
		buf_add_byte(&out, '\n');
		term_wrap(t, &out, buf_str(&why), 4);
	}
	term_flush(t, &out);
	buf_free(&out);
	buf_free(&why);
	object_free(o);
}

int
command_watch(const struct options *o)
{
	struct remote r;
	struct str line = STR_NULL;
	struct term t;
	int rc = remote_open(&r, o->control);

	if (rc < 0)
		return EXIT_FAILED;
	term_init(&t, stdout, o->plain);
	rc = remote_ask(&r, "watch");
	while (rc == 0 && (rc = remote_line(&r, &line)) > 0) {
		rc = 0;
		if (!o->json) {
			show_incident(&t, line);
			continue;
		}
		(void)out_write(stdout, line);
		putchar('\n');
		fflush(stdout);
	}
	remote_close(&r);
	if (rc < 0)
		complain(_("guarita: watch: %s\n"), strerror(-rc));
	else
		complain(_("guarita: Guarita has stopped.\n"));
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}

/* Asks one thing and hands the answer to show; an answer of type "error" is a failure. */
static int
ask(const struct options *o, const char *command, void (*show)(const struct term *t, const struct object *answer))
{
	struct object *answer = NULL;
	struct remote r;
	struct str line;
	struct term t;
	int rc = remote_open(&r, o->control);

	if (rc < 0)
		return EXIT_FAILED;
	term_init(&t, stdout, o->plain);
	rc = remote_ask(&r, command);
	if (rc == 0)
		rc = remote_line(&r, &line);
	if (rc > 0 && o->json) {
		(void)out_write(stdout, line);
		putchar('\n');
	}
	if (rc > 0)
		answer = object_read(line);
	if (rc <= 0 || !answer) {
		complain(_("guarita: %s: %s\n"), command, rc < 0 ? strerror(-rc) : _("no answer"));
		rc = EXIT_FAILED;
	} else if (str_eq(member(answer, "type"), STR("error"))) {
		complain("guarita: %s: %.*s\n", command, STR_FMT(member(answer, "error")));
		rc = EXIT_FAILED;
	} else {
		if (!o->json)
			show(&t, answer);
		rc = EXIT_CLEAN;
	}
	object_free(answer);
	remote_close(&r);
	return rc;
}

static void
show_done(const struct term *t, const struct object *answer)
{
	fprintf(t->file, "%.*s\n", STR_FMT(member(answer, "message")));
}

static void
add_cell(struct buf *out, const struct term *t, struct str text, size_t columns)
{
	term_cell(t, out, text, columns);
	buf_add_byte(out, ' ');
}

/* "groups=missing(ENOENT) landlock=applied ..." as what is in force, and what is not with its reason. */
static void
show_sandbox(const struct term *t, struct buf *out, struct str steps)
{
	struct buf applied = BUF_INIT(4096), missing = BUF_INIT(4096), wrapped = BUF_INIT(8192);
	struct str step;

	buf_add(&applied, str_z(_("rights taken away:")));
	buf_add(&missing, str_z(_("could not take away:")));
	size_t none = missing.n;
	while (str_word(&steps, &step)) {
		size_t eq = str_find_byte(step, '=');
		bool done = str_eq(str_from(step, eq + 1), STR("applied"));

		buf_addf(done ? &applied : &missing, " %.*s", STR_FMT(done ? str_head(step, eq) : step));
	}
	term_wrap(t, out, buf_str(&applied), 4);
	if (missing.n > none) {
		term_wrap(t, &wrapped, buf_str(&missing), 4);
		term_ink(t, out, INK_YELLOW, "%.*s", STR_FMT(buf_str(&wrapped)));
	}
	buf_free(&applied);
	buf_free(&missing);
	buf_free(&wrapped);
}

static void
show_role(const struct term *t, struct buf *out, const struct object *o, unsigned i)
{
	struct str state = cell(o, "roles", i, "state"), rss = cell(o, "roles", i, "rss");
	bool running = str_eq(state, STR("running"));
	char size[32] = "";
	uint64_t bytes;

	if (text_u64(rss, &bytes) == 0)
		text_show_size(bytes, size, sizeof(size));
	buf_add(out, STR("  "));
	add_cell(out, t, cell(o, "roles", i, "name"), 9);
	term_ink(t, out, running ? INK_GREEN : str_eq(state, STR("not needed")) ? INK_DIM : INK_RED, "%-10.*s ",
	    STR_FMT(state));
	if (running) {
		add_cell(out, t, cell(o, "roles", i, "pid"), 7);
		add_cell(out, t, cell(o, "roles", i, "uid"), 6);
		add_cell(out, t, cell(o, "roles", i, "capabilities"), 17);
		add_cell(out, t, cell(o, "roles", i, "crashes"), 7);
		add_cell(out, t, str_z(size), 9);
	}
	buf_add_byte(out, '\n');
	if (running)
		show_sandbox(t, out, cell(o, "roles", i, "sandbox"));
}

static void
show_roles(const struct term *t, struct buf *out, const struct object *o)
{
	static const struct { const char *title; unsigned width; } heads[] = {
		{ N_("process"), 9 }, { N_("state"), 10 }, { N_("pid"), 7 }, { N_("uid"), 6 },
		{ N_("capabilities"), 17 }, { N_("crashes"), 7 }, { N_("memory"), 9 },
	};

	term_ink(t, out, INK_BOLD, "%s\n  ", _("Processes, and what each really has"));
	for (size_t k = 0; k < ARRAY_LEN(heads); k++)
		add_cell(out, t, str_z(_(heads[k].title)), heads[k].width);
	buf_add_byte(out, '\n');
	for (unsigned i = 0; cell(o, "roles", i, "name").n > 0; i++)
		show_role(t, out, o, i);
}

static struct str
yes_or_no(struct str value)
{
	if (str_eq(value, STR("true")))
		return str_z(_("yes"));
	return str_eq(value, STR("false")) ? str_z(_("no")) : value;
}

/* Rows of an array inside a role's own status, all their members by name. */
static void
show_rows(const struct term *t, struct buf *out, const struct object *o, unsigned role, const char *array,
    const char *title, const char *const *members, size_t n)
{
	size_t room = t->columns > 11 * n + 4 ? t->columns - 11 * n - 4 : 0;
	size_t width = room < NAME_LEAST ? NAME_LEAST : room > NAME_MOST ? NAME_MOST : room;
	char base[64];

	snprintf(base, sizeof(base), "roles.%u.status.%s", role, array);
	if (cell(o, base, 0, "name").n == 0)
		return;
	term_ink(t, out, INK_BOLD, "%s\n  ", title);
	add_cell(out, t, STR(""), width);
	for (size_t k = 0; k < n; k++)
		add_cell(out, t, str_z(_(members[k])), 10);
	buf_add_byte(out, '\n');
	for (unsigned i = 0; cell(o, base, i, "name").n > 0; i++) {
		buf_add(out, STR("  "));
		add_cell(out, t, cell(o, base, i, "name"), width);
		for (size_t k = 0; k < n; k++)
			add_cell(out, t, yes_or_no(cell(o, base, i, members[k])), 10);
		buf_add_byte(out, '\n');
	}
}

static void
show_totals(const struct term *t, struct buf *out, const struct object *o, unsigned role)
{
	static const char *const totals[] = {
		N_("lines"), N_("decoded"), N_("undecoded"), N_("lost"), N_("cut"), N_("incidents"), N_("keys"),
		N_("keys_evicted"), N_("late"), N_("archive_lost"), N_("unread_bytes"),
	};
	char base[64];
	bool any = false;

	for (size_t k = 0; k < ARRAY_LEN(totals); k++) {
		struct str value;

		snprintf(base, sizeof(base), "roles.%u.status.%s", role, totals[k]);
		value = member(o, base);
		if (value.n == 0)
			continue;
		if (!any)
			term_ink(t, out, INK_BOLD, "%.*s:", STR_FMT(cell(o, "roles", role, "name")));
		any = true;
		buf_addf(out, " %.*s %s,", STR_FMT(value), _(totals[k]));
	}
	if (any) {
		out->n--;
		buf_add_byte(out, '\n');
	}
}

static void
show_status(const struct term *t, const struct object *o)
{
	static const char *const sources[] = { N_("dropped"), N_("refused"), N_("broken"), N_("peers"), N_("silent") };
	static const char *const feeds[] = { N_("lines"), N_("bytes"), N_("lost"), N_("cut") };
	struct buf out = BUF_INIT(1u << 20);

	buf_addf(&out, _("%.*s, Guarita %.*s, running since %.*s\n"), STR_FMT(member(o, "site")),
	    STR_FMT(member(o, "version")), STR_FMT(str_head(member(o, "since"), 19)));
	if (member(o, "reload").n > 0)
		buf_addf(&out, _("last reload: %.*s\n"), STR_FMT(member(o, "reload")));
	show_roles(t, &out, o);
	for (unsigned i = 0; cell(o, "roles", i, "name").n > 0; i++) {
		show_rows(t, &out, o, i, "sources", _("Sources"), sources, ARRAY_LEN(sources));
		show_rows(t, &out, o, i, "feeds", _("Feeds"), feeds, ARRAY_LEN(feeds));
	}
	for (unsigned i = 0; cell(o, "roles", i, "name").n > 0; i++)
		show_totals(t, &out, o, i);
	term_flush(t, &out);
	buf_free(&out);
}

int
command_status(const struct options *o)
{
	return ask(o, "status", show_status);
}

int
command_reload(const struct options *o)
{
	return ask(o, "reload", show_done);
}

int
command_stop(const struct options *o)
{
	return ask(o, "stop", show_done);
}

/* The supervisor beside this program (a build tree), else the installed one. */
int
command_run(const struct options *o)
{
	char self[4096], path[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		snprintf(path, sizeof(path), "%.*s/guaritad", slash ? (int)(slash - self) : 0, self);
		if (access(path, X_OK) == 0)
			execl(path, "guaritad", "--config", o->args[0], (char *)NULL);
	}
	execlp("guaritad", "guaritad", "--config", o->args[0], (char *)NULL);
	complain(_("guarita: guaritad cannot be started: %s\n"), strerror(errno));
	return EXIT_FAILED;
}
