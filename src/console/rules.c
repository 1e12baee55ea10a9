/* rules: `guarita rules list|test|show`: what is in the rule set, read from the files themselves. */
#include <errno.h>
#include <stdio.h>

#include "console/command.h"
#include "console/engine.h"
#include "console/i18n.h"
#include "console/term.h"

struct entry {                       /* one top-level statement with a name */
	struct str what, name, title;
	struct str file;
	uint32_t line, last_line;
	size_t patterns, samples;
};

struct listing {
	struct engine engine;
	struct arena trees;
	struct entry *rows;
	size_t n;
};

static bool
named(const struct conf_stmt *s)
{
	static const struct str words[] = {
		{ "decoder", 7 }, { "rule", 4 }, { "refine", 6 }, { "join", 4 }, { "list", 4 }, { "kind", 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (s->nwords > 1 && str_eq(s->words[0].text, words[i]))
			return true;
	}
	return false;
}

static struct entry
entry_of(const struct conf_stmt *s, struct str file)
{
	struct entry e = { .what = conf_arg(s, 0), .name = conf_arg(s, 1), .file = file,
		.line = s->words[0].pos.line, .last_line = s->next ? s->next->words[0].pos.line - 1 : UINT32_MAX };

	for (const struct conf_stmt *c = s->child; c; c = c->next) {
		struct str word = conf_arg(c, 0);

		e.patterns += str_eq(word, STR("line")) || str_eq(word, STR("to"));
		e.samples += str_eq(word, STR("sample"));
		if (str_eq(word, STR("title")))
			e.title = conf_arg(c, 1);
	}
	return e;
}

static int
read_listing(struct listing *l, const struct options *o)
{
	size_t room = 0;
	int rc;

	*l = (struct listing){ 0 };
	rc = engine_read(&l->engine, o->rules);
	if (rc < 0) {
		complain(_("guarita: the rules in %s cannot be read: %s\n"),
		    l->engine.dir ? l->engine.dir : "?", strerror(-rc));
		return rc;
	}
	for (size_t i = 0; i < l->engine.nfiles; i++) {
		const struct rules_text *t = &l->engine.files[i];
		uint16_t file = diags_file(l->engine.diags, t->name, t->text);
		struct conf_stmt *s = conf_parse(&l->trees, l->engine.diags, file, t->text);

		for (; s; s = s->next) {
			if (!named(s))
				continue;
			if (l->n == room) {
				struct entry *grown = ARENA_ARRAY(&l->trees, struct entry, room ? room * 2 : 256);

				if (!grown)
					return -ENOMEM;
				if (l->n > 0)
					memcpy(grown, l->rows, l->n * sizeof(*grown));
				l->rows = grown;
				room = room ? room * 2 : 256;
			}
			l->rows[l->n++] = entry_of(s, t->name);
		}
	}
	return 0;
}

static void
listing_free(struct listing *l)
{
	engine_close(&l->engine);
	arena_free(&l->trees);
}

static struct str
base_name(struct str path)
{
	for (size_t i = path.n; i > 0; i--) {
		if (path.p[i - 1] == '/')
			return str_from(path, i);
	}
	return path;
}

static void
show_row(const struct term *t, const struct entry *e, bool json, struct buf *out)
{
	if (json) {
		buf_add(out, STR("{\"type\":"));
		buf_add_json(out, e->what);
		buf_add(out, STR(",\"name\":"));
		buf_add_json(out, e->name);
		buf_add(out, STR(",\"title\":"));
		buf_add_json(out, e->title);
		buf_add(out, STR(",\"file\":"));
		buf_add_json(out, e->file);
		buf_addf(out, ",\"line\":%u,\"patterns\":%zu,\"samples\":%zu}\n", e->line, e->patterns, e->samples);
		return;
	}
	term_cell(t, out, e->what, 8);
	buf_add_byte(out, ' ');
	term_cell(t, out, e->name, 28);
	buf_add_byte(out, ' ');
	if (e->title.n > 0)
		term_text(t, out, e->title, 44);
	else
		buf_addf(out, _("%zu patterns, %zu samples"), e->patterns, e->samples);
	buf_add_byte(out, ' ');
	term_ink(t, out, INK_DIM, "%.*s:%u", STR_FMT(base_name(e->file)), e->line);
	buf_add_byte(out, '\n');
}

int
command_rules_list(const struct options *o)
{
	struct buf out = BUF_INIT(16u << 20);
	struct listing l;
	struct term t;
	struct str word = o->nargs ? str_z(o->args[0]) : STR_NULL;
	int rc = read_listing(&l, o);

	term_init(&t, stdout, o->plain);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		const struct entry *e = &l.rows[i];

		if (word.n == 0 || str_find_nocase(e->name, word) < e->name.n ||
		    str_find_nocase(e->title, word) < e->title.n || str_eq(e->what, word))
			show_row(&t, e, o->json, &out);
	}
	term_flush(&t, &out);
	buf_free(&out);
	listing_free(&l);
	return rc == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

/* The lines of the file from the statement on, up to the next one, without the comments that belong to that. */
static void
print_block(const struct listing *l, const struct entry *e)
{
	struct str rest = STR_NULL, line;
	struct buf block = BUF_INIT(4u << 20);
	size_t keep = 0;

	for (size_t i = 0; i < l->engine.nfiles; i++) {
		if (str_eq(l->engine.files[i].name, e->file))
			rest = l->engine.files[i].text;
	}
	for (uint32_t n = 1; n <= e->last_line && str_split(&rest, '\n', &line); n++) {
		struct str trimmed = str_trim(line);

		if (n < e->line)
			continue;
		buf_add(&block, line);
		buf_add_byte(&block, '\n');
		if (trimmed.n > 0 && trimmed.p[0] != '#')
			keep = block.n;
	}
	printf("# %.*s:%u\n", STR_FMT(e->file), e->line);
	(void)out_write(stdout, str_head(buf_str(&block), keep));
	buf_free(&block);
}

int
command_rules_show(const struct options *o)
{
	struct listing l;
	struct str name = str_z(o->args[0]), *names, near;
	bool any = false;
	int rc = read_listing(&l, o);

	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		if (str_eq(l.rows[i].name, name)) {
			print_block(&l, &l.rows[i]);
			any = true;
		}
	}
	if (rc == 0 && !any) {
		names = ARENA_ARRAY(&l.trees, struct str, l.n + 1);
		for (size_t i = 0; names && i < l.n; i++)
			names[i] = l.rows[i].name;
		near = names ? text_nearest(name, names, l.n) : STR_NULL;
		complain(_("guarita: no decoder or rule is called \"%s\""), o->args[0]);
		if (near.n > 0)
			complain(_("; did you mean \"%.*s\"?"), STR_FMT(near));
		complain("\n");
	}
	listing_free(&l);
	return any ? EXIT_CLEAN : EXIT_FAILED;
}

int
command_rules_test(const struct options *o)
{
	struct buf text = BUF_INIT(4u << 20);
	struct engine e;
	size_t failed, run = 0;

	if (command_engine(&e, o) < 0)
		return EXIT_FAILED;
	failed = ruleset_test(e.rules, e.diags, &run);
	diags_show(e.diags, &text);
	(void)out_write(stdout, buf_str(&text));
	printf(_("%zu samples: %zu passed, %zu failed\n"), run, run - failed, failed);
	buf_free(&text);
	engine_close(&e);
	return failed ? EXIT_FAILED : EXIT_CLEAN;
}
