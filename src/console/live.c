/* live: the commands that speak with a running Guarita: watch, status, reload, stop; and run, which starts one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "console/command.h"
#include "console/i18n.h"
#include "console/remote.h"
#include "console/term.h"
#include "wire/json.h"

#define OBJECT_ITEMS_MAX 4096u

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
	struct buf out = BUF_INIT(1u << 20);
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
	buf_addf(&out, " %-7.*s ", STR_FMT(change));
	term_ink(t, &out, INK_BOLD, "%.*s", STR_FMT(member(o, "incident")));
	buf_add(&out, STR("  "));
	term_text(t, &out, member(o, "why"), t->columns > 60 ? 2 * t->columns : 80);
	buf_add_byte(&out, '\n');
	term_flush(t, &out);
	buf_free(&out);
	object_free(o);
}

int
command_watch(const struct options *o)
{
	struct remote r;
	struct str line;
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
		fwrite(line.p, 1, line.n, stdout);
		putchar('\n');
		fflush(stdout);
	}
	remote_close(&r);
	if (rc < 0)
		fprintf(stderr, _("guarita: watch: %s\n"), strerror(-rc));
	else
		fprintf(stderr, _("guarita: Guarita has stopped.\n"));
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
		fwrite(line.p, 1, line.n, stdout);
		putchar('\n');
	}
	if (rc > 0)
		answer = object_read(line);
	if (rc <= 0 || !answer) {
		fprintf(stderr, _("guarita: %s: %s\n"), command, rc < 0 ? strerror(-rc) : _("no answer"));
		rc = EXIT_FAILED;
	} else if (str_eq(member(answer, "type"), STR("error"))) {
		fprintf(stderr, "guarita: %s: %.*s\n", command, STR_FMT(member(answer, "error")));
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

/* A table: the columns that are named, for as many rows as the array has. */
struct column {
	const char *member, *title;
	unsigned width;
};

static void
show_table(const struct term *t, struct buf *out, const struct object *o, const char *array, const char *title,
    const struct column *columns, size_t n)
{
	unsigned rows = 0;

	while (cell(o, array, rows, columns[0].member).n > 0)
		rows++;
	if (rows == 0)
		return;
	term_ink(t, out, INK_BOLD, "%s\n", title);
	buf_add(out, STR("  "));
	for (size_t c = 0; c < n; c++) {
		term_cell(t, out, str_z(_(columns[c].title)), columns[c].width);
		buf_add_byte(out, ' ');
	}
	buf_add_byte(out, '\n');
	for (unsigned i = 0; i < rows; i++) {
		buf_add(out, STR("  "));
		for (size_t c = 0; c < n; c++) {
			term_cell(t, out, cell(o, array, i, columns[c].member), columns[c].width);
			buf_add_byte(out, ' ');
		}
		buf_add_byte(out, '\n');
	}
}

static void
show_status(const struct term *t, const struct object *o)
{
	static const struct column roles[] = {
		{ "name", N_("process"), 9 }, { "state", N_("state"), 9 }, { "pid", N_("pid"), 7 },
		{ "restarts", N_("restarts"), 8 }, { "user", N_("user"), 9 }, { "caps", N_("capabilities"), 18 },
		{ "landlock", N_("landlock"), 14 }, { "seccomp", N_("seccomp"), 12 },
	};
	static const struct column sources[] = {
		{ "name", N_("source"), 40 }, { "lines", N_("lines"), 12 }, { "bytes", N_("bytes"), 14 },
		{ "lost", N_("lost"), 9 }, { "kernel_drops", N_("kernel drops"), 12 }, { "cut", N_("cut"), 6 },
	};
	struct buf out = BUF_INIT(1u << 20);

	buf_addf(&out, "%.*s  %.*s\n", STR_FMT(member(o, "site")), STR_FMT(member(o, "message")));
	show_table(t, &out, o, "roles", _("Processes and what each really may"), roles, ARRAY_LEN(roles));
	show_table(t, &out, o, "sources", _("Sources"), sources, ARRAY_LEN(sources));
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
			execl(path, "guaritad", o->args[0], (char *)NULL);
	}
	execlp("guaritad", "guaritad", o->args[0], (char *)NULL);
	fprintf(stderr, _("guarita: guaritad cannot be started: %s\n"), strerror(errno));
	return EXIT_FAILED;
}
