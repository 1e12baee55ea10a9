/*
 * samples: the messages that decoders carry, decoded by the whole engine and compared with what they promise. What
 * came out instead, or how far the nearest pattern came, is told at the sample. Changes nothing in the set.
 */
#include "watch/samples.h"

#include <errno.h>
#include <stdlib.h>

#include "event/lens.h"
#include "watch/engine.h"

struct expected {                      /* sample 'text' [program P] [file F] is KIND [hostile|benign] { ... } */
	struct str text, program, file;
	const struct conf_word *kind, *verdict;
	const struct conf_stmt *fields;
};

struct testing {
	const struct ruleset *rs;
	struct diags *d;
	struct decode_work *w;
	struct zone_book *zones;
	struct buf extra;
	struct record r;
	size_t run, failed;
	bool *hit;                     /* by line; NULL: nobody asks */
	struct decode_try nearest;     /* of the pattern that came furthest */
	struct buf wanted;
};

static void
fault(struct testing *t, const struct conf_word *w, const char *hint, const char *what)
{
	diag_error(t->d, w->pos, w->text.n ? (uint32_t)w->text.n : 1, hint, "%s", what);
	t->failed++;
}

/* Reads the words; false when they are not in order. */
static bool
read_words(struct testing *t, const struct conf_stmt *s, struct expected *ret)
{
	struct expected e = { .text = conf_arg(s, 1), .fields = s->child };
	uint32_t i = 2;

	for (; i + 1 < s->nwords && !str_eq(s->words[i].text, STR("is")); i += 2) {
		if (str_eq(s->words[i].text, STR("program")))
			e.program = s->words[i + 1].text;
		else if (str_eq(s->words[i].text, STR("file")))
			e.file = s->words[i + 1].text;
		else
			break;
	}
	if (i + 1 >= s->nwords || !str_eq(s->words[i].text, STR("is"))) {
		fault(t, &s->words[0], "sample 'message' [program NAME] [file NAME] is KIND [hostile|benign] { FIELD VALUE; }",
		    "this sample does not say what it is");
		return false;
	}
	e.kind = &s->words[i + 1];
	e.verdict = i + 2 < s->nwords ? &s->words[i + 2] : NULL;
	if (e.verdict && !str_eq(e.verdict->text, STR("hostile")) && !str_eq(e.verdict->text, STR("benign"))) {
		fault(t, e.verdict, "hostile or benign", "was not expected here");
		return false;
	}
	*ret = e;
	return true;
}

#define SAMPLE_TIME INT64_C(1767225600000000)   /* "now" for lines without a year; any fixed time does */

/* The program that a head would have named; empty when the sample is a whole line. */
static struct str
program_of(const struct expected *e, const struct decoder *d)
{
	if (e->program.p || e->file.p || d->any || d->nprograms == 0)
		return e->program;
	if (str_ends(d->programs[0], STR("/*")))
		return str_head(d->programs[0], d->programs[0].n - 1);
	return d->programs[0];
}

/* The record as the lens makes it of a whole line, or would have made it of a line with a head. */
static void
make_record(struct testing *t, const struct expected *e, struct str text, const struct decoder *d)
{
	struct lens_opts opts = { .place = e->file.p ? e->file : STR(""), .anchor_us = SAMPLE_TIME };
	struct str program = program_of(e, d);
	struct lens *lens;

	record_begin(&t->r, text, &t->extra, SAMPLE_TIME);
	t->r.source = (uint32_t)t->run;        /* each sample is a source of its own */
	t->r.message = (struct slot){ .off = 0, .len = (uint32_t)text.n };
	if (program.n) {
		t->r.dialect = DIALECT_RFC3164;
		buf_add(&t->extra, program);
		t->r.program = (struct slot){ .off = (uint32_t)t->r.raw.n, .len = (uint32_t)program.n };
		return;
	}
	lens = lens_new(t->zones, &opts);
	if (!lens)
		return;
	lens_sniff(lens, text);
	lens_read(lens, &t->r);
	lens_free(lens);
}

/* A sample may have header lines before the line that counts, parted by \n. */
static void
decode_sample(struct testing *t, const struct expected *e, const struct decoder *d)
{
	struct decode_route route;
	struct str rest = e->text, line;

	decode_route(t->rs, e->file.p ? e->file : STR(""), &route);
	while (str_split(&rest, '\n', &line)) {
		make_record(t, e, line, d);
		decode_routed(t->rs, t->w, &route, &t->r);
	}
}

static void
keep_nearest(void *ctx, const struct decode_try *try)
{
	struct testing *t = ctx;

	if (t->nearest.pattern.p && try->stopped_at.n >= t->nearest.stopped_at.n)
		return;
	t->nearest = *try;
	buf_reset(&t->wanted);
	buf_add(&t->wanted, try->wanted);
}

/* Nothing matched: decodes again and says which pattern came furthest. */
static void
say_nearest(struct testing *t, const struct expected *e, const struct decoder *d, const struct conf_word *at)
{
	struct buf text = BUF_INIT(4096);

	t->nearest = (struct decode_try){ 0 };
	t->w->on_try = keep_nearest;
	t->w->on_try_ctx = t;
	decode_sample(t, e, d);
	t->w->on_try = NULL;
	if (t->nearest.pattern.p) {
		buf_addf(&text, "'%.*s' (line %u) stopped at '", STR_FMT(str_head(t->nearest.pattern, 200)),
		    t->nearest.where.line);
		buf_add_escaped(&text, str_head(t->nearest.stopped_at, 80));
		buf_addf(&text, "' and wanted '%.*s'", STR_FMT(buf_str(&t->wanted)));
	} else {
		buf_add(&text, STR("no pattern begins like it"));
	}
	fault(t, at, buf_cstr(&text), "no line matches this sample");
	buf_free(&text);
}

