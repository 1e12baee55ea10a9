/* scene: see scene.h. */
#include "scene.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define EPOCH (INT64_C(1750000000) * WHEN_SECOND)

struct scene *
scene_new(const char *rules)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct rules_text text;
	struct ruleset_cache cache = { 0 };
	struct buf fresh = BUF_INIT(256u << 20);
	int rc;

	assert_non_null(s);
	snprintf(s->rules, sizeof(s->rules), "%s", rules);
	text = (struct rules_text){ .name = STR("scene.rules"), .text = str_z(s->rules) };
	cache.ret_fresh = &fresh;
	s->diags = diags_new();
	s->extra = BUF_INIT(1u << 20);
	s->closed = BUF_INIT(16u << 20);
	s->told = calloc(SCENE_MAX, sizeof(*s->told));
	s->lines = calloc(SCENE_MAX, sizeof(*s->lines));
	rc = ruleset_load(&text, 1, &cache, s->diags, &s->rs);
	if (rc < 0) {
		struct buf out = BUF_INIT(1u << 20);

		diags_show(s->diags, &out);
		fail_msg("rules do not load (%d):\n%s", rc, buf_cstr(&out));
	}
	buf_free(&fresh);
	s->opts = (struct correlate_opts){ .lateness_us = 60 * WHEN_SECOND, .hash_seed = 42 };
	return s;
}

void
scene_free(struct scene *s)
{
	correlator_free(s->c);
	ruleset_free(s->rs);
	diags_free(s->diags);
	buf_free(&s->extra);
	buf_free(&s->closed);
	free(s->told);
	free(s->lines);
	free(s);
}

static void
take_word(struct scene *s, struct scene_line *l, struct str word)
{
	size_t eq = str_find_byte(word, '=');
	struct str value = str_from(word, eq + 1), name = str_head(word, eq);
	struct slot at = { .off = (uint32_t)(value.p - l->text), .len = (uint32_t)value.n };
	uint64_t n;

	if (str_eq(word, STR("guess"))) {
		l->guess = true;
	} else if (eq == word.n) {
		assert_true(word.p[0] == 'x');
		assert_int_equal(text_u64(str_from(word, 1), &n), 0);
		l->repeat = (uint32_t)n;
	} else if (str_eq(name, STR("host"))) {
		l->host = at;
	} else if (str_eq(name, STR("program"))) {
		l->program = at;
	} else if (str_eq(name, STR("pid"))) {
		assert_int_equal(text_u64(value, &n), 0);
		l->pid = (int64_t)n;
	} else {
		l->fields[l->n++] = (struct field){ .key = fields_intern(s->rs->fields, name),
		    .at = at };
	}
}

static void
take_line(struct scene *s, struct str text)
{
	struct scene_line *l = &s->lines[s->n];
	struct str rest, word;

	assert_true(s->n < SCENE_MAX && text.n < sizeof(l->text));
	*l = (struct scene_line){ .ref = ++s->n, .pid = -1, .repeat = 1 };
	memcpy(l->text, text.p, text.n);
	rest = str_of(l->text, text.n);
	assert_true(str_word(&rest, &word));
	l->time_us = EPOCH + (int64_t)(strtod(word.p, NULL) * 1e6 + 0.5);
	assert_true(str_word(&rest, &word));
	l->kind = kinds_find(s->rs->kinds, word);
	if (l->kind == KIND_NONE)
		fail_msg("no kind %.*s", STR_FMT(word));
	while (str_word(&rest, &word))
		take_word(s, l, word);
}

void
scene_lines(struct scene *s, const char *text)
{
	struct str rest = str_z(text), line;

	while (str_split(&rest, '\n', &line)) {
		if (str_trim(line).n)
			take_line(s, str_trim(line));
	}
}

static void
show(struct scene *s, const struct incident *i, struct buf *out)
{
	buf_addf(out, "%s src=%.*s user=%.*s sev=%s count=%llu refs=", rule_name(s->rs, i->rule),
	    STR_FMT(i->src),
	    STR_FMT(i->user), severity_name(i->severity), (unsigned long long)i->count);
	for (size_t k = 0; k < i->nproofs; k++)
		buf_addf(out, "%s%llu%s", k ? "," : "", (unsigned long long)i->proofs[k].ref,
		    i->proofs[k].context ? "c" : "");
	buf_add(out, i->sure ? STR_NULL : STR(" unsure"));
}

