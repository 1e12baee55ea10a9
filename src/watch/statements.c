/*
 * statements: `decoder` blocks into decoders and lines. Rows say which words are known; every fault is reported at
 * its place, and a faulty line is left out so that the rest can still be checked.
 */
#include "watch/statements.h"

#include <errno.h>

#include "watch/engine.h"

struct taking {
	struct load *l;
	struct decoder *d;
	const struct conf_stmt *stmt;
	struct line *line;             /* while in the block of a line */
	struct str service;
	bool programs_said, failed;
};

/* Room for one more of an array that doubles; NULL without memory. */
static void *
grow(struct arena *a, void *v, uint32_t n, uint32_t *size, size_t each)
{
	void *more;

	if (n < *size)
		return v;
	more = arena_array(a, *size ? *size * 2 : 8, each);
	if (more) {
		if (n)
			memcpy(more, v, n * each);
		*size = *size ? *size * 2 : 8;
	}
	return more;
}

static void
fault(struct taking *t, const struct conf_word *w, const char *hint, const char *what)
{
	diag_error(t->l->d, w->pos, (uint32_t)w->text.n, hint, "'%.*s' %s", STR_FMT(w->text), what);
}

static struct str
lower_copy(struct arena *a, struct str s)
{
	char *p = arena_strdup(a, s);

	for (size_t i = 0; p && i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	return str_of(p, p ? s.n : 0);
}

static void
take_program(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct arena *a = &t->l->rs->arena;

	t->programs_said = true;
	t->d->programs = ARENA_ARRAY(a, struct str, s->nwords);
	for (uint32_t i = 1; t->d->programs && i < s->nwords; i++) {
		struct str name = lower_copy(a, s->words[i].text);

		if (str_eq(name, STR("any")) || str_eq(name, STR("none"))) {
			*(name.p[0] == 'a' ? &t->d->any : &t->d->none) = true;
			continue;
		}
		if (name.n && name.p[0] == '/')
			name = str_from(name, str_rfind(name, STR("/")) + 1);
		t->d->programs[t->d->nprograms++] = name;
	}
}

static void
take_file(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->d->files = ARENA_ARRAY(&t->l->rs->arena, struct str, s->nwords);
	for (uint32_t i = 1; t->d->files && i < s->nwords; i++)
		t->d->files[t->d->nfiles++] = s->words[i].text;
}

static void
take_service(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->service = conf_arg(s, 1);
}

static void
take_caseless(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	((struct taking *)ctx)->d->caseless = true;
}

static void
take_guess(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->d->guess = true;
	t->d->last = s->nwords > 1;
	if (t->d->last && !str_eq(conf_arg(s, 1), STR("last")))
		fault(t, &s->words[1], "`guess;` or `guess last;`", "is not known here");
}

static void
set_form(struct taking *t, const struct conf_stmt *s, enum form form)
{
	if (t->d->form != FORM_TEXT)
		fault(t, &s->words[0], "a decoder has one form", "follows another form");
	t->d->form = form;
}

static void
take_json(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	set_form(ctx, s, FORM_JSON);
}

static void
take_kv(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	set_form(ctx, s, FORM_KV);
}

static void
take_cef(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	set_form(ctx, s, FORM_CEF);
}

static void
take_data(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	set_form(ctx, s, FORM_DATA);
}

static void
take_prose(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	(void)d;
	set_form(ctx, s, FORM_PROSE);
}

static void
take_columns(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	set_form(ctx, s, FORM_COLUMNS);
}

static void
take_csv(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	uint16_t *columns = ARENA_ARRAY(&t->l->rs->arena, uint16_t, s->nwords);

	set_form(t, s, FORM_CSV);
	for (uint32_t i = 1; columns && i < s->nwords; i++)
		columns[i - 1] = str_eq(s->words[i].text, STR("-")) ? FIELD_NONE : load_field(t->l, &s->words[i]);
	t->d->columns = columns;
	t->d->ncolumns = s->nwords - 1;
}

static void
take_need(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct condition *more, *conds;
	uint32_t n;

	if (conditions_compile(t->l, s, 1, &conds, &n) < 0)
		return;
	more = ARENA_ARRAY(&t->l->rs->arena, struct condition, t->d->nneeds + n);
	if (!more)
		return;
	if (t->d->nneeds)
		memcpy(more, t->d->needs, t->d->nneeds * sizeof(*more));
	memcpy(more + t->d->nneeds, conds, n * sizeof(*more));
	t->d->needs = more;
	t->d->nneeds += n;
}

/* The block of a line. */

static void
add_constant(struct taking *t, uint16_t field, struct str text)
{
	struct line *line = t->line;
	struct constant *more = ARENA_ARRAY(&t->l->rs->arena, struct constant, line->nconstants + 1);

	if (!more)
		return;
	if (line->nconstants)
		memcpy(more, line->constants, line->nconstants * sizeof(*more));
	more[line->nconstants++] = (struct constant){ field, text };
	line->constants = more;
}

static void
take_set(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	uint16_t field;

	if (str_eq(conf_arg(s, 1), STR("odd"))) {
		t->line->odd_ok = true;
		return;
	}
	field = load_field(t->l, &s->words[1]);
	if (field != FIELD_NONE)
		add_constant(t, field, s->words[2].text);
}

static void
take_map(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct arena *a = &t->l->rs->arena;
	struct mapping *more = ARENA_ARRAY(a, struct mapping, t->line->nmaps + 1);
	uint16_t *from = ARENA_ARRAY(a, uint16_t, s->nwords);
	uint16_t field = load_field(t->l, &s->words[1]);

	if (!str_eq(conf_arg(s, 2), STR("from"))) {
		fault(t, &s->words[2], "write `map FIELD from KEY, KEY;`", "was not expected");
		return;
	}
	if (!more || !from || field == FIELD_NONE)
		return;
	for (uint32_t i = 3; i < s->nwords; i++)
		from[i - 3] = load_field(t->l, &s->words[i]);
	if (t->line->nmaps)
		memcpy(more, t->line->maps, t->line->nmaps * sizeof(*more));
	more[t->line->nmaps++] = (struct mapping){ field, from, s->nwords - 3 };
	t->line->maps = more;
}

static void
take_drop(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	uint16_t *more = ARENA_ARRAY(&t->l->rs->arena, uint16_t, t->line->ndrops + s->nwords);

	if (!more)
		return;
	if (t->line->ndrops)
		memcpy(more, t->line->drops, t->line->ndrops * sizeof(*more));
	for (uint32_t i = 1; i < s->nwords; i++)
		more[t->line->ndrops++] = load_field(t->l, &s->words[i]);
	t->line->drops = more;
}

static void
take_when(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct condition *more, *conds;
	uint32_t n;

	if (conditions_compile(t->l, s, 1, &conds, &n) < 0)
		return;
	more = ARENA_ARRAY(&t->l->rs->arena, struct condition, t->line->nwhen + n);
	if (!more)
		return;
	if (t->line->nwhen)
		memcpy(more, t->line->when, t->line->nwhen * sizeof(*more));
	memcpy(more + t->line->nwhen, conds, n * sizeof(*more));
	t->line->when = more;
	t->line->nwhen += n;
}

static void
take_refine(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct line_refine *more = ARENA_ARRAY(&t->l->rs->arena, struct line_refine, t->line->nrefines + 1);
	struct line_refine refine = { .kind = load_kind(t->l, &s->words[1]) };
	struct condition *conds;

	if (!str_eq(conf_arg(s, 2), STR("when"))) {
		fault(t, &s->words[2], "write `refine KIND when FIELD OP VALUE;`", "was not expected");
		return;
	}
	if (conditions_compile(t->l, s, 3, &conds, &refine.nwhen) < 0 || refine.kind == KIND_NONE || !more)
		return;
	refine.when = conds;
	if (t->line->nrefines)
		memcpy(more, t->line->refines, t->line->nrefines * sizeof(*more));
	more[t->line->nrefines++] = refine;
	t->line->refines = more;
}

static void
take_hostile(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	((struct taking *)ctx)->line->verdict = VERDICT_HOSTILE;
}

static void
take_benign(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	((struct taking *)ctx)->line->verdict = VERDICT_BENIGN;
}

static void
take_on(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;

	t->line->on = load_field(t->l, &s->words[1]);
}

static void
take_line_caseless(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	((struct taking *)ctx)->line->pattern.nocase = true;
}

static const struct conf_row line_rows[] = {
	{ "set", 2, 2, CONF_NO_BLOCK, false, take_set, "a constant field", "set method pam;" },
	{ "map", 3, UINT16_MAX, CONF_NO_BLOCK, false, take_map, "a field from the first key that says something",
	    "map src from client_ip, remote_addr;" },
	{ "drop", 1, UINT16_MAX, CONF_NO_BLOCK, false, take_drop, "fields not worth keeping", "drop res, terminal;" },
	{ "when", 2, UINT16_MAX, CONF_NO_BLOCK, false, take_when, "a condition that must hold", "when status is 404;" },
	{ "refine", 4, UINT16_MAX, CONF_NO_BLOCK, false, take_refine, "another kind when a condition holds",
	    "refine http.not_found when status is 404;" },
	{ "hostile", 0, 0, CONF_NO_BLOCK, true, take_hostile, "hostile whatever the kind says", "hostile;" },
	{ "benign", 0, 0, CONF_NO_BLOCK, true, take_benign, "not hostile whatever the kind says", "benign;" },
	{ "on", 1, 1, CONF_NO_BLOCK, true, take_on, "the pattern is for this field's text", "on msg;" },
	{ "caseless", 0, 0, CONF_NO_BLOCK, true, take_line_caseless, "literals match without case", "caseless;" },
};

static struct line *
new_line(struct taking *t)
{
	struct decoders *all = t->l->rs->decoders;
	struct line *v = grow(&t->l->rs->trees, all->lines, all->nlines, &all->lines_size, sizeof(*v));

	if (!v)
		return NULL;
	all->lines = v;
	v = &all->lines[all->nlines];
	*v = (struct line){ .decoder = all->ndecoders, .on = FIELD_NONE, .guess = t->d->guess };
	return v;
}

static bool
conditions_read(const struct condition *c, uint32_t n, uint16_t field)
{
	for (uint32_t i = 0; i < n; i++)
		if (c[i].field == field || c[i].other == field)
			return true;
	return false;
}

static bool
line_reads(const struct line *line, uint16_t field)
{
	for (uint32_t i = 0; i < line->nmaps; i++)
		for (uint32_t k = 0; k < line->maps[i].nfrom; k++)
			if (line->maps[i].from[k] == field)
				return true;
	for (uint32_t i = 0; i < line->nrefines; i++)
		if (conditions_read(line->refines[i].when, line->refines[i].nwhen, field))
			return true;
	return conditions_read(line->when, line->nwhen, field);
}

/* What is dropped without being asked for need not be stored at all: such keys stand first. */
static void
sort_drops(struct line *line)
{
	uint16_t *drops = line->drops;

	for (uint32_t i = 0; i < line->ndrops; i++) {
		uint16_t field = drops[i];

		if (line_reads(line, field))
			continue;
		drops[i] = drops[line->nunread];
		drops[line->nunread++] = field;
		line->unread |= UINT64_C(1) << (field % 64);
	}
}

/* `set service` in a line is more exact than the decoder's. */
static bool
sets_service(const struct line *line)
{
	for (uint32_t i = 0; i < line->nconstants; i++)
		if (line->constants[i].field == FIELD_service)
			return true;
	return false;
}

static void
take_line(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct line *line = new_line(t);
	size_t errors = diags_errors(d);

	if (!line)
		return;
	t->line = line;
	line->where = s->words[0].pos;
	line->kind = load_kind(t->l, &s->words[1]);
	if (s->nwords == 2 && t->d->form == FORM_TEXT)
		fault(t, &s->words[0], "write `line KIND 'pattern';`, or name the form above the lines: json; kv; cef;",
		    "needs a pattern");
	conf_walk(s->child, line_rows, ARRAY_LEN(line_rows), t, d);
	if (t->service.p && !sets_service(line))
		add_constant(t, FIELD_service, t->service);
	if (s->nwords == 3 && pattern_compile(t->l, &s->words[2], line->pattern.nocase || t->d->caseless,
	    &line->pattern) < 0)
		return;
	if (line->on != FIELD_NONE && s->nwords == 2)
		fault(t, &s->words[0], NULL, "with `on` needs a pattern");
	if (diags_errors(d) > errors)
		return;
	sort_drops(line);
	t->l->rs->decoders->nlines++;
	t->d->nlines++;
}

static void
take_sample(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct taking *t = ctx;
	struct decoders *all = t->l->rs->decoders;
	struct sample *v = grow(&t->l->rs->trees, all->samples, all->nsamples, &all->samples_size, sizeof(*v));

	if (!v)
		return;
	all->samples = v;
	v[all->nsamples++] = (struct sample){ .stmt = s, .decoder = all->ndecoders };
}

static const struct conf_row rows[] = {
	{ "program", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_program, "whose messages these are",
	    "program sshd, \"postfix/*\";" },
	{ "file", 1, UINT16_MAX, CONF_NO_BLOCK, true, take_file, "names of files whose lines name no program",
	    "file \"vsftpd.log*\";" },
	{ "service", 1, 1, CONF_NO_BLOCK, true, take_service, "field `service` of every line", "service ssh;" },
	{ "caseless", 0, 0, CONF_NO_BLOCK, true, take_caseless, "literals match without case", "caseless;" },
	{ "guess", 0, 1, CONF_NO_BLOCK, true, take_guess, "generic: tried late, its records are not sure", "guess;" },
	{ "json", 0, 0, CONF_NO_BLOCK, true, take_json, "messages are JSON objects", "json;" },
	{ "kv", 0, 0, CONF_NO_BLOCK, true, take_kv, "messages are key=value pairs", "kv;" },
	{ "cef", 0, 0, CONF_NO_BLOCK, true, take_cef, "messages are CEF or LEEF", "cef;" },
	{ "data", 0, 0, CONF_NO_BLOCK, true, take_data, "the structured data of RFC 5424", "data;" },
	{ "prose", 0, 0, CONF_NO_BLOCK, true, take_prose, "what words say, in any order", "prose;" },
	{ "columns", 0, 0, CONF_NO_BLOCK, true, take_columns, "columns named by a #Fields line", "columns;" },
	{ "csv", 1, CSV_COLUMNS_MAX, CONF_NO_BLOCK, true, take_csv, "comma separated values", "csv time, src, user;" },
	{ "need", 2, UINT16_MAX, CONF_NO_BLOCK, false, take_need, "a cheap test before any line is tried",
	    "need type is USER_AUTH;" },
	{ "line", 1, 2, CONF_MAY_BLOCK, false, take_line, "a pattern and what it means",
	    "line auth.fail 'Failed <method:word> for <user> from <src> port <src_port>';" },
	{ "sample", 3, UINT16_MAX, CONF_MAY_BLOCK, false, take_sample, "a message and what it must give",
	    "sample 'Server listening on 0.0.0.0 port 22.' is daemon.info;" },
};

static bool
needs_need(const struct decoder *d)
{
	return d->any && (d->form == FORM_JSON || d->form == FORM_KV || d->form == FORM_DATA);
}

static void
check_decoder(struct taking *t)
{
	bool quick = !needs_need(t->d);

	for (uint32_t i = 0; i < t->d->nneeds; i++) {
		enum condition_op op = t->d->needs[i].op;

		quick |= op == CONDITION_IS || op == CONDITION_HAS || op == CONDITION_STARTS || op == CONDITION_EXISTS;
	}
	if (!quick)
		fault(t, &t->stmt->words[1], "add `need KEY is VALUE;`", "takes lines of any program by their form: it needs a test");
}

static void
check_name(struct taking *t)
{
	const struct decoders *all = t->l->rs->decoders;

	for (uint32_t i = all->ndecoders; i-- > 0 && all->decoders[i].where.file == t->d->where.file;)
		if (str_eq(all->decoders[i].name, t->d->name))
			fault(t, &t->stmt->words[1], "one block holds all lines of a decoder", "is here twice");
}

void
decoder_take(struct load *l, const struct conf_stmt *s)
{
	struct decoders *all = l->rs->decoders;
	struct decoder *v = grow(&l->rs->trees, all->decoders, all->ndecoders, &all->decoders_size, sizeof(*v));
	struct taking t = { .l = l, .stmt = s };

	if (!v)
		return;
	if (s->nwords != 2 || !s->block) {
		diag_error(l->d, s->words[0].pos, 7, "write `decoder NAME { ... }`", "a decoder needs a name and a block");
		return;
	}
	all->decoders = v;
	v += all->ndecoders;
	*v = (struct decoder){ .name = arena_str(&l->rs->arena, conf_arg(s, 1)), .where = s->words[1].pos,
	    .first_line = all->nlines };
	t.d = v;
	check_name(&t);
	conf_walk(s->child, rows, ARRAY_LEN(rows), &t, l->d);
	v->any |= !t.programs_said;
	check_decoder(&t);
	all->ndecoders++;
}

/* An array that grew among the trees, in its own size where it stays. */
static void *
settle(struct load *l, const void *v, uint32_t n, size_t each)
{
	void *kept = arena_array(&l->rs->arena, n, each);

	if (kept && n)
		memcpy(kept, v, n * each);
	return kept;
}

int
statements_settle(struct load *l)
{
	struct decoders *all = l->rs->decoders;
	struct line *lines = settle(l, all->lines, all->nlines, sizeof(*lines));
	struct decoder *decoders = settle(l, all->decoders, all->ndecoders, sizeof(*decoders));

	if (!lines || !decoders)
		return -ENOMEM;
	all->lines = lines;
	all->decoders = decoders;
	all->lines_size = all->nlines;
	all->decoders_size = all->ndecoders;
	return 0;
}