static void
say_difference(struct testing *t, const struct conf_word *at, const char *what, struct str got, struct str wanted)
{
	struct buf text = BUF_INIT(4096), hint = BUF_INIT(4096);

	buf_addf(&text, "%s is '", what);
	buf_add_escaped(&text, str_head(got, 300));
	buf_add(&text, STR("' instead of '"));
	buf_add_escaped(&text, str_head(wanted, 300));
	buf_add_byte(&text, '\'');
	if (t->w->hit)
		buf_addf(&hint, "the line that took it: %.*s:%u",
		    STR_FMT(diags_file_name(t->d, t->w->hit->where.file)), t->w->hit->where.line);
	fault(t, at, buf_cstr(&hint), buf_cstr(&text));
	buf_free(&text);
	buf_free(&hint);
}

static void
check_absent(struct testing *t, const struct conf_stmt *s)
{
	for (uint32_t i = 1; i < s->nwords; i++) {
		uint16_t key = fields_find(t->rs->fields, s->words[i].text);

		if (key != FIELD_NONE && record_field(&t->r, key))
			say_difference(t, &s->words[i], "it should be absent; it", record_value(&t->r, key), STR(""));
	}
}

static void
check_field(struct testing *t, const struct conf_stmt *s)
{
	uint16_t key = fields_find(t->rs->fields, s->words[0].text);
	struct str got = key == FIELD_NONE ? STR_NULL : record_value(&t->r, key);
	struct buf what = BUF_INIT(256);

	if (got.p && str_eq(got, conf_arg(s, 1)))
		return;
	buf_addf(&what, "field %.*s", STR_FMT(str_head(s->words[0].text, 100)));
	if (got.p)
		say_difference(t, &s->words[0], buf_cstr(&what), got, conf_arg(s, 1));
	else
		say_difference(t, &s->words[0], buf_cstr(&what), STR("(absent)"), conf_arg(s, 1));
	buf_free(&what);
}

static void
check(struct testing *t, const struct expected *e)
{
	struct str kind = kinds_row(t->rs->kinds, t->r.kind)->name;

	if (!str_eq(kind, e->kind->text)) {
		say_difference(t, e->kind, "the kind", kind, e->kind->text);
		return;
	}
	if (e->verdict && t->r.hostile != str_eq(e->verdict->text, STR("hostile")))
		say_difference(t, e->verdict, "the verdict", t->r.hostile ? STR("hostile") : STR("benign"),
		    e->verdict->text);
	for (const struct conf_stmt *s = e->fields; s; s = s->next) {
		if (str_eq(s->words[0].text, STR("absent")) && s->nwords > 1)
			check_absent(t, s);
		else
			check_field(t, s);
	}
}

static void
run_sample(struct testing *t, const struct sample *s)
{
	const struct decoder *d = &t->rs->decoders->decoders[s->decoder];
	size_t failed = t->failed;
	struct expected e;

	t->run++;
	if (!read_words(t, s->stmt, &e)) {
		t->failed = failed + 1;
		return;
	}
	decode_sample(t, &e, d);
	if (t->hit && t->w->hit)
		t->hit[t->w->hit - t->rs->decoders->lines] = true;
	if (t->r.kind == KIND_unknown && !str_eq(e.kind->text, STR("unknown")))
		say_nearest(t, &e, d, &s->stmt->words[1]);
	else
		check(t, &e);
	if (t->failed > failed)
		t->failed = failed + 1;
}

static size_t
run_all(const struct ruleset *rs, struct diags *d, bool *hit, size_t *ret_run)
{
	struct testing t = { .rs = rs, .d = d, .w = decode_work_new(rs), .zones = zone_book_new(0), .hit = hit,
	    .extra = BUF_INIT(RECORD_EXTRA_MAX), .wanted = BUF_INIT(4096) };

	if (!t.w || !t.zones) {
		diag_error(d, (struct conf_pos){ 0 }, 1, NULL, "no memory to run the samples");
		t.failed = 1;
	}
	for (uint32_t i = 0; t.w && t.zones && i < rs->decoders->nsamples; i++)
		run_sample(&t, &rs->decoders->samples[i]);
	decode_work_free(t.w);
	zone_book_free(t.zones);
	buf_free(&t.extra);
	buf_free(&t.wanted);
	*ret_run = t.run;
	return t.failed;
}

size_t
decoders_test(const struct ruleset *rs, struct diags *d, size_t *ret_run)
{
	return run_all(rs, d, NULL, ret_run);
}

size_t
decoders_unproved(const struct ruleset *rs, struct diags *d)
{
	const struct decoders *all = rs->decoders;
	bool *hit = calloc(all->nlines ? all->nlines : 1, sizeof(*hit));
	struct diags *quiet = diags_new();
	size_t run, n = 0;

	if (hit && quiet) {
		run_all(rs, quiet, hit, &run);
		for (uint32_t i = 0; i < all->nlines; i++) {
			if (hit[i])
				continue;
			diag_warn(d, all->lines[i].where, 4, NULL, "no sample reaches this line");
			n++;
		}
	}
	free(hit);
	diags_free(quiet);
	return n;
}