static void
on_incident(void *ctx, const struct incident *i, enum incident_change change)
{
	struct scene *s = ctx;
	struct buf line = BUF_INIT(1u << 20);
	struct told *t;

	show(s, i, &line);
	assert_true(s->ntold < SCENE_MAX);
	t = &s->told[s->ntold++];
	*t = (struct told){ .id = i->id, .into = i->into, .change = change };
	snprintf(t->text, sizeof(t->text), "%s | %.*s", buf_cstr(&line), STR_FMT(i->why));
	assert_true(i->nproofs <= INCIDENT_PROOF_MAX);
	for (size_t k = 1; k < i->nproofs; k++)
		assert_true(i->proofs[k - 1].time_us <= i->proofs[k].time_us);
	if (change == INCIDENT_CLOSED) {
		buf_add(&s->closed, buf_str(&line));
		buf_add_byte(&s->closed, '\n');
	}
	buf_free(&line);
}

static void
on_mark(void *ctx, uint64_t ref, uint16_t kind)
{
	struct scene *s = ctx;

	/* Larger ones come only from states that were damaged on purpose. */
	if (ref < SCENE_MAX)
		s->marked[ref] = kind == KIND_NONE ? UINT16_MAX : kind + 1u;
}

static uint64_t
id_of(void *ctx, const struct incident *i, enum incident_change change)
{
	struct scene *s = ctx;
	uint64_t id = s->known_id;

	assert_int_equal(i->id, 0);
	assert_true(change == INCIDENT_OPENED || change == INCIDENT_CLOSED);
	s->known_id = 0;
	return id;
}

static void
make(struct scene *s, struct correlator **ret)
{
	struct correlate_calls calls = { .ctx = s, .on_incident = on_incident, .on_mark = on_mark, .id_of = id_of };

	assert_int_equal(correlator_new(s->rs, &s->opts, &calls, ret), 0);
}

void
scene_begin(struct scene *s)
{
	correlator_free(s->c);
	buf_reset(&s->closed);
	s->ntold = 0;
	memset(s->marked, 0, sizeof(s->marked));
	make(s, &s->c);
}

void
scene_play(struct scene *s, size_t i)
{
	const struct scene_line *l = &s->lines[i];
	struct record r;

	record_begin(&r, str_z(l->text), &s->extra, l->time_us);
	r.time_us = l->time_us;
	r.ref = l->ref;
	r.kind = l->kind;
	r.hostile = kinds_row(s->rs->kinds, l->kind)->hostile;
	r.sure = !l->guess;
	r.repeat = l->repeat;
	r.pid = l->pid;
	r.host = l->host;
	r.program = l->program;
	for (uint16_t k = 0; k < l->n; k++)
		assert_true(record_set(&r, l->fields[k].key, l->fields[k].at, 0));
	correlate(s->c, &r);
}

void
scene_advance(struct scene *s, double seconds)
{
	correlate_advance(s->c, EPOCH + (int64_t)(seconds * 1e6));
}

static int
by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

const char *
scene_end(struct scene *s)
{
	struct str lines[2048], rest, line;
	struct buf sorted = BUF_INIT(16u << 20);
	size_t n = 0;

	correlate_finish(s->c);
	rest = buf_str(&s->closed);
	while (str_split(&rest, '\n', &line)) {
		assert_true(n < ARRAY_LEN(lines));
		if (line.n)
			lines[n++] = line;
	}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++) {
		buf_add(&sorted, lines[i]);
		buf_add_byte(&sorted, '\n');
	}
	buf_free(&s->closed);
	s->closed = sorted;
	return buf_cstr(&s->closed);
}

const char *
scene_run(struct scene *s)
{
	scene_begin(s);
	for (size_t i = 0; i < s->n; i++) {
		correlate_advance(s->c, s->lines[i].time_us);
		scene_play(s, i);
	}
	return scene_end(s);
}

void
scene_restart(struct scene *s)
{
	struct buf state = BUF_INIT(64u << 20);
	struct correlator *fresh;

	assert_int_equal(correlate_save(s->c, &state), 0);
	make(s, &fresh);
	assert_int_equal(correlate_load(fresh, buf_str(&state)), 0);
	correlator_free(s->c);
	s->c = fresh;
	buf_free(&state);
}

size_t
scene_told(const struct scene *s, enum incident_change change)
{
	size_t n = 0;

	for (size_t i = 0; i < s->ntold; i++)
		n += s->told[i].change == change;
	return n;
}
